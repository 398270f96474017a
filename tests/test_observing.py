"""Tiles and zones of a position and of a piece of way; borders belong to both sides, within the tolerance."""

import math
from collections.abc import Callable
from random import Random

import buildings
import hypothesis.strategies as st
import naive
import numpy as np
import pytest
import worlds
from cases import COMPILED, Case, corridor, scenario_of, shipped_case, two_copies
from hypothesis import given, settings
from kernels import bools_of, packed

from cmarlsim.building.tiling import tiles_at
from cmarlsim.kernels.motion import position_of
from cmarlsim.kernels.observing import piece_of
from cmarlsim.scenario import Scenario

pytestmark = pytest.mark.kernels

NUDGES = (0.0, 5e-10, -5e-10, 2e-9, -2e-9, 1e-7, -1e-7, 1e-3, -1e-3)


def check(case: Case, points: list[tuple[float, float]]) -> None:
    scenario = scenario_of(case)
    inside, tiles = scenario.inside_zones(np.array(points)), tiles_at(scenario.floorplan, np.array(points))
    for point, zones, tile in zip(points, inside.tolist(), tiles.tolist(), strict=True):
        assert zones == naive.zones_of(case.scenario, point)
        try:
            expected = naive.tile_of(case.floorplan, point)
        except ValueError:
            expected = -1
        assert tile == expected


def borders(case: Case, nudge: float) -> list[tuple[float, float]]:
    """Corners of tiles and border points of zones, moved to the upper right by `nudge` along each axis."""
    boxes = [tile["rectangle"] for tile in case.floorplan["tiles"]]
    corners = [(x + nudge, y + nudge) for x0, y0, x1, y1 in boxes for x in (x0, x1) for y in (y0, y1)]
    discs = [(*zone["center"], zone["radius"] + nudge) for zone in case.scenario["zones"]]
    return corners + [(x + r, y) for x, y, r in discs] + [(x, y + r) for x, y, r in discs]


@given(worlds.random_cases(), st.sampled_from(NUDGES[:5]), worlds.seeds)
def test_tiles_and_zones_equal_the_twins(case: Case, nudge: float, seed: int) -> None:
    anywhere = np.random.default_rng(seed).uniform(-2.0, 6.0, size=(20, 2)).tolist()
    waypoints = [waypoint["position"] for waypoint in case.floorplan["waypoints"]]
    check(case, [*borders(case, nudge), *waypoints, *anywhere])


@pytest.mark.parametrize("name", ["paper", "tiny"])
def test_tiles_and_zones_of_shipped_plans_equal_the_twins(name: str) -> None:
    case = shipped_case(name)
    points = np.random.default_rng(1).uniform(-1.0, 31.0, size=(500, 2)).tolist()
    check(case, [*borders(case, 0.0), *borders(case, 2e-9), *points])


def test_zones_of_many_positions_are_those_of_each() -> None:
    scenario = Scenario.load("paper")
    position = np.random.default_rng(1).uniform(0.0, 30.0, size=(40, 5, 2))
    position[3, 4] = [14.0, 9.0]  # on the border of green
    position[5, 1] = np.nan  # an agent that is no longer there
    found = scenario.inside_zones(position)
    assert found.shape == (40, 5, 6)
    assert found[3, 4].tolist() == [False, True, False, False, False, False]
    assert not found[5, 1].any()
    for t, n in np.ndindex(40, 5):
        assert found[t, n].tolist() == scenario.inside_zones(position[t, n]).tolist()


# --- pieces of way ---


def critical_shares(case: Case, a: naive.Point, b: naive.Point) -> list[float]:
    """Shares of the way from a to b at which it may enter or leave a tile or a zone, give or take."""
    plan, lines, circles = case.floorplan, [], []
    tables = plan["tiles"] if isinstance(plan["tiles"], list) else plan["rooms"]
    for entry in [*tables, *case.scenario["zones"]]:
        if "rectangle" in entry:
            x0, y0, x1, y1 = entry["rectangle"]
            outline = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        elif "radius" in entry:
            circles.append((entry["center"], entry["radius"]))
            continue
        else:
            outline = entry["polygon"] if "polygon" in entry else naive.polygon_of(entry, plan)
        lines += list(zip(outline, [*outline[1:], outline[0]], strict=True))
    shares, (dx, dy) = [], np.subtract(b, a)
    for p, q in lines:
        ahead = naive.side(p, q, b) - naive.side(p, q, a)
        shares += [-naive.side(p, q, a) / ahead] if ahead else []
    for (x, y), radius in circles:
        square, mixed = dx * dx + dy * dy, dx * (a[0] - x) + dy * (a[1] - y)
        root = mixed * mixed - square * ((a[0] - x) ** 2 + (a[1] - y) ** 2 - radius * radius)
        shares += [(sign * math.sqrt(root) - mixed) / square for sign in (-1, 1)] if root >= 0 else []
    return [share for share in shares if 0.0 < share < 1.0]


def check_pieces(case: Case, r: Random, count: int) -> None:
    """At waypoints, at the borders of tiles and zones and beside them, and anywhere."""
    scenario, plan = scenario_of(case), naive.build_plan(case.scenario, case.floorplan)
    world, places = scenario.world, [("node", p) for p in range(len(plan.point))]
    for e, (u, v) in enumerate(plan.edge):
        a, b, length = plan.point[u], plan.point[v], plan.length[e]
        critical = critical_shares(case, a, b)
        some = r.sample(critical, min(count, len(critical)))
        shares = [share + r.choice(NUDGES) / math.dist(a, b) for share in some]
        offsets = [round(share * length) for share in [*shares, r.random(), r.random()]]
        offsets += [1, length // 2, length // 2 + 1, length - 1]
        places += [("edge", e, offset) for offset in offsets if 0 < offset < length]
    zones = bools_of(world.piece_zones, scenario.M)
    for place in places:
        piece, at = piece_of(world, packed(place), 0), naive.position_of(plan, place)
        assert position_of(world, packed(place), 0) == pytest.approx(at, rel=0, abs=1e-12)
        assert world.piece_tile[piece] == naive.tile_at(plan, case.floorplan, place)
        assert zones[piece].tolist() == naive.zones_of(case.scenario, at, case.floorplan)


@given(worlds.random_cases() | buildings.random_buildings(), st.randoms(use_true_random=False))
@settings(max_examples=200 if COMPILED else 40)
def test_pieces_of_random_ways_equal_the_twins(case: Case, r: Random) -> None:
    check_pieces(case, r, 12)


@pytest.mark.parametrize(
    "make", [lambda: shipped_case("paper"), two_copies, lambda: corridor(cells=9, agents=2)]
)
def test_pieces_of_ways_in_buildings_equal_the_twins(make: Callable[[], Case]) -> None:
    check_pieces(make(), Random(5), 20 if COMPILED else 6)


def test_pieces_are_no_more_than_there_are_changes() -> None:
    """Each differs from the one before it on the edge."""
    world = scenario_of(two_copies()).world
    for e in range(len(world.edge)):
        first, last = world.piece_first[e], world.piece_first[e + 1]
        assert world.piece_from[first] == 0
        for piece in range(first + 1, last):
            assert world.piece_from[piece - 1] < world.piece_from[piece] < world.edge_ticks[e]
            same_tile = world.piece_tile[piece] == world.piece_tile[piece - 1]
            assert not same_tile or (world.piece_zones[piece] != world.piece_zones[piece - 1]).any()
