"""How far a sweep is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cmarlsim.sweeps.locks import holder, lock_of, process_in
from cmarlsim.sweeps.manifest import Manifest
from cmarlsim.sweeps.results import Census

_MOST_SHOWN = 5


def status_lines(out: Path) -> Iterator[str]:
    """What can be said about a sweep without disturbing it: recordings are looked for, but not read."""
    manifest = Manifest.load(out)
    notes = {batch: holder(lock_of(out, batch)) for batch in range(manifest.batches)}
    running = {batch: note for batch, note in notes.items() if note is not None}
    census, every = Census.of(out, manifest, deep=False), set(range(len(manifest.tasks)))
    worked_on = {task for batch in running for task in manifest.batch_of(batch)} - census.done.keys()
    failed = census.failed.keys() - worked_on
    waiting = every - census.done.keys() - failed - worked_on
    yield (
        f"{manifest.name}: {len(every):,} tasks: {len(census.done):,} done, {len(worked_on):,} running, "
        f"{len(failed):,} failed, {len(waiting):,} waiting"
    )
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
