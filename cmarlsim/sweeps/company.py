"""Batches that others hold: who does, and waiting until nobody does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import sleep

from cmarlsim.sweeps.local import Local
from cmarlsim.sweeps.locks import STALE_SECONDS, age, holder_of, lock_of, stale
from cmarlsim.sweeps.manifest import Manifest
from cmarlsim.sweeps.results import Census

POLL_SECONDS = 1.0
_MOST_SHOWN = 3


def held(out: Path, batches: Sequence[int]) -> dict[int, str]:
    """Which of the batches are held, and by whom, in words."""
    found = {}
    for batch in batches:
        path = lock_of(out, batch)
        if path.exists() and not stale(path):
            who = holder_of(path) or "somebody (it cannot be read who)"
            found[batch] = f"{who}, {path.name} was touched {abs(age(path)):.0f} s ago"
    return found


def run_all(
    out: Path,
    local: Local,
    census: Census,
    advance: Callable[..., None],
    stopped: Callable[[], bool],
) -> None:
    """Run what is open, and wait for what others hold until it is done or can be run.

    Parameters
    ----------
    census
        What is done and open before.
    advance
        Called with the number of tasks done since the last call, and `note` for what is waited for.
    stopped
        Asked now and then: whether to stop.
    """

    def progress(tasks: int) -> bool:
        advance(tasks)
        return not stopped()

    manifest, told = Manifest.load(out), False
    free, holders = list(census.open_batches), dict[int, str]()
    while free or holders:
        locked = [*holders, *(local.run(free, progress).locked if free else ())]
        if not locked or stopped():
            return
        holders = held(out, locked)
        if holders and not told:
            _tell(holders)
            told = True
        advance(0, note="".join(f"waiting for {who.partition(',')[0]}" for who in [*holders.values()][:1]))
        sleep(POLL_SECONDS)
        left = [batch for batch in locked if batch not in holders]
        free = Census.of(out, manifest, batches=left).open_batches
        others = {task for batch in set(left).difference(free) for task in manifest.batch_of(batch)}
        advance(len(others - census.done.keys()))


def _tell(holders: dict[int, str]) -> None:
    names = "; ".join(list(holders.values())[:_MOST_SHOWN])
    more = f"; and {len(holders) - _MOST_SHOWN:,} more" if len(holders) > _MOST_SHOWN else ""
    print(
        f"waiting for batches that others run: {names}{more}; a lock that is not touched for "
        f"{STALE_SECONDS:.0f} s is nobody's; Ctrl-C ends the wait",
        file=sys.stderr,
        flush=True,
    )
