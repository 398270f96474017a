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


def snap_unit(scenario: Toml) -> int | None:
    """What lengths are multiples of, in ticks: the nearest multiple of 1024; None if they are exact."""
    snap = scenario["agents"].get("snap")
    return None if snap is None else max(1, round(snap * TICKS_PER_METRE / 1024)) * 1024


def speed_of(scenario: Toml) -> int:
    """Ticks a step."""
    speed, unit = scenario["agents"]["speed"], snap_unit(scenario)
    return ticks(speed) if unit is None else round(speed / scenario["agents"]["snap"]) * unit


@dataclass(frozen=True)
class Plan:
    """The waypoint graph and the ways to the zones."""

    point: list[Point]  # of waypoint p, metres
    edge: list[tuple[int, int]]  # first and second end of edge e
    length: list[int]  # of edge e, ticks
    goal: list[int]  # waypoint of zone m
    to_go: list[list[int]]  # shortest distance from waypoint p to goal[m], ticks
    one_way: list[bool]  # whether edge e leads from its first end to its second only
    lift: list[bool]

    def other_end(self, e: int, p: int) -> int:
        """The end of edge e that is not waypoint p."""
        u, v = self.edge[e]
        return v if p == u else u

    def leaves(self, p: int) -> list[int]:
        """The edges by which waypoint p can be left."""
        return [e for e in range(len(self.edge)) if p in self.edge[e][: 1 if self.one_way[e] else 2]]


def build_plan(scenario: Toml, floorplan: Toml) -> Plan:
    """Read the waypoint graph, in which every waypoint reaches every zone, and measure it."""
    index = {waypoint["name"]: p for p, waypoint in enumerate(floorplan["waypoints"])}
    point = [waypoint["position"] for waypoint in floorplan["waypoints"]]
    table = [edge if isinstance(edge, dict) else {"ends": edge} for edge in floorplan["edges"]]
    edge = [(index[entry["ends"][0]], index[entry["ends"][1]]) for entry in table]
    metres = [e.get("length", math.dist(point[u], point[v])) for e, (u, v) in zip(table, edge, strict=True)]
    unit = snap_unit(scenario)
    length = [ticks(m) if unit is None else max(1, round(m * TICKS_PER_METRE / unit)) * unit for m in metres]
    one_way = [entry.get("one_way", False) for entry in table]
    goal = [goal_of(zone, floorplan) for zone in scenario["zones"]]
    distance = [distances_to(p, len(point), edge, length, one_way) for p in goal]
    to_go = [[distance[m][p] for m in range(len(goal))] for p in range(len(point))]
    return Plan(point, edge, length, goal, to_go, one_way, ["lift" in entry for entry in table])


def goal_of(zone: Toml, floorplan: Toml) -> int:
    """The first of the waypoints in the zone that are nearest to its centre, within the tolerance."""
    points = [waypoint["position"] for waypoint in floorplan["waypoints"]]
    centre = centre_of(zone, floorplan)
    inside = [p for p, point in enumerate(points) if in_zone(zone, point, floorplan)]
    nearest = min(math.dist(points[p], centre) for p in inside)
    return next(p for p in inside if math.dist(points[p], centre) <= nearest + TOLERANCE)


def distances_to(
    goal: int, waypoints: int, edge: list[tuple[int, int]], length: list[int], one_way: list[bool]
) -> list[int]:
    """Shortest distance in ticks from each waypoint to the goal (Bellman-Ford)."""
    distance = [0 if p == goal else sum(length) for p in range(waypoints)]  # no shortest way is longer
    for _ in range(waypoints):
        for (u, v), ell, only in zip(edge, length, one_way, strict=True):
            distance[u] = min(distance[u], ell + distance[v])
            if not only:
                distance[v] = min(distance[v], ell + distance[u])
    return distance


