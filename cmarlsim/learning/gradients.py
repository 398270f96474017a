"""The gradients that training ascends, from the compiled kernels; `reinforce` is the same in NumPy."""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.episodes import Experience
from cmarlsim.kernels.gradient import (
    Ascent,
    baseline_gradient,
    new_ascent,
    policy_gradient,
    spread_of_advantage,
)
from cmarlsim.kernels.visits import gather, new_visits
from cmarlsim.learning.mlp import MLP, Array


class Gradients:
    """Gradients of a policy and of its baseline, on buffers that are made once.

    Parameters
    ----------
    tile_input : (L, 2) array
        Scaled centres of the tiles.
    shape : (B, T0, M)
        Episodes of a batch, their steps, and zones.
    hidden, baseline_hidden
        Hidden units of the two networks.
    """

    def __init__(
        self, tile_input: Array, shape: tuple[int, int, int], hidden: int, baseline_hidden: int
    ) -> None:
        episodes, T0, M = shape
        self._tile_input = np.ascontiguousarray(tile_input, dtype=np.float32)
        self._visits = new_visits(episodes, T0, len(tile_input), M)
        self._policy = new_ascent(M + 2, hidden, M)
        self._baseline = new_ascent(M + 2, baseline_hidden, 1)

    def of_batch(
        self,
        policy: MLP,
        baseline: MLP,
        lam: Array,
        worth: Array,
        experience: Experience,
        discount: float,
        entropy: float,
    ) -> tuple[MLP, MLP]:
        """Gradients with respect to the parameters of the policy and of the baseline.

        The policy's is Proposition 1's, with the sampled local Q minus the baseline for Q, in units of their
        standard deviation over the batch, plus a bonus for entropy. The baseline's is that of minus its
        squared error.

        Parameters
        ----------
        policy, baseline
            Both have M + 2 inputs; the policy has M outputs, the baseline one.
        lam, worth : (B, M) arrays
            What the policy and what the baseline sees besides the tile, in every episode: the agent's
            multipliers, and those that the rewards weigh.
        experience
            What an agent that acts by the policy experiences.
        discount
            Factor a step by which later rewards count less.
        entropy
            Weight of the mean entropy.

        Returns
        -------
        pair of MLP
            Views of buffers: valid until the next call.
        """
        visits = self._visits
        _fill(self._policy, policy)
        _fill(self._baseline, baseline)
        gather(experience, discount, visits)
        baseline_gradient(worth, self._tile_input, visits, self._baseline)
        spread = spread_of_advantage(visits)
        policy_gradient(lam, self._tile_input, visits, spread, entropy, self._policy)
        return _slopes(self._policy), _slopes(self._baseline)


def _fill(ascent: Ascent, mlp: MLP) -> None:
    for buffer, array in zip(ascent.network, mlp._replace(W2=mlp.W2.T), strict=True):
        buffer[...] = array


def _slopes(ascent: Ascent) -> MLP:
    gradient = ascent.gradient
    return MLP(gradient.W1, gradient.b1, gradient.W2.T, gradient.b2)
