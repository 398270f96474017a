"""Several runs at once, one process a core."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cmarlsim.api import execute
from cmarlsim.policies.policy import Policy
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.processes import Workers, count_up, stopping
from cmarlsim.simulation.runs import Writing

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class RunJob:
    """One run: its seed and the file it is recorded in."""

    scenario: Scenario
    policy: Policy
    steps: int
    seed: int
    out: Path
    record: str
    links: str
    writing: Writing

    def run(self, progress: Callable[[int], bool]) -> None:
        """Run into the file; `progress` is as that of `execute`."""
        options: dict[str, Any] = vars(self) | self.writing
        del options["writing"]
        execute(**options, progress=progress).close()


def run_jobs(jobs: Sequence[RunJob], progress: Callable[[int], bool]) -> None:
    """Run jobs, each into its own file.

    Parameters
    ----------
    jobs : sequence of RunJob
        A single one runs in this process, more are spread over the cores.
    progress : callable
        Called with the number of rollouts done since the last call; where it returns False, all runs end
        at their next chunk.

    Raises
    ------
    InputError
        The first that a run raised.
    """
    if len(jobs) == 1:
        jobs[0].run(progress)
        return
    with Workers(min(len(jobs), len(os.sched_getaffinity(0))), len(jobs)) as workers:
        futures = [workers.submit(_run_in_worker, i, job) for i, job in enumerate(jobs)]
        waiting, told = set(futures), 0
        while waiting:
            waiting = wait(waiting, timeout=_POLL_SECONDS).not_done
            counted = workers.counted
            if not progress(counted - told):
                workers.stop()
                for future in waiting:
                    future.cancel()
            told = counted
        for future in futures:
            if not future.cancelled():
                future.result()


def _run_in_worker(number: int, job: RunJob) -> None:
    def progress(rollouts: int) -> bool:
        count_up(number, rollouts)
        return not stopping()

    job.run(progress)
