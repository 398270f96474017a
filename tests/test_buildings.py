"""The buildings that ship are what their script makes, and anybody can use them."""

from pathlib import Path

import numpy as np
import pytest

import cmarlsim
from cmarlsim.importing import import_
from cmarlsim.storage.shipped import DATA
from docs import buildings

NAMES = ("office", "hospital", "school")
ROOMS = {"office": 13, "hospital": 28, "school": 21}
"""With corridors, stairs and lifts."""


def test_the_files_are_those_that_the_script_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(buildings, "DATA", tmp_path)
    for folder in ("floorplans", "scenarios", "maps"):
        (tmp_path / folder).mkdir()
    buildings.main()
    files = [path.relative_to(tmp_path) for path in sorted(tmp_path.rglob("*.*"))]
    assert len(files) == 8
    for file in files:
        assert (tmp_path / file).read_bytes() == (DATA / file).read_bytes(), file


@pytest.mark.parametrize("name", NAMES)
def test_a_team_keeps_to_its_building(name: str) -> None:
    """Nobody is off the ways, nobody loses a room to a wall, and time is enough for every trip."""
    scenario = cmarlsim.Scenario.load(name)
    plan = scenario.floorplan
    assert len(plan.rooms) == ROOMS[name]
    assert scenario.agents.N < scenario.M
    longest = scenario.world.to_go.max() / 2**44
    assert 2 * longest < scenario.dual.T0 * scenario.agents.speed <= 5 * longest
    run = cmarlsim.execute(scenario, cmarlsim.Policy.load("rank"), steps=4 * scenario.dual.T0)
    names = [plan.tile_names()[tile] for tile in np.unique(run.tile)]
    assert len(names) > scenario.M / 2
    assert (scenario.inside_zones(run.position).any(axis=1) == run.reward).all()


def test_stairs_and_lift_are_ridden() -> None:
    scenario = cmarlsim.Scenario.load("school")
    run = cmarlsim.execute(scenario, cmarlsim.Policy.load("rank"), steps=20 * scenario.dual.T0)
    level = scenario.floorplan.level_of(run.position.reshape(-1, 2)).reshape(run.position.shape[:2])
    assert (np.diff(level, axis=0) != 0).any(axis=0).all()
    between = level[:, :, None] != level[:, None, :]
    assert between.any()
    assert not (run.link & between).any()


def test_the_office_as_a_map_has_its_rooms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of each drawn room, the room that is found covers more than 90 % of what both cover."""
    from shapely import Polygon

    monkeypatch.chdir(tmp_path)
    assert import_(DATA / "maps" / "office.yaml", out=Path("mine.toml")) == 0
    found = [Polygon(room.polygon) for room in cmarlsim.Scenario.load("mine.toml").floorplan.rooms]
    drawn = [Polygon(room.polygon) for room in cmarlsim.Scenario.load("office").floorplan.rooms]
    assert len(found) == len(drawn)
    for room in drawn:
        assert max(room.intersection(each).area / room.union(each).area for each in found) > 0.9
