"""The engine ``local``: a worker process on every core of this machine."""

from __future__ import annotations

import gc
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from cmarlsim.errors import InputError
from cmarlsim.stopwatch import Seconds
from cmarlsim.sweeps.work import Report, Worker

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
"""Set to 1 for workers: there is a process for every core already."""

MOST_STILLBORN = 5
"""So many processes in a row may end before their first batch."""

_POLL_SECONDS = 0.1
_TICK_SECONDS = 0.5


@dataclass
class Totals:
    """What an engine has done: tasks now done, batches others hold, seconds by stage."""

    done: int = 0
    locked: list[int] = field(default_factory=list)
    seconds: Seconds = field(default_factory=Seconds)

    def add(self, report: Report) -> None:
        """Add what came of a batch."""
        self.done += report.done
        self.seconds.merge(report.seconds)
        if report.locked:
            self.locked.append(report.batch)


class Local:
    """Runs batches of a sweep in worker processes.

    Parameters
    ----------
    out
        The sweep's folder.
    workers
        Number of processes; by default as many as there are cores.
    """

    def __init__(self, out: Path, workers: int | None = None) -> None:
        self._out = out
        self._count = workers or len(os.sched_getaffinity(0))
        self._waiting: deque[int] = deque()
        self._careful: set[int] = set()
        self._stillborn = 0
        self._busy: dict[Connection, tuple[BaseProcess, int | None]] = {}
        self._told: set[Connection] = set()
        self.totals = Totals()

    def run(self, batches: Sequence[int], progress: Callable[[int], bool]) -> Totals:
        """Run batches; may be called again, and `totals` goes on but for what is locked.

        Parameters
        ----------
        progress
            Called with the number of tasks that were run since the last call; where it returns False, all
            processes stop at their next chunk.

        Raises
        ------
        InputError
            If results cannot be written.
        """
        self.totals.locked.clear()
        self._waiting.extend(batches)
        for _ in range(min(self._count, len(batches))):
            self._start()
        try:
            while self._busy:
                if not progress(self._listen()):
                    self._stop()
        finally:
            self._stop()
            for process, _ in self._busy.values():
                process.join()
        return self.totals

    def _start(self) -> None:
        mine, theirs = multiprocessing.get_context("spawn").Pipe()
        process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, self._out))
        with _plain_environment():
            process.start()
        theirs.close()
        self._busy[mine] = process, None

    def _stop(self) -> None:
        """Tell all workers, once each, to end at the next chunk."""
        self._waiting.clear()
        for pipe in self._busy.keys() - self._told:
            self._told.add(pipe)
            with suppress(OSError):
                pipe.send(None)

    def _listen(self) -> int:
        """Hear what workers have to say, and give them work; returns the number of tasks they have run."""
        tasks = 0
        for ready in connection.wait(list(self._busy), timeout=_POLL_SECONDS):
            assert isinstance(ready, Connection)
            try:
                message = ready.recv()
            except (EOFError, OSError):
                self._bury(ready)
                continue
            if isinstance(message, int):
                tasks += message
                continue
            self._heed(ready, message)
        return tasks

    def _heed(self, pipe: Connection, message: Any) -> None:
        if isinstance(message, Exception):
            raise message
        if isinstance(message, Report):
            self.totals.add(message)
        else:
            self.totals.seconds.merge(message)
        self._stillborn = 0
        process, _ = self._busy[pipe]
        number = self._waiting.popleft() if self._waiting else None
        self._busy[pipe] = process, number
        with suppress(OSError):  # it was killed just now: its pipe will tell
            pipe.send(None if number is None else (number, number in self._careful))

    def _bury(self, pipe: Connection) -> None:
        """A worker has ended; if that was in the middle of a batch, another one has to do it."""
        process, number = self._busy.pop(pipe)
        process.join()
        pipe.close()
        if number is None and process.exitcode == 0:
            return
        if number is None:
            self._stillborn += 1
            if self._stillborn > MOST_STILLBORN:
                raise InputError(f"{self._stillborn} processes ended while they started: {_how(process)}")
        else:
            self._careful.add(number)
            self._waiting.appendleft(number)
        if self._waiting:
            self._start()


def _how(process: BaseProcess) -> str:
    code = process.exitcode or 0
    return (
        f"ended by signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"ended with code {code}"
    )


@contextmanager
def _plain_environment() -> Iterator[None]:
    """What a worker inherits: one thread each, and no signals from the terminal, which are for its parent."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(pipe: Connection, out: Path) -> None:
    """A worker process: takes batches from its pipe until None comes, or the pipe ends as the parent does."""
    stop, work = threading.Event(), queue.SimpleQueue[tuple[int, bool] | None]()

    def hear() -> None:
        with suppress(EOFError, OSError):
            for message in iter(pipe.recv, None):
                work.put(message)
        stop.set()
        work.put(None)

    threading.Thread(target=hear, daemon=True).start()
    ticker = _Ticker(pipe)
    with suppress(BrokenPipeError, ConnectionResetError):
        try:
            worker = Worker(out, stop.is_set, ticker.tick)
            pipe.send({"compile": worker.prepare()})
            gc.freeze()  # what was imported is no garbage, and looking through it takes long
            idle = time.perf_counter()
            for number, careful in iter(work.get, None):
                waited = time.perf_counter() - idle
                report = worker.batch(number, careful)
                report.seconds.merge({"wait": waited, "all": waited})
                ticker.flush()
                pipe.send(report)
                idle = time.perf_counter()
        except InputError as error:
            pipe.send(error)
        except OSError as error:
            pipe.send(InputError(f"{out}: {error.strerror or error}; what is done stays, run it again"))


class _Ticker:
    """Tells the parent now and then how many tasks were run: it would be busy with nothing else otherwise."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._count, self._last = pipe, 0, time.monotonic()

    def tick(self) -> None:
        """One more task was run."""
        self._count += 1
        if time.monotonic() - self._last > _TICK_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Tell what has not been told."""
        if self._count:
            self._pipe.send(self._count)
        self._count, self._last = 0, time.monotonic()
