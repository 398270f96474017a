"""An upper bound on the smallest margin of any team, from a linear program over time shares.

Whatever the agents know and however they decide, look at T steps of one path. Let r_m be the share of the
steps in which zone m is attended; F_m the agent-steps spent in it, over T; y_ij the number of trips from zone
i to zone j, over T: an agent leaves i and the next zone it enters is j. Zones are disjoint, so

* r_m <= 1 and r_m <= F_m, for an attended zone has at least one agent in it;
* sum F + sum g_ij y_ij <= N, where g_ij is the least number of steps that a trip spends in no zone
  (`shortest_gaps`, found over all ways that actions can lead): an agent is somewhere at every step.

With margins of at least delta, r_m >= c_m + delta, these hold, so the largest delta of the linear program is
an upper bound. Alone it forbids no schedule that travels hardly ever: trips cost nothing if there are none.

What makes travel necessary is that zones may not wait for ever. If no zone is left alone for more than I
steps in a row, the T (1 - r_m) steps in which it is alone fall into at least T (1 - r_m) / I gaps. All of
them but the last are ended by an agent that enters zone m, and that agent came

* from another zone, which is a trip into m; or
* from nowhere, as its first zone: e_m of these over T, and sum e <= N / T; or
* from zone m itself. In such a gap this agent was in no zone at all. Had it stayed in m instead, r_m and F_m
  would be larger by the gap, its time the same, and one gap less to be ended; so the program loses no
  feasible point of interest if it leaves such gaps out.

Hence sum_i y_im + e_m >= (1 - r_m) / I - 1 / T. Finally nobody leaves a zone more often than it entered one:
sum_j y_mj <= sum_i y_im + e_m. Dropping that all of these are whole numbers can only raise the optimum.
"""

from __future__ import annotations

import numpy as np

from analysis.baselines.trips import places_in_zones, shortest_gaps
from cmarlsim.errors import InputError
from cmarlsim.kernels.world import Floats, Ints
from cmarlsim.scenario import Scenario


def upper_bound(scenario: Scenario, steps: int, idleness: int | None = None) -> float:
    """Upper bound on the smallest margin that any team can reach in a run.

    Parameters
    ----------
    scenario
        Its zones must be disjoint.
    steps
        T, the length of the run.
    idleness
        I, the longest time in steps for which a zone may be left alone; None for any.

    Returns
    -------
    float
        Minus infinity if no team can keep to `idleness`.

    Raises
    ------
    InputError
        If zones overlap or there are too many places.
    """
    inside = places_in_zones(scenario)
    if (inside.sum(axis=1) > 1).any():
        raise InputError(f"scenario '{scenario.name}': zones overlap: the bound is for disjoint ones")
    return _solve(scenario.c, scenario.agents.N, shortest_gaps(scenario), steps, idleness or steps)


def _solve(c: Floats, N: int, gaps: Ints, T: int, idleness: int) -> float:
    """Maximise delta over the columns delta, r (M), F (M), e (M), y (M x M)."""
    from scipy.optimize import linprog

    M = len(c)
    one, none, many = np.eye(M), np.zeros((M, M)), np.zeros((M, M * M))
    into = np.tile(one, (1, M))  # y_ij, row by row: into[m] adds up the trips to m, out[m] those from m
    out = np.repeat(one, M, axis=1)
    column, row = np.ones((M, 1)), np.zeros((1, M))
    nothing = np.zeros((M, 1))
    below = [
        np.hstack([column, -one, none, none, many]),  # delta - r <= -c
        np.hstack([nothing, one, -one, none, many]),  # r - F <= 0
        np.hstack([[[0.0]], row, row + 1, row, gaps.reshape(1, -1)]),  # sum F + sum g y <= N
        np.hstack([nothing, -one / idleness, none, -one, -into]),  # trips end gaps
        np.hstack([nothing, none, none, -one, out - into]),  # who leaves has entered
        np.hstack([[[0.0]], row, row, row + 1, np.zeros((1, M * M))]),  # sum e <= N / T
    ]
    closing = np.full(M, 1 / T - 1 / idleness)
    limits = np.concatenate([-c, np.zeros(M), [N], closing, np.zeros(M), [N / T]])
    trip = [(0, 0 if i == j else None) for i in range(M) for j in range(M)]
    bounds = [(None, 1), *[(0, 1)] * M, *[(0, None)] * (2 * M), *trip]
    cost = np.zeros(1 + 3 * M + M * M)
    cost[0] = -1.0
    solution = linprog(cost, A_ub=np.vstack(below), b_ub=limits, bounds=bounds)
    return float(-solution.fun) if solution.status == 0 else -np.inf
