"""Working on a batch: what every engine does in each of its processes."""

from __future__ import annotations

import contextlib
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cmarlsim.api import execute
from cmarlsim.errors import InputError
from cmarlsim.notes import log
from cmarlsim.recordings.recording import Recording
from cmarlsim.simulation.execution import Run, whole_rollouts
from cmarlsim.simulation.runs import Writing
from cmarlsim.stopwatch import Seconds, stopwatch, timed
from cmarlsim.storage.files import settle, write_whole
from cmarlsim.sweeps.locks import Holder, holds, lock, lock_of
from cmarlsim.sweeps.manifest import Manifest, Sources, Task
from cmarlsim.sweeps.results import DamagedError, Result, checksum, fault, publish, read, recording_of

PUBLISH_SECONDS = 5.0
"""Results are published at least as often, so that a kill costs no more than this and a task."""

LONG_STEPS = 10_000_000
"""Tasks of so many steps are run into a file, so that they go on where they were killed."""

MOST_DEATHS = 5
"""So many processes may end in the middle of a task before it is taken for the cause."""

_REASON_LINES = 3
_KEPT = ".sha256"


class StoppedError(Exception):
    """The task was given up because the process is to stop."""


@dataclass
class Report:
    """What came of a batch: tasks done now, whether somebody else holds it, and the seconds of each stage."""

    batch: int
    locked: bool = False
    done: int = 0
    seconds: Seconds = field(default_factory=Seconds)


class Worker:
    """Runs batches of a sweep, one after the other.

    Parameters
    ----------
    out
        The sweep's folder.
    stop
        Asked after every chunk: whether to stop.
    progress
        Called after every task.
    """

    def __init__(
        self,
        out: Path,
        stop: Callable[[], bool] = lambda: False,
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        self.out, self.manifest = out, Manifest.load(out)
        self.sources = Sources(self.manifest, out)
        self._stop, self._progress = stop, progress

    def prepare(self) -> float:
        """Have the kernels compiled or loaded; returns the seconds that took."""
        start = time.perf_counter()
        with warnings.catch_warnings(), contextlib.suppress(Exception):  # the task itself says what is wrong
            warnings.simplefilter("ignore")
            task = self.sources.task(0)
            Run(task.scenario, task.policy, task.seed).advance(1, keep_steps=self.manifest.record == "step")
        return time.perf_counter() - start

    def batch(self, number: int, careful: bool = False) -> Report:
        """Run what is not done of a batch, unless somebody else does.

        Parameters
        ----------
        careful
            A process was killed in this batch. Note each task before it begins, so that one that kills
            processes is found, and given up after `MOST_DEATHS`; leave out those that have failed.

        Raises
        ------
        InputError, OSError
            If results or locks cannot be written.
        """
        start, report = time.perf_counter(), Report(number)
        with lock(lock_of(self.out, number)) as me:
            if me is None:
                report.locked = True
                return report
            report.seconds.add("wait", time.perf_counter() - start)
            self._work(number, me, careful, report)
        report.seconds.add("all", time.perf_counter() - start)
        return report

    def _work(self, number: int, me: Holder, careful: bool, report: Report) -> None:
        results, published = self._present(number), time.monotonic()
        for task in self.manifest.batch_of(number):
            before = results.get(task)
            if before and (before.reason is None or (careful and not 0 < before.deaths < MOST_DEATHS)):
                continue
            if self._stop():
                break
            if careful:
                self._publish(number, me, results | {task: Result.begun(task, before)}, report)
            try:
                results[task] = self._result(task)
            except StoppedError:
                break
            report.seconds.merge(results[task].seconds)
            report.done += results[task].reason is None
            self._progress()
            if time.monotonic() - published > PUBLISH_SECONDS:
                self._publish(number, me, results, report)
                published = time.monotonic()
        self._publish(number, me, results, report)

    def _present(self, number: int) -> dict[int, Result]:
        try:
            results = read(self.out, self.manifest, number)
        except DamagedError:
            return {}
        return {task: result for task, result in results.items() if fault(self.out, result) is None}

    def _publish(self, number: int, me: Holder, results: Mapping[int, Result], report: Report) -> None:
        start = time.perf_counter()
        if holds(lock_of(self.out, number), me):
            others = {task: result for task, result in self._present(number).items() if not result.deaths}
            publish(self.out, self.manifest, number, (others | dict(results)).values())
        report.seconds.add("write", time.perf_counter() - start)

    def _result(self, number: int) -> Result:
        """Run a task; whatever goes wrong in it is its result."""
        with stopwatch() as seconds:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    result = self._run(number, self.sources.task(number))
            except StoppedError:
                raise
            except InputError as error:
                result = Result(number, reason=str(error))
            except Exception:
                lines = traceback.format_exc().strip().splitlines()
                result = Result(number, reason="\n".join(lines[-_REASON_LINES:]))
        return replace(result, seconds={stage: round(value, 6) for stage, value in seconds.items()})

    def _run(self, number: int, task: Task) -> Result:
        record, rollouts = self.manifest.record, whole_rollouts(task.steps, task.scenario.dual.T0)
        path, part = recording_of(self.out, number), None
        if record != "summary" or rollouts * task.scenario.dual.T0 >= LONG_STEPS:
            part = path.with_name(f".{path.stem}.part.h5")
            _drop_damaged(part)
        writing: Writing = {"resume": "auto"} if part else {}
        with execute(
            task.scenario,
            task.policy,
            task.steps,
            task.seed,
            record=record,
            out=part,
            progress=lambda rollouts: not self._stop(),
            **writing,
        ) as recording:
            done = recording.rollouts_done
            if done == rollouts:
                result = Result.of(number, recording)
        if done < rollouts:
            if part:
                write_whole(part.with_suffix(_KEPT), checksum(part).encode())
            raise StoppedError
        if part and record == "summary":
            part.unlink()
        elif part:
            result = replace(result, recording=_seal(part, path))
        return result


def _drop_damaged(part: Path) -> None:
    """Remove what a task was to go on from, if it is damaged; a journal beside it stands for itself."""
    kept = part.with_suffix(_KEPT)
    try:
        if part.exists():
            if kept.exists() and kept.read_text(encoding="ascii", errors="replace") != checksum(part):
                raise InputError(f"{part}: is damaged (its checksum is wrong)")
            Recording.open(part).close()
    except InputError as error:
        if isinstance(error.__context__, BlockingIOError):  # another process is writing it
            raise
        log.warning(f"warning: {error}; removed, its task begins anew")
        part.unlink(missing_ok=True)
    kept.unlink(missing_ok=True)


@timed("write")
def _seal(part: Path, path: Path) -> str:
    """Give a recording its name; returns its checksum."""
    sha256 = checksum(part)
    settle(part, path)
    return sha256
