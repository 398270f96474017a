"""Runs of Algorithm 2, driven to their end: into memory or into a file."""

from __future__ import annotations

import time
from numbers import Real
from typing import TypedDict

from cmarlsim.errors import ArgumentError, DamagedError, InputError
from cmarlsim.limits import MOST_SECONDS
from cmarlsim.notes import log
from cmarlsim.recordings.memory_recorder import MemoryRecorder
from cmarlsim.recordings.recorder import CHECKPOINT_SECONDS, Recorder, Resume
from cmarlsim.recordings.recording import Recording
from cmarlsim.simulation.execution import Run, chunk_size
from cmarlsim.simulation.progress import Progress


class Writing(TypedDict, total=False):
    """How `execute` writes a file."""

    force: bool
    resume: Resume
    checkpoint: float


def check_writing(
    out: object, *, force: bool = False, resume: Resume = False, checkpoint: float = CHECKPOINT_SECONDS
) -> None:
    """Raise InputError unless `out` can be written as `Writing` says."""
    if not isinstance(force, bool):
        raise ArgumentError("force", force, "must be True or False")
    if not isinstance(resume, bool | str) or resume not in (False, True, "auto"):
        raise ArgumentError("resume", resume, "must be False, True or 'auto'")
    if resume and (force or out is None):
        raise InputError("resume: needs an out, and no force, which would forget what is there")
    check_checkpoint(checkpoint)


def check_checkpoint(seconds: float) -> None:
    """Raise ArgumentError unless `seconds` can be the time of work that may be lost."""
    if not isinstance(seconds, Real) or not 0 < seconds <= MOST_SECONDS:
        raise ArgumentError(
            "checkpoint", seconds, f"must be more than 0 seconds, and at most {MOST_SECONDS:,}"
        )


def run_in_memory(run: Run, rollouts: int, keeper: MemoryRecorder, progress: Progress) -> Recording:
    """Run `rollouts` rollouts and keep them in memory."""
    size = chunk_size(run.scenario, keeper.level == "step")
    for first in range(0, rollouts, size):
        keeper.append(run.fill(keeper.room(min(size, rollouts - first))))
        if progress(min(size, rollouts - first)) is False:
            break
    return keeper.finish()


def run_into_file(run: Run, rollouts: int, recorder: Recorder, progress: Progress) -> Recording:
    """Run into a file, in chunks that take no longer than there are seconds between commits."""
    keep_steps, T0 = recorder.level == "step", run.scenario.dual.T0
    size, going = chunk_size(run.scenario, keep_steps), True
    try:
        if recorder.done > rollouts:
            problem = f"{recorder.path} holds {recorder.done * T0} steps already; ask for that many or more"
            raise ArgumentError("steps", rollouts * T0, problem)
        if recorder.state is not None:
            if recorder.done < rollouts:
                log.info("%s: continues after step %d", recorder.path, recorder.done * T0)
            try:
                run.restore(recorder.state, recorder.done)
            except InputError as error:
                raise DamagedError(f"{recorder.path}: cannot be continued: {error}") from None
            going = progress(run.done) is not False
        while going and run.done < rollouts:
            began = time.monotonic()
            chunk = run.advance(min(size, rollouts - run.done), keep_steps, recorder.sparse)
            recorder.append(chunk, run.state())
            going = progress(len(chunk.lam)) is not False
            if time.monotonic() - began > recorder.checkpoint:
                size = max(1, size // 2)
        return recorder.finish()
    finally:
        recorder.discard()
