"""What long work says of itself where there is no terminal to draw a bar on."""

from __future__ import annotations

import sys
import time
from datetime import timedelta

FIRST_SECONDS = 2.0
"""Work that takes no longer says nothing."""

EVERY_SECONDS = 10.0


class ProgressLines:
    """Lines on stderr: the part that is done, how long that took, and how long the rest takes at this rate.

    The rate is measured since the line before. For the first line it is measured since the first piece of
    work was done, so that what went before it, such as compiling, does not count.

    Parameters
    ----------
    label : str
        What is being done.
    total : int or None
        Pieces of work in all, if that is known.
    """

    def __init__(self, label: str, total: int | None) -> None:
        self._label, self._total, self._done = label, total, 0
        self._begun = time.monotonic()
        self._due = self._begun + FIRST_SECONDS
        self._since: tuple[float, int] | None = None

    def advance(self, count: int, note: str = "") -> None:
        """Count pieces of work that are done; prints a line if one is due."""
        now = time.monotonic()
        self._done += count
        if self._since is None and count:
            self._since = now, self._done
        if now < self._due:
            return
        parts = (self._part(), f"{_clock(now - self._begun)} so far", self._left(now), note)
        print(f"{self._label}: {', '.join(part for part in parts if part)}", file=sys.stderr, flush=True)
        self._due = now + EVERY_SECONDS
        if self._since and self._since[1] < self._done:
            self._since = now, self._done

    def _part(self) -> str:
        return f"{self._done:,} done" if not self._total else f"{100 * self._done // self._total} %"

    def _left(self, now: float) -> str:
        """How long the rest takes; nothing if no rate is known yet."""
        if not (self._total and self._since and self._since[1] < self._done):
            return ""
        seconds, pieces = now - self._since[0], self._done - self._since[1]
        return f"about {_clock((self._total - self._done) * seconds / pieces)} left"


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
