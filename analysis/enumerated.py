"""Teams whose places can be enumerated: stationary laws, values and gradients without sampling.

Agents that all act on one constant vector of multipliers move independently of each other. So the joint chain
is a product; it is built all the same, as Proposition 1 is about joint states and actions, where that is
small enough. A policy is a table (N, L, M): agent, tile, action, and its parameters are the logits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cmarlsim.errors import InputError
from cmarlsim.kernels.world import Bools, Floats, Ints
from cmarlsim.learning.mlp import softmax
from cmarlsim.learning.reinforce import logit_gradient
from cmarlsim.scenario import Scenario

MOST_STATES = 1200
"""Joint states at most: their matrices are dense."""

STEP = 1e-5
"""How far logits are moved for differences."""


def stationary(P: Floats) -> Floats:
    """Stationary distribution of a transition matrix with one recurrent class."""
    equations = P.T - np.eye(len(P))
    equations[-1] = 1
    return np.linalg.solve(equations, np.eye(len(P))[-1])


def bias(P: Floats, law: Floats, reward: Floats) -> Floats:
    """Sum over t of E[reward(S_t) | S_0] less its stationary mean, for every S_0."""
    return np.asarray(np.linalg.solve(np.eye(len(P)) - P + law, reward - law @ reward), dtype=np.float64)


def recurrent_classes(P: Floats) -> list[Ints]:
    """States of each set that a chain with transition matrix P cannot leave, and of which no part is such."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    count, label = connected_components(csr_array(P > 0), connection="strong")
    leaves = (P > 0) & (label[:, None] != label)
    open_ones = set(label[leaves.any(axis=1)].tolist())
    return [np.flatnonzero(label == each) for each in range(count) if each not in open_ones]


def slopes(objective: Callable[[Floats], float], pi: Floats, n: int) -> Floats:
    """Central differences of `objective` with respect to the logits of agent n's table, (L, M)."""
    logits = np.log(pi)
    found = np.empty(pi.shape[1:])

    def moved_by(step: Floats) -> float:
        return objective(softmax((logits + step).reshape(-1, pi.shape[2])).reshape(pi.shape))

    for place in np.ndindex(found.shape):
        step = np.zeros_like(logits)
        step[n][place] = STEP
        found[place] = (moved_by(step) - moved_by(-step)) / (2 * STEP)
    return found


@dataclass(frozen=True, eq=False)
class Alone:
    """The places of one agent and its moves."""

    tile: Ints  # (Q,)
    after: Ints  # (Q, M) the place one step further towards a zone
    inside: Bools  # (Q, M)
    N: int
    c: Floats  # (M,)

    @classmethod
    def of(cls, scenario: Scenario) -> Alone:
        """Places of a scenario.

        Raises
        ------
        InputError
            If there are too many to number them.
        """
        numbered = scenario.site.numbered
        if not len(numbered.position):
            raise InputError(f"scenario '{scenario.name}': has too many places to enumerate")
        inside = scenario.inside_zones(numbered.position)
        return cls(numbered.tile, numbered.after.astype(np.int64), inside, scenario.agents.N, scenario.c)

    def matrix(self, table: Floats) -> Floats:
        """Transitions (Q, Q) of an agent with the table (L, M)."""
        P = np.zeros((len(self.tile), len(self.tile)))
        np.add.at(P, (np.arange(len(P))[:, None], self.after), table[self.tile])
        return P

    def attended(self, table: Floats) -> Floats:
        """Long-run fraction of time that an agent with the table (L, M) is in each zone, (M,)."""
        return stationary(self.matrix(table)) @ self.inside

    def rounding(self, table: Floats) -> float:
        """Relative error that rounding may leave in the stationary law of an agent with the table (L, M).

        It is large if some places are hardly ever left, as with policies that are almost determined.
        """
        P = self.matrix(table)
        condition = np.linalg.cond(np.eye(len(P)) - P + stationary(P), 1)
        return float(condition * np.finfo(np.float64).eps)

    def lagrangian(self, attended: Floats, lam: Floats) -> float:
        """Eq. (5) from (N, M) fractions: agents are independent, a zone lacks them if all are elsewhere."""
        return float((1 - np.prod(1 - attended, axis=0) - self.c) @ lam)

    def thinned(self, attended: Floats, lam: Floats, n: int) -> Floats:
        """What agent n earns at every place, (Q,): lam_m times the chance that nobody else is in zone m."""
        return self.inside @ (lam * np.prod(np.delete(1 - attended, n, axis=0), axis=0))

    def local_q(self, table: Floats, reward: Floats) -> Floats:
        """Q of one agent who earns `reward` (Q,), for every place and action, (Q, M).

        With the `thinned` reward that is eq. (12): the others are independent of its places and actions.
        """
        P = self.matrix(table)
        law = stationary(P)
        return (reward - law @ reward)[:, None] + bias(P, law, reward)[self.after]

    def gradient(self, table: Floats, local_q: Floats) -> Floats:
        """Proposition 1 with respect to an agent's logits, (L, M): E[grad log pi Q^n]."""
        weight = np.zeros(table.shape)
        occupancy = stationary(self.matrix(table))[:, None] * table[self.tile]
        np.add.at(weight, self.tile, occupancy * local_q)
        return logit_gradient(table, weight)


