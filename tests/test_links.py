"""Line of sight, discs and Bernoulli edges."""

import hypothesis.strategies as st
import naive
import numpy as np
import pytest
import worlds
from cases import Case, footprint_pairs, scenario_of, shipped_case
from hypothesis import given

from cmarlsim.graphs import footprint_edges
from cmarlsim.kernels.links import blocks, in_sight, near_or_in_sight, point_to_segment
from cmarlsim.kernels.world import Floats

pytestmark = pytest.mark.kernels

half = st.integers(-4, 4).map(lambda i: i / 2)
irregular = st.integers(-997, 997).map(lambda i: 2 * i / 997)
points = st.tuples(half, half) | st.tuples(irregular, irregular)
nudges = st.sampled_from([0.0, 0.0, 5e-10, -5e-10, 2e-9, -2e-9])


@given(points, points, points, points, st.integers(-1, 5) | st.none(), nudges, nudges)
def test_a_wall_blocks_as_the_twin_says(
    a: naive.Point, b: naive.Point, c: naive.Point, d: naive.Point, quarters: int | None, dx: float, dy: float
) -> None:
    """In half of the cases the wall ends within a few nm of the line a-b, between a and b or beyond them."""
    if quarters is not None:
        c = tuple(p + quarters / 4 * (q - p) for p, q in zip(a, b, strict=True))
    a, b = (a[0] + dx, a[1] + dy), (b[0] + dx, b[1] + dy)
    blocked = naive.segment_distance(a, b, c, d) <= naive.TOLERANCE
    for line in ([a, b], [b, a]):
        for wall in ([c, d], [d, c]):
            assert blocks(np.ravel(wall), *np.ravel(line)) == blocked
            assert blocks(np.ravel(line), *np.ravel(wall)) == blocked
    assert point_to_segment(*a, *c, *d) == pytest.approx(naive.point_to_segment(a, c, d), rel=0, abs=1e-12)


def check_geometry(case: Case, position: Floats) -> None:
    """Of agents anywhere, (N, 2)."""
    scenario, walls = scenario_of(case), naive.wall_segments(case.floorplan)
    d, points = float(scenario.links.d or 0.0), position.tolist()
    expected = naive.links(case.scenario, walls, points)
    found = [
        [i != j and near_or_in_sight(scenario.world, d, *a, *b) for j, b in enumerate(points)]
        for i, a in enumerate(points)
    ]
    assert found == expected.tolist()


@given(worlds.random_cases("sight-or-disc"), worlds.seeds)
def test_points_anywhere_see_each_other_as_the_twins_do(case: Case, seed: int) -> None:
    spots = [waypoint["position"] for waypoint in case.floorplan["waypoints"]]
    spots += [tile["rectangle"][:2] for tile in case.floorplan["tiles"]] + naive.tile_centres(case.floorplan)
    check_geometry(case, np.random.default_rng(seed).choice(spots, size=8))


@pytest.mark.parametrize("name", ["paper", "tiny"])
def test_middles_of_shipped_plans_see_each_other_as_the_twins_do(name: str) -> None:
    case = shipped_case(name)
    spots = np.array([waypoint["position"] for waypoint in case.floorplan["waypoints"]])
    middles = (spots[:, None] + spots).reshape(-1, 2) / 2
    check_geometry(case, np.random.default_rng(1).choice(middles, size=40))


def linked(case: Case, a: naive.Point, b: naive.Point) -> bool:
    """Whether agents at a and b are linked, either way."""
    world, d = scenario_of(case).world, float(case.scenario["links"]["d"])
    there, back = near_or_in_sight(world, d, *a, *b), near_or_in_sight(world, d, *b, *a)
    assert there == back
    return bool(there)


def paper_with(d: float) -> Case:
    case = shipped_case("paper")
    changes = {"links": {"model": "sight-or-disc", "d": d}, "agents": {"N": 2, "speed": 1.0}}
    return case._replace(scenario=case.scenario | changes)


@pytest.mark.parametrize(("d", "up"), [(4.0, True), (4.0 - 5e-10, True), (4.0 - 2e-9, False), (3.0, False)])
def test_agents_exactly_d_apart_are_in_range(d: float, up: bool) -> None:
    """Laboratories 1 and 2 are 4 m apart, with a wall between them."""
    assert linked(paper_with(d), (28.0, 4.0), (28.0, 8.0)) == up


@pytest.mark.parametrize(("up", "seen"), [(0.0, False), (5e-10, False), (1e-8, True), (-1e-8, False)])
def test_a_sight_line_that_touches_a_walls_end_is_blocked(up: float, seen: bool) -> None:
    """The line passes through (23.5, 4), where two walls end; `up` lifts it off them."""
    a, b = (21.1155, 5.0 + up), (25.8845, 3.0 + up)
    world = scenario_of(shipped_case("paper")).world
    assert in_sight(world, *a, *b) == seen
    assert linked(paper_with(4.0), a, b) == seen


def test_corners_of_the_tiny_plan_block_and_its_passage_does_not() -> None:
    """From left to top the line touches the corner (0.5, 0.5), from right to top (1.5, 0.5)."""
    tiny, (left, right, top) = shipped_case("tiny"), [(0.0, 0.0), (2.0, 0.0), (1.0, 1.0)]
    assert not linked(tiny, left, top)
    assert not linked(tiny, right, top)
    assert linked(tiny, left, right)
    assert linked(tiny, (0.5, 0.0), (1.0, 0.5))


def test_agents_at_the_same_place_are_linked_even_with_d_0() -> None:
    assert linked(paper_with(0.0), (28.0, 4.0), (28.0, 4.0))


@pytest.mark.parametrize("agents", [1, 2, 3, 5])
@pytest.mark.parametrize("name", ["complete", "path", "star", "cycle"])
def test_a_named_footprint_holds_each_pair_once(name: str, agents: int) -> None:
    pairs = footprint_pairs({"agents": {"N": agents}, "links": {"footprint": name}})
    assert footprint_edges(name, agents).tolist() == [list(pair) for pair in pairs]
