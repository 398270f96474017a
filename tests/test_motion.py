"""Motion along the waypoint graph: exact in ticks."""

import hypothesis.strategies as st
import naive
import numpy as np
import pytest
import worlds
from cases import Case, scenario_of, shipped_case
from hypothesis import given
from kernels import packed, unpacked

from cmarlsim.kernels.motion import advance, position_of
from cmarlsim.kernels.world import TIE, World

pytestmark = pytest.mark.kernels

METRE = naive.ticks(1.0)


def to_go(plan: naive.Plan, place: naive.Place, zone: int) -> int:
    """Ticks from a place to the zone's waypoint."""
    if place[0] == "node":
        return plan.to_go[place[1]][zone]
    u, v = plan.edge[place[1]]
    ahead = plan.length[place[1]] - place[2]
    return min(place[2] + plan.to_go[u][zone], ahead + plan.to_go[v][zone])


def check_walk(plan: naive.Plan, world: World, place: naive.Place, zones: list[int], speed: int) -> None:
    locations = packed(place)
    for zone in zones:
        before, place = place, naive.advance(plan, place, zone, speed)
        moved = advance(world, locations, 0, zone, speed)
        assert unpacked(locations) == place
        assert moved == (place != before)
        assert position_of(world, locations, 0) == pytest.approx(
            naive.position_of(plan, place), rel=0, abs=1e-12
        )
        if place[0] == "edge":
            assert 0 < place[2] < plan.length[place[1]]  # strictly inside
        slack = TIE * (len(plan.point) + 1)
        left = to_go(plan, before, zone)
        assert to_go(plan, place, zone) <= max(0, left - speed) + slack
        assert to_go(plan, place, zone) >= left - speed  # never faster than its speed


@st.composite
def somewhere(draw: st.DrawFn, plan: naive.Plan) -> naive.Place:
    """A waypoint, or a place inside an edge: anywhere, or at or beside the point where two ways tie."""
    if not plan.edge or draw(st.booleans()):
        return "node", draw(st.integers(0, len(plan.point) - 1))
    e = draw(st.integers(0, len(plan.edge) - 1))
    (u, v), zone = plan.edge[e], draw(st.integers(0, len(plan.goal) - 1))
    tie = (plan.length[e] + plan.to_go[v][zone] - plan.to_go[u][zone]) // 2
    beside = st.sampled_from([-TIE, -TIE // 2 - 1, -TIE // 2, 0, TIE // 2, TIE // 2 + 1, TIE])
    offset = draw(beside.map(lambda ticks: tie + ticks) | st.integers(1, plan.length[e] - 1))
    return "edge", e, min(max(offset, 1), plan.length[e] - 1)


@given(worlds.random_cases(), st.data())
def test_walks_equal_the_twins(case: Case, data: st.DataObject) -> None:
    plan, world = naive.build_plan(case.scenario, case.floorplan), scenario_of(case).world
    zone = st.integers(0, len(plan.goal) - 1)
    speed = data.draw(st.sampled_from([0.73, 1.0, 2.5]).map(naive.ticks) | st.integers(3 * TIE, 20 * METRE))
    check_walk(plan, world, data.draw(somewhere(plan)), data.draw(st.lists(zone, min_size=1)), speed)


@pytest.mark.parametrize("speed", [0.1, 0.73, 1.0, 2.5, 30.0])
def test_walks_on_the_papers_plan_equal_the_twins(speed: float) -> None:
    case, generator = shipped_case("paper"), np.random.default_rng(1)
    plan, world = naive.build_plan(case.scenario, case.floorplan), scenario_of(case).world
    zones = np.repeat(generator.integers(6, size=60), generator.integers(1, 12, size=60)).tolist()
    check_walk(plan, world, ("node", 18), zones, naive.ticks(speed))


def test_an_agent_passes_waypoints_and_turns_round_inside_an_edge() -> None:
    world = scenario_of(shipped_case("tiny")).world  # edges left, right and top to middle, each one metre
    locations = packed(("node", 0))
    for zone, speed, position in [(2, 1.75, (1.0, 0.75)), (1, 1.5, (1.75, 0.0)), (0, 0.5, (1.25, 0.0))]:
        assert advance(world, locations, 0, zone, naive.ticks(speed))
        assert position_of(world, locations, 0) == position
