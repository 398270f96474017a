"""Proposition 3, eq. (22): how far multipliers are off, as printed and as it holds.

`docs/footprints.md` has the proofs that the paper lacks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cmarlsim.bounds.proposition2 import negative_binomial
from cmarlsim.errors import InputError
from cmarlsim.kernels.world import Floats

NEGLIGIBLE = 1e-9
"""Weight (1 - alpha)^i of a rollout so long ago that the largest error it can have had is assumed."""

MOST_GROUPS = 2**12
"""Most groups of rollouts, and of values of B, in which the bound by moments takes them."""


@dataclass(frozen=True)
class MultiplierBound:
    """Bounds on the mean of lambda^n_k - lambda_k >= 0: Proposition 3, and what holds in its place.

    They hold for gossip over the paper's model (4), where the links of a rollout do not depend on what is
    observed in it. Every bound takes the number k of rollouts done; without it, it holds for all k.

    Raises
    ------
    InputError
        If a value is impossible; from the bounds, if alpha is 0 and k is not given.
    """

    d_G: int
    p: float
    alpha: float
    eta: float
    T0: int

    def __post_init__(self) -> None:
        allowed = {
            "d_G": (self.d_G >= 0, "0 or more"),
            "p": (0 < self.p <= 1, "in (0, 1]"),
            "alpha": (0 <= self.alpha < 1, "in [0, 1)"),
            "eta": (0 < self.eta < math.inf, "above 0"),
            "T0": (self.T0 >= 1, "1 or more"),
        }
        for key, (fits, wanted) in allowed.items():
            if not fits:
                raise InputError(f"{key} = {getattr(self, key):g}: must be {wanted}")

    @cached_property
    def late(self) -> Floats:
        """Largest chance that what was 0, 1, ... steps before a rollout's end is not known then, (T0,)."""
        return 1 - negative_binomial(self.d_G, self.p, self.T0 - 1)

    def weight(self, k: float | None = None) -> float:
        """Sum of (1 - alpha)^i over i < k."""
        if k is not None and self.alpha == 0:
            return float(k)
        if self.alpha == 0:
            raise InputError(
                "alpha = 0: the bound divides by it; give alpha > 0, or the number k of rollouts"
            )
        return (1.0 if k is None else -math.expm1(k * math.log1p(-self.alpha))) / self.alpha

    def printed(self, k: int | None = None) -> float:
        """Right-hand side of eq. (22), or with k the transient form sum_{i<k} (1 - alpha)^i eta d_G / (T0 p).

        It bounds the error of each agent and zone; that of the max norm, as printed, it does not.
        """
        return self.weight(k) * self.eta * self.d_G / (self.T0 * self.p)

    def one_zone(self, k: int | None = None) -> float:
        """Bound for each agent and zone, with E min(BN, T0) instead of E BN = d_G / p."""
        return self._by_union(1, k)

    def one_agent(self, N: int, M: int, k: int | None = None) -> float:
        """Bound for the max norm over M zones, for each of N agents."""
        return min(self._by_union(min(M, N - 1), k), self._by_moments(M, k))

    def all_agents(self, N: int, M: int, k: int | None = None) -> float:
        """Bound for the maximum over all agents and zones, which Lemma 2 needs."""
        return min(self._by_union(N * min(M, N - 1), k), self._by_moments(N * M, k))

    def _by_union(self, count: int, k: int | None) -> float:
        """That a step of a rollout is missed anywhere is at most `count` times as likely as at one place."""
        return self.weight(k) * self.eta / self.T0 * float(np.minimum(1, count * self.late).sum())

    def _by_moments(self, count: int, k: int | None) -> float:
        """inf_s (log count + sum_{i<k} log E exp(s w_i B)) / s with w_i = eta (1 - alpha)^i / T0.

        B is min(BN, T0). The logarithms are convex in s and grow with w_i, so that a bound remains one when
        they are interpolated, and when rollouts are taken in groups with the weight of the latest, or values
        of B in groups with the largest.
        """
        from scipy.special import logsumexp

        whole = self.weight(k)
        remembered = math.inf if self.alpha == 0 else math.log(NEGLIGIBLE) / math.log1p(-self.alpha)
        followed = np.ceil(min(remembered, math.inf if k is None else k))
        if math.isinf(whole) or math.isinf(followed):
            return math.inf
        rest = self.eta * (whole - self.weight(followed))
        first = np.arange(0, followed, np.ceil(max(followed, 1) / MOST_GROUPS))  # more than integers hold
        size = np.diff(first, append=followed)
        B = np.arange(0, self.T0 + 1, math.ceil((self.T0 + 1) / MOST_GROUPS))
        law = np.maximum(-np.diff(self.late, prepend=1, append=0), 0)  # P(B = 0), ..., P(B = T0)
        law, B = np.add.reduceat(law, B), np.append(B[1:] - 1, self.T0)
        knots = np.append(0, np.logspace(-5, 3, 400))
        grown = logsumexp(np.outer(knots, B / self.T0), b=law, axis=1)
        s = np.logspace(-3, 3, 100)
        with np.errstate(over="ignore"):
            moments = np.interp(np.outer(s, (1 - self.alpha) ** first), knots, grown) @ size
        return rest + self.eta * float(((math.log(max(count, 1)) + moments) / s).min())

    @property
    def lateness(self) -> float:
        """Largest chance that what happens at a random step of a rollout is not known at its end."""
        return float(self.late.mean())
