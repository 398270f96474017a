"""Working on a batch: what every engine does in each of its processes."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from cmarlsim.api import execute
from cmarlsim.errors import DamagedError, InputError
from cmarlsim.kernels.cache import CacheError
from cmarlsim.notes import log
from cmarlsim.simulation.execution import Run, whole_rollouts
from cmarlsim.simulation.runs import Writing
from cmarlsim.storage.files import file_at, read_bytes, write_whole
from cmarlsim.sweeps.locks import Lock, lock, lock_of
from cmarlsim.sweeps.manifest import Manifest, Sources, Task
from cmarlsim.sweeps.processes import stopping
from cmarlsim.sweeps.results import Result, checksum, fault, publish, read, recording_of

PUBLISH_SECONDS = 5.0
"""Results are published at least as often, so that a kill costs no more than this and a task."""

LONG_STEPS = 10_000_000
"""Tasks of so many steps are run into a file, so that they go on where they were killed."""

MOST_DEATHS = 5
"""So many processes may end in the middle of a task before it is taken for the cause."""

_REASON_LINES = 3
_STOPPED = ".stopped"
"""Ending of the file with the checksum of a recording that a stopped task goes on from."""


def run_batch(out: Path, manifest: str, number: int) -> int | None:
    """`Worker.batch` in any process that sees the sweep's folder; `manifest` is the hash of its manifest.

    Raises
    ------
    InputError
        If results cannot be written.
    """
    try:
        return _worker(out, manifest).batch(number)
    except OSError as error:
        place = error.filename or out
        raise InputError(f"{place}: {error.strerror or error}; what is done stays, run it again") from None


@lru_cache(maxsize=1)
def _worker(out: Path, manifest: str) -> Worker:
    return Worker(out)


class Worker:
    """Runs batches of a sweep, one after the other.

    Parameters
    ----------
    out : Path
        The sweep's folder.
    stop : callable
        Asked after every chunk: whether to stop.
    """

    def __init__(self, out: Path, stop: Callable[[], bool] = stopping) -> None:
        self.out, self.manifest = out, Manifest.load(out)
        self.sources = Sources(self.manifest, out)
        self._stop = stop

    def prepare(self) -> None:
        """Have the kernels compiled or loaded.

        Raises
        ------
        CacheError
            If there is no space left to keep them.
        """
        try:
            task = self.sources.task(0)
            Run(task.scenario, task.policy, task.seed).advance(1, keep_steps=self.manifest.record == "step")
        except CacheError:
            raise
        except Exception:
            return  # the task itself says what is wrong

    def batch(self, number: int, retry: bool = True) -> int | None:
        """Run what is not done of a batch, unless another process does.

        With `retry`, tasks that have failed are run again, unless a process was killed in this batch. Returns
        how many of its tasks have a result now; None if another process works on the batch.

        Raises
        ------
        InputError, OSError
            If results or locks cannot be written.
        """
        with lock(lock_of(self.out, number)) as held:
            return None if held is None else self._work(number, held, retry and not held.left)

    def _work(self, number: int, held: Lock, retry: bool) -> int:
        results, published = self._present(number), time.monotonic()
        for task in self.manifest.batch_of(number):
            if task in results and (results[task].reason is None or not retry):
                continue
            if self._stop():
                break
            deaths = held.left.get("deaths", 0) + 1 if held.left.get("task") == task else 0
            held.note(task=task, deaths=deaths)
            result = self._result(task) if deaths < MOST_DEATHS else _given_up(task)
            if result is None:
                break
            results[task] = result
            if deaths >= MOST_DEATHS or time.monotonic() - published > PUBLISH_SECONDS:
                publish(self.out, self.manifest, number, results.values())
                published = time.monotonic()
        publish(self.out, self.manifest, number, results.values())
        return len(results)

    def _present(self, number: int) -> dict[int, Result]:
        try:
            results = read(self.out, self.manifest, number)
        except DamagedError:
            return {}
        return {task: result for task, result in results.items() if fault(self.out, result) is None}

    def _result(self, number: int) -> Result | None:
        """Run a task; whatever goes wrong in it is its result. None if it was stopped."""
        try:
            return self._run(number, self.sources.task(number))
        except CacheError:
            raise
        except InputError as error:
            return Result(number, reason=str(error))
        except Exception:
            lines = traceback.format_exc().strip().splitlines()
            return Result(number, reason="\n".join(lines[-_REASON_LINES:]))

    def _run(self, number: int, task: Task) -> Result | None:
        record, rollouts = self.manifest.record, whole_rollouts(task.steps, task.scenario.dual.T0)
        path, writing = None, Writing()
        if record != "summary" or rollouts * task.scenario.dual.T0 >= LONG_STEPS:
            path, writing = recording_of(self.out, number), Writing(resume="auto")
            _remove_damaged(path)
        with execute(
            task.scenario,
            task.policy,
            task.steps,
            task.seed,
            record=record,
            out=path,
            progress=lambda rollouts: not self._stop(),
            **writing,
        ) as recording:
            done = recording.rollouts_done
            result = Result.of(number, recording) if done == rollouts else None
        if result is None:
            if path:
                write_whole(path.with_suffix(_STOPPED), checksum(path).encode())
            return None
        if path:
            path.with_suffix(_STOPPED).unlink(missing_ok=True)
            if record == "summary":
                path.unlink()
            else:
                result = replace(result, recording=checksum(path))
        return result


def _given_up(task: int) -> Result:
    return Result(
        task, reason=f"its process ended before it did (killed, or out of memory), {MOST_DEATHS} times"
    )


def _remove_damaged(path: Path) -> None:
    """Remove a recording unless it is as a stopped task left it, to go on from; its journal checks itself.

    Raises
    ------
    InputError
        If there is something else than regular files.
    """
    stopped = path.with_suffix(_STOPPED)
    left = [file for file in (path, stopped) if file_at(file)]
    if len(left) == 2 and read_bytes(stopped) == checksum(path).encode():
        return
    if stopped in left:
        log.warning(f"warning: {path}: is damaged (its checksum is wrong); removed, its task begins anew")
    for file in left:
        file.unlink()
