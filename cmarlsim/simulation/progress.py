"""How far long work has come, for users of the library who ask for it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from cmarlsim.errors import ArgumentError

Progress = Callable[[int], object]
"""Called with the number of rollouts just done; the work ends early where it returns False."""

EVERY = 10.0
"""Seconds between two lines, where a line cannot be written over."""


class TextProgress:
    """Shows progress on stderr: a line that is written over, or where that cannot be, a line now and then.

    Parameters
    ----------
    label
        What is being done.
    total
        Number of parts that it has.
    """

    def __init__(self, label: str, total: int) -> None:
        self._label, self._total, self.done = label, total, 0
        self._over = sys.stderr.isatty() or "ipykernel" in sys.modules
        self._began = self._shown = time.monotonic()
        self._first: tuple[int, float] | None = None

    def __call__(self, done: int) -> bool:
        """Note that `done` more parts are done."""
        now, self.done = time.monotonic(), self.done + done
        self._first = self._first or (
            self.done,
            now,
        )  # the first call may be about work of an earlier process
        finished = self.done >= self._total
        if self._over or finished or now - self._shown >= EVERY:
            begin, end = ("\r", "\n" if finished else "") if self._over else ("", "\n")
            print(f"{begin}{self._line(now):<70}", end=end, file=sys.stderr, flush=True)
            self._shown = now
        return True

    def _line(self, now: float) -> str:
        share = self.done / max(self._total, 1)
        parts, seconds = self._first or (0, now)
        left = (now - seconds) / max(self.done - parts, 1) * (self._total - self.done)
        time_left = f", {left:.0f} s left" if self.done > parts and left > 0 else ""
        return f"{self._label}: {share:4.0%} after {now - self._began:.0f} s{time_left}"


def shown(progress: Progress | bool | None, label: str, total: int) -> Progress:
    """What to call, where a user gave `progress`: True for `TextProgress`.

    Raises
    ------
    ArgumentError
        If it can be neither called nor is a Boolean.
    """
    if progress is True:
        return TextProgress(label, total)
    if not progress:
        return lambda done: True
    if not callable(progress):
        raise ArgumentError("progress", progress, "must be True, False or a function to be called")
    return progress
