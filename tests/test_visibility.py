"""What can be seen from stretches of way, against looking at every wall."""

import math
from itertools import pairwise
from random import Random

import naive
import numpy as np
import pytest
import sights
import worlds
from cases import COMPILED, Case, corridor, scenario_of, shipped_case, two_copies
from hypothesis import given
from kernels import bools_of, looked_at, stretches

from cmarlsim.building.grid import walls_of
from cmarlsim.kernels.chains import chain_hides
from cmarlsim.kernels.visibility import (
    MOST_LISTED,
    PARTS,
    hidden_as_before,
    judge,
    new_desk,
)
from cmarlsim.kernels.world import HIDDEN, OPEN, PARTLY, WALKED, Floats, Ints

pytestmark = pytest.mark.kernels

NUDGES = (0.0, 5e-10, -5e-10, 2e-9, -2e-9, 1e-7, -1e-7, 1e-3)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def along(piece: Floats, share: float) -> tuple[float, float]:
    x, y, u, v = piece.tolist()
    return x + share * (u - x), y + share * (v - y)


def share_seen_past(piece: Floats, a: naive.Point, corner: naive.Point) -> float:
    """Where the line from a through a corner meets the line of a piece; nan if nowhere."""
    x, y, u, v = piece.tolist()
    dx, dy, ex, ey = u - x, v - y, corner[0] - a[0], corner[1] - a[1]
    cross = dx * ey - dy * ex
    return ((a[0] - x) * ey - (a[1] - y) * ex) / cross if cross else math.nan


def share_in_range(piece: Floats, a: naive.Point, d: float, sign: int) -> float:
    """Where a piece is exactly d away from a; nan if nowhere."""
    x, y, u, v = piece.tolist()
    dx, dy, ex, ey = u - x, v - y, x - a[0], y - a[1]
    square, mixed = dx * dx + dy * dy, dx * ex + dy * ey
    root = mixed * mixed - square * (ex * ex + ey * ey - d * d)
    return (-mixed + sign * math.sqrt(root)) / square if square and root >= 0 else math.nan


def pairs_of_points(case: Case, count: int, seed: int) -> tuple[Ints, Floats]:
    """Edges (2 count,) and points on them (2 count, 2).

    Of two points that follow each other, the second is often where a wall's end or the range decides.
    """
    r, scenario = Random(seed), scenario_of(case)
    pieces, d = stretches(scenario.world), float(scenario.links.d or 0.0)
    corners = [end for wall in naive.wall_segments(case.floorplan) for end in wall]
    edges, points = [], []
    for _ in range(count):
        e, f = r.randrange(len(pieces)), r.randrange(len(pieces))
        share = r.choice([r.choice(SHARES), r.random()])
        a, length = along(pieces[e], share), math.dist(pieces[f, :2], pieces[f, 2:])
        critical = share_in_range(pieces[f], a, d, r.choice([-1, 1]))
        if corners and r.random() < 0.6:
            critical = share_seen_past(pieces[f], a, r.choice(corners))
        critical += r.choice(NUDGES) / length if length else 0.0
        if not 0.0 <= critical <= 1.0:
            critical = r.choice([r.choice(SHARES), r.random()])
        edges += [e, f]
        points += [a, along(pieces[f], critical)]
    return np.array(edges), np.array(points)


def check_sights(case: Case, count: int, seed: int) -> None:
    """All pairs of points, by looking along the edges and by the twin; twice more after some have moved."""
    batches = [pairs_of_points(case, count, seed + i) for i in range(3)]
    case.scenario["agents"]["N"] = 2 * count
    edge, position = (np.array(part) for part in zip(*batches, strict=True))
    stay = np.random.default_rng(seed).random((2, 2 * count)) < 0.5
    for t in (1, 2):
        edge[t, stay[t - 1]], position[t, stay[t - 1]] = (
            edge[t - 1, stay[t - 1]],
            position[t - 1, stay[t - 1]],
        )
    walls, d = sights.walls_of(case), float(case.scenario["links"]["d"])
    for t, scene in enumerate(looked_at(scenario_of(case), edge, position)):
        found = bools_of(scene.contacts.link, 2 * count)
        if COMPILED and count > 5:
            expected = sights.all_links(walls, d, position[t])
        else:
            expected = naive.links(case.scenario, naive.wall_segments(case.floorplan), position[t].tolist())
        assert found.tolist() == expected.tolist()


