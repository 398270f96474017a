"""A plain twin of every kernel: slow, short, written from the equations and independent of `cmarlsim`.

Scenarios and floor plans are the dicts that `tomllib.load` returns. Agents n, zones m, waypoints p, edges e
and tiles are counted from 0 in file order. Distances along the waypoint graph are whole numbers of ticks, so
that arrivals and the comparison of two ways are exact.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

TICKS_PER_METRE = 2**44
TOLERANCE = 1e-9  # metres
TIE = round(TOLERANCE * TICKS_PER_METRE)  # routes that differ by no more are equally long

Toml = dict[str, Any]
Point = Sequence[float]
Segment = tuple[Point, Point]
Place = tuple[Literal["node"], int] | tuple[Literal["edge"], int, int]  # p | e, ticks from its first end
Policy = dict[str, Any] | Literal["rank"]  # W1, b1, W2, b2, low, high, scale_lam, lam_roots
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


# --- motion along the waypoint graph ---


def ticks(metres: float) -> int:
    """The nearest whole number of ticks."""
    return round(metres * TICKS_PER_METRE)


@dataclass(frozen=True)
class Plan:
    """The waypoint graph and the ways to the zones."""

    point: list[Point]  # of waypoint p, metres
    edge: list[tuple[int, int]]  # first and second end of edge e
    length: list[int]  # of edge e, ticks
    goal: list[int]  # waypoint of zone m
    to_go: list[list[int]]  # shortest distance from waypoint p to goal[m], ticks

    def other_end(self, e: int, p: int) -> int:
        """The end of edge e that is not waypoint p."""
        u, v = self.edge[e]
        return v if p == u else u


def build_plan(scenario: Toml, floorplan: Toml) -> Plan:
    """Read the (connected) waypoint graph and measure it."""
    index = {waypoint["name"]: p for p, waypoint in enumerate(floorplan["waypoints"])}
    point = [waypoint["position"] for waypoint in floorplan["waypoints"]]
    edge = [(index[first], index[second]) for first, second in floorplan["edges"]]
    length = [ticks(math.dist(point[u], point[v])) for u, v in edge]
    goal = [nearest(point, zone["center"]) for zone in scenario["zones"]]
    distance = [distances_to(p, len(point), edge, length) for p in goal]
    to_go = [[distance[m][p] for m in range(len(goal))] for p in range(len(point))]
    return Plan(point, edge, length, goal, to_go)


def nearest(points: Sequence[Point], centre: Point) -> int:
    """The first of the points that are nearest to the centre, within the tolerance."""
    distance = [math.dist(point, centre) for point in points]
    return next(p for p in range(len(points)) if distance[p] <= min(distance) + TOLERANCE)


def distances_to(goal: int, waypoints: int, edge: list[tuple[int, int]], length: list[int]) -> list[int]:
    """Shortest distance in ticks from each waypoint to the goal (Bellman-Ford)."""
    distance = [0 if p == goal else sum(length) for p in range(waypoints)]  # no shortest way is longer
    for _ in range(waypoints):
        for (u, v), ell in zip(edge, length, strict=True):
            distance[u] = min(distance[u], ell + distance[v])
            distance[v] = min(distance[v], ell + distance[u])
    return distance


def next_edge(plan: Plan, p: int, zone: int) -> int:
    """The lowest edge at waypoint p that starts a shortest way to the zone's goal."""
    at_p = [e for e in range(len(plan.edge)) if p in plan.edge[e]]
    way = {e: plan.length[e] + plan.to_go[plan.other_end(e, p)][zone] for e in at_p}
    return min(e for e in at_p if way[e] <= min(way.values()) + TIE)


def advance(plan: Plan, place: Place, zone: int, speed: int) -> Place:
    """Where an agent is after one step of `speed` ticks towards the zone's goal; there it stops."""
    remaining = speed
    if place[0] == "edge":
        _, e, offset = place
        u, v = plan.edge[e]
        ahead = plan.length[e] - offset
        to_second = ahead + plan.to_go[v][zone] + TIE < offset + plan.to_go[u][zone]
        node, gap = (v, ahead) if to_second else (u, offset)
        if remaining < gap:
            return "edge", e, offset + remaining if to_second else offset - remaining
        remaining -= gap
    else:
        node = place[1]
    while remaining > 0 and node != plan.goal[zone]:
        e = next_edge(plan, node, zone)
        if remaining < plan.length[e]:
            return "edge", e, remaining if node == plan.edge[e][0] else plan.length[e] - remaining
        remaining -= plan.length[e]
        node = plan.other_end(e, node)
    return "node", node


