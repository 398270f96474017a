"""Large buildings: geometry against what one can work out by hand, files, and what is refused."""

from __future__ import annotations

import math
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from cases import case_of
from test_routes import check_ways

import cmarlsim
from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.kernels.links import in_sight
from cmarlsim.kernels.world import TICKS_PER_METRE, World
from cmarlsim.scenario import Scenario

SHAPES = [(1, 1), (2, 1), (1, 2), (3, 2)]
OFFICE = math.hypot(1.5, 2.5) + 1.5  # metres from an office's centre to the corridor
LAB = math.hypot(1.5, 1.0) + 1.75

Box = tuple[float, float, float, float]


def scenario(nx: int, ny: int) -> Scenario:
    return cmarlsim.tiled(nx, ny, N=4)


def boxes(plan: FloorPlan) -> dict[str, Box]:
    return {tile.name: tile.rectangle for tile in plan.tiles}


def sees(world: World, a: tuple[float, float], b: tuple[float, float]) -> bool:
    return bool(in_sight(world, *a, *b))


def is_room(tile: str) -> bool:
    return tile.split("-")[1].startswith(("office", "lab"))


@pytest.mark.parametrize(("nx", "ny"), SHAPES)
def test_counts(nx: int, ny: int) -> None:
    made = scenario(nx, ny)
    plan, copies = made.floorplan, nx * ny
    assert [made.M, len(plan.tiles), len(plan.waypoints)] == [6 * copies, 16 * copies, 20 * copies]
    assert len(plan.edges) == 19 * copies + nx * (ny - 1) + (nx - 1) * ny
    assert sum(map(area, boxes(plan).values())) == pytest.approx((3 * 42 + 3 * 16 + 72 + 56) * copies)


def area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


@pytest.mark.parametrize(
    ("start", "end", "metres"),
    [
        ("r0c0-red", "r0c1-red", 2 * OFFICE + 2 * (17.25 + 10) + 28),
        ("r0c0-magenta", "r1c0-orange", 2 * LAB + 4 + 2),
        ("r0c1-blue", "r1c1-cyan", OFFICE + 3.25 + 10 + 2 + 4 + LAB),
        ("r1c0-magenta", "r1c2-magenta", 2 * (LAB + 4) + 2 * 28),
        ("r0c0-red", "r1c2-orange", OFFICE + 17.25 + 10 + 2 * 28 + 2 + LAB),
        ("r0c2-red", "r0c2-magenta", OFFICE + 17.25 + 6 + LAB),
    ],
)
def test_ways_by_hand(start: str, end: str, metres: float) -> None:
    made = scenario(3, 2)
    zone = [zone.name for zone in made.zones]
    world, a, b = made.world, zone.index(start), zone.index(end)
    goal = int(world.to_go[:, a].argmin())
    assert world.waypoint[goal].tolist() == list(made.zones[a].center)
    assert world.to_go[goal, b] / TICKS_PER_METRE == pytest.approx(metres, abs=1e-12)


def test_ways_equal_the_twins() -> None:
    check_ways(case_of(scenario(2, 2)))


def test_one_sees_along_streets_and_corridors() -> None:
    world = scenario(3, 2).world
    for y in (15.0, 29.0):
        assert sees(world, (2.75, y), (86.25, y))
    for column in range(3):
        x = 24.75 + 28 * column
        assert sees(world, (x, 2.25), (x, 29.75))
    assert not sees(world, (10.0, 15.0), (10.0, 29.0))


def test_zones_of_different_copies_do_not_see_each_other() -> None:
    made, r = scenario(2, 2), Random(1)
    rooms = [(name, box) for name, box in boxes(made.floorplan).items() if is_room(name)]
    pairs = [(a, b) for a, b in combinations(rooms, 2) if a[0][:4] != b[0][:4]]
    assert len(pairs) == 6 * 36
    for (_, a), (_, b) in pairs:
        for _ in range(10):
            ends = [(r.uniform(x0, x1), r.uniform(y0, y1)) for x0, y0, x1, y1 in (a, b)]
            assert not sees(made.world, *ends)
    for a, b in combinations(made.zones, 2):
        assert not sees(made.world, a.center, b.center)


@pytest.mark.parametrize(("nx", "ny"), SHAPES)
def test_one_sees_within_every_copy_what_one_sees_in_the_papers_plan(nx: int, ny: int) -> None:
    made, paper, r = scenario(nx, ny), Scenario.load("paper"), Random(2)
    tiles = [tile.rectangle for tile in paper.floorplan.tiles]
    for _ in range(2000):
        a, b = ((r.uniform(x0, x1), r.uniform(y0, y1)) for x0, y0, x1, y1 in r.choices(tiles, k=2))
        right, up = 28.0 * r.randrange(nx), 14.0 * r.randrange(ny)
        there = [(right + x, up + y) for x, y in (a, b)]
        assert sees(made.world, *there) == sees(paper.world, a, b), (there, a, b)


