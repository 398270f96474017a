"""Assumption 2, eq. (21): how much a team's values change with errors of its multipliers, along a run."""

from __future__ import annotations

import numpy as np

from cmarlsim.errors import MisfitError
from cmarlsim.kernels.world import Floats
from cmarlsim.policies.policy import Policy
from cmarlsim.recordings.recording import Recording
from cmarlsim.simulation.execution import Run


def value_changes(recording: Recording, policy: Policy) -> Floats:
    """Sample of V_P - V_R, eq. (14) and (20), in every rollout of a recording, (K, M).

    V_R is the mean reward of rollout k as it was, V_P that of the same rollout from the same places with the
    same draws, had all agents had lam_k.

    Raises
    ------
    MisfitError
        If the run, repeated, is not that of the recording.
    """
    run, ideal = Run(recording.scenario, policy, recording.seed), recording.lam_ideal
    shared, local = np.empty_like(recording.reward_mean), np.empty_like(recording.reward_mean)
    for k in range(recording.rollouts_done):
        shared[k] = run.fork(ideal[k]).advance(1, keep_steps=False).reward_mean[0]
        local[k] = run.advance(1, keep_steps=False).reward_mean[0]
    if not np.array_equal(local, recording.reward_mean):
        raise MisfitError(
            f"{recording.path}: cannot be repeated by this version of cmarlsim; record it again"
        )
    return shared - local


def average_L(value: Floats, error: Floats) -> float:
    """L of eq. (21) on average along a run, 0 where there is no error.

    Parameters
    ----------
    value : (K, M) array
        V_P - V_R.
    error : (K, N) array
        Errors of the multipliers, in the max norm.
    """
    largest = error.max(axis=1).mean()
    return float(np.linalg.norm(value.mean(axis=0)) / largest) if largest > 0 else 0.0
