"""Running a sweep: its batches are handed to an executor, by default to processes of this machine."""

from __future__ import annotations

import os
import queue
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path

from cmarlsim.errors import ArgumentError, InputError, is_whole
from cmarlsim.limits import check_bytes
from cmarlsim.notes import log
from cmarlsim.storage.files import as_path
from cmarlsim.sweeps.batches import Worker, run_batch
from cmarlsim.sweeps.locks import holder, lock_of, process_in, remove_left
from cmarlsim.sweeps.manifest import Manifest
from cmarlsim.sweeps.processes import Workers
from cmarlsim.sweeps.results import Census

MOST_AT_ONCE = 10_000
"""Processes, or elements of a job array, at once."""

_WORKER_BYTES = 1.5e8
"""Memory of a process before it does anything."""

MOST_FAILED_STARTS = 5
"""So many processes in a row may end before their first batch."""

LEFT_SECONDS = 3600.0
"""A scratch file that was not written to for so long was left by a process that was killed."""

POLL_SECONDS = 1.0
"""Between two looks whether a batch that another process runs is done."""

_TELL_SECONDS = 0.1


def run_sweep(
    out: str | Path,
    executor: Executor | None = None,
    *,
    workers: int | None = None,
    progress: Callable[[int], bool | None] = lambda tasks: True,
) -> Census:
    r"""Run what is not done of a sweep.

    The results have the same bits whatever the executor, the number of its processes, and how often the sweep
    was killed and run again. Batches that another process runs are waited for.

    Parameters
    ----------
    out : str or Path
        The folder that the sweep was planned into.
    executor : Executor, optional
        Where batches are run: a `concurrent.futures.ProcessPoolExecutor`, an
        ``mpi4py.futures.MPIPoolExecutor``, what ``Client.get_executor()`` of Dask returns, or anything else
        with their method ``submit``. Its processes must see the folder under the same path. By default the
        cores of this machine, by processes that are begun anew where one is killed.
    workers : int, optional
        Number of processes where there is no `executor`; by default one for each core.
    progress : callable
        Called several times a second with the number of tasks done since the last call, first with that of
        the tasks that were done before. Where it returns False, batches that have not begun never do, those
        that have begun stop at their next chunk (with an `executor`: are finished), and what is done is kept.

    Returns
    -------
    Census
        What is done, and what has failed.

    Raises
    ------
    InputError
        If there is no sweep, its parts are damaged or of other versions, or results cannot be written.
    BrokenExecutor
        If a process of `executor` was killed. What was done is kept.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> from cmarlsim.sweeps import plan_sweep, run_sweep
    >>> folder = Path(tempfile.mkdtemp())
    >>> keys = ["name = 'radii'", "scenario = 'tiny'", "policy = 'rank'", "steps = 100", "[grid]"]
    >>> _ = (folder / "radii.toml").write_text("\n".join([*keys, "links.d = [1.0, 2.0]"]))
    >>> _ = plan_sweep(folder / "radii.toml", folder / "radii")
    >>> with ThreadPoolExecutor(2) as executor:
    ...     sorted(run_sweep(folder / "radii", executor).done)
    [0, 1]
    """
    out = as_path("out", out)
    if workers is not None and not (is_whole(workers) and 1 <= workers <= MOST_AT_ONCE):
        raise ArgumentError("workers", workers, f"must be a whole number from 1 to {MOST_AT_ONCE:,}")
    manifest, census = ready_to_run(out)
    session = _Session(out, manifest, census, progress)
    session.tell(len(census.done))
    if executor is not None:
        session.run_in(executor)
    else:
        session.run_here(workers or len(os.sched_getaffinity(0)))
    return Census.of(out, manifest, deep=False)


def ready_to_run(out: Path) -> tuple[Manifest, Census]:
    """A sweep, and what of it is done and what is not, after what killed processes have left is removed.

    Raises
    ------
    InputError
        If the sweep cannot be run here: its parts are missing or damaged, or versions differ.
    """
    worker = Worker(out)
    worker.manifest.check_versions(out)
    worker.sources.check_policies()
    remove_left(out / "locks")
    for path in (file for folder in ("recordings", "results") for file in (out / folder).glob(".*.tmp")):
        if path.is_file() and time.time() - path.stat().st_mtime > LEFT_SECONDS:
            path.unlink(missing_ok=True)
    census = Census.of(out, worker.manifest)
    for message in census.damaged:
        log.warning(f"warning: {message}; `run` does it again")
    if census.open_batches:
        worker.prepare()  # here, so that several processes find the kernels compiled
    return worker.manifest, census


class _Session:
    """What one call of `run_sweep` has still to do: the batches that are open."""

    def __init__(
        self, out: Path, manifest: Manifest, census: Census, progress: Callable[[int], bool | None]
    ) -> None:
        self._out, self._manifest, self._progress = out, manifest, progress
        self._done_before = Counter(task // self._manifest.batch for task in census.done)
        self._open, self._going, self._waiting = set(census.open_batches), True, False

    def tell(self, tasks: int) -> None:
        """Tell the caller of tasks that were done, and hear whether to go on."""
        self._going = self._progress(tasks) is not False and self._going

    def run_in(self, executor: Executor, stop: Callable[[], None] | None = None) -> None:
        """Run the open batches in an executor; those that run elsewhere are tried until they are done.

        Parameters
        ----------
        stop
            Has all jobs of the executor return. Nothing is cancelled then: an executor of Python 3.11 whose
            processes end while it has cancelled futures never says so.
        """
        ended = queue.SimpleQueue[Future[int | None]]()
        futures: dict[Future[int | None], int] = {}
        due = dict.fromkeys(sorted(self._open), 0.0)
        try:
            while self._open and self._going:
                for batch in [batch for batch, when in due.items() if when <= time.monotonic()]:
                    del due[batch]
                    future = executor.submit(run_batch, self._out.resolve(), self._manifest.sha256, batch)
                    futures[future] = batch
                    future.add_done_callback(ended.put)
                tasks = 0
                with suppress(queue.Empty):
                    future = ended.get(timeout=_TELL_SECONDS)
                    batch, results = futures.pop(future), future.result()
                    if results is None:
                        due[batch] = time.monotonic() + POLL_SECONDS
                        if not futures:
                            self._tell_of_waiting(batch)
                    else:
                        self._open.remove(batch)
                        tasks = results - self._done_before[batch]
                self.tell(tasks)
        finally:
            if stop is not None:
                stop()
                wait(futures)
            else:
                wait([future for future in futures if not future.cancel()])

    def _tell_of_waiting(self, batch: int) -> None:
        note = holder(lock_of(self._out, batch))
        if not self._waiting and note is not None:
            log.info("waiting for what %s runs; Ctrl-C ends the wait", process_in(note))
            self._waiting = True

    def run_here(self, workers: int) -> None:
        """Run the open batches in processes of this machine; where one is killed, all are begun anew."""
        failed_starts = 0
        while self._open and self._going:
            left = len(self._open)
            try:
                workers = min(workers, left)
                check_bytes(f"{workers:,} processes need", workers * _WORKER_BYTES, "run fewer at once")
                with Workers(workers) as processes:
                    self.run_in(processes, processes.stop)
            except BrokenProcessPool:
                self.tell(0)
                begun = len(self._open) < left or any((self._out / "locks").iterdir())
                failed_starts = 0 if begun else failed_starts + 1
            if failed_starts > MOST_FAILED_STARTS:
                raise InputError(
                    f"{self._out}: {failed_starts} processes in a row ended while they started (killed, or "
                    "out of memory)"
                )