def position_of(plan: Plan, place: Place) -> tuple[float, float]:
    """A place in metres."""
    if place[0] == "node":
        x, y = plan.point[place[1]]
        return x, y
    _, e, offset = place
    (ux, uy), (vx, vy) = (plan.point[p] for p in plan.edge[e])
    fraction = offset / plan.length[e]
    return ux + fraction * (vx - ux), uy + fraction * (vy - uy)


# --- what a position tells: tile, zones ---


def tile_of(floorplan: Toml, position: Point) -> int:
    """The first tile that contains the position, borders included."""
    x, y = position
    for tile, entry in enumerate(floorplan["tiles"]):
        x0, y0, x1, y1 = entry["rectangle"]
        if x0 - TOLERANCE <= x <= x1 + TOLERANCE and y0 - TOLERANCE <= y <= y1 + TOLERANCE:
            return tile
    raise ValueError(f"position {x, y} is on no tile")


def tile_centres(floorplan: Toml) -> list[tuple[float, float]]:
    """The middle of each tile's rectangle."""
    rectangles = [tile["rectangle"] for tile in floorplan["tiles"]]
    return [((x0 + x1) / 2, (y0 + y1) / 2) for x0, y0, x1, y1 in rectangles]


def zones_of(scenario: Toml, position: Point) -> list[bool]:
    """For each zone, whether the position lies in it: an agent's own observation in eq. 17."""
    return [math.dist(position, zone["center"]) <= zone["radius"] + TOLERANCE for zone in scenario["zones"]]


# --- links ---


def wall_segments(floorplan: Toml) -> list[Segment]:
    """The straight pieces of all walls."""
    return [piece for wall in floorplan["walls"] for piece in pairwise(wall["points"])]


def side(a: Point, b: Point, p: Point) -> float:
    """Positive if p is left of the line from a to b, negative if right, zero if on it."""
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])


