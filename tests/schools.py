"""School buildings of any size: rooms that are zones, along a corridor on every floor, joined by a lift."""

from __future__ import annotations

from typing import Any

from cmarlsim import Scenario

WIDTH, DEPTH, GAP = 5.0, 6.0, 12.0
"""Metres: of a room, and between two floors."""

Toml = dict[str, Any]


def school(rooms: int, floors: int = 1, long_names: bool = False, agents: int | None = None) -> Scenario:
    """A school with so many rooms on each floor; every fourth zone is a disc in its room.

    Floors lie side by side from left to right.
    """
    plan: Toml = {"name": "school", "tiles": "rooms"}
    plan |= {key: [] for key in ("walls", "waypoints", "edges", "rooms", "doors", "levels")}
    zones: list[Toml] = []
    half = (rooms + 1) // 2
    for floor in range(floors):
        left, word = floor * (half * WIDTH + GAP), "The floor with the number " if long_names else "Floor "
        right = left + half * WIDTH
        plan["levels"].append({"name": f"{word}{floor}", "rectangle": [left - 4, -10, right + 4, 10]})
        corridor = [[left - 3, -1], [right + 3, -1], [right + 3, 1], [left - 3, 1]]
        plan["rooms"].append({"name": f"corridor {floor}", "polygon": corridor})
        for i in range(half):
            x = left + (i + 0.5) * WIDTH
            plan["waypoints"].append({"name": f"corridor {floor}-{i}", "position": [x, 0]})
            if i:
                plan["edges"].append([f"corridor {floor}-{i - 1}", f"corridor {floor}-{i}"])
            for side in (1, -1)[: rooms - 2 * i]:
                word = "Laboratory of applied " if long_names else "room "
                name = f"{word}{floor}-{2 * i + (side < 0)}"
                _add_room(plan, zones, name, x, side, f"corridor {floor}-{i}")
        if floor:
            ends = [f"corridor {floor - 1}-0", f"corridor {floor}-0"]
            plan["edges"].append({"ends": ends, "length": 8.0, "lift": "Lift"})
    N = agents or max(2, 2 * len(zones) // 3)
    share = 0.7 * (N - 1) / sum(zone["c"] for zone in zones)
    zones = [zone | {"c": min(0.9, share * zone["c"])} for zone in zones]
    dual, links = {"alpha": 0.01, "eta": 0.5, "T0": 100}, {"model": "sight-or-disc", "d": 5.0}
    data = {"name": "school", "floorplan": plan, "agents": {"N": N}, "dual": dual, "links": links}
    return Scenario.model_validate(data | {"zones": zones})


def _add_room(plan: Toml, zones: list[Toml], name: str, x: float, side: int, corridor: str) -> None:
    """Add a room with five corners, its door, its waypoint and its zone."""
    near, far, left, right = side * 1.0, side * (1 + DEPTH), x - WIDTH / 2, x + WIDTH / 2
    gable = [x, far + side]
    outline = [[left, near], [right, near], [right, far], gable, [left, far]]
    plan["rooms"].append({"name": name, "polygon": outline})
    plan["doors"].append({"name": f"door of {name}", "points": [[x - 0.5, near], [x + 0.5, near]]})
    plan["walls"].append({"points": [[x + 0.5, near], *outline[1:], [left, near], [x - 0.5, near]]})
    plan["waypoints"].append({"name": f"in {name}", "position": [x, side * 4.0]})
    plan["edges"].append([corridor, f"in {name}"])
    number = len(zones)
    shape = {"room": name} if number % 4 else {"center": [x, side * 4.0], "radius": 2.0}
    zones.append({"name": name, "c": 0.2 + (7 * number % 10) / 20} | shape)
