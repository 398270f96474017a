"""How far a sweep is, and where its time went."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cmarlsim.sweeps.locks import holder, lock_of, process_in
from cmarlsim.sweeps.manifest import Manifest
from cmarlsim.sweeps.results import Census, Result

_STAGES = ("draw", "simulate", "write", "other")
_MOST_SHOWN = 5


@dataclass(frozen=True)
class Status:
    """What can be said about a sweep without disturbing it.

    Attributes
    ----------
    census
        What is done and failed; recordings are looked for, but not read.
    running
        Batches that processes work on, and what these have noted.
    """

    manifest: Manifest
    census: Census
    running: dict[int, dict[str, Any]]

    @classmethod
    def of(cls, out: Path) -> Status:
        """Look at a sweep's folder.

        Raises
        ------
        InputError
            If there is no sweep, or its manifest is damaged.
        """
        manifest = Manifest.load(out)
        batches = sorted(int(path.stem) for path in (out / "locks").glob("[0-9]*.lock"))
        notes = {batch: holder(lock_of(out, batch)) for batch in batches}
        running = {batch: note for batch, note in notes.items() if note is not None}
        return cls(manifest, Census.of(out, manifest, deep=False), running)

    def seconds_left(self) -> float | None:
        """Seconds until all is done, as steps took on average; None if nobody works or no task is done."""
        done = self.census.done
        if not done or not self.running:
            return None
        spent = sum(sum(result.seconds.values()) for result in done.values())
        steps_done, steps_to_do = (
            sum(map(self.manifest.steps_of, tasks)) for tasks in (done, self._running | self._waiting)
        )
        return spent / steps_done * steps_to_do / len(self.running)

    @property
    def _running(self) -> set[int]:
        """Tasks of the batches that are worked on, but for those that are done."""
        tasks = {task for batch in self.running for task in self.manifest.batch_of(batch)}
        return tasks - self.census.done.keys()

    @property
    def _failed(self) -> set[int]:
        return self.census.failed.keys() - self._running

    @property
    def _waiting(self) -> set[int]:
        """Tasks that nobody works on yet."""
        return set(range(len(self.manifest.tasks))) - self.census.done.keys() - self._failed - self._running

    def lines(self) -> Iterable[str]:
        """The status in words."""
        manifest, census = self.manifest, self.census
        yield (
            f"{manifest.name}: {len(manifest.tasks):,} tasks: {len(census.done):,} done, "
            f"{len(self._running):,} running, {len(self._failed):,} failed, {len(self._waiting):,} waiting"
        )
        left = self.seconds_left()
        if left is not None:
            end = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() + left))
            yield f"expected end: {end}, in {left:,.0f} s"
        for batch, note in list(self.running.items())[:_MOST_SHOWN]:
            tasks = manifest.batch_of(batch)
            yield f"running: tasks {tasks[0]} to {tasks[-1]}, {process_in(note)}"
        for result in list(census.failed.values())[:_MOST_SHOWN]:
            yield f"failed: {manifest.label(result.task)}"
            yield from (f"    {line}" for line in (result.reason or "").splitlines())
        if len(census.failed) > _MOST_SHOWN:
            yield f"failed: and {len(census.failed) - _MOST_SHOWN} more"
        yield from (f"damaged, `run` does it again: {message}" for message in census.damaged)
        if manifest.record != "summary":
            yield "recordings were looked for, not read: `run` and `collect` check what is in them"


def profile_lines(done: Mapping[int, Result], wall: float) -> Iterable[str]:
    """Seconds of the tasks that are done, by stage, and the task that took most of them."""
    yield f"this run took {wall:.1f} s; {len(done):,} tasks are done so far, their own seconds:"
    if not done:
        return
    spent = sum(sum(result.seconds.values()) for result in done.values())
    yield f"{'':10}{'seconds':>12}{'share':>9}{'mean':>12}{'largest':>12}{'task':>9}"
    for stage in _STAGES:
        seconds = {number: result.seconds.get(stage, 0.0) for number, result in done.items()}
        longest, total = max(sorted(seconds), key=seconds.__getitem__), sum(seconds.values())
        yield (
            f"{stage:10}{total:12.3f}{total / max(spent, 1e-9):9.1%}{total / len(done):12.6f}"
            f"{seconds[longest]:12.6f}{longest:9}"
        )
