"""How multipliers evolve between rollouts: by gossip, and by what stands in its place.

Every rule is one dual update, ``[(1 - alpha) mixed + step (T0 c - evidence)]_+``, and rules differ
in what an agent takes for its multipliers before (`mixed`), in what it takes for the truth about the rollout
(`evidence`, in steps), and in the step size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cmarlsim.kernels.dual import updated_all
from cmarlsim.kernels.scene import Chunk
from cmarlsim.kernels.world import Bools, Floats, Ints
from cmarlsim.scenario import Scenario


class RolloutEnd(NamedTuple):
    """What a rule sees at the end of rollout k."""

    scenario: Scenario
    k: int
    c: Floats  # (N, M) the thresholds in each agent's update
    lam: Floats  # (N, M) in force during the rollout
    known: Ints  # (N, M) steps in which a zone was attended, as far as each agent knows by eq. (17)
    chunk: Chunk  # of the rollout; with steps if the rule needs them


@dataclass(frozen=True)
class GossipRule:
    """Eq. (18), with what gossip brought.

    Attributes
    ----------
    alpha : float or None
        Contraction; None for the scenario's.
    decay : float
        The step size of rollout k is eta / (k + 1)^decay.
    """

    alpha: float | None = None
    decay: float = 0.0
    needs_steps = False

    def evidence(self, end: RolloutEnd) -> Floats | Ints:
        """Steps in which each zone was attended, as each agent believes, (N, M)."""
        return end.known

    def mixed(self, end: RolloutEnd) -> Floats:
        """Multipliers that the update starts from, (N, M)."""
        return end.lam

    def first(self, N: int, M: int) -> Floats:
        """Multipliers of the first rollout, (N, M)."""
        return np.zeros((N, M))

    def __call__(self, end: RolloutEnd) -> Floats:
        """Multipliers of the next rollout, (N, M)."""
        dual = end.scenario.dual
        alpha = dual.alpha if self.alpha is None else self.alpha
        step = dual.eta / dual.T0 / (end.k + 1) ** self.decay
        return updated_all(self.mixed(end), end.c, alpha, step, self.evidence(end), dual.T0)


@dataclass(frozen=True)
class SharedRule(GossipRule):
    """Eq. (16): everybody knows the true rewards, so all have one vector of multipliers."""

    def evidence(self, end: RolloutEnd) -> Floats:
        """The truth, (N, M)."""
        attended = np.rint(end.chunk.reward_mean[0] * end.scenario.dual.T0)
        return np.broadcast_to(attended, end.lam.shape)


@dataclass(frozen=True)
class ConsensusRule(GossipRule):
    """Neighbours average their multipliers; nobody passes on what others saw.

    At every step of the rollout linked agents average with Metropolis weights. An agent has seen only
    itself, so it counts its own visits N times: then the team's mean multiplier moves as with the sum of all
    visits (two agents in one zone count twice).
    """

    needs_steps = True

    def evidence(self, end: RolloutEnd) -> Floats:
        """N times the steps that each agent itself spent in each zone, (N, M)."""
        own = end.scenario.inside_zones(end.chunk.position)
        return float(len(end.lam)) * own.sum(axis=0)

    def mixed(self, end: RolloutEnd) -> Floats:
        """Multipliers after T0 rounds of averaging, (N, M)."""
        return product(metropolis(end.chunk.link)) @ end.lam


@dataclass(frozen=True)
class FrozenRule(GossipRule):
    """Fixed-weight regularisation: all agents keep the multipliers `lam` (M,), whatever happens."""

    lam: tuple[float, ...] = ()

    def first(self, N: int, M: int) -> Floats:
        """`lam` for everybody, (N, M)."""
        return np.tile(self.lam, (N, 1))

    def __call__(self, end: RolloutEnd) -> Floats:
        """The same multipliers as ever, (N, M)."""
        return end.lam


def metropolis(link: Bools) -> Floats:
    """Averaging weights of every step: symmetric, rows that add up to 1.

    Parameters
    ----------
    link : (T, N, N) array of bool

    Returns
    -------
    (T, N, N) array
        1 / (1 + max(degree_i, degree_j)) for linked agents, the rest on the diagonal.
    """
    degree = link.sum(axis=2)
    weights = link / (1.0 + np.maximum(degree[:, :, None], degree[:, None, :]))
    n = np.arange(link.shape[1])
    weights[:, n, n] = 1.0 - weights.sum(axis=2)
    return weights


def product(weights: Floats) -> Floats:
    """All rounds of averaging as one: weights[T - 1] @ ... @ weights[0], multiplied in pairs."""
    while len(weights) > 1:
        if len(weights) % 2:
            weights = np.append(weights, np.eye(weights.shape[1])[None], axis=0)
        weights = weights[1::2] @ weights[::2]
    return weights[0]
