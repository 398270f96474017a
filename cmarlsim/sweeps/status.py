"""How far a sweep is."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cmarlsim.sweeps.locks import Holder, holder_of, stale
from cmarlsim.sweeps.manifest import Manifest
from cmarlsim.sweeps.results import Census

_MOST_SHOWN = 5


@dataclass(frozen=True)
class Status:
    """What can be said about a sweep without disturbing it.

    Attributes
    ----------
    census
        What is done and failed; recordings are looked for, but not read.
    running
        Batches that somebody works on, and who.
    """

    manifest: Manifest
    census: Census
    running: dict[int, Holder | None]

    @classmethod
    def of(cls, out: Path) -> Status:
        """Look at a sweep's folder."""
        manifest = Manifest.load(out)
        locks = {path.stem: path for path in (out / "locks").glob("[0-9]*.lock")}
        running = {int(stem): holder_of(path) for stem, path in locks.items() if not stale(path)}
        return cls(manifest, Census.of(out, manifest, deep=False), running)

    @property
    def in_progress(self) -> int:
        """Tasks of the batches that are worked on, but for those that are done."""
        tasks = (task for batch in self.running for task in self.manifest.batch_of(batch))
        return sum(task not in self.census.done for task in tasks)

    @property
    def to_do(self) -> set[int]:
        """Tasks that somebody works on, or nobody yet; not those that failed and are left so."""
        running = {task for batch in self.running for task in self.manifest.batch_of(batch)}
        failed = self.census.failed.keys() - running
        return set(range(len(self.manifest.tasks))) - self.census.done.keys() - failed

    @property
    def waiting(self) -> int:
        """Tasks that nobody works on yet."""
        return len(self.to_do) - self.in_progress

    def seconds_left(self) -> float | None:
        """Seconds until all is done, as steps took on average; None if nobody works or no task is done."""
        done = self.census.done
        if not done or not self.running:
            return None
        spent = sum(sum(result.seconds.values()) for result in done.values())
        steps_done, steps_to_do = (sum(map(self.manifest.steps_of, tasks)) for tasks in (done, self.to_do))
        return spent / steps_done * steps_to_do / len(self.running)

    def lines(self) -> Iterable[str]:
        """The status in words."""
        manifest, census = self.manifest, self.census
        yield (
            f"{manifest.name}: {len(manifest.tasks):,} tasks: {len(census.done):,} done, "
            f"{self.in_progress:,} running, {len(census.failed):,} failed, {self.waiting:,} waiting"
        )
        left = self.seconds_left()
        if left is not None:
            end = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() + left))
            yield f"expected end: {end}, in {left:,.0f} s"
        for batch, holder in sorted(self.running.items())[:_MOST_SHOWN]:
            tasks = manifest.batch_of(batch)
            yield f"running: tasks {tasks[0]} to {tasks[-1]}, {holder or 'by somebody'}"
        for result in list(census.failed.values())[:_MOST_SHOWN]:
            yield f"failed: {manifest.label(result.task)}"
            yield from (f"    {line}" for line in (result.reason or "").splitlines())
        if len(census.failed) > _MOST_SHOWN:
            yield f"failed: and {len(census.failed) - _MOST_SHOWN} more"
        yield from (f"damaged, `run` does it again: {message}" for message in census.damaged)
        if manifest.record != "summary":
            yield "recordings were looked for, not read: `run` and `collect` check what is in them"
