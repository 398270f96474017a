"""The ways to the zones, and ties between two of them."""

import math
from itertools import pairwise

import naive
import pytest
import worlds
from cases import Case, scenario_of, shipped_case
from hypothesis import given

from cmarlsim.building.areas import Area, place_zones
from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.kernels.motion import heads_to_second_end
from cmarlsim.kernels.world import TIE, World

pytestmark = pytest.mark.kernels

METRE = naive.ticks(1.0)


@given(worlds.random_cases())
def test_the_ways_equal_the_twins(case: Case) -> None:
    check_ways(case)


@pytest.mark.parametrize("name", ["paper", "tiny"])
def test_the_ways_on_shipped_plans_equal_the_twins(name: str) -> None:
    check_ways(shipped_case(name))


def test_ways_beyond_512_metres_are_exact() -> None:
    """Ticks that 64-bit floats could not count."""
    points = [(70.0 * p, 70.0 * math.sin(p)) for p in range(20)]
    edges = [[f"{p}", f"{q}"] for p, q in [*pairwise(range(20)), (19, 0)]]
    world = ring(points, edges, size=2000.0)
    length = [naive.ticks(math.dist(points[int(u)], points[int(v)])) for u, v in edges]
    ways = [min(sum(length[:p]), sum(length[p:])) for p in range(20)]
    assert world.to_go[:, 0].tolist() == ways
    assert any(way != int(float(way)) for way in ways)


def check_ways(case: Case) -> None:
    plan, world = naive.build_plan(case.scenario, case.floorplan), scenario_of(case).world
    assert world.edge.tolist() == [list(edge) for edge in plan.edge]
    assert world.edge_ticks.tolist() == plan.length
    assert world.to_go.tolist() == plan.to_go
    for m, goal in enumerate(plan.goal):
        for p in range(len(plan.point)):
            assert world.next_edge[p, m] == (-1 if p == goal else naive.next_edge(plan, p, m))


def ring(points: list[tuple[float, float]], edges: list[list[str]], size: float = 9.0) -> World:
    """World of a cycle with a zone at waypoint "0"; no walls, one tile."""
    case = shipped_case("tiny")
    plan = {
        "name": "ring",
        "units": "m",
        "walls": [],
        "tiles": [{"name": "all", "rectangle": [-size, -size, size, size]}],
        "waypoints": [{"name": f"{p}", "position": list(point)} for p, point in enumerate(points)],
        "edges": edges,
    }
    zones = [case.scenario["zones"][0] | {"center": list(points[0])}]
    return scenario_of(Case(case.scenario | {"zones": zones}, plan, "rank")).world


@pytest.mark.parametrize(
    ("longer", "first"), [(0.0, 0), (0.9e-9, 0), (1.1e-9, 3), (-0.9e-9, 0), (-1.1e-9, 0)]
)
def test_a_tie_at_a_waypoint_goes_to_the_lowest_edge(longer: float, first: int) -> None:
    """On a square, from corner 2 to corner 0: the way by edge 0 is `longer` than the one by edge 3."""
    world = ring(
        [(0.0, 0.0), (1.0 + longer, 0.0), (1.0, 1.0), (0.0, 1.0)],
        [["2", "1"], ["3", "0"], ["1", "0"], ["2", "3"]],
    )
    assert world.next_edge[2, 0] == first


@pytest.mark.parametrize(("nearer", "goal"), [(0.0, 0), (0.9e-9, 0), (1.1e-9, 1), (-0.9e-9, 0)])
def test_a_tie_between_waypoints_goes_to_the_first(nearer: float, goal: int) -> None:
    """Waypoint 1 is `nearer` to the zone's centre than waypoint 0."""
    plan = shipped_case("tiny").floorplan | {
        "walls": [],
        "tiles": [{"name": "all", "rectangle": [-9.0, -9.0, 9.0, 9.0]}],
        "waypoints": [
            {"name": "0", "position": [-1.0, 0.0]},
            {"name": "1", "position": [1.0 - nearer, 0.0]},
            {"name": "2", "position": [5.0, 0.0]},
        ],
        "edges": [["0", "1"], ["1", "2"]],
    }
    regions = place_zones(FloorPlan.model_validate(plan), (Area((0.0, 0.0), 2.0), Area((4.0, 1.0), 2.0)))
    assert [region.goal for region in regions] == [goal, 2]


@pytest.mark.parametrize(
    ("ticks", "second"), [(0, False), (TIE // 2, False), (TIE // 2 + 1, True), (-TIE, False), (TIE, True)]
)
def test_a_tie_inside_an_edge_goes_to_its_first_end(ticks: int, second: bool) -> None:
    """On a triangle, `ticks` beyond the middle of the edge opposite to the zone."""
    world = ring([(0.0, 0.0), (1.0, 1.0), (1.0, -1.0)], [["1", "0"], ["1", "2"], ["2", "0"]])
    assert world.edge_ticks[1] == 2 * METRE
    assert heads_to_second_end(world, 1, METRE + ticks, 0) == second
