"""Timing in turn, and the table at the end.

A shared machine is fast one minute and slow the next. So every round runs the rival and then the engine, and
what counts is the median of the rounds' ratios.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sides import Row, Side

collect_ignore_glob = [
    "rivals/*",
    *(path.name for path in Path(__file__).parent.glob("[!t]*.py")),
    "training*",
]
"""Not tests: the suite's doctests are looked for in every file otherwise."""

ROUNDS = 7
ROWS: list[Row] = []


@pytest.fixture
def in_turn(benchmark: Any) -> Callable[[str, Side, Side], None]:
    """``in_turn(team, engine, rival)``: time both, round by round; the engine's times enter the JSON file.

    Its ``extra_info`` holds steps per second of both (medians), and the median, smallest and largest ratio.
    """

    def in_turn(team: str, engine: Side, rival: Side) -> None:
        rival_seconds = []

        def rival_first() -> tuple[tuple[Callable[[], Any]], dict[str, Any]]:
            ours, theirs = engine.work(), rival.work()
            start = time.perf_counter()
            theirs()
            rival_seconds.append(time.perf_counter() - start)
            return (ours,), {}

        benchmark.pedantic(lambda work: work(), setup=rival_first, rounds=ROUNDS)
        if benchmark.disabled:
            return
        fast = [engine.steps / seconds for seconds in benchmark.stats.stats.data]
        slow = [rival.steps / seconds for seconds in rival_seconds]
        ratios = [ours / theirs for ours, theirs in zip(fast, slow, strict=True)]
        engine_speed, rival_speed, ratio = (statistics.median(values) for values in (fast, slow, ratios))
        benchmark.extra_info.update(
            engine_steps_per_second=engine_speed,
            rival=rival.name,
            rival_steps_per_second=rival_speed,
            ratio=ratio,
            ratio_smallest=min(ratios),
            ratio_largest=max(ratios),
        )
        ROWS.append(Row(team, engine.name, engine_speed, rival.name, rival_speed, ratio))

    return in_turn


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the comparisons as a table."""
    if not ROWS:
        return
    terminalreporter.section("steps per second, medians of rounds in turn")
    terminalreporter.write_line("| team | engine | steps/s | rival | steps/s | ratio |")
    terminalreporter.write_line("|---|---|---:|---|---:|---:|")
    for row in ROWS:
        cells = (f"{cell:,.0f}" if isinstance(cell, float) else cell for cell in row)
        terminalreporter.write_line(f"| {' | '.join(cells)} |")
