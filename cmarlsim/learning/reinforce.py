"""REINFORCE with local Q-functions, Proposition 1, on tables: the reference of the compiled gradients.

Training uses `cmarlsim.learning.gradients`, which computes the same in compiled kernels; `gradients` below
says in NumPy what that is, and tests hold the two together.

In an episode the multipliers are constant, so the policy is a table of L tiles and the gradient of all its
T0 steps collapses to one weight per (tile, action): a batch of B episodes costs at most B * L rows of the
network, and only visited rows are computed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmarlsim.kernels.episodes import Experience
from cmarlsim.learning.mlp import MLP, Array, backward, forward, softmax


class VisitedRows(NamedTuple):
    """Sums over the steps of a batch, gathered per visited (episode, tile) pair: R rows."""

    episode: Array  # (R,) int
    tile: Array  # (R,) int
    row: Array  # (B, T0) int: the row of every step
    actions: Array  # (R, M) how often each action was taken
    returns: Array  # (R, M) sum of the returns-to-go after it: times local Q, eq. (12), estimated


def returns_to_go(reward: Array, discount: float) -> Array:
    """Mean discounted reward from each step on, (B, T0): the local Q of eq. (12) up to scale, sampled.

    Entry [b, t] is sum_j discount^j reward[b, t + j] divided by sum_j discount^j, both up to the end of the
    episode.
    """
    total = np.empty_like(reward)
    tail, weight = np.zeros(len(reward)), 0.0
    for t in reversed(range(reward.shape[1])):
        tail = reward[:, t] + discount * tail
        weight = 1.0 + discount * weight
        total[:, t] = tail / weight
    return total


def gather(tile: Array, action: Array, returns: Array, tiles: int, actions: int) -> VisitedRows:
    """Gather steps, arrays (B, T0), per visited (episode, tile) pair."""
    pair = np.arange(len(tile))[:, None] * tiles + tile
    visited = np.zeros(len(tile) * tiles, dtype=bool)
    visited[pair] = True
    pairs = np.flatnonzero(visited)
    row = (np.cumsum(visited) - 1)[pair]
    cell = (row * actions + action).ravel()
    shape = (len(pairs), actions)
    size = shape[0] * shape[1]
    count = np.bincount(cell, minlength=size).reshape(shape)
    total = np.bincount(cell, weights=returns.ravel(), minlength=size).reshape(shape)
    return VisitedRows(pairs // tiles, pairs % tiles, row, count, total)


def logit_gradient(probability: Array, weight: Array) -> Array:
    """Gradient of sum_a weight[r, a] log pi(a | r) with respect to the logits; all arrays are (R, M)."""
    return weight - weight.sum(axis=1, keepdims=True) * probability


def entropy_gradient(probability: Array, weight: Array) -> Array:
    """Gradient of sum_r weight[r] H(pi(. | r)) with respect to the logits; `weight` is (R,)."""
    log = np.log(np.maximum(probability, 1e-30))
    entropy = -(probability * log).sum(axis=1, keepdims=True)
    return -weight[:, None] * probability * (log + entropy)


def policy_gradient(policy: MLP, x: Array, advantage: Array, visits: Array, entropy: float) -> MLP:
    """Gradient, per step of the batch, of the objective of Proposition 1 plus an entropy bonus.

    Parameters
    ----------
    x : (R, M + 2) array
        Input of every row.
    advantage : (R, M) array
        Sum, over the steps of a row with an action, of local Q minus baseline.
    visits : (R,) array
        Steps of every row.
    entropy
        Weight of the mean entropy.
    """
    hidden, logits = forward(policy, x)
    probability = softmax(logits)
    ascent = logit_gradient(probability, advantage)
    if entropy > 0:
        ascent = ascent + entropy * entropy_gradient(probability, visits)
    return backward(policy, x, hidden, ascent / visits.sum())


def baseline_gradient(hidden: Array, value: Array, baseline: MLP, x: Array, visits: VisitedRows) -> MLP:
    """Gradient, per step, of minus the squared error of the baseline's values (R, 1)."""
    steps = visits.actions.sum(axis=1, keepdims=True)
    residual = visits.returns.sum(axis=1, keepdims=True) - steps * value
    return backward(baseline, x, hidden, (2 * residual / steps.sum()).astype(value.dtype))


def gradients(
    policy: MLP,
    baseline: MLP,
    tile_input: Array,
    lam: Array,
    worth: Array,
    experience: Experience,
    discount: float,
    entropy: float,
) -> tuple[MLP, MLP]:
    """What `cmarlsim.learning.gradients.Gradients.of_batch` computes, in the precision of `policy`.

    `tile_input` is (L, 2); `lam` and `worth` are (B, M).
    """
    returns = returns_to_go(experience.reward, discount)
    visits = gather(experience.tile, experience.action, returns, len(tile_input), lam.shape[1])
    x, seen = (
        np.hstack([inputs[visits.episode], tile_input[visits.tile]], dtype=policy.W1.dtype)
        for inputs in (lam, worth)
    )
    hidden, value = forward(baseline, seen)
    spread = float(np.std(returns - value[visits.row, 0])) or 1.0
    advantage = ((visits.returns - visits.actions * value) / spread).astype(x.dtype)
    steps = visits.actions.sum(axis=1).astype(x.dtype)
    return (
        policy_gradient(policy, x, advantage, steps, entropy),
        baseline_gradient(hidden, value, baseline, seen, visits),
    )
