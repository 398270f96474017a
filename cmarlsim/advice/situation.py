"""A team and its radio as the theory sees them: a few numbers, and the errors they allow."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from cmarlsim.advice.errors import all_agents, most_missed
from cmarlsim.advice.statements import ESTIMATED, PROVEN
from cmarlsim.bounds.proposition3 import MultiplierBound
from cmarlsim.bounds.proposition4 import PathBounds
from cmarlsim.bounds.theorem1 import feasibility_error, least_slack
from cmarlsim.footprints.footprint import Footprint, fitted, strongest
from cmarlsim.graphs import footprint_edges
from cmarlsim.kernels.world import Floats
from cmarlsim.policies.policy import Policy
from cmarlsim.recordings.recording import Recording
from cmarlsim.scenario import Links, Scenario

MOST_TRAVERSED = 2000
"""Up to so many agents the diameter of a footprint is found exactly."""


@dataclass(frozen=True)
class Gossip:
    """Diameter d_G and edge probability p of eq. (4), and why.

    d_G is None if no news spreads, or if nothing is `known`. With estimates goes what their run showed: see
    `errors.most_missed` and `errors.all_agents`.
    """

    d_G: int | None
    p: float
    basis: str
    words: str
    known: bool = True
    missed: float = 0.0
    error: float = 0.0


def known_gossip(links: Links, N: int) -> Gossip | None:
    """Gossip of a link model that says it; None for ``sight-or-disc``, where it must be estimated."""
    if N == 1:
        return Gossip(0, 1.0, PROVEN, "one agent knows everything that is observed; it needs no radio")
    if links.model == "always":
        return Gossip(1, 1.0, PROVEN, "every pair is linked at every step")
    if links.model == "never":
        return Gossip(None, 0.0, PROVEN, "nobody ever hears of anybody: no bound on gossip exists")
    if links.model == "bernoulli" and links.footprint is not None:
        d_G, words = _diameter(links.footprint, N)
        return Gossip(d_G, float(links.p or 0), PROVEN, words)
    return None


def _diameter(footprint: str | tuple[tuple[int, int], ...], N: int) -> tuple[int, str]:
    if footprint == "complete":
        return 1, "footprint complete"
    name = footprint if isinstance(footprint, str) else f"of {len(footprint)} pairs"
    graph = Footprint(name, N, footprint_edges(footprint, N), np.asarray(1.0))
    if N <= MOST_TRAVERSED:
        return graph.diameter, f"footprint {name}"
    return 2 * int(graph.distances(0).max()), f"footprint {name}; its diameter is at most this"


def estimated_gossip(recording: Recording) -> Gossip:
    """Gossip estimated from who talked to whom in a run of level ``step``.

    Links by sight are neither independent nor equally likely. As in `analysis.proposition3`, p is chosen so
    that of the pairs which were linked in a share p or more of the steps d_G / p is least.
    """
    d, steps = recording.scenario.links.d, f"{recording.steps:,} steps"
    missed, error = most_missed(recording), all_agents(recording)
    try:
        best = strongest(fitted(recording))
    except ValueError as apart:
        words = f"in {steps} the pairs that met do not join the team: {str(apart).partition(': ')[2]}"
        return Gossip(None, 0.0, ESTIMATED, words, missed=missed, error=error)
    words = (
        f"links by sight or within {d:g} m follow the agents, so no p is true: in {steps} the most useful "
        f"{len(best.edges)} pairs were each linked this often or more"
    )
    return Gossip(best.diameter, float(best.p.min()), ESTIMATED, words, missed=missed, error=error)


@dataclass(frozen=True, eq=False)
class Situation:
    """What eq. (22) to (25) need to know of a scenario. Errors are of lambda^n - lambda, means, for all k.

    None exceeds eta c_m / alpha, which multiplier m never does, on any path: [(1 - alpha) x + eta (c - r)]_+
    is at most that if x is, whatever an agent hears. `ratios`: the policy sees multipliers by these alone.
    """

    c: Floats  # (M,)
    N: int
    alpha: float
    eta: float
    T0: int
    gossip: Gossip
    ratios: bool = False

    @classmethod
    def of(cls, scenario: Scenario, gossip: Gossip, policy: Policy) -> Self:
        """Situation of a scenario and a team; where there is only one zone, no policy chooses by ratios."""
        dual, ratios = scenario.dual, policy.sees_ratios and scenario.M > 1
        return cls(scenario.c, scenario.agents.N, float(dual.alpha), float(dual.eta), dual.T0, gossip, ratios)

    @property
    def M(self) -> int:
        """Number of zones."""
        return len(self.c)

    def with_setting(self, setting: str, value: float) -> Self:
        """The same with another `alpha`, `eta`, `T0` or `p`."""
        if setting == "p":
            return replace(self, gossip=replace(self.gossip, p=value))
        changed: dict[str, Any] = {setting: int(value) if setting == "T0" else value}
        return replace(self, **changed)

    @cached_property
    def bound(self) -> MultiplierBound | None:
        """Bounds of Proposition 3, None if no news spreads."""
        gossip = self.gossip
        if gossip.d_G is None:
            return None
        return MultiplierBound(gossip.d_G, gossip.p, self.alpha, self.eta, self.T0)

    @property
    def feasibility(self) -> float:
        """Error sqrt(alpha M) of eq. (24)."""
        return feasibility_error(self.alpha, self.M)

    @property
    def shortfall(self) -> float:
        """Error in its place, sqrt(alpha S / (2 - alpha)) with S the sum of max(c_m, 1 - c_m)^2."""
        bounds = PathBounds(self.c, self.alpha, self.eta)
        return bounds.shortfall(bounds.largest_step)

    @property
    def slack(self) -> float:
        """Least lambda^T (V - c) of ideal agents by ||lambda||: Lemma 1 as it holds."""
        return least_slack(self.c, self.N)[1]

    def largest_L(self, error: float) -> float:
        """Largest L for which eq. (25), corrected, holds: L times the error over all agents is `slack`."""
        return max(self.slack, 0.0) / error if error > 0 else math.inf

    @property
    def lacks_L(self) -> bool:
        """Whether eq. (25) needs an L, and none exists: docs/theorem1.md, "No L".

        Where values differ for two multipliers, they do so for t times these too, at t times the distance.
        """
        return self.ratios and self.gossip.d_G != 0

    @property
    def unbounded(self) -> bool:
        """Whether eq. (22) divides by alpha = 0."""
        return self.alpha == 0 and self.gossip.d_G != 0

    @property
    def lateness(self) -> float:
        """Largest chance that what is observed at a random step of a rollout is not known at its end."""
        return 1.0 if self.bound is None else self.bound.lateness

    @property
    def refuted(self) -> bool:
        """Whether the run that gossip was estimated from showed more than the estimates allow."""
        return self.gossip.missed > self.lateness

    @property
    def ceiling(self) -> Floats:
        """Largest value eta c_m / alpha of each multiplier, (M,)."""
        with np.errstate(over="ignore"):
            return np.where(self.c > 0, self.eta * self.c / self.alpha if self.alpha > 0 else math.inf, 0.0)

    @property
    def printed(self) -> float:
        """Right-hand side of eq. (22)."""
        if self.bound is None or (self.alpha == 0 and self.gossip.d_G):
            return math.inf
        return self.bound.printed() if self.gossip.d_G else 0.0

    @property
    def one_zone(self) -> Floats:
        """Error of each agent in each zone, with E min(BN, T0), (M,)."""
        return np.minimum(self.ceiling, self._corrected("one_zone"))

    @property
    def one_agent(self) -> float:
        """Error of each agent in the max norm."""
        return min(float(self.ceiling.max()), self._corrected("one_agent", self.N, self.M))

    @property
    def all_agents(self) -> float:
        """Error in the maximum over agents and zones, which Lemma 2 needs."""
        return min(float(self.ceiling.max()), self._corrected("all_agents", self.N, self.M))

    def _corrected(self, name: str, *sizes: int) -> float:
        if self.gossip.d_G == 0:
            return 0.0
        if self.bound is None or self.alpha == 0:
            return math.inf
        return float(getattr(self.bound, name)(*sizes))
