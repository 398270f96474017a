"""Tiles and zones of a position; borders belong to both sides, within the tolerance."""

import hypothesis.strategies as st
import naive
import numpy as np
import pytest
import worlds
from cases import Case, scenario_of, shipped_case
from hypothesis import given
from kernels import bools_of, unset_words

from cmarlsim.building.worlds import inside_zones
from cmarlsim.kernels.bits import words_for
from cmarlsim.kernels.observing import observe_zones, tile_of
from cmarlsim.kernels.world import World

pytestmark = pytest.mark.kernels


def inside(world: World, x: float, y: float) -> list[bool]:
    zones = len(world.zone_radius)
    seen = unset_words(words_for(zones))
    observe_zones(world, x, y, seen)
    found = bools_of(seen, zones)
    assert np.array_equal(inside_zones(world, np.array([x, y])), found)  # to the last bit of a border
    return found.tolist()


def check(case: Case, world: World, points: list[tuple[float, float]]) -> None:
    for x, y in points:
        assert inside(world, x, y) == naive.zones_of(case.scenario, (x, y))
        try:
            tile = naive.tile_of(case.floorplan, (x, y))
        except ValueError:
            tile = -1
        assert tile_of(world, x, y) == tile


def borders(case: Case, nudge: float) -> list[tuple[float, float]]:
    """Corners of tiles and border points of zones, moved to the upper right by `nudge` along each axis."""
    boxes = [tile["rectangle"] for tile in case.floorplan["tiles"]]
    corners = [(x + nudge, y + nudge) for x0, y0, x1, y1 in boxes for x in (x0, x1) for y in (y0, y1)]
    discs = [(*zone["center"], zone["radius"] + nudge) for zone in case.scenario["zones"]]
    return corners + [(x + r, y) for x, y, r in discs] + [(x, y + r) for x, y, r in discs]


@given(worlds.random_cases(), st.sampled_from([0.0, 5e-10, -5e-10, 2e-9, -2e-9]), worlds.seeds)
def test_tiles_and_zones_equal_the_twins(case: Case, nudge: float, seed: int) -> None:
    anywhere = np.random.default_rng(seed).uniform(-2.0, 6.0, size=(20, 2)).tolist()
    waypoints = [waypoint["position"] for waypoint in case.floorplan["waypoints"]]
    check(case, scenario_of(case).world, [*borders(case, nudge), *waypoints, *anywhere])


@pytest.mark.parametrize("name", ["paper", "tiny"])
def test_tiles_and_zones_of_shipped_plans_equal_the_twins(name: str) -> None:
    case = shipped_case(name)
    points = np.random.default_rng(1).uniform(-1.0, 31.0, size=(500, 2)).tolist()
    check(case, scenario_of(case).world, [*borders(case, 0.0), *borders(case, 2e-9), *points])


def test_zones_of_many_positions_are_those_of_each() -> None:
    world = scenario_of(shipped_case("paper")).world
    position = np.random.default_rng(1).uniform(0.0, 30.0, size=(40, 5, 2))
    position[3, 4] = [14.0, 9.0]  # on the border of green
    position[5, 1] = np.nan  # an agent that is no longer there
    found = inside_zones(world, position)
    assert found.shape == (40, 5, 6)
    assert found[3, 4].tolist() == [False, True, False, False, False, False]
    assert not found[5, 1].any()
    for t, n in np.ndindex(40, 5):
        assert found[t, n].tolist() == inside(world, *position[t, n])
