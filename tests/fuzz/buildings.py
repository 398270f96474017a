"""Buildings with levels, lifts, rooms and polygons, and their scenarios, with what nobody expects."""

from __future__ import annotations

from pathlib import Path
from random import Random

from .building_files import TILES
from .case import Case, Command
from .specimens import Specimens
from .toml import change_toml, round_trip


def case(random: Random, good: Specimens) -> Case:
    """A scenario or its floor plan is changed, and read by commands."""
    tiles = random.choice(list(TILES))
    scenario, plan = f"{tiles}.toml", f"{tiles}-plan.toml"
    good.copy(scenario, plan)
    story = change_toml(Path(random.choice((scenario, plan, plan))), random)
    return Case(story, random.choice(_readers(scenario)), verify=lambda: round_trip(scenario))


def _readers(scenario: str) -> list[list[Command]]:
    check: Command = ["check", scenario, "--picture", "out.png"]
    run: Command = ["run", scenario, "--policy", "rank", "--steps", "60", "--out", "out.h5"]
    return [
        [check],
        [check, [*run, "--no-plot"]],
        [[*run, "--no-plot"], ["rerun", "out.h5"]],
        [run],
        [["export", scenario, "--as", "ros", "--level", "L1", "--out", "out.yaml"]],
        [["export", scenario, "--as", "graph", "--level", "L2", "--out", "out.graph"]],
        [["export", scenario, "--as", "geojson", "--level", "L1", "--out", "out.geojson"]],
    ]
