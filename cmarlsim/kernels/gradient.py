"""Proposition 1's gradient on the visited rows of a batch, and the gradient of its baseline.

`cmarlsim.learning.reinforce` is the same in NumPy, for reading and for checking.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from cmarlsim.kernels.compiling import inner, kernel, reduction
from cmarlsim.kernels.network import (
    Layers,
    Network,
    Singles,
    backward,
    begin_episode,
    clear_network,
    end_episode,
    forward,
    new_layers,
    new_network,
)
from cmarlsim.kernels.visits import Visits, rows_of
from cmarlsim.kernels.world import Floats


class Ascent(NamedTuple):
    """A network, the gradient of what it is to maximise, and the buffers in between."""

    network: Network
    gradient: Network  # written
    layers: Layers
    probability: Floats  # (A,) buffer


def new_ascent(inputs: int, hidden: int, outputs: int) -> Ascent:
    """Ascent of a network whose parameters are yet to be filled in."""
    shape = (inputs, hidden, outputs)
    return Ascent(new_network(*shape), new_network(*shape), new_layers(hidden, outputs), np.zeros(outputs))


@inner
def row_sum(array: Floats, r: int) -> float:
    """Sum of the (few) entries of row `r` of an (R, M) array."""
    total = 0.0
    for a in range(array.shape[1]):
        total += array[r, a]
    return total


@kernel
def baseline_gradient(lam: Floats, tile_input: Singles, visits: Visits, baseline: Ascent) -> None:
    """Gradient, per step, of minus the squared error (q_t - b(s_t))^2 of the baseline b.

    Its values are written to `visits`. `lam` is (B, M) and `tile_input` (L, 2).
    """
    network, layers, gradient = baseline.network, baseline.layers, baseline.gradient
    clear_network(gradient)
    for b in range(len(lam)):
        begin_episode(network, lam[b], layers)
        first, end = rows_of(visits, b)
        for r in range(first, end):
            place = tile_input[visits.tile[r]]
            forward(network, place, layers)
            visits.value[r] = layers.output[0]
            residual = row_sum(visits.total_q, r) - row_sum(visits.steps, r) * visits.value[r]
            layers.d_output[0] = 2.0 * residual / visits.row.size
            backward(network, place, layers, gradient)
        end_episode(lam[b], layers, gradient)


@reduction
def spread_of_advantage(visits: Visits) -> float:
    """Standard deviation, over the steps, of local Q minus baseline; 1 if it is 0."""
    episodes, T0 = visits.row.shape
    mean, variance = 0.0, 0.0
    for b in range(episodes):
        for t in range(T0):
            mean += visits.q[b, t] - visits.value[visits.row[b, t]]
    mean /= visits.row.size
    for b in range(episodes):
        for t in range(T0):
            variance += (visits.q[b, t] - visits.value[visits.row[b, t]] - mean) ** 2
    spread = math.sqrt(variance / visits.row.size)
    return 1.0 if spread == 0.0 else spread


@inner
def softmax_into(logit: Singles, probability: Floats) -> float:
    """Write the soft-max of `logit` (A,) into `probability` (A,).

    Returns
    -------
    float
        What to subtract from a logit to get the logarithm of its probability.
    """
    largest = logit[0]
    for a in range(1, len(logit)):
        largest = max(largest, logit[a])
    total = 0.0
    for a in range(len(logit)):
        probability[a] = math.exp(logit[a] - largest)
        total += probability[a]
    for a in range(len(logit)):
        probability[a] /= total
    return largest + math.log(total)


@inner
def logit_slopes(visits: Visits, r: int, spread: float, entropy: float, policy: Ascent) -> None:
    """Gradient, per step, of row r's part of the objective with respect to its logits, into `d_output`.

    The objective is sum_a advantage[a] log pi(a) + entropy * steps * H(pi): Proposition 1 with local Q minus
    baseline, divided by `spread`, for Q; and a bonus of the entropy H.
    """
    logit, probability, value = policy.layers.output, policy.probability, visits.value[r]
    log_total = softmax_into(logit, probability)
    steps = row_sum(visits.steps, r)
    total = (row_sum(visits.total_q, r) - steps * value) / spread
    mean_log = 0.0  # minus the entropy
    for a in range(len(logit)):
        mean_log += probability[a] * (logit[a] - log_total)
    for a in range(len(logit)):
        advantage = (visits.total_q[r, a] - visits.steps[r, a] * value) / spread
        bonus = -entropy * steps * probability[a] * (logit[a] - log_total - mean_log)
        policy.layers.d_output[a] = (advantage - total * probability[a] + bonus) / visits.row.size


@kernel
def policy_gradient(
    lam: Floats, tile_input: Singles, visits: Visits, spread: float, entropy: float, policy: Ascent
) -> None:
    """Gradient, per step of the batch, of the objective of Proposition 1 plus an entropy bonus.

    With q_t the sampled local Q of a step, eq. (12), b its baseline and H the entropy, it is the mean over
    the steps of::

        (q_t - b(s_t)) / spread * grad log pi(a_t | s_t) + entropy * grad H(pi(. | s_t))

    Parameters
    ----------
    lam : (B, M) array
        Multipliers of every episode.
    tile_input : (L, 2) array
        Scaled centres of the tiles.
    visits
        With the values of the baseline.
    spread
        What local Q minus baseline is divided by.
    entropy
        Weight of the mean entropy.
    policy
        Its `gradient` is written.
    """
    network, layers, gradient = policy.network, policy.layers, policy.gradient
    clear_network(gradient)
    for b in range(len(lam)):
        begin_episode(network, lam[b], layers)
        first, end = rows_of(visits, b)
        for r in range(first, end):
            place = tile_input[visits.tile[r]]
            forward(network, place, layers)
            logit_slopes(visits, r, spread, entropy, policy)
            backward(network, place, layers, gradient)
        end_episode(lam[b], layers, gradient)
