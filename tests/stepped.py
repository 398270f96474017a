"""A plain compiled engine that goes step by step: fast enough for a million steps, and easy to believe.

It knows neither changes nor gossip: at every step it looks up every tile, zone and pair of agents, spreads
freshness over all links, and draws every action. With the engine it shares only the rows of the policy.
"""

import math
from typing import NamedTuple

import naive
import numpy as np
from cases import Case, scenario_of
from numba import njit

from cmarlsim.kernels.policy import cdf_row, hidden_of_lam
from cmarlsim.kernels.world import Bools, Floats, Ints, Weights

TOLERANCE = naive.TOLERANCE


@njit
def point_to_segment(px: float, py: float, ax: float, ay: float, bx: float, by: float) -> float:
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    along = 0.0 if square == 0.0 else ((px - ax) * dx + (py - ay) * dy) / square
    along = min(max(along, 0.0), 1.0)
    return math.hypot(px - (ax + along * dx), py - (ay + along * dy))


@njit
def side(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> float:
    return (bx - ax) * (py - ay) - (by - ay) * (px - ax)


@njit
def sight(walls: Floats, ax: float, ay: float, bx: float, by: float) -> bool:
    """The twin's `sight`, with `walls` (W, 4)."""
    for w in range(len(walls)):
        cx, cy, dx, dy = walls[w, 0], walls[w, 1], walls[w, 2], walls[w, 3]
        if (
            side(ax, ay, bx, by, cx, cy) * side(ax, ay, bx, by, dx, dy) < 0
            and side(cx, cy, dx, dy, ax, ay) * side(cx, cy, dx, dy, bx, by) < 0
        ):
            return False
        nearest = min(point_to_segment(ax, ay, cx, cy, dx, dy), point_to_segment(bx, by, cx, cy, dx, dy))
        nearest = min(nearest, point_to_segment(cx, cy, ax, ay, bx, by))
        if min(nearest, point_to_segment(dx, dy, ax, ay, bx, by)) <= TOLERANCE:
            return False
    return True


@njit
def linked(walls: Floats, d: float, ax: float, ay: float, bx: float, by: float) -> bool:
    return math.hypot(ax - bx, ay - by) <= d + TOLERANCE or sight(walls, ax, ay, bx, by)


@njit
def all_links(walls: Floats, d: float, position: Floats) -> Bools:
    """(N, N) links of agents at `position` (N, 2)."""
    link = np.zeros((len(position), len(position)), dtype=np.bool_)
    for i in range(len(position)):
        for j in range(i):
            a, b = position[i], position[j]
            link[i, j] = link[j, i] = linked(walls, d, a[0], a[1], b[0], b[1])
    return link


def walls_of(case: Case) -> Floats:
    return np.array(naive.wall_segments(case.floorplan), dtype=float).reshape(-1, 4)


class Cells(NamedTuple):
    """Everything about the places that agents come to, by the twin; the first ones are the waypoints."""

    position: Floats  # (Q, 2)
    tile: Ints  # (Q,)
    inside: Bools  # (Q, M)
    after: Ints  # (Q, M)


class Rules(NamedTuple):
    c: Floats
    alpha: float
    eta: float
    d: float
    walls: Floats  # (W, 4)


class Outcome(NamedTuple):
    reward: Bools  # (T, M)
    action: Ints  # (T, N)
    known: Ints  # (K, N, M)
    lam: Floats  # (K, N, M)
    lam_ideal: Floats  # (K, M)


def cells_of(case: Case) -> Cells:
    plan = naive.build_plan(case.scenario, case.floorplan)
    speed = naive.ticks(case.scenario["agents"]["speed"])
    number: dict[naive.Place, int] = {("node", p): p for p in range(len(plan.point))}
    places, after = list(number), []
    for place in places:  # grows as it goes
        reached = [naive.advance(plan, place, zone, speed) for zone in range(len(plan.goal))]
        for new in reached:
            if new not in number:
                number[new] = len(places)
                places.append(new)
        after.append([number[new] for new in reached])
    position = [naive.position_of(plan, place) for place in places]
    return Cells(
        np.array(position, dtype=float),
        np.array([naive.tile_of(case.floorplan, x) for x in position]),
        np.array([naive.zones_of(case.scenario, x) for x in position]),
        np.array(after),
    )


def rules_of(case: Case) -> Rules:
    c, dual = np.array([zone["c"] for zone in case.scenario["zones"]]), case.scenario["dual"]
    return Rules(c, dual["alpha"], dual["eta"], float(case.scenario["links"]["d"]), walls_of(case))


@njit
def draw(row: Floats, u: float) -> int:
    action = 0
    while action < len(row) - 1 and row[action] <= u:
        action += 1
    return action


@njit
def near(cells: Cells, rules: Rules, memo: Ints, a: int, b: int) -> bool:
    if memo[a, b] < 0:
        x, y, position = cells.position[a, 0], cells.position[a, 1], cells.position
        memo[a, b] = linked(rules.walls, rules.d, x, y, position[b, 0], position[b, 1])
    return memo[a, b] == 1


@njit
def run(cells: Cells, rules: Rules, weights: Weights, start: Ints, uniform: Floats, out: Outcome) -> None:
    """The contract, literally, over draws (K, T0, N)."""
    rollouts, T0, agents = uniform.shape
    zones, tiles, width = len(rules.c), len(weights.tile_input), weights.W1.shape[2]
    memo = np.full((len(cells.tile), len(cells.tile)), -1, dtype=np.int8)
    place, lam, lam_ideal = start.copy(), np.zeros((agents, zones)), np.zeros(zones)
    hidden, active = np.empty((agents, width)), np.empty(width)
    row, ready = np.empty((agents, tiles, zones)), np.empty((agents, tiles), dtype=np.bool_)
    own = np.empty((T0, agents, zones), dtype=np.bool_)
    fresh = np.empty((agents, agents), dtype=np.int64)
    for k in range(rollouts):
        fresh.fill(-1)
        ready.fill(False)
        for n in range(agents):
            hidden_of_lam(weights, n, lam[n], hidden[n])
        for t in range(T0):
            before = fresh.copy()
            for n in range(agents):
                for m in range(zones):
                    own[t, n, m] = cells.inside[place[n], m]
                for j in range(agents):
                    if j != n and near(cells, rules, memo, place[n], place[j]):
                        for source in range(agents):
                            fresh[n, source] = max(fresh[n, source], before[j, source])
                fresh[n, n] = t
            for m in range(zones):
                out.reward[k * T0 + t, m] = False
                for n in range(agents):
                    out.reward[k * T0 + t, m] |= own[t, n, m]
            for n in range(agents):
                tile = cells.tile[place[n]]
                if not ready[n, tile]:
                    cdf_row(weights, n, tile, hidden[n], active, row[n, tile])
                    ready[n, tile] = True
                action = draw(row[n, tile], uniform[k, t, n])
                out.action[k * T0 + t, n] = action
                place[n] = cells.after[place[n], action]
        for m in range(zones):
            attended = 0
            for t in range(T0):
                attended += out.reward[k * T0 + t, m]
            lam_ideal[m] = updated(lam_ideal[m], rules, m, attended, T0)
            out.lam_ideal[k, m] = lam_ideal[m]
            for n in range(agents):
                known = 0
                for tau in range(T0):
                    knows = False
                    for source in range(agents):
                        knows = knows or (tau <= fresh[n, source] and own[tau, source, m])
                    known += knows
                lam[n, m] = updated(lam[n, m], rules, m, known, T0)
                out.known[k, n, m] = known
                out.lam[k, n, m] = lam[n, m]


@njit
def updated(lam: float, rules: Rules, m: int, count: int, T0: int) -> float:
    return max(0.0, (1 - rules.alpha) * lam + rules.eta / T0 * (T0 * rules.c[m] - count))


def simulate(case: Case, weights: Weights, start: Ints, uniform: Floats) -> Outcome:
    """Algorithm 2 with links by sight or disc; `weights` are those of `case`, as the package has them."""
    (K, T0, N), M = uniform.shape, len(case.scenario["zones"])
    out = Outcome(
        np.empty((K * T0, M), dtype=np.bool_),
        np.empty((K * T0, N), dtype=np.int64),
        np.empty((K, N, M), dtype=np.int64),
        np.empty((K, N, M)),
        np.empty((K, M)),
    )
    assert not weights.ranked
    assert len(weights.tile_input) == len(scenario_of(case).world.tile_box)
    run(cells_of(case), rules_of(case), weights, start, uniform, out)
    return out
