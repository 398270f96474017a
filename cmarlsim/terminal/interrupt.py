"""Ctrl-C ends a command soon, with one line; imports little, to be of use before the rest is imported."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from contextlib import contextmanager, suppress

TYPE_CHECKING = False  # typing.TYPE_CHECKING, which would be there two milliseconds later
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import Event
    from types import FrameType
    from typing import Any, ClassVar

STOPPED = 128 + signal.SIGINT
"""Exit code of a command that was stopped by a signal."""

_GRACE_SECONDS = 1.0
"""So long may what was interrupted take to tidy up."""

_POLL_SECONDS = 0.3
"""So often it is looked whether something is compiled, once a run was told to stop."""

_interrupted = False


def end_at_once() -> None:
    """Let Ctrl-C end the process, where an exception would show a traceback, and see what imports need."""
    _open_streams()
    try:
        os.getcwd()
    except FileNotFoundError:
        os.write(2, b"error: the working folder has been deleted; change to another\n")
        os._exit(2)
    signal.signal(signal.SIGINT, _end)
    atexit.register(_at_exit)  # the first to be registered is the last to be called


def _open_streams() -> None:
    """Open the streams that the shell has closed, so that no file takes their numbers."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which takes the lowest number


def end_at_once_if_run(package: str) -> None:
    """`end_at_once` if Python was told ``-m PACKAGE...``, which is not so where a package is only used.

    While Python looks for the module, ``-m`` is in the place of its path.
    """
    if sys.argv[:1] == ["-m"]:
        module = sys.orig_argv[-len(sys.argv)].removeprefix("-m")
        if module.partition(".")[0] == package:
            end_at_once()


def _end(number: int = signal.SIGINT, frame: FrameType | None = None) -> None:
    with suppress(OSError):
        shown = b"\x1b[?25h\n" if os.isatty(2) else b""  # a progress bar hides the cursor
        os.write(2, shown + b"stopped\n")
    os._exit(STOPPED)


def _at_exit() -> None:
    """Python ends in a moment; but where KeyboardInterrupt came out of `exec`, with another exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if _interrupted:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(STOPPED)


@contextmanager
def heeding_ctrl_c(compiling: Callable[[], bool]) -> Iterator[None]:
    """Have Ctrl-C raise KeyboardInterrupt, and end the process if that does not, for instance in LLVM.

    Within `Stop` the process is ended only while something is compiled.

    Parameters
    ----------
    compiling : callable
        Whether something is compiled now.
    """
    import threading

    heard, told = os.pipe()
    os.set_blocking(told, False)
    left = threading.Event()
    threading.Thread(target=_watch, args=(heard, left, compiling), daemon=True).start()
    wakeup = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    hook, sys.unraisablehook = sys.unraisablehook, _end_or_show
    before = signal.signal(signal.SIGINT, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        left.set()
        sys.unraisablehook = hook
        signal.set_wakeup_fd(wakeup)
        os.close(told)


def _raise(number: int, frame: FrameType | None) -> None:
    global _interrupted
    _interrupted = True
    signal.signal(signal.SIGINT, _end)  # if it comes again
    raise KeyboardInterrupt


def _end_or_show(what: Any) -> None:
    """End where Ctrl-C came while Python called what cannot raise, such as ``__del__``."""
    if what.exc_type is KeyboardInterrupt:
        _end()
    sys.__unraisablehook__(what)


def _watch(heard: int, left: Event, compiling: Callable[[], bool]) -> None:
    """Read the numbers of signals as they come, also while the main thread runs no Python."""
    with open(heard, "rb", buffering=0) as signals:
        while number := signals.read(1):
            if number[0] != signal.SIGINT:
                continue
            stop = Stop.active
            if stop is None and not left.wait(_GRACE_SECONDS):
                _end()
            while stop is not None and stop is Stop.active and not left.wait(_POLL_SECONDS):
                if compiling():
                    _end()


class Stop:
    """Turns Ctrl-C and SIGTERM into a flag that long work looks at between chunks."""

    active: ClassVar[Stop | None] = None

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> Stop:
        Stop.active = self
        numbers = (signal.SIGINT, signal.SIGTERM)
        self._before = {number: signal.signal(number, self._ask) for number in numbers}
        return self

    def __exit__(self, *error: object) -> None:
        self.heed_ctrl_c()
        signal.signal(signal.SIGTERM, self._before[signal.SIGTERM])

    def heed_ctrl_c(self) -> None:
        """Let Ctrl-C end the command again, while SIGTERM still waits."""
        Stop.active = None
        signal.signal(signal.SIGINT, self._before[signal.SIGINT])

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
