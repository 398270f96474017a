"""How long runs take, and how much of the disk: measured in a short stretch, and said before they begin."""

from __future__ import annotations

import time
from typing import NamedTuple

from cmarlsim.errors import InputError
from cmarlsim.policies.policy import Policy
from cmarlsim.recordings.columns import compressed
from cmarlsim.recordings.datasets import DATASETS, kept
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import Run, chunk_size
from cmarlsim.simulation.memory_limits import record_bytes

LONG_SECONDS = 86_400.0
"""Work of more than a day begins only where that is asked for."""

LARGE_BYTES, LARGE_SHARE = 20e9, 0.5
"""So does work that takes more of the disk than that, or than that share of what is free."""

_PER_STEP = 1e-5
"""Seconds that a step takes at most for each agent and zone: ten times what was measured."""

_LITTLE_SECONDS, _LITTLE_BYTES = 600.0, 1e9
"""Work of less is not measured beforehand."""

_STRETCH_SECONDS, _STRETCH_AGENT_STEPS = 0.3, 10**6


class Work(NamedTuple):
    """What work takes: seconds on this machine, and bytes of the disk."""

    seconds: float
    bytes: float

    def check(self, what: str, free: int, yes: bool = False) -> None:
        """Make sure that this can be done, and where it takes much that it is meant.

        Parameters
        ----------
        what
            What is to be done, for the message.
        free
            Bytes that are free on the disk.
        yes
            Allow more than a day, `LARGE_BYTES`, and `LARGE_SHARE` of the disk.

        Raises
        ------
        InputError
            If more is needed than is free, or much and `yes` is not set.
        """
        disk = f"{self.bytes / 1e9:,.1f} GB of the disk, of which {free / 1e9:,.1f} GB are free"
        if self.bytes > free:
            raise InputError(f"{what} would take about {disk}")
        if not yes and (self.seconds > LONG_SECONDS or self.bytes > min(LARGE_BYTES, LARGE_SHARE * free)):
            long = self.seconds > LONG_SECONDS
            length = f"{self.seconds / 86_400:,.1f} days" if long else f"{self.seconds / 3600:.1f} hours"
            both = f"{length} and {disk}" if self.bytes else length
            raise InputError(f"{what} would take about {both}: add yes=True to begin")


def is_little(scenario: Scenario, steps: int, level: str, sparse: bool) -> bool:
    """Whether `steps` steps, of one run or several, are so few that nothing needs to be measured."""
    seconds = _PER_STEP * steps * (scenario.agents.N + scenario.M)
    return seconds < _LITTLE_SECONDS and record_bytes(scenario, steps, level, sparse) < _LITTLE_BYTES


def work_of_a_step(scenario: Scenario, policy: Policy, level: str, sparse: bool) -> Work:
    """What a step takes, recorded in a file, measured in a stretch of less than a second.

    An estimate: later the team settles, and its records compress better or worse. Rollouts of very many
    steps and agents are cut for the measurement.

    Parameters
    ----------
    level, sparse
        What is kept, and whether links are kept sparse.
    """
    dual, most = scenario.dual, max(1, _STRETCH_AGENT_STEPS // scenario.agents.N)
    if most < dual.T0:
        scenario = scenario.model_copy(update={"dual": dual.model_dump() | {"T0": most}})
    keep, T0 = level == "step", scenario.dual.T0
    run, size, steps = Run(scenario, policy, 0), 1, 0
    run.advance(1, keep, sparse)
    packed, began = 0.0, time.perf_counter()
    while (seconds := time.perf_counter() - began) < _STRETCH_SECONDS:
        chunk = run.advance(size, keep, sparse)
        steps += size * T0
        for name in kept(level, sparse):
            share = T0 / dual.T0 if DATASETS[name].group == "rollout" else 1.0
            packed += share * len(compressed(getattr(chunk, name).astype(DATASETS[name].kind)))
        size = min(2 * size, chunk_size(scenario, keep))
    return Work(seconds / steps, packed / steps)
