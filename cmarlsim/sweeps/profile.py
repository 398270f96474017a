"""Where the time of a sweep went."""

from __future__ import annotations

from collections.abc import Iterator

from cmarlsim.sweeps.local import Totals

STAGES = ("compile", "draw", "simulate", "write", "wait", "other")


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
