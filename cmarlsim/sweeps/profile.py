"""Where the time of a sweep went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cmarlsim.sweeps.local import Totals
from cmarlsim.sweeps.results import Result

STAGES = ("compile", "draw", "simulate", "write", "wait", "other")
TASK_STAGES = STAGES[1:4]
"""What the files of results have seconds of."""


def profile_lines(totals: Totals, wall: float) -> Iterator[str]:
    """Seconds of all processes by stage: in all, for each task, and as a share.

    ``compile`` is the time until the kernels were there, compiled or from the cache; ``wait`` that for locks
    and for the next batch.
    """
    seconds: dict[str, float] = dict(totals.seconds)
    known = sum(seconds.get(stage, 0.0) for stage in STAGES[:-1])
    seconds["other"] = max(0.0, seconds.get("all", 0.0) + seconds.get("compile", 0.0) - known)
    spent, tasks = sum(seconds.get(stage, 0.0) for stage in STAGES), max(totals.done, 1)
    yield f"{totals.done:,} tasks in {wall:.1f} s"
    yield f"{'':10}{'seconds':>12}{'per task':>12}{'share':>9}"
    for stage in STAGES:
        value = seconds.get(stage, 0.0)
        yield f"{stage:10}{value:12.3f}{value / tasks:12.6f}{value / max(spent, 1e-9):9.1%}"


def task_lines(done: Mapping[int, Result]) -> Iterator[str]:
    """Seconds of the tasks that are done, by stage: in all, on average, and of which task most."""
    yield f"{len(done):,} tasks done so far, their own seconds:"
    if not done:
        return
    yield f"{'':10}{'seconds':>12}{'mean':>12}{'largest':>12}{'task':>9}"
    for stage in TASK_STAGES:
        spent = {number: result.seconds.get(stage, 0.0) for number, result in done.items()}
        longest = max(sorted(spent), key=spent.__getitem__)
        total = sum(spent.values())
        yield f"{stage:10}{total:12.3f}{total / len(spent):12.6f}{spent[longest]:12.6f}{longest:9}"