def test_streets_open_into_corridors_alone() -> None:
    world = scenario(2, 2).world
    for x in np.arange(2.75, 58.5, 0.5).tolist():
        mouth = 23.5 < x % 28 < 26
        assert sees(world, (x, 15.0), (x, 13.5)) == mouth
        assert sees(world, (x, 15.0), (x, 16.5)) == mouth
        assert not sees(world, (x, 29.0), (x, 30.5))  # outdoors
    for y in (15.0, 29.0):
        assert not sees(world, (2.75, y), (2.25, y))
        assert not sees(world, (58.25, y), (58.75, y))


def test_one_copy_is_the_papers_plan_and_a_street() -> None:
    one, paper = scenario(1, 1), Scenario.load("paper")
    assert one.dual.T0 == paper.dual.T0
    assert [zone.center for zone in one.zones] == [zone.center for zone in paper.zones]
    inner = [tile.rectangle for tile in one.floorplan.tiles[:12]]
    assert inner == [tile.rectangle for tile in paper.floorplan.tiles]
    a, b = (made.world.to_go[[made.world.to_go[:, m].argmin() for m in range(6)]] for made in (one, paper))
    assert np.array_equal(a, b)


@pytest.mark.parametrize(("nx", "ny", "N"), [(1, 1, 1), (3, 2, 20), (2, 2, 7), (1, 2, 500)])
def test_thresholds_and_rollouts(nx: int, ny: int, N: int) -> None:
    made = cmarlsim.tiled(nx, ny, N, speed=0.7)
    most = 0.7 * (N - 1)
    assert made.c.max() <= 0.85
    assert made.c.sum() <= most + 1e-9
    assert made.c.sum() == pytest.approx(most) or made.c.max() == 0.85
    longest = made.world.to_go.max() / made.speed_ticks
    assert 3 * longest <= made.dual.T0 < 3 * longest + 50
    assert (made.dual.alpha, made.dual.eta, made.links.d) == (0.01, 0.5, 5.0)


def test_files_on_disk(tmp_path: Path) -> None:
    made = cmarlsim.tiled(2, 2, N=9, d=3.0, T0=97, load=0.5)
    assert made.c.sum() == pytest.approx(4.0)
    made.save(tmp_path / "campus.toml")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["campus-plan.toml", "campus.toml"]
    assert Scenario.load(tmp_path / "campus.toml") == made
    other = Scenario.load(tmp_path / "campus.toml", ["zones.r1c0-cyan.c=0.25", "agents.N=11"])
    assert (other.agents.N, other.zones[16].name, other.zones[16].c) == (11, "r1c0-cyan", 0.25)
    assert Scenario.from_toml(made.to_toml(), made.floorplan.to_toml(), "test") == made


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(cmarlsim.InputError, match=r"campus-plan\.toml: cannot be written: No such file"):
        Scenario.load("tiny").save(tmp_path / "nowhere" / "campus.toml")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"nx": 0}, "nx = 0: must be a whole number of at least 1"),
        ({"nx": 1.5}, "nx = 1.5: must be a whole number of at least 1"),
        ({"nx": True}, "nx = True: must be a whole number of at least 1"),
        ({"ny": "2"}, "ny = '2': must be a whole number of at least 1"),
        ({"nx": 401}, "tiled(401, 1): 401 copies are too many"),
        ({"nx": 10**9, "ny": 10**9}, "lower nx or ny, so that nx * ny is at most 400"),
        ({"N": 0}, "tiled(2, 1): N = 0"),
        ({"N": 2.5}, "tiled(2, 1): N = 2.5"),
        ({"T0": 0}, "tiled(2, 1): dual.T0 = 0"),
        ({"d": -1.0}, "tiled(2, 1): links.d = -1.0"),
        ({"load": -1.0}, "load = -1.0: must be above 0"),
        ({"speed": 1e-6}, "tiled(2, 1): dual.T0 = "),
    ],
)
def test_bad_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(cmarlsim.InputError) as caught:
        cmarlsim.tiled(**{"nx": 2, "ny": 1, "N": 4} | settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.compiled
def test_a_hundred_copies_with_two_thousand_agents() -> None:
    made = cmarlsim.tiled(10, 10, N=2000)
    assert (made.M, made.agents.N, made.dual.T0) == (600, 2000, 1300)
    assert len(made.world.wall) > 2000
    far = 2 * (OFFICE + 17.25) + 10 + 9 * 28 + 9 * 14 - 10  # red in one corner to red in the opposite one
    assert made.world.to_go.max() / TICKS_PER_METRE == pytest.approx(far, abs=1e-11)
