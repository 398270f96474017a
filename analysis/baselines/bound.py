"""An upper bound on the smallest margin of any team, whatever its agents know and do."""

from __future__ import annotations

import numpy as np

from analysis.measures import zone_sets
from cmarlsim.kernels.world import Bools
from cmarlsim.scenario import Scenario


def attended_together(scenario: Scenario) -> Bools:
    """The sets of zones that an agent can be in at once, (S, M): those that are part of no other."""
    inside = zone_sets(scenario)
    inside = np.unique(inside[inside.any(axis=1)], axis=0)
    shared = inside.astype(np.int64) @ inside.T
    size = inside.sum(axis=1)
    part = (shared == size[:, None]) & (size[:, None] < size)
    return inside[~part.any(axis=1)]


def overlapping(scenario: Scenario) -> bool:
    """Whether an agent can be in two zones at once."""
    return bool((attended_together(scenario).sum(axis=1) > 1).any())


def upper_bound(scenario: Scenario) -> float:
    """Upper bound on the smallest margin of any team.

    Let r_m be the share of the steps in which zone m is attended. It is at most 1, and sum r is at most N
    where an agent is in one zone at a time. With margins of at least delta, r_m >= c_m + delta. Where zones
    overlap, a linear program divides the agents' time among the sets of zones that can be attended at once.
    """
    c, N = np.asarray(scenario.c), scenario.agents.N
    sets, most = attended_together(scenario), float(1 - c.max())
    if (sets.sum(axis=1) <= 1).all():
        return min(most, float((N - c.sum()) / len(c)))
    from scipy.optimize import linprog

    # shares x of the sets, then delta: r >= c + delta, and the shares are N together
    attended = np.column_stack([-sets.T.astype(np.float64), np.ones(len(c))])
    together = np.append(np.ones(len(sets)), 0.0)
    found = linprog(
        -np.append(np.zeros(len(sets)), 1.0),
        A_ub=np.vstack([attended, together]),
        b_ub=np.append(-c, N),
        bounds=[(0, None)] * len(sets) + [(None, most)],
    )
    return float(-found.fun)
