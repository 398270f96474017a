"""The numbers that eq. (22) to (25) depend on, and the errors that they allow."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from cmarlsim.advice.connectivity import Connectivity
from cmarlsim.bounds.proposition3 import MultiplierBound
from cmarlsim.bounds.proposition4 import PathBounds
from cmarlsim.bounds.theorem1 import least_slack
from cmarlsim.kernels.world import Floats
from cmarlsim.policies.policy import Policy
from cmarlsim.scenario import Scenario


@dataclass(frozen=True, eq=False)
class Parameters:
    """What eq. (22) to (25) need to know of a scenario. Errors are of lambda^n - lambda, means, for all k.

    None exceeds eta c_m / alpha, which multiplier m never does, on any path: [(1 - alpha) x + eta (c - r)]_+
    is at most that if x is, whatever an agent hears. `ratios`: the policy sees multipliers by these alone.
    """

    c: Floats  # (M,)
    N: int
    alpha: float
    eta: float
    T0: int
    connectivity: Connectivity
    ratios: bool = False

    @classmethod
    def of(cls, scenario: Scenario, connectivity: Connectivity, policy: Policy) -> Self:
        """Take them from a scenario and a team; with only one zone, no policy chooses by ratios."""
        dual, ratios = scenario.dual, policy.sees_ratios and scenario.M > 1
        numbers = (scenario.agents.N, float(dual.alpha), float(dual.eta), dual.T0)
        return cls(scenario.c, *numbers, connectivity, ratios)

    @property
    def M(self) -> int:
        """Number of zones."""
        return len(self.c)

    @property
    def basis(self) -> str:
        """What d_G and p rest on, and so a bound for the paper's model."""
        return self.connectivity.basis

    @property
    def paths(self) -> PathBounds:
        """Bounds on multipliers along a run."""
        return PathBounds(self.c, self.alpha, self.eta)

    @property
    def shortfall(self) -> float:
        """Error of eq. (24), corrected: sqrt(alpha S / (2 - alpha)), S the sum of max(c_m, 1 - c_m)^2."""
        return self.paths.shortfall(self.paths.largest_step)

    @property
    def slack(self) -> float:
        """Least lambda^T (V - c) of ideal agents by ||lambda||: Lemma 1 as it holds."""
        return least_slack(self.c, self.N)[1]

    @property
    def most_L(self) -> float:
        """Largest L for which eq. (25), corrected, holds: L times the error over all agents is `slack`."""
        return max(self.slack, 0.0) / self.all_agents if self.all_agents > 0 else math.inf

    @property
    def lacks_L(self) -> bool:
        """Whether eq. (25) needs an L, and none exists: docs/theorem1.md, "No L".

        Where values differ for two multipliers, they do so for t times these too, at t times the distance.
        """
        return self.ratios and self.connectivity.d_G != 0

    @cached_property
    def bound(self) -> MultiplierBound | None:
        """Bounds of Proposition 3, None if no news spreads."""
        d_G = self.connectivity.d_G
        if d_G is None:
            return None
        return MultiplierBound(d_G, self.connectivity.p, self.alpha, self.eta, self.T0)

    @property
    def lateness(self) -> float:
        """Largest chance that what is observed at a random step of a rollout is not known at its end."""
        return 1.0 if self.bound is None else self.bound.lateness

    @property
    def ceiling(self) -> Floats:
        """Largest value eta c_m / alpha of each multiplier, (M,)."""
        with np.errstate(over="ignore"):
            return np.where(self.c > 0, self.eta * self.c / self.alpha if self.alpha > 0 else math.inf, 0.0)

    @property
    def printed(self) -> float:
        """Right-hand side of eq. (22)."""
        return self._error(lambda bound: bound.printed())

    @property
    def all_agents(self) -> float:
        """Error in the maximum over agents and zones, which Lemma 2 needs."""
        bound = self._error(lambda bound: bound.all_agents(self.N, self.M))
        return min(float(self.ceiling.max()), bound)

    def _error(self, of: Callable[[MultiplierBound], float]) -> float:
        """A bound of Proposition 3: 0 for one agent alone, infinite without news or contraction."""
        if self.connectivity.d_G == 0:
            return 0.0
        return math.inf if self.bound is None or self.alpha == 0 else of(self.bound)
