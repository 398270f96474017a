"""The team of `tiny` with its 16 joint states and 9 joint actions, enumerated by hand.

Agents are always at one of four waypoints. Joint states are pairs of waypoints, joint actions pairs of zones.
A policy table `pi` is (2, 4, 3): agent, tile, action.
"""

from collections.abc import Callable
from itertools import product

import numpy as np

from cmarlsim import Scenario
from cmarlsim.learning.mlp import softmax
from cmarlsim.learning.reinforce import logit_gradient

TINY = Scenario.load("tiny")
N, M, T0, TILES = 2, 3, TINY.dual.T0, 4
MIDDLE = 3  # the waypoint between those of the three zones
TILE = np.array([0, 2, 3, 1])  # of each waypoint
MOVE = np.array([[0, 3, 3], [3, 1, 3], [3, 3, 2], [0, 1, 2]])  # from a waypoint, towards a zone

STATES = list(product(range(4), repeat=N))
ACTIONS = list(product(range(M), repeat=N))
NEXT = np.array(
    [[STATES.index(tuple(MOVE[w, m] for w, m in zip(s, a, strict=True))) for a in ACTIONS] for s in STATES]
)
INSIDE = np.array([[[w == m for m in range(M)] for w in s] for s in STATES])  # (16, N, M)
REWARD = INSIDE.any(axis=1)  # (16, M), eq. (1)
START = np.full(len(STATES), 1 / len(STATES))
LAM = np.array([[1.0, 0.6, 0.3], [0.2, 1.0, 0.0], [0.9, 0.1, 1.0]])


def random_tables(generator: np.random.Generator) -> np.ndarray:
    """Logits of both agents' tables."""
    return generator.normal(size=(N, TILES, M))


def tables(logits: np.ndarray) -> np.ndarray:
    """Policy tables of logits of the same shape."""
    return softmax(logits.reshape(-1, M)).reshape(logits.shape)


def joint_policy(pi: np.ndarray) -> np.ndarray:
    """Probability of every joint action in every joint state, (16, 9): eq. (11)."""
    return np.array([[np.prod([pi[n, TILE[s[n]], a[n]] for n in range(N)]) for a in ACTIONS] for s in STATES])


def chain(pi: np.ndarray) -> np.ndarray:
    """Transition matrix of the joint states."""
    matrix = np.zeros((len(STATES), len(STATES)))
    np.add.at(matrix, (np.arange(len(STATES))[:, None], NEXT), joint_policy(pi))
    return matrix


def stationary(P: np.ndarray) -> np.ndarray:
    """Stationary distribution of a transition matrix."""
    equations = np.vstack([P.T - np.eye(len(P)), np.ones(len(P))])
    return np.linalg.lstsq(equations, np.append(np.zeros(len(P)), 1.0))[0]


def lagrangian(pi: np.ndarray, lam: np.ndarray) -> float:
    """Eq. (5): the average of the weighted reward, eq. (9)."""
    return float(stationary(chain(pi)) @ (REWARD - TINY.c) @ lam)


def finite_objective(pi: np.ndarray, lam: np.ndarray) -> float:
    """Eq. (13) without its constant: the mean weighted reward of S_1, ..., S_T0, from uniform starts."""
    P, distribution, total = chain(pi), START, 0.0
    for _ in range(T0):
        distribution = distribution @ P
        total += float(distribution @ REWARD @ lam)
    return total / T0


def own(n: int, weight: np.ndarray) -> np.ndarray:
    """Sum of a (16, 9) array over what agent n does not see: per tile and action of its own."""
    total = np.zeros((TILES, M))
    for i, s in enumerate(STATES):
        for j, a in enumerate(ACTIONS):
            total[TILE[s[n]], a[n]] += weight[i, j]
    return total


def slopes(objective: Callable[[np.ndarray], float], logits: np.ndarray, n: int) -> np.ndarray:
    """Central differences with respect to the logits of agent n's table, (4, 3)."""
    out = np.empty((TILES, M))
    for tile, action in np.ndindex(out.shape):
        step = np.zeros_like(logits)
        step[n, tile, action] = 1e-5
        out[tile, action] = (objective(tables(logits + step)) - objective(tables(logits - step))) / 2e-5
    return out


def expected_estimate(pi: np.ndarray, n: int, reward: np.ndarray) -> np.ndarray:
    """Exact mean of the sampled gradient with respect to agent n's logits, from a reward of states (16,)."""
    P, distribution = chain(pi), [START]
    for _ in range(T0 - 1):
        distribution.append(distribution[-1] @ P)
    weight, value = np.zeros((TILES, M)), np.zeros(len(STATES))
    for t in reversed(range(T0)):
        Q = (reward + value)[NEXT]  # the rewards to go, from the state that the action leads to
        weight += own(n, distribution[t][:, None] * joint_policy(pi) * Q)
        value = (joint_policy(pi) * Q).sum(axis=1)
    return logit_gradient(pi[n], weight) / T0
