"""Checking a scenario: errors, warnings and hints of all kinds, at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from cmarlsim.building.areas import Area, Region
from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.checking.effects import keys_without_effect
from cmarlsim.checking.hints import hints
from cmarlsim.checking.salvage import salvaged_plan, salvaged_scenario
from cmarlsim.errors import Finding, InputError
from cmarlsim.kernels.world import Floats
from cmarlsim.scenario import Scenario
from cmarlsim.scenario.dangers import dangers, edges_shorter_than_straight, overload, unused_links
from cmarlsim.scenario.files import read_scenario
from cmarlsim.scenario.problems import zone_problems
from cmarlsim.scenario.tables import Zone
from cmarlsim.storage import shipped
from cmarlsim.validation import parse, read_toml

KINDS = ("error", "warning", "hint")
"""Kinds of findings, the worst first."""


@dataclass(frozen=True)
class Checked:
    """What a check has found.

    Attributes
    ----------
    name : str
        The scenario's file.
    findings : tuple of Finding
        The worst first.
    plan : FloorPlan
        For a picture; where there are errors, what is left of it.
    zones : dict
        The corners (n, 2) of each zone by its name, in metres.
    """

    name: str
    findings: tuple[Finding, ...]
    plan: FloorPlan
    zones: dict[str, Floats]

    def count(self, kind: str) -> int:
        """How many findings are of a kind."""
        return sum(finding.kind == kind for finding in self.findings)


def check_scenario(reference: str | Path, overrides: str | Sequence[str] = ()) -> Checked:
    """Look for all that is wrong, dangerous or could be better in a scenario and its floor plan.

    Parameters
    ----------
    reference, overrides
        As for `Scenario.load`.

    Raises
    ------
    InputError
        If a file cannot be read, or is not TOML.
    """
    path, data, settings = read_scenario(reference, overrides)
    plan_path = shipped.find("floorplans", data["floorplan"], ".toml", path.parent)
    plan, plan_errors, measurable = salvaged_plan(read_toml(plan_path), plan_path)
    found = [replace(each, key=f"floorplan: {each.key}".removesuffix(": ")) for each in plan_errors]
    try:
        scenario = parse(Scenario, data | {"floorplan": None if plan_errors else plan}, path, copy=True)
        zones = dict(zip([zone.name for zone in scenario.zones], scenario.zone_outlines(), strict=True))
        found += _remarks(scenario, settings)
    except InputError as error:
        left = salvaged_scenario(data, plan)
        zones = dict(_outlines(plan, left.zones))
        errors = [each for each in error.findings if not (plan_errors and each.key.startswith("floorplan"))]
        told = {*map(str, errors)}
        more = zone_problems(left) if measurable and left.zones else []
        found += errors + [each for each in more if str(each) not in told]
    found.sort(key=lambda finding: KINDS.index(finding.kind))
    return Checked(str(path), tuple(found), plan, zones)


def _remarks(scenario: Scenario, settings: Sequence[str]) -> list[Finding]:
    """Warnings and hints."""
    warnings = chain(overload(scenario), unused_links(scenario.links, settings), *dangers(scenario))
    lengths = edges_shorter_than_straight(scenario)
    return [*warnings, *lengths, *keys_without_effect(scenario), *hints(scenario)]


def _outlines(plan: FloorPlan, zones: Sequence[Zone]) -> Iterator[tuple[str, Floats]]:
    """Names and corners of zones, as if there were no walls."""
    rooms: dict[Any, Any] = {room.name: room.polygon for room in plan.rooms}
    for zone in zones:
        polygon = rooms.get(zone.room) if zone.room else zone.polygon
        if zone.radius is not None or polygon is not None:
            area = Area(zone.center, zone.radius, polygon)
            yield zone.name, Region(area, np.array(zone.center or (0.0, 0.0)), 0).outline()
