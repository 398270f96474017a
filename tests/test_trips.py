"""Trips from zone to zone, against the twin's way of moving; also where places are not numbered."""

import naive
import pytest
import worlds
from cases import Case, scenario_of, shipped_case
from hypothesis import given

from cmarlsim.building.trips import trips_between

pytestmark = pytest.mark.kernels


def trip(case: Case, plan: naive.Plan, i: int, j: int) -> list[int]:
    """Steps between the goals of zones i and j: all, those still in i, those already in j."""
    place: naive.Place = ("node", plan.goal[i])
    seen = []
    while place != ("node", plan.goal[j]):
        place = naive.advance(plan, place, j, naive.ticks(case.scenario["agents"]["speed"]))
        seen.append(naive.zones_of(case.scenario, naive.position_of(plan, place)))
    between = seen[:-1]
    return [len(between), sum(zones[i] for zones in between), sum(zones[j] for zones in between)]


def check_trips(case: Case) -> None:
    scenario, plan = scenario_of(case), naive.build_plan(case.scenario, case.floorplan)
    found = trips_between(scenario.world, scenario.speed_ticks)
    zones = range(scenario.M)
    expected = [[trip(case, plan, i, j) for j in zones] for i in zones]
    assert [[[int(of[i, j]) for of in found] for j in zones] for i in zones] == expected


@given(worlds.random_cases())
def test_trips_through_random_worlds_take_as_long_as_the_twin_says(case: Case) -> None:
    check_trips(case)


@pytest.mark.parametrize(("speed", "numbered"), [(1.0, True), (30.0, True), (0.0371, False)])
def test_trips_through_the_paper_s_building_take_as_long_as_the_twin_says(
    speed: float, numbered: bool
) -> None:
    case = shipped_case("paper")
    case.scenario["agents"]["speed"] = speed
    assert (len(scenario_of(case).numbered.tile) > 0) == numbered
    check_trips(case)
