"""Ctrl-C where nothing can be lost; imports little, to be of use before the rest is imported."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Let Ctrl-C end the process with one line, where an exception would show imports or wait for threads."""
    before = signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end(number: int, frame: FrameType | None) -> None:
    os.write(sys.stderr.fileno(), b"stopped\n")
    os._exit(128 + number)