def point_to_segment(p: Point, a: Point, b: Point) -> float:
    """Distance from p to segment ab, which may be a single point."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    square = dx * dx + dy * dy
    along = 0.0 if square == 0 else ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / square
    along = min(max(along, 0.0), 1.0)
    return math.dist(p, (a[0] + along * dx, a[1] + along * dy))


def segment_distance(a: Point, b: Point, c: Point, d: Point) -> float:
    """Distance between segments ab and cd.

    Zero if they cross, the ends of each strictly on either side of the other. Else the nearest point is an
    end of one of them, also when they touch, are parallel or are single points.
    """
    if side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0:
        return 0.0
    ends = [(a, c, d), (b, c, d), (c, a, b), (d, a, b)]
    return min(point_to_segment(*end) for end in ends)


def sight(walls: list[Segment], a: Point, b: Point) -> bool:
    """Whether the segment ab keeps clear of all walls; touching one blocks it."""
    return all(segment_distance(a, b, c, d) > TOLERANCE for c, d in walls)


def links(
    scenario: Toml,
    walls: list[Segment],
    position: Sequence[Point],
    u_edge: ArrayLike = (),
    footprint: Sequence[tuple[int, int]] = (),
) -> Bools:
    """Who can talk to whom at one step.

    Parameters
    ----------
    position : (N, 2) metres
    u_edge, footprint : (E,) uniforms and the pairs of agents they belong to, for "bernoulli"

    Returns
    -------
    (N, N) symmetric, False on the diagonal
    """
    model = scenario["links"]["model"]
    link = np.zeros((len(position), len(position)), dtype=bool)
    if model == "bernoulli":
        for (i, j), u in zip(footprint, np.asarray(u_edge), strict=True):
            link[i, j] = link[j, i] = u < scenario["links"]["p"]
        return link
    for i, a in enumerate(position):
        for j, b in enumerate(position[:i]):
            if model == "sight-or-disc":
                up = math.dist(a, b) <= scenario["links"]["d"] + TOLERANCE or sight(walls, a, b)
            else:
                up = {"always": True, "never": False}[model]
            link[i, j] = link[j, i] = up
    return link


# --- max-gossip ---


def talkers(link: Bools, n: int) -> list[int]:
    """Agent n and its neighbours."""
    return [j for j in range(len(link)) if j == n or link[n, j]]


def gossip_literal(own: Bools, link: Bools) -> Bools:
    """Eq. 17 over one rollout.

    Parameters
    ----------
    own : (T0, N, M) whether agent n was in zone m at step t
    link : (T0, N, N)

    Returns
    -------
    (T0, N, M) estimate[tau, n] by agent n, at the last step, of the reward of step tau
    """
    estimate = np.zeros(own.shape, dtype=bool)
    for t in range(len(own)):
        before = estimate.copy()
        for n in range(own.shape[1]):
            estimate[:t, n] = before[:t, talkers(link[t], n)].any(axis=1)
        estimate[t] = own[t]
    return estimate


def links_of(edges: Ints, active: Bools) -> Bools:
    """(T, N, N) links of a footprint with edges (F, 2), of which some are active, (T, F)."""
    i, j = edges.T
    link = np.zeros((len(active), edges.max() + 1, edges.max() + 1), dtype=bool)
    link[:, i, j] = link[:, j, i] = active
    return link


def freshness(link: Bools) -> Ints:
    """(N, N) latest step of the rollout whose observation by agent l has reached agent n; -1: none."""
    agents = range(link.shape[1])
    latest = np.full(link.shape[1:], -1, dtype=np.int64)
    for t in range(len(link)):
        before = latest.copy()
        for n in agents:
            for ell in agents:
                latest[n, ell] = t if ell == n else max(before[j, ell] for j in talkers(link[t], n))
    return latest


# --- multipliers ---


def dual_update(lam: Floats, reward: Bools, c: Floats, alpha: float, eta: float) -> Floats:
    """Eq. 16, or eq. 18 of one agent with its estimate as `reward`; (M,) from (M,) and (T0, M)."""
    slack = len(reward) * c - reward.sum(axis=0)  # whole counts: equal slacks stay equal bit for bit
    updated: Floats = np.maximum(0.0, (1 - alpha) * lam + eta / len(reward) * slack)
    return updated


# --- policy ---


def policy_input(policy: dict[str, Any], centre: Point, lam: Floats) -> Floats:
    """(M+2,) the multipliers and the tile's centre, scaled."""
    if policy["scale_lam"]:
        lam = lam / lam.max() if lam.max() > 0 else np.zeros_like(lam)
    lam = lam ** (1 / 2 ** policy["lam_roots"])
    low, high = np.asarray(policy["low"]), np.asarray(policy["high"])
    return np.concatenate([lam, 2 * (np.asarray(centre) - low) / (high - low) - 1])


def cdf_row(policy: Policy, n: int, centre: Point, lam: Floats) -> Floats:
    """(M,) cumulative probabilities of agent n's actions on the tile with this centre, in zone order.

    A network is, per agent, one hidden layer of rectifiers and a softmax. "rank" sends agent n to the zone
    with the (n mod M)-th largest of its multipliers, counted from 0, the lower zone first among equals.
    """
    if policy == "rank":
        order = sorted(range(len(lam)), key=lambda m: (-lam[m], m))
        return np.where(np.arange(len(lam)) < order[n % len(lam)], 0.0, 1.0)
    hidden = np.maximum(0.0, policy_input(policy, centre, lam) @ policy["W1"][n] + policy["b1"][n])
    logit = hidden @ policy["W2"][n] + policy["b2"][n]
    weight = np.exp(logit - logit.max())
    cdf = np.cumsum(weight / weight.sum())
    cdf[-1] = 1.0
    return cdf


def draw_action(cdf: Floats, u: float) -> int:
    """The zone that a uniform u in [0, 1) selects."""
    return sum(bool(entry <= u) for entry in cdf[:-1])


# --- engine ---


@dataclass(frozen=True)
class Ground:
    """A scenario and its floor plan, measured."""

    scenario: Toml
    floorplan: Toml
    plan: Plan
    walls: list[Segment]
    centre: list[tuple[float, float]]  # of the tiles


def ground_of(scenario: Toml, floorplan: Toml) -> Ground:
    """Measure a floor plan."""
    plan = build_plan(scenario, floorplan)
    return Ground(scenario, floorplan, plan, wall_segments(floorplan), tile_centres(floorplan))


@dataclass(frozen=True)
class Rollout:
    """What happened in T0 steps."""

    position: Floats  # (T0, N, 2)
    tile: Ints  # (T0, N)
    action: Ints  # (T0, N)
    own: Bools  # (T0, N, M) whether agent n was in zone m
    link: Bools  # (T0, N, N)
    places: list[Place]  # after the last step


