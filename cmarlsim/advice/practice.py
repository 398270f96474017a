"""What a short run shows, beside what the theory promises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cmarlsim.advice.errors import all_agents, errors, most_missed
from cmarlsim.api import execute
from cmarlsim.errors import InputError
from cmarlsim.kernels.world import Floats
from cmarlsim.policies.policy import Policy
from cmarlsim.recordings.datasets import choose_links
from cmarlsim.recordings.recording import Recording
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import Run, whole_rollouts
from cmarlsim.simulation.memory_limits import record_bytes

MOST_BYTES = 2**28
"""Of a short run's recording."""

MOST_PAIRS = 2**31
"""Of agents and agents or zones, over all steps of a short run: a few seconds."""

FEWEST_ROLLOUTS = 2
"""That a run must have to say anything."""


@dataclass(frozen=True)
class Practice:
    """What was measured in one run. Errors are means over the rollouts of its second half."""

    steps: int
    satisfaction: Floats  # (M,)
    certified: Floats  # (M,) by the agent that can certify most
    one_zone: Floats  # (M,) error of the agent that is farthest off
    one_agent: float  # in the max norm, of the agent that is farthest off
    all_agents: float
    lateness: float  # share of the steps, in the worst zone and for the worst agent
    L: float  # of Assumption 2, on average along the run
    slack: float  # sigma of lambda_k^T (r_k - c) >= sigma ||lambda_k||, on average along the run


def affordable(scenario: Scenario, steps: int | None) -> int:
    """Steps of a short run: as asked for, or as many as a run has by default and a few seconds allow.

    Returns
    -------
    int
        0 if the scenario is too large for any.

    Raises
    ------
    InputError
        If `steps` are no whole rollouts, or too few.
    """
    T0, N = scenario.dual.T0, scenario.agents.N
    rollouts = max(FEWEST_ROLLOUTS, whole_rollouts(steps, T0))
    if steps is not None:
        if steps < FEWEST_ROLLOUTS * T0:
            raise InputError(f"--steps {steps}: must be {FEWEST_ROLLOUTS} rollouts of T0 = {T0} or more")
        return steps
    size = record_bytes(scenario, T0, "step", choose_links(scenario, 0, "step", "auto"))
    rollouts = min(rollouts, MOST_BYTES // size, MOST_PAIRS // (T0 * N * (N + scenario.M)))
    return rollouts * T0 if rollouts >= FEWEST_ROLLOUTS else 0


def value_changes(recording: Recording, policy: Policy) -> Floats:
    """Sample of V_P - V_R, eq. (14) and (20), in every rollout of a recording, (K, M).

    V_R is the mean reward of rollout k as it was, V_P that of the same rollout from the same places with the
    same draws, had all agents had lam_k.

    Raises
    ------
    InputError
        If the run, repeated, is not that of the recording.
    """
    run, ideal = Run(recording.scenario, policy, recording.seed), recording.lam_ideal
    shared, local = np.empty_like(recording.reward_mean), np.empty_like(recording.reward_mean)
    for k in range(recording.rollouts_done):
        shared[k] = run.fork(ideal[k]).advance(1, keep_steps=False).reward_mean[0]
        local[k] = run.advance(1, keep_steps=False).reward_mean[0]
    if not np.array_equal(local, recording.reward_mean):
        raise InputError(f"{recording.path}: cannot be repeated by this version of cmarlsim; record it again")
    return shared - local


def average_L(value: Floats, error: Floats) -> float:
    """L of eq. (21) on average along a run, 0 where there is no error.

    Parameters
    ----------
    value : (K, M) array
        V_P - V_R.
    error : (K, N) array
        Of the multipliers, in the max norm.
    """
    largest = error.max(axis=1).mean()
    return float(np.linalg.norm(value.mean(axis=0)) / largest) if largest > 0 else 0.0


def average_slack(recording: Recording) -> float:
    """Ratio of the sums of lambda_k^T (r_k - c) and of ||lambda_k||, 0 where multipliers always were."""
    lam = recording.lam_ideal[:-1]
    size = float(np.linalg.norm(lam, axis=1).sum())
    return float(((recording.reward_mean - recording.scenario.c) * lam).sum()) / size if size > 0 else 0.0


def practise(scenario: Scenario, policy: Policy, steps: int, seed: int) -> tuple[Practice, Recording]:
    """Make a run of level ``step`` in memory, and measure it."""
    recording = execute(scenario, policy, steps, seed, record="step")
    error = errors(recording)
    late = error[len(error) // 2 :]
    measured = Practice(
        steps=recording.steps,
        satisfaction=recording.satisfaction(),
        certified=recording.certificate().max(axis=0),
        one_zone=late.mean(axis=0).max(axis=0),
        one_agent=float(late.max(axis=2).mean(axis=0).max()),
        all_agents=all_agents(recording),
        lateness=most_missed(recording),
        L=average_L(value_changes(recording, policy), error.max(axis=2)),
        slack=average_slack(recording),
    )
    return measured, recording