def next_edge(plan: Plan, p: int, zone: int) -> int:
    """The lowest edge at waypoint p that starts a shortest way to the zone's goal."""
    at_p = plan.leaves(p)
    way = {e: plan.length[e] + plan.to_go[plan.other_end(e, p)][zone] for e in at_p}
    return min(e for e in at_p if way[e] <= min(way.values()) + TIE)


def advance(plan: Plan, place: Place, zone: int, speed: int) -> Place:
    """Where an agent is after one step of `speed` ticks towards the zone's goal; there it stops."""
    remaining = speed
    if place[0] == "edge":
        _, e, offset = place
        u, v = plan.edge[e]
        ahead = plan.length[e] - offset
        nearer = ahead + plan.to_go[v][zone] + TIE < offset + plan.to_go[u][zone]
        to_second = nearer or plan.one_way[e]
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


def nearer_end(plan: Plan, place: Place) -> int:
    """The waypoint at a place, or at the nearer end of its edge; in the middle the first."""
    if place[0] == "node":
        return place[1]
    _, e, offset = place
    return plan.edge[e][0] if offset <= plan.length[e] - offset else plan.edge[e][1]


def position_of(plan: Plan, place: Place) -> tuple[float, float]:
    """A place in metres; in a lift, that of the nearer end."""
    if place[0] == "node" or plan.lift[place[1]]:
        x, y = plan.point[nearer_end(plan, place)]
        return x, y
    _, e, offset = place
    (ux, uy), (vx, vy) = (plan.point[p] for p in plan.edge[e])
    fraction = offset / plan.length[e]
    return ux + fraction * (vx - ux), uy + fraction * (vy - uy)


# --- what a position tells: tile, zones ---


def level_of(floorplan: Toml, position: Point) -> int:
    """The first level that contains the position, borders included; 0 where there are no levels."""
    levels = [level["rectangle"] for level in floorplan.get("levels", [])]
    return next((i for i, box in enumerate(levels) if in_rectangle(box, position)), -1) if levels else 0


def in_rectangle(box: Sequence[float], position: Point) -> bool:
    """Whether a rectangle contains the position, borders included."""
    (x0, y0, x1, y1), (x, y) = box, position
    return x0 - TOLERANCE <= x <= x1 + TOLERANCE and y0 - TOLERANCE <= y <= y1 + TOLERANCE


def distance_to_polygon(polygon: Sequence[Point], position: Point) -> float:
    """0 in the polygon, else the distance to its border."""
    sides = list(zip(polygon, [*polygon[1:], polygon[0]], strict=True))
    x, y = position
    crossed = [(a, b) for a, b in sides if (a[1] > y) != (b[1] > y)]  # by the horizontal line through it
    right = [x < a[0] + (y - a[1]) * (b[0] - a[0]) / (b[1] - a[1]) for a, b in crossed]
    if sum(right) % 2 == 1:
        return 0.0
    return min(point_to_segment(position, a, b) for a, b in sides)


def tile_of(floorplan: Toml, position: Point) -> int:
    """The first tile that contains the position, borders included; of rooms as tiles the nearest."""
    if floorplan["tiles"] == "rooms":
        level = level_of(floorplan, position)
        away = [
            distance_to_polygon(room["polygon"], position)
            if level_of(floorplan, centroid(room["polygon"])) == level
            else math.inf
            for room in floorplan["rooms"]
        ]
        return next(room for room, metres in enumerate(away) if metres <= min(away) + TOLERANCE)
    for tile, entry in enumerate(floorplan["tiles"]):
        if "rectangle" in entry:
            inside = in_rectangle(entry["rectangle"], position)
        else:
            inside = distance_to_polygon(entry["polygon"], position) <= TOLERANCE
        if inside:
            return tile
    raise ValueError(f"position {position} is on no tile")


def tile_at(plan: Plan, floorplan: Toml, place: Place) -> int:
    """The tile of a place; with waypoints as tiles, the nearer end."""
    if floorplan["tiles"] == "waypoints":
        return nearer_end(plan, place)
    return tile_of(floorplan, position_of(plan, place))