@given(worlds.random_cases("sight-or-disc"), worlds.seeds)
def test_points_of_random_worlds_see_each_other_as_the_twins_do(case: Case, seed: int) -> None:
    check_sights(case, 5, seed)


@pytest.mark.parametrize("d", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("name", ["paper", "tiny", "two copies"])
def test_points_of_buildings_see_each_other_as_the_twins_do(name: str, d: float) -> None:
    case = two_copies() if name == "two copies" else shipped_case(name)
    case.scenario["links"]["d"] = d
    check_sights(case, 5, seed=1)
    check_sights(case, 150 if COMPILED else 8, seed=2)


def without_walls() -> Case:
    case = corridor(cells=9, agents=2)
    return case._replace(scenario=case.scenario | {"links": {"model": "sight-or-disc", "d": 1.0}})


def lone_waypoint() -> Case:
    """And a wall that would hide it from others, if there were any."""
    case = shipped_case("tiny")
    plan = case.floorplan | {"edges": [], "waypoints": case.floorplan["waypoints"][:1]}
    zones = [case.scenario["zones"][0]]
    return Case(case.scenario | {"zones": zones}, plan, "rank")


@pytest.mark.parametrize("make", [without_walls, lone_waypoint])
def test_everybody_is_seen_without_walls_or_at_a_lone_waypoint(make: type[Case]) -> None:
    case = make()
    visibility = scenario_of(case).visibility
    count = len(case.floorplan["edges"]) + len(case.floorplan["waypoints"])
    assert visibility.first.tolist() == [count * e for e in range(count + 1)]
    assert (visibility.seen == OPEN).all()
    assert len(visibility.wall) == 0
    check_sights(case, 4, seed=3)


# --- what walls hide ---


def sees(walls: Floats, a: naive.Point, b: naive.Point) -> bool:
    return bool(sights.sight(walls, *a, *b))


def judgement(walls: Floats, e: Floats, f: Floats) -> tuple[int, int, list[int]]:
    """The verdict, its number, and the walls that are listed."""
    near = np.full(MOST_LISTED, -9)
    known = walls_of(walls)
    verdict, number = judge(known, e, f, near, new_desk(len(known.wall), 1))
    return verdict, number, near[:number].tolist() if verdict == PARTLY else []


def check_judgement(walls: Floats, e: Floats, f: Floats, r: Random) -> int:
    """The verdict on all walls, and on the pairs of points that were looked at."""
    known = walls_of(walls)
    verdict, number, listed = judgement(walls, e, f)
    for hint in range(-1, min(len(known.wall), 9)):
        last = r.randrange(-1, len(known.wall))
        again = hidden_as_before(known, e, f, hint, last)
        assert again == next((w for w in (hint, last) if w >= 0 and chain_hides(known, w, e, f)), -1)
        assert again < 0 or verdict == HIDDEN
    shares = [*SHARES, *(k / PARTS + 1e-9 for k in range(PARTS)), *(r.random() for _ in range(3))]
    pairs = [(along(e, s), along(f, u)) for s in r.sample(shares, 5) for u in r.sample(shares, 5)]
    if verdict == OPEN:
        assert all(sees(walls, a, b) for a, b in pairs)
    elif verdict == HIDDEN:
        assert not any(sees(walls, a, b) for a, b in pairs)
        assert number == -1 or chain_hides(known, number, e, f)
    elif verdict == PARTLY:
        assert len(listed) == len(set(listed)) > 0
        others = np.delete(known.wall, listed, axis=0)
        assert all(sees(others, a, b) for a, b in pairs)
    else:
        assert verdict == WALKED
        assert len(walls) > MOST_LISTED
    return int(verdict)


@given(worlds.seeds)
def test_what_is_hidden_cannot_be_seen_and_what_is_open_can(seed: int) -> None:
    """Of pieces anywhere, also across walls; many parallel to walls, touching them, or without length."""
    r = Random(seed)
    lattice = r.random() < 0.5

    def segment() -> list[float]:
        ends = [worlds.between(r, -2.0, 2.0, lattice) for _ in range(4)]
        return ends[:2] * 2 if r.random() < 0.1 else ends

    walls = np.array([segment() for _ in range(r.randint(1, 5))])
    if r.random() < 0.5:  # joined end to end, in any order and direction
        ends = [segment()[:2] for _ in range(r.randint(2, 9))]
        chain = [r.choice([a + b, b + a]) for a, b in pairwise(ends)]
        walls = np.concatenate([walls, r.sample(chain, len(chain))])
    for _ in range(8):
        e, f = (np.array(segment()) for _ in range(2))
        if r.random() < 0.3:  # a wall in between, as long as can be
            x, y = (e[:2] + f[2:]) / 2
            across = [[x - 3.0, y - 1.0, x + 3.0, y + 1.0], [x + 1.0, y - 3.0, x - 1.0, y + 3.0]]
            walls[r.randrange(len(walls))] = r.choice(across)
        check_judgement(walls, e, f, r)


@pytest.mark.parametrize("name", ["paper", "two copies"])
def test_judgements_of_the_edges_of_buildings_hold(name: str) -> None:
    case, r = two_copies() if name == "two copies" else shipped_case(name), Random(4)
    walls, pieces = sights.walls_of(case), stretches(scenario_of(case).world)
    pairs = [(e, f) for e in pieces for f in pieces]
    verdicts = [check_judgement(walls, e, f, r) for e, f in r.sample(pairs, 300 if COMPILED else 80)]
    assert {verdicts.count(verdict) > 2 for verdict in (OPEN, HIDDEN, PARTLY)} == {True}


def test_walls_that_hide_only_together_do_hide() -> None:
    """Two walls that overlap by more than a part of the pieces is long, with a doorway that nobody sees."""
    walls = np.array([[-3.0, 1.0, 0.7, 1.0], [0.3, 1.1, 4.0, 1.1]])
    e, f = np.array([0.0, 0.0, 1.0, 0.0]), np.array([0.0, 2.0, 1.0, 2.0])
    assert judgement(walls, e, f) == (HIDDEN, -1, [])
    assert judgement(walls[:1], e, f)[0] == PARTLY
    apart = np.array([[-3.0, 1.0, 0.4, 1.0], [0.6, 1.1, 4.0, 1.1]])
    assert judgement(apart, e, f)[:2] == (PARTLY, 2)


def zigzag(left: float, right: float, high: float) -> Floats:
    """A chain of short walls that goes up and down by `high` about y = 1."""
    x = np.arange(left, right + 0.01, 0.05)
    y = 1.0 + high * (-1.0) ** np.arange(len(x))
    return np.stack([x[:-1], y[:-1], x[1:], y[1:]], axis=1)


@pytest.mark.parametrize(
    ("chain", "hidden"),
    [
        (zigzag(-3.0, 4.0, 0.2), True),
        (zigzag(-3.0, 4.0, 0.8), True),
        (zigzag(-3.0, 4.0, 1.1), False),  # it reaches over both stretches
        (zigzag(0.05, 0.95, 0.2), False),  # the outermost lines pass it by
        (np.delete(zigzag(-3.0, 4.0, 0.2), 70, axis=0), False),
        (np.concatenate([zigzag(-3.0, 0.7, 0.2), zigzag(0.3, 4.0, 0.1)]), True),
    ],
)
def test_a_chain_of_short_walls_hides_what_is_behind_it(chain: Floats, hidden: bool) -> None:
    """Though none of its walls does, nor a few of them."""
    e, f, r = np.array([0.0, 0.0, 1.0, 0.0]), np.array([0.0, 2.0, 1.0, 2.0]), Random(1)
    for walls in (chain, chain[::-1], chain[:, [2, 3, 0, 1]]):
        assert (check_judgement(np.ascontiguousarray(walls), e, f, r) == HIDDEN) == hidden
        assert (check_judgement(np.ascontiguousarray(walls), f, e, r) == HIDDEN) == hidden
