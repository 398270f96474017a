"""A line now and then while nothing else shows that a command works."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.text import Text

from cmarlsim.simulation.progress import EVERY_SECONDS, FIRST_SECONDS, Progress, clock

_POLL_SECONDS = 0.5

_shown: list[Progress] = []
"""What shows the work that is done now, the innermost last; called with 0, it says so if that is due."""


@contextmanager
def watched_work(label: str) -> Iterator[None]:
    """Have a thread look, as long as a command lasts, whether it is time to say that it works.

    The thread is told to end and waited for before anything else can be printed.
    """
    ended = threading.Event()

    def watch() -> None:
        with suppress(OSError, ValueError):  # nobody reads what is said
            while not ended.wait(_POLL_SECONDS):
                _shown[-1](0)

    watcher = threading.Thread(target=watch, daemon=True)
    with showing(_lines(label)):
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()


@contextmanager
def showing(progress: Progress) -> Iterator[None]:
    """Within it, `progress` is what shows that work goes on."""
    _shown.append(progress)
    try:
        yield
    finally:
        _shown.remove(progress)


def _lines(label: str) -> Progress:
    """What says by a line that work goes on; after a while in which something else did, not at once."""
    begun = asked = time.monotonic()
    due = begun + FIRST_SECONDS

    def tell(done: int) -> None:
        nonlocal asked, due
        now = time.monotonic()
        if now - asked > 3 * _POLL_SECONDS:
            due = now + FIRST_SECONDS
        asked = now
        if now >= due:
            due = now + EVERY_SECONDS
            print(f"{label}: {clock(now - begun)} so far", file=sys.stderr, flush=True)

    return tell


@contextmanager
def waiting(label: str) -> Iterator[None]:
    """Show that something goes on: on a terminal at once, elsewhere by a line if it takes long."""
    console = Console(stderr=True)
    if not console.is_terminal:
        with showing(_lines(label)):
            yield
        return
    with showing(lambda done: None), console.status(Text(label)):
        yield
