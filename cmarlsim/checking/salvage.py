"""What is left of a scenario and its floor plan without the tables that are wrong: it can be looked at."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.building.plan_problems import plan_problems, size_problems, with_clear_edges
from cmarlsim.building.tables import Door, Edge, Level, Room, Tile, Wall, Waypoint
from cmarlsim.errors import Finding, InputError
from cmarlsim.scenario import Agents, Dual, Links, Scenario, Zone
from cmarlsim.validation import parse

ARRAYS: dict[str, type[BaseModel]] = {
    "walls": Wall,
    "tiles": Tile,
    "waypoints": Waypoint,
    "edges": Edge,
    "rooms": Room,
    "doors": Door,
    "levels": Level,
}
"""The arrays of tables in a floor plan."""

_NUMBERED = re.compile(r"(walls|edges)\[(\d+)\]")


_APART = {"walls", "edges", "doors"}
"""Arrays without whose wrong tables it can be said where zones lie."""


class Salvaged(NamedTuple):
    """A floor plan, or what is left of it.

    Attributes
    ----------
    plan
        If there are errors, for pictures: its tables are valid one by one.
    findings
        Errors in it.
    measurable
        Whether it can be said where zones lie in it.
    """

    plan: FloorPlan
    findings: tuple[Finding, ...]
    measurable: bool


def salvaged_plan(data: dict[str, Any], path: Path) -> Salvaged:
    """The floor plan in TOML's `data`, and all errors in it."""
    try:
        return Salvaged(parse(FloorPlan, data, path), (), True)
    except InputError as error:
        found = error.findings
    tables = {name: valid_tables(kind, data.get(name)) for name, kind in ARRAYS.items()}
    fields: dict[str, Any] = {name: tuple(each.values()) for name, each in tables.items()}
    fields["name"] = data["name"] if isinstance(data.get("name"), str) else ""
    fields["units"] = "m" if data.get("units") == "m" else None
    broken = {name for name, each in tables.items() if len(each) < _count(data.get(name))}
    if data.get("tiles") in ("rooms", "waypoints"):
        fields["tiles"] = data["tiles"]
    named = [table.get("name") for table in _list(data, "waypoints") if isinstance(table, dict)]
    lost = {name for name in named if isinstance(name, str)}
    lost -= {waypoint.name for waypoint in fields["waypoints"]}
    edges = {i: edge for i, edge in tables["edges"].items() if not lost.intersection(edge.ends)}
    plan = FloorPlan.model_construct(**fields | {"edges": tuple(edges.values())})
    known = {*map(str, found)}
    if fields["waypoints"] and "levels" not in broken:
        original = {"walls": [*tables["walls"]], "edges": [*edges]}
        found += tuple(
            finding
            for finding in (_renumbered(each, original) for each in plan_problems(_plain(plan, broken)))
            if str(finding) not in known
        )
    whole = plan.waypoints and plan.tiles and broken <= _APART
    return Salvaged(with_clear_edges(plan), found, bool(whole) and not [*size_problems(plan)])


def valid_tables(kind: type[Any], tables: Any) -> dict[int, Any]:
    """The tables of an array that are valid, by their index."""
    found = {}
    for i, table in enumerate(tables if isinstance(tables, list) else ()):
        try:
            found[i] = kind.model_validate(table)
        except ValidationError:
            continue
    return found


def salvaged_scenario(data: dict[str, Any], plan: FloorPlan) -> Scenario:
    """The scenario in TOML's `data`, not checked: without wrong zones, and with other tables made up."""
    fallbacks: dict[str, tuple[type[BaseModel], dict[str, Any]]] = {
        "agents": (Agents, {"N": 2}),
        "dual": (Dual, {"alpha": 0.01, "eta": 0.5, "T0": 1}),
        "links": (Links, {"model": "never"}),
    }
    fields: dict[str, Any] = {
        name: valid_tables(kind, [data.get(name)]).get(0) or kind.model_validate(made_up)
        for name, (kind, made_up) in fallbacks.items()
    }
    zones = tuple(valid_tables(Zone, data.get("zones")).values())
    return Scenario.model_construct(None, **fields, name="", floorplan=plan, zones=zones)


def _list(data: dict[str, Any], name: str) -> list[Any]:
    return data[name] if isinstance(data.get(name), list) else []


def _count(tables: Any) -> int:
    return len(tables) if isinstance(tables, list) else 0


def _plain(plan: FloorPlan, broken: set[str]) -> FloorPlan:
    """The plan, without tiles if some of them are missing: then nothing is said of what they cover."""
    made_of = "rooms" if plan.tiles == "rooms" else "tiles"
    if plan.tiles and made_of not in broken and (plan.tiles != "rooms" or plan.rooms):
        return plan
    return BaseModel.model_copy(plan, update={"tiles": "waypoints"})


def _renumbered(finding: Finding, original: dict[str, list[int]]) -> Finding:
    """The finding with the index that a wall or an edge has in the file."""
    match = _NUMBERED.match(finding.key)
    if not match:
        return finding
    name, i = match[1], int(match[2])
    return replace(finding, key=f"{name}[{original[name][i]}]{finding.key[match.end() :]}")
