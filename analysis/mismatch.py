"""How far agents' multipliers are from the ideal ones, what that changes in what they do, and what it costs.

Section IV of the paper compares agents that act on their own multipliers lam^n_k, eq. (18), with agents that
all act on lam_k, eq. (16), which only the true rewards give. Along the rollouts k of a recording, with tiles
for the states S of a policy, `mismatch` measures

- the *multiplier error* ``max_m |lam^n_k - lam_k|_m`` of Proposition 3;
- the *change of policy* ``sum_a |pi_n(a | S, lam^n_k) - pi_n(a | S, lam_k)| / 2``, total variation: the least
  probability with which an agent acts otherwise than if it knew the true rewards;
- its ratio to the multiplier error, the *slope* of the policy between both. The largest slope met is a lower
  bound on the policies' Lipschitz constant, from the max norm to total variation;
- the values V_R and V_P of eq. (20) and (14): mean rewards of rollout k as it was, and of the same rollout
  from the same places with the same draws, had all agents had lam_k. The Euclidean norm of the mean of
  V_P - V_R over rollouts, over the mean of the largest multiplier error of an agent, is *L* as Assumption 2
  has it, eq. (21), on average along the run;
- the *loss of value*, what enters the proof of Theorem 1: the zones' mean of V_P - V_R, weighted by lam_k. It
  is negative where agents do better on their own multipliers than on the ideal ones.
"""

from __future__ import annotations

import numpy as np

from cmarlsim.errors import MisfitError
from cmarlsim.kernels.world import Floats
from cmarlsim.policies.policy import Policy
from cmarlsim.recordings.recording import Recording
from cmarlsim.simulation.execution import Run


def policy_changes(recording: Recording, policy: Policy) -> Floats:
    """Change of policy in every rollout, for each agent and tile, (K, N, L)."""
    lam, world = recording.lam[:-1], recording.scenario.world
    shared = np.broadcast_to(recording.lam_ideal[:-1, None], lam.shape)
    apart = policy.probabilities(lam, world) - policy.probabilities(shared, world)
    return np.abs(apart).sum(axis=3) / 2


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


def mismatch(recording: Recording, policy: Policy) -> dict[str, float]:
    """Measure a recording of level ``rollout`` or ``step``, made with `policy`.

    Returns
    -------
    dict
        ``multiplier_error``, mean over rollouts and agents. ``policy_change``, mean over rollouts, agents and
        tiles. ``mean_slope``, the second over the first. ``largest_slope``, over rollouts, agents and tiles.
        ``value_L``, L of Assumption 2. ``value_loss``, mean over rollouts.

    Raises
    ------
    InputError
        As `value_changes`.
    """
    ideal = recording.lam_ideal[:-1]
    error = np.abs(recording.lam[:-1] - ideal[:, None]).max(axis=2)  # (K, N)
    change, value = policy_changes(recording, policy), value_changes(recording, policy)
    slope = np.divide(change.max(axis=2), error, out=np.zeros_like(error), where=error > 0)
    weight = ideal / np.maximum(ideal.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    return {
        "multiplier_error": float(error.mean()),
        "policy_change": float(change.mean()),
        "mean_slope": ratio(change.mean(), error.mean()),
        "largest_slope": float(slope.max()),
        "value_L": ratio(np.linalg.norm(value.mean(axis=0)), error.max(axis=1).mean()),
        "value_loss": float((weight * value).sum(axis=1).mean()),
    }


def ratio(change: np.floating, error: np.floating) -> float:
    """Change by error, 0 where there is no error."""
    return float(change / error) if error > 0 else 0.0