@dataclass(frozen=True, eq=False)
class Joint:
    """All joint states of a team, at most `MOST_STATES`."""

    alone: Alone

    @cached_property
    def places(self) -> Ints:
        """Place of every agent, (states, N)."""
        return np.stack(np.unravel_index(np.arange(self._count), self._shape), axis=1)

    @property
    def _shape(self) -> tuple[int, ...]:
        return (len(self.alone.tile),) * self.alone.N

    @property
    def _count(self) -> int:
        return len(self.alone.tile) ** self.alone.N

    @cached_property
    def reward(self) -> Bools:
        """Eq. (1), (states, M)."""
        return np.asarray(self.alone.inside[self.places].any(axis=1))

    def matrix(self, pi: Floats, forced: tuple[int, int] | None = None) -> Floats:
        """Transitions (states, states); with `forced` an agent takes an action whatever its policy says."""
        each = [self.alone.matrix(table) for table in pi]
        if forced is not None:
            n, action = forced
            each[n] = self.alone.matrix(np.eye(pi.shape[2])[np.full(pi.shape[1], action)])
        joint: Floats = np.ones((1, 1))
        for P in each:
            joint = np.asarray(np.kron(joint, P), dtype=np.float64)
        return joint

    def lagrangian(self, pi: Floats, lam: Floats) -> float:
        """Eq. (5), with the stationary distribution of the joint chain."""
        return float(stationary(self.matrix(pi)) @ (self.reward - self.alone.c) @ lam)

    def values(self, pi: Floats, lam: Floats) -> Floats:
        """Eq. (5) of each recurrent class of the joint chain: which one is entered may depend on S_0."""
        P, found = self.matrix(pi), []
        for states in recurrent_classes(P):
            law = stationary(P[np.ix_(states, states)])
            found.append(law @ (self.reward[states] - self.alone.c) @ lam)
        return np.array(found)

    def local_q(self, pi: Floats, lam: Floats, n: int) -> Floats:
        """Eq. (12) as it is written, for every place and action of agent n, (Q, M)."""
        P = self.matrix(pi)
        law, excess = stationary(P), (self.reward - self.alone.c) @ lam
        to_come = bias(P, law, excess)
        excess = excess - law @ excess
        shares = np.bincount(self.places[:, n], weights=law, minlength=len(self.alone.tile))
        found = np.zeros((len(self.alone.tile), pi.shape[2]))
        for action in range(pi.shape[2]):
            Q = excess + self.matrix(pi, (n, action)) @ to_come
            found[:, action] = np.bincount(self.places[:, n], weights=law * Q, minlength=len(found))
        return np.divide(found, shares[:, None], out=found, where=shares[:, None] > 0)

    def objective(self, pi: Floats, lam: Floats, T0: int) -> float:
        """Eq. (13) up to a constant: mean weighted reward of S_1 .. S_T0; S_0 is any state as likely."""
        P, law, total = self.matrix(pi), np.full(self._count, 1 / self._count), 0.0
        for _ in range(T0):
            law = law @ P
            total += float(law @ self.reward @ lam)
        return total / T0

    def sampled_mean(self, pi: Floats, lam: Floats, n: int, T0: int, by_mean: bool = False) -> Floats:
        """Mean of what Algorithm 1 samples in episodes of T0 steps, with respect to agent n's logits, (L, M).

        Local Q is the sum of the rewards to go; with `by_mean` their mean, as in `cmarlsim.training`.
        """
        P, reward = self.matrix(pi), self.reward @ lam
        forced = [self.matrix(pi, (n, action)) for action in range(pi.shape[2])]
        laws = [np.full(self._count, 1 / self._count)]
        for _ in range(T0 - 1):
            laws.append(laws[-1] @ P)
        tile, weight = self.alone.tile[self.places[:, n]], np.zeros(pi.shape[1:])
        to_come = np.zeros(self._count)
        for t in reversed(range(T0)):
            Q = np.stack([matrix @ (reward + to_come) for matrix in forced], axis=1)
            scale = 1 / (T0 - t) if by_mean else 1
            np.add.at(weight, tile, scale * laws[t][:, None] * pi[n, tile] * Q)
            to_come = P @ (reward + to_come)
        return logit_gradient(pi[n], weight) / T0
