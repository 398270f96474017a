"""Line of sight, discs and Bernoulli edges."""

import hypothesis.strategies as st
import naive
import numpy as np
import pytest
import worlds
from cases import Case, footprint_pairs, scenario_of, shipped_case
from hypothesis import given
from kernels import bools_of, no_atlas, present

from cmarlsim.graphs import footprint_edges
from cmarlsim.kernels.bits import words_for
from cmarlsim.kernels.links import blocks, in_sight, point_to_segment, update_links
from cmarlsim.kernels.world import Bools, Floats, places_at

half = st.integers(-4, 4).map(lambda i: i / 2)
irregular = st.integers(-997, 997).map(lambda i: 2 * i / 997)
points = st.tuples(half, half) | st.tuples(irregular, irregular)
nudges = st.sampled_from([0.0, 0.0, 5e-10, -5e-10, 2e-9, -2e-9])
NOWHERE = places_at(np.zeros(0))  # not read without an atlas


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


def check_links(case: Case, positions: Floats, uniform: Floats) -> None:
    """Links of positions (T, N, 2) over which only some agents move from one step to the next."""
    scenario, walls = scenario_of(case), naive.wall_segments(case.floorplan)
    model, pairs = scenario.rules().links, footprint_pairs(case.scenario)
    atlas, agents = no_atlas(scenario.M), positions.shape[1]
    assert model.footprint.tolist() == [list(pair) for pair in pairs]
    words = np.zeros((agents, words_for(agents)), dtype=np.uint64)
    moved = np.ones(agents, dtype=np.bool_)
    for t, position in enumerate(positions):
        if t > 0:
            moved = (position != positions[t - 1]).any(axis=1)
        now = present(position, moved)
        update_links(scenario.world, atlas, model, NOWHERE, now, uniform[t], words)
        link = bools_of(words, agents)
        expected = naive.links(case.scenario, walls, position.tolist(), uniform[t], pairs)
        assert link.tolist() == expected.tolist()
        assert (link == link.T).all()
        assert not link.diagonal().any()


def wander(spots: Floats, agents: int, steps: int, seed: int) -> Floats:
    """Positions (steps, agents, 2) among `spots`; each agent changes its spot at every other step or so."""
    generator = np.random.default_rng(seed)
    positions = np.empty((steps, agents, 2))
    for t in range(steps):
        anew = generator.random(agents) < (0.5 if t else 1.0)
        positions[t] = positions[t - 1]
        positions[t, anew] = spots[generator.integers(len(spots), size=anew.sum())]
    return positions


@given(worlds.random_cases(), worlds.seeds)
def test_links_equal_the_twins(case: Case, seed: int) -> None:
    N, F = case.scenario["agents"]["N"], len(footprint_pairs(case.scenario))
    spots = [waypoint["position"] for waypoint in case.floorplan["waypoints"]]
    spots += [tile["rectangle"][:2] for tile in case.floorplan["tiles"]] + naive.tile_centres(case.floorplan)
    uniform = np.random.default_rng(seed).random((12, F))
    check_links(case, wander(np.array(spots), N, 12, seed), uniform)


@pytest.mark.parametrize(("name", "agents", "steps"), [("paper", 5, 60), ("tiny", 5, 60), ("tiny", 67, 3)])
def test_links_on_shipped_plans_equal_the_twins(name: str, agents: int, steps: int) -> None:
    case = shipped_case(name)
    spots = np.array([waypoint["position"] for waypoint in case.floorplan["waypoints"]])
    middles = (spots[:, None] + spots).reshape(-1, 2) / 2
    check_links(case, wander(middles, agents, steps, 1), np.empty((steps, 0)))


def linked(case: Case, a: naive.Point, b: naive.Point) -> Bools:
    """Links (2, 2) of two agents at a and b."""
    scenario, words = scenario_of(case), np.zeros((2, 1), dtype=np.uint64)
    now = present(np.array([a, b]), np.ones(2, dtype=np.bool_))
    model, atlas = scenario.rules().links, no_atlas(scenario.M)
    update_links(scenario.world, atlas, model, NOWHERE, now, np.empty(0), words)
    return bools_of(words, 2)


def paper_with(d: float) -> Case:
    case = shipped_case("paper")
    return case._replace(scenario=case.scenario | {"links": {"model": "sight-or-disc", "d": d}})


@pytest.mark.parametrize(("d", "up"), [(4.0, True), (4.0 - 5e-10, True), (4.0 - 2e-9, False), (3.0, False)])
def test_agents_exactly_d_apart_are_in_range(d: float, up: bool) -> None:
    """Laboratories 1 and 2 are 4 m apart, with a wall between them."""
    assert linked(paper_with(d), (28.0, 4.0), (28.0, 8.0)).tolist() == [[False, up], [up, False]]


@pytest.mark.parametrize(("up", "seen"), [(0.0, False), (5e-10, False), (1e-8, True), (-1e-8, False)])
def test_a_sight_line_that_touches_a_walls_end_is_blocked(up: float, seen: bool) -> None:
    """The line passes through (23.5, 4), where two walls end; `up` lifts it off them."""
    a, b = (21.1155, 5.0 + up), (25.8845, 3.0 + up)
    world = scenario_of(shipped_case("paper")).world
    assert in_sight(world, *a, *b) == seen
    assert linked(paper_with(4.0), a, b)[0, 1] == seen


def test_corners_of_the_tiny_plan_block_and_its_passage_does_not() -> None:
    """From left to top the line touches the corner (0.5, 0.5), from right to top (1.5, 0.5)."""
    tiny, (left, right, top) = shipped_case("tiny"), [(0.0, 0.0), (2.0, 0.0), (1.0, 1.0)]
    assert not linked(tiny, left, top)[0, 1]
    assert not linked(tiny, right, top)[0, 1]
    assert linked(tiny, left, right)[0, 1]
    assert linked(tiny, (0.5, 0.0), (1.0, 0.5))[0, 1]


def test_agents_at_the_same_place_are_linked_even_with_d_0() -> None:
    assert linked(paper_with(0.0), (28.0, 4.0), (28.0, 4.0))[0, 1]


@pytest.mark.parametrize("agents", [1, 2, 3, 5])
@pytest.mark.parametrize("name", ["complete", "path", "star", "cycle"])
def test_a_named_footprint_holds_each_pair_once(name: str, agents: int) -> None:
    pairs = footprint_pairs({"agents": {"N": agents}, "links": {"footprint": name}})
    assert footprint_edges(name, agents).tolist() == [list(pair) for pair in pairs]
