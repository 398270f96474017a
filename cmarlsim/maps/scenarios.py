"""Drafts as the TOML of a floor plan and of a scenario, with all that has to be guessed for that."""

from __future__ import annotations

from typing import Any

import numpy as np

from cmarlsim.kernels.world import Floats
from cmarlsim.maps.draft import Draft, Edge, Level, Remark
from cmarlsim.maps.ways.reaching import distances, lengths_of
from cmarlsim.maps.zones import Choice, chosen_zones, shared_out

DECIMALS = 7
"""Of coordinates in metres."""

MANY_ROOMS = 3
"""From so many rooms on, a policy sees which room an agent is in, and else which waypoint is nearest."""

SPEED, RANGE = 1.0, 5.0
"""Metres that agents move a step, and within which they talk through walls."""

ALPHA, ETA = 0.01, 0.5
"""Contraction and step size of the multipliers, as in the paper."""

TRIPS, FIFTY = 3, 50
"""A rollout has time for so many of the longest trips, and whole fifties of steps."""

DIVISORS = (10, 8, 5, 4, 2, 1)
"""Parts of a step, of which the lengths of ways are made whole multiples: the first with few places."""

MOST_PLACES = 4_000
"""Places where agents may come to be, so that they can be numbered."""


def plan_of(draft: Draft) -> dict[str, Any]:
    """The floor plan as the data of a TOML file."""
    names = draft.graph.names
    data: dict[str, Any] = {"name": draft.name, "source": draft.source}
    data["tiles"] = "rooms" if _has_rooms(draft) else "waypoints"
    data["edges"] = [_edge(edge, names) for edge in draft.graph.edges]
    data["levels"] = [_level(level) for level in draft.levels]
    data["walls"] = [{"points": _points(wall)} for wall in draft.walls]
    data["doors"] = [{"name": door.name, "points": _points(door.ends)} for door in draft.doors]
    data["rooms"] = [{"name": room.name, "polygon": _points(room.polygon)} for room in draft.rooms]
    positions = _points(draft.graph.position)
    data["waypoints"] = [
        {"name": name, "position": position} for name, position in zip(names, positions, strict=True)
    ]
    return {key: value for key, value in data.items() if value}


def scenario_of(draft: Draft, choice: Choice) -> tuple[dict[str, Any], Draft]:
    """The scenario as the data of a TOML file, and the draft with remarks on what was guessed.

    Raises
    ------
    InputError
        If there are not so many zones as were asked for, or too few for the team.
    """
    zones, draft = chosen_zones(draft, choice)
    goals = [zone.goal for zone in zones]
    N, draft = _team(draft, choice, len(zones))
    trip = float(distances(draft.graph, goals).max())
    T0 = FIFTY * max(1, -(-round(TRIPS * trip / SPEED) // FIFTY))
    snap, draft = _snap(draft)
    agents: dict[str, Any] = {"N": N, "speed": SPEED, "snap": snap}
    if draft.starts:
        agents["start"] = [draft.graph.names[i] for i in draft.starts]
    c = shared_out(choice.load * (N - 1), len(zones))
    draft = draft.remarked(
        _guess(f"Every zone has the threshold c = {c:g}: together {c * len(zones) / (N - 1):.0%} of N - 1."),
        _guess(f"Agents move {SPEED:g} m a step: a step is a second of somebody who walks slowly."),
        _guess(f"T0 = {T0} steps, about {TRIPS} times the longest trip to a zone, which is {trip:.0f} m."),
        _guess(f"Agents talk in line of sight, and through walls up to d = {RANGE:g} m."),
    )
    data = {
        "agents": agents,
        "dual": {"alpha": ALPHA, "eta": ETA, "T0": T0},
        "links": {"model": "sight-or-disc", "d": RANGE},
        "zones": [zone.table() | {"c": c} for zone in zones],
    }
    return data, draft


def _team(draft: Draft, choice: Choice, zones: int) -> tuple[int, Draft]:
    """The number of agents: what was asked for, or two for three zones."""
    if choice.agents:
        return choice.agents, draft
    N = max(2, round(zones / 1.5))
    robots = f", which begin in turn where the {len(draft.starts)} of the source do" if draft.starts else ""
    return N, draft.remarked(_guess(f"N = {N} agents for {zones} zones{robots}."))


def _snap(draft: Draft) -> tuple[float, Draft]:
    """Metres of which lengths become whole multiples, so that there are few places, and a remark on it."""
    lengths = lengths_of(draft.graph)
    for divisor in DIVISORS:
        snap = SPEED / divisor
        snapped = np.maximum(np.rint(lengths / snap), 1) * snap
        if snapped.sum() / snap + len(draft.graph.names) <= MOST_PLACES:
            break
    off = np.abs(snapped - lengths).max(initial=0.0)
    part = snapped.sum() / max(lengths.sum(), snap) - 1 if len(lengths) else 0.0
    text = (
        f"Lengths of ways are rounded to whole {snap:g} m, by {off:.2f} m at most, and {part:+.2%} all "
        "together."
    )
    return snap, draft.remarked(_guess(text))


def _has_rooms(draft: Draft) -> bool:
    """Whether there are many rooms, and some on each level."""
    corners = np.array([room.polygon[0] for room in draft.rooms]).reshape(-1, 2)
    levels = set(draft.level_of(corners).tolist())
    return len(draft.rooms) >= MANY_ROOMS and levels.issuperset(range(len(draft.levels)))


def _edge(edge: Edge, names: tuple[str, ...]) -> Any:
    """An edge as a pair of names, or as a table where more is to be said of it."""
    ends = [names[edge.start], names[edge.end]]
    more: dict[str, Any] = {} if edge.length is None else {"length": round(edge.length, DECIMALS)}
    more |= {"one_way": True} if edge.one_way else {}
    more |= {"lift": edge.lift} if edge.lift else {}
    return {"ends": ends, **more} if more else ends


def _level(level: Level) -> dict[str, Any]:
    return {"name": level.name, "rectangle": list(level.rectangle), "to_source": list(level.to_source)}


def _points(points: Floats) -> list[Any]:
    return (np.round(points, DECIMALS) + 0.0).tolist()


def _guess(text: str) -> Remark:
    return Remark("guessed", text)