def play(
    ground: Ground,
    policy: Policy,
    places: list[Place],
    lam: Floats,
    u_action: Floats,
    u_link: Floats,
    footprint: Sequence[tuple[int, int]],
) -> Rollout:
    """A rollout with the multipliers (N, M); draws (T0, N) and (T0, E).

    Gossip comes afterwards: within a rollout no action depends on it.
    """
    scenario, plan, agents = ground.scenario, ground.plan, range(len(places))
    speed = ticks(scenario["agents"]["speed"])
    rows: list[tuple[Any, ...]] = []
    for u, u_edge in zip(u_action, u_link, strict=True):
        position = [position_of(plan, place) for place in places]
        tile = [tile_of(ground.floorplan, x) for x in position]
        own = [zones_of(scenario, x) for x in position]
        link = links(scenario, ground.walls, position, u_edge, footprint)
        cdf = [cdf_row(policy, n, ground.centre[tile[n]], lam[n]) for n in agents]
        action = [draw_action(cdf[n], u[n]) for n in agents]
        places = [advance(plan, places[n], action[n], speed) for n in agents]
        rows.append((position, tile, action, own, link))
    return Rollout(*(np.array(column) for column in zip(*rows, strict=True)), places)


def simulate(
    scenario: Toml,
    floorplan: Toml,
    policy: Policy,
    start: Sequence[int],
    u_action: Floats,
    u_link: ArrayLike = (),
    footprint: Sequence[tuple[int, int]] = (),
) -> dict[str, NDArray[Any]]:
    """Algorithm 2 over K rollouts of T0 steps, T = K T0.

    Parameters
    ----------
    start : (N,) waypoints
    u_action : (K, T0, N) uniforms
    u_link : (K, T0, E) uniforms of the E edges of `footprint`; may be empty if links are not "bernoulli"

    Returns
    -------
    position (T, N, 2), tile (T, N), action (T, N), link (T, N, N), reward (T, M), estimate (T, N, M),
    lam (K+1, N, M), lam_ideal (K+1, M), reward_mean (K, M)
    """
    ground, c = ground_of(scenario, floorplan), np.array([zone["c"] for zone in scenario["zones"]])
    alpha, eta = scenario["dual"]["alpha"], scenario["dual"]["eta"]
    u_link = np.reshape(u_link, (*u_action.shape[:2], -1))

    places: list[Place] = [("node", int(p)) for p in start]
    lam, lam_ideal = np.zeros((len(start), len(c))), np.zeros(len(c))
    out: dict[str, list[Any]] = {"lam": [lam], "lam_ideal": [lam_ideal], "reward_mean": []}
    out |= {name: [] for name in ("position", "tile", "action", "link", "reward", "estimate")}

    for k in range(len(u_action)):
        rollout = play(ground, policy, places, lam, u_action[k], u_link[k], footprint)
        places = rollout.places
        reward: Bools = np.any(rollout.own, axis=1)  # eq. 1
        estimate = gossip_literal(rollout.own, rollout.link)
        lam = np.array([dual_update(lam[n], estimate[:, n], c, alpha, eta) for n in range(len(lam))])
        lam_ideal = dual_update(lam_ideal, reward, c, alpha, eta)
        for name in ("position", "tile", "action", "link"):
            out[name].extend(getattr(rollout, name))
        out["reward"].extend(reward)
        out["estimate"].extend(estimate)
        out["lam"].append(lam)
        out["lam_ideal"].append(lam_ideal)
        out["reward_mean"].append(reward.mean(axis=0))
    return {name: np.array(values) for name, values in out.items()}


# --- training in the loop ---


def owed(worth: Floats, own: Bools, n: int) -> float:
    """What the team earns, less what it earns without agent n; (M,) and (N, M)."""
    others = np.delete(own, n, axis=0)
    return math.fsum(worth[own.any(axis=0)]) - math.fsum(worth[others.any(axis=0)])


def rewards_owed(ground: Ground, rollout: Rollout, worth: Floats) -> Floats:
    """(N, T0) what each agent is owed in the state that every step leads to."""
    end = [zones_of(ground.scenario, position_of(ground.plan, place)) for place in rollout.places]
    after = [*rollout.own[1:], np.array(end)]
    return np.array([[owed(worth, own, n) for own in after] for n in range(len(end))])
