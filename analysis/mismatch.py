"""How far agents' multipliers are from the ideal ones, and how much that changes what they do.

Section IV of the paper builds on two quantities. The *multiplier error* of Proposition 3 is
``max_m |lam^n_k - lam_k|_m``, between an agent's own multipliers of eq. (18) and those of eq. (16), which the
true rewards would give. Assumption 2 wants the loss of value by acting on the former to be at most L times
the largest error; as the paper says, that needs policies that are Lipschitz in the multipliers. This is
measured here. The *change of policy* is ``sum_a |pi_n(a | S, lam^n_k) - pi_n(a | S, lam_k)| / 2``, total variation:
the least probability with which an agent acts otherwise than if it knew the true rewards. Its ratio to the
multiplier error is the *slope* of the policy between both; the largest slope met is a lower bound on the
policies' Lipschitz constant in that sense, from the max norm to total variation.
"""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.world import Floats
from cmarlsim.learning.mlp import MLP, forward, softmax
from cmarlsim.learning.policy import Policy
from cmarlsim.recording import Recording


def action_probabilities(policy: Policy, lam: Floats, tiles: int) -> Floats:
    """What agents do on every tile, given their multipliers.

    Parameters
    ----------
    lam : (R, N, M) array
        Any number of multipliers an agent.
    tiles
        Number of tiles L.

    Returns
    -------
    (R, N, L, M) array
    """
    R, N, M = lam.shape
    if policy.networks is None or policy.encoding is None:
        order = np.argsort(-lam, axis=2, kind="stable")
        target = np.stack([order[:, n, n % M] for n in range(N)], axis=1)
        return np.broadcast_to(np.eye(M)[target][:, :, None], (R, N, tiles, M))
    if policy.encoding.scale_lam:
        largest = lam.max(axis=2, keepdims=True)
        lam = np.divide(lam, largest, out=np.zeros_like(lam), where=largest > 0)
    place = policy.encoding.tile_input()
    result = np.empty((R, N, len(place), M))
    for n in range(N):
        inputs = np.concatenate([np.repeat(lam[:, n], len(place), axis=0), np.tile(place, (R, 1))], axis=1)
        network = MLP(*(array[n] for array in policy.networks))
        _, logits = forward(network, inputs.astype(np.float32))
        result[:, n] = softmax(logits.astype(np.float64)).reshape(R, len(place), M)
    return result


def mismatch(recording: Recording, policy: Policy) -> dict[str, float]:
    """Measure a recording of level ``rollout`` or ``step``, over all its rollouts k, agents n and tiles S.

    Returns
    -------
    dict
        ``multiplier_error``: mean over k and n. ``policy_change``: mean over k, n and S, all tiles alike.
        ``mean_slope``: the second over the first. ``largest_slope``: the largest over k, n and S.
    """
    lam, ideal = recording.lam[:-1], recording.lam_ideal[:-1, None]
    error = np.abs(lam - ideal).max(axis=2)  # (K, N)
    tiles = len(recording.scenario.floorplan.tiles)
    acted, would = (
        action_probabilities(policy, each, tiles) for each in (lam, np.broadcast_to(ideal, lam.shape))
    )
    change = np.abs(acted - would).sum(axis=3) / 2  # (K, N, L)
    slope = np.divide(change.max(axis=2), error, out=np.zeros_like(error), where=error > 0)
    mean_error, mean_change = float(error.mean()), float(change.mean())
    return {
        "multiplier_error": mean_error,
        "policy_change": mean_change,
        "mean_slope": mean_change / mean_error if mean_error > 0 else 0.0,
        "largest_slope": float(slope.max()),
    }
