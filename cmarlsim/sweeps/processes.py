"""Worker processes on this machine, which stop when they are told to and end with their parent."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import connection
from typing import Any

from numba.core import event

from cmarlsim.kernels.cache_folder import cache_folder
from cmarlsim.kernels.compiling import Compilation
from cmarlsim.notes import notes_on_stderr
from cmarlsim.sweeps.spawning import Context

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Set to 1 for workers: there is a process for every core already."""

_POLL_SECONDS = 0.2
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Workers(ProcessPoolExecutor):
    """An executor of freshly started processes of one thread each.

    Ctrl-C in a terminal does not reach them: they are told to stop by `stop`, by SIGTERM or by the death of
    the process that began them. Then `stopping` is True in them, and they end when their job has returned.

    Parameters
    ----------
    count : int
        Number of processes.
    """

    def __init__(self, count: int) -> None:
        context = Context()
        self._stop = context.RawValue("b", 0)  # without a lock, which a process that is killed would keep
        with _worker_surroundings():
            super().__init__(count, context, _begin, (self._stop,))

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """Have `function` called with `arguments` and `options` in one of the processes."""
        with _worker_surroundings():
            return super().submit(_call, function, *arguments, **options)

    def stop(self) -> None:
        """Tell all jobs to stop; those that have not begun return None."""
        self._stop.value = 1

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> bool | None:
        if kind is not None:
            self.stop()
            self.shutdown(cancel_futures=True)
        return super().__exit__(kind, *rest)


@contextmanager
def _worker_surroundings() -> Iterator[None]:
    """What a process that starts now inherits: one thread, and no signals until it knows what to do then.

    It keeps kernels where this process does, and warns of nothing: this process has, and the one that Python
    begins to tidy up after them would warn if this process is killed.
    """
    settings = dict.fromkeys(THREAD_VARIABLES, "1")
    settings |= {"NUMBA_CACHE_DIR": str(cache_folder().parent), "PYTHONWARNINGS": "ignore"}
    before = {name: os.environ.get(name) for name in settings}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    os.environ.update(settings)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_stop: Any = None
_busy = _ended = False
_compilation = Compilation()


def stopping() -> bool:
    """Whether this process is one of `Workers` and its job is to stop."""
    return _ended or (_stop is not None and bool(_stop.value))


def _begin(stop: Any) -> None:
    global _stop
    _stop = stop
    warnings.simplefilter("ignore")  # the parent has shown them
    notes_on_stderr()
    gc.freeze()  # what was imported is no garbage, and looking through it takes long
    signal.signal(signal.SIGTERM, _end)
    event.register("numba:compile", _compilation)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # in this thread alone, so that it is woken


def _end(*_: object) -> None:
    """End now, or where a job is run as soon as it has stopped, so that what it wrote is whole."""
    global _ended
    _ended = True
    if not _busy:
        os._exit(1)


def _end_with_parent() -> None:
    """End when the parent has; and if there is to be an end, do not wait for LLVM, which heeds nothing."""
    global _ended
    parent = multiprocessing.parent_process()
    assert parent is not None
    while _busy or not _ended:
        if connection.wait([parent.sentinel], _POLL_SECONDS):
            _ended = True
            time.sleep(_POLL_SECONDS)
        if stopping() and _compilation.going_on:
            break
    os._exit(1)


def _call(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    global _busy
    _busy = True
    try:
        return None if stopping() else function(*arguments, **options)
    finally:
        _busy = False
        if _ended:
            os._exit(1)