def centroid(polygon: Sequence[Point]) -> tuple[float, float]:
    """The centre of a polygon's area."""
    (x0, y0), *_ = polygon
    area, x, y = 0.0, 0.0, 0.0
    for a, b in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        cross = (a[0] - x0) * (b[1] - y0) - (b[0] - x0) * (a[1] - y0)
        area += cross / 2
        x += cross * (a[0] + b[0] - 2 * x0) / 6
        y += cross * (a[1] + b[1] - 2 * y0) / 6
    return x0 + x / area, y0 + y / area


def tile_centres(floorplan: Toml) -> list[tuple[float, float]]:
    """The middle of each tile: of its rectangle, of its polygon's area, the waypoint."""
    if floorplan["tiles"] == "waypoints":
        return [tuple(waypoint["position"]) for waypoint in floorplan["waypoints"]]
    entries = floorplan["rooms"] if floorplan["tiles"] == "rooms" else floorplan["tiles"]
    return [
        middle(entry["rectangle"]) if "rectangle" in entry else centroid(entry["polygon"])
        for entry in entries
    ]


def middle(box: Sequence[float]) -> tuple[float, float]:
    """The middle of a rectangle."""
    x0, y0, x1, y1 = box
    return (x0 + x1) / 2, (y0 + y1) / 2


def polygon_of(zone: Toml, floorplan: Toml) -> list[Point]:
    """The corners of a zone that is no disc."""
    if "polygon" in zone:
        return zone["polygon"]
    return next(room["polygon"] for room in floorplan["rooms"] if room["name"] == zone["room"])


def centre_of(zone: Toml, floorplan: Toml) -> Point:
    """Where agents go that choose the zone; without a word of it, the middle of its (convex) polygon."""
    return zone["center"] if "center" in zone else centroid(polygon_of(zone, floorplan))


def in_zone(zone: Toml, position: Point, floorplan: Toml) -> bool:
    """Whether a zone, which reaches through walls, contains the position, on its level."""
    if level_of(floorplan, position) != level_of(floorplan, centre_of(zone, floorplan)):
        return False
    if "radius" in zone:
        return math.dist(position, zone["center"]) <= zone["radius"] + TOLERANCE
    return distance_to_polygon(polygon_of(zone, floorplan), position) <= TOLERANCE


def zones_of(scenario: Toml, position: Point, floorplan: Toml | None = None) -> list[bool]:
    """For each zone, whether the position lies in it: an agent's own observation in eq. 17.

    Discs on one level need no floor plan.
    """
    return [in_zone(zone, position, floorplan or {}) for zone in scenario["zones"]]


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
    level: Sequence[int] | None = None,
) -> Bools:
    """Who can talk to whom at one step.

    Parameters
    ----------
    position : (N, 2) metres
    u_edge, footprint : (E,) uniforms and the pairs of agents they belong to, for "bernoulli"
    level : (N,) of each agent, where there are several: by sight or radio none is linked to another level

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
                up = up and (level is None or level[i] == level[j])
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
    speed = speed_of(scenario)
    rows: list[tuple[Any, ...]] = []
    for u, u_edge in zip(u_action, u_link, strict=True):
        position = [position_of(plan, place) for place in places]
        tile = [tile_at(plan, ground.floorplan, place) for place in places]
        own = [zones_of(scenario, x, ground.floorplan) for x in position]
        level = [level_of(ground.floorplan, x) for x in position]
        link = links(scenario, ground.walls, position, u_edge, footprint, level)
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
    last = [position_of(ground.plan, place) for place in rollout.places]
    end = [zones_of(ground.scenario, position, ground.floorplan) for position in last]
    after = [*rollout.own[1:], np.array(end)]
    return np.array([[owed(worth, own, n) for own in after] for n in range(len(end))])
