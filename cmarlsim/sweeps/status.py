"""How far a sweep is, and where its time went."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from cmarlsim.sweeps.locks import holder, process_in
from cmarlsim.sweeps.manifest import Manifest
from cmarlsim.sweeps.results import Census, Result

_STAGES = ("draw", "simulate", "write", "other")
_MOST_SHOWN = 5


def status_lines(out: Path) -> Iterator[str]:
    """What can be said about a sweep without disturbing it; recordings are looked for, but not read.

    Raises
    ------
    InputError
        If there is no sweep, or its manifest is damaged.
    """
    manifest = Manifest.load(out)
    notes = {int(path.stem): holder(path) for path in sorted((out / "locks").glob("[0-9]*.lock"))}
    running = {batch: note for batch, note in notes.items() if note is not None}
    census, every = Census.of(out, manifest, deep=False), set(range(len(manifest.tasks)))
    worked_on = {task for batch in running for task in manifest.batch_of(batch)} - census.done.keys()
    failed = census.failed.keys() - worked_on
    waiting = every - census.done.keys() - failed - worked_on
    yield (
        f"{manifest.name}: {len(every):,} tasks: {len(census.done):,} done, {len(worked_on):,} running, "
        f"{len(failed):,} failed, {len(waiting):,} waiting"
    )
    if census.done and running:
        spent = sum(sum(result.seconds.values()) for result in census.done.values())
        steps_done, steps_to_do = (
            sum(map(manifest.steps_of, tasks)) for tasks in (census.done, worked_on | waiting)
        )
        left = spent / steps_done * steps_to_do / len(running)
        end = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() + left))
        yield f"expected end: {end}, in {left:,.0f} s"
    for batch, note in list(running.items())[:_MOST_SHOWN]:
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


def profile_lines(done: Mapping[int, Result], wall: float) -> Iterator[str]:
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
