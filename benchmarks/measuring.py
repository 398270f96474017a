"""Timing in turn, for scripts, and tables in Markdown.

A shared machine is fast one minute and slow the next: what is compared runs in turn, round by round, and what
counts are medians of the rounds, of ratios too. It is processor time, without that of others in between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from cmarlsim.kernels.world import Floats

Measured = dict[str, Floats]
Work = Callable[[], Callable[[], Any]]
"""Called before each round, not timed; what it returns is timed."""


def in_processes(measure: Callable[[], Measured], processes: int) -> Measured:
    """What `measure` returns in several fresh processes, one after the other, joined along the last axis.

    Processes differ by up to a fourth, each all the way through: where code and arrays lie in memory matters.
    """
    found: list[Measured] = []
    for _ in range(processes):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            found.append(pool.submit(measure).result())
    return {name: np.concatenate([part[name] for part in found], axis=-1) for name in found[0]}


def in_turn(works: Sequence[Work], rounds: int) -> Floats:
    """Processor seconds of every work in every round, (rounds, works), after one that does not count."""
    seconds = np.empty((rounds + 1, len(works)))
    for row in seconds:
        for i, work in enumerate(works):
            run = work()
            start = time.process_time()
            run()
            row[i] = time.process_time() - start
    return seconds[1:]


def markdown(head: str, align: str, rows: Sequence[Sequence[str]]) -> str:
    """Table with the cells of `head`, separated by bars, and a letter of `align` (l or r) for each column."""
    rules = ["---:" if letter == "r" else "---" for letter in align]
    lines = [head.split("|"), rules, *rows]
    return "\n".join("| " + " | ".join(cell.strip() for cell in line) + " |" for line in lines) + "\n"


def digits(value: float) -> str:
    """Three significant digits, no exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.{max(0, 2 - int(np.floor(np.log10(value))))}f}"


def replace_between(path: Path, name: str, text: str) -> None:
    """Put `text` between the comments ``<!-- NAME begins -->`` and ``<!-- NAME ends -->`` of a file.

    Raises
    ------
    SystemExit
        If the file does not have them.
    """
    begin, end = f"<!-- {name} begins -->\n", f"<!-- {name} ends -->"
    before, found, rest = path.read_text("utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{path}: has no lines {begin.strip()} and {end}")
    path.write_text(before + begin + text + end + after, "utf-8")
