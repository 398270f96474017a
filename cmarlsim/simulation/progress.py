"""How far long work has come, where no terminal draws a bar."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from cmarlsim.errors import ArgumentError

Progress = Callable[[int], object]
"""Called with the number of rollouts just done; the work ends early where it returns False."""

FIRST_SECONDS, EVERY_SECONDS = 2.0, 10.0
"""When the first line is printed, and how long after each the next, where a line cannot be written over."""


class TextProgress:
    """Shows progress on stderr: a line that is written over, or where that cannot be, a line now and then.

    It tells the part that is done, how long that took, and how long the rest takes at the rate of the last
    seconds. What went before the first piece of work, such as compiling, does not count for the rate.

    Parameters
    ----------
    label : str
        What is being done.
    total : int or None
        Pieces of work in all, if that is known.
    """

    def __init__(self, label: str, total: int | None) -> None:
        self._label, self._total, self._done = label, total, 0
        self._over = sys.stderr.isatty() or "ipykernel" in sys.modules
        self._begun = time.monotonic()
        self._due = self._begun + FIRST_SECONDS
        self._since: tuple[float, int] | None = None
        self._turn = threading.Lock()

    def __call__(self, count: int, note: str = "") -> bool:
        """Count pieces of work that were just done, and print a line if one is due; from any thread."""
        with self._turn:
            self._tell(count, note)
        return True

    def _tell(self, count: int, note: str) -> None:
        now = time.monotonic()
        self._done += count
        if self._since is None and count:
            self._since = now, self._done
        due = now >= self._due
        if self._over:
            end = "\n" if self._done == self._total else ""
            print(f"\r{self._line(now, note):<78}", end=end, file=sys.stderr, flush=True)
        elif due:
            print(self._line(now, note), file=sys.stderr, flush=True)
        if due:
            self._due = now + EVERY_SECONDS
            if self._since and self._since[1] < self._done:
                self._since = now, self._done

    def _line(self, now: float, note: str) -> str:
        part, left = f"{self._done:,} done", ""
        if self._total:
            part = f"{100 * self._done // self._total} %"
            if self._since and self._since[1] < self._done:
                seconds, pieces = now - self._since[0], self._done - self._since[1]
                left = f"about {clock((self._total - self._done) * seconds / pieces)} left"
        parts = (part, f"{clock(now - self._begun)} so far", left, note)
        return f"{self._label}: {', '.join(filter(None, parts))}"


def clock(seconds: float) -> str:
    """Seconds as hours, minutes and seconds."""
    return str(timedelta(seconds=round(seconds)))


def shown(progress: Progress | bool | None, label: str, total: int) -> Progress:
    """What to call, where a user gave `progress`: True for `TextProgress`.

    Raises
    ------
    ArgumentError
        If it can be neither called nor is a Boolean.
    """
    if progress is True:
        return TextProgress(label, total)
    if progress is None or progress is False:
        return lambda done: True
    if not callable(progress):
        raise ArgumentError("progress", progress, "must be True, False or a function to be called")
    return progress
