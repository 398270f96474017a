"""A short run of a team, and what is measured in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cmarlsim.api import execute
from cmarlsim.errors import ArgumentError
from cmarlsim.kernels.world import Floats
from cmarlsim.policies.policy import Policy
from cmarlsim.recordings.datasets import choose_links
from cmarlsim.recordings.recording import Recording
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import whole_rollouts
from cmarlsim.simulation.memory_limits import record_bytes

MOST_BYTES = 2**28
"""Most bytes of a short run's recording."""

MOST_PAIRS = 2**31
"""Most pairs of an agent and an agent or zone, over all steps of a short run: a few seconds."""

FEWEST_ROLLOUTS = 2
"""Rollouts that a run must have to say anything."""


@dataclass(frozen=True)
class ShortRun:
    """What was measured in one run."""

    steps: int
    satisfaction: Floats  # (M,)
    certified: Floats  # (M,) by the agent that can certify most
    error: float  # largest of a multiplier, over agents and zones, on average over the second half
    missed: float  # share of the steps, in the worst zone and for the worst agent


def affordable_steps(scenario: Scenario, steps: int | None) -> int:
    """Steps of a short run: as asked for, or as many as a run has by default and a few seconds allow.

    Raises
    ------
    ArgumentError
        If `steps` are no whole rollouts, or too few.
    """
    T0, N = scenario.dual.T0, scenario.agents.N
    rollouts = whole_rollouts(steps, T0)
    if steps is not None:
        if steps < FEWEST_ROLLOUTS * T0:
            raise ArgumentError("steps", steps, f"must be {FEWEST_ROLLOUTS} rollouts of T0 = {T0} or more")
        return steps
    size = record_bytes(scenario, T0, "step", choose_links(scenario, 0, "step", "auto"))
    rollouts = min(rollouts, MOST_BYTES // size, MOST_PAIRS // (T0 * N * (N + scenario.M)))
    return max(rollouts, FEWEST_ROLLOUTS) * T0


def missed_share(recording: Recording) -> float:
    """Share of the steps in which a zone was attended and an agent missed it: the largest over both."""
    T0, missed = recording.scenario.dual.T0, 0
    for first in range(0, recording.steps, T0):
        reward, estimate = (recording.read(name, first, first + T0) for name in ("reward", "estimate"))
        missed = missed + (reward[:, None] & ~estimate).sum(axis=0)
    return float(np.max(missed) / recording.steps)


def run_and_measure(scenario: Scenario, policy: Policy, steps: int, seed: int) -> tuple[ShortRun, Recording]:
    """Make a run of level ``step`` in memory, and measure it."""
    recording = execute(scenario, policy, steps, seed, record="step")
    error = np.abs(recording.lam[:-1] - recording.lam_ideal[:-1, None])  # (K, N, M)
    late = error[len(error) // 2 :]
    measured = ShortRun(
        steps=recording.steps,
        satisfaction=recording.satisfaction(),
        certified=recording.certificate().max(axis=0),
        error=float(late.max(axis=(1, 2)).mean()),
        missed=missed_share(recording),
    )
    return measured, recording
