"""Which zones a team is to cover in somebody's building, and how much of the time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from cmarlsim.errors import InputError
from cmarlsim.maps.draft import Draft, Remark
from cmarlsim.maps.ways.goals import with_goals
from cmarlsim.maps.ways.reaching import core_of, distances

FEWEST, USUAL = 3, 6
"""Where fewer rooms than this are zones, there are so many discs instead."""

RADIUS = 1.0
"""Metres of a zone that is a disc; less where the next one is near."""

LARGEST_C = 0.85
"""Threshold that no zone exceeds: what an agent can do that has to leave now and then."""

APART = 0.1
"""Metres that the centres of two discs are apart at least: waypoints nearer than that are one place."""

MOST_ZONES = 1000
"""Zones that can be asked for."""


@dataclass(frozen=True)
class Choice:
    """What was asked for.

    Attributes
    ----------
    zones
        ``auto``: one a room; ``names``: one for each named waypoint of the source; or how many.
    agents
        N; None: guessed.
    load
        The thresholds add up to `load` (N - 1).
    """

    zones: str = "auto"
    agents: int | None = None
    load: float = 0.7


class ChosenZone(NamedTuple):
    """A zone: a room, or a disc around its goal, the index of the waypoint where agents go."""

    name: str
    goal: int
    centre: tuple[float, float]
    room: str | None
    radius: float

    def table(self) -> dict[str, Any]:
        """Its table in the scenario, but for the threshold."""
        if self.room:
            return {"name": self.name, "room": self.room}
        center = [round(x, 7) for x in self.centre]
        return {"name": self.name, "center": center, "radius": round(self.radius, 3)}


def chosen_zones(draft: Draft, choice: Choice) -> tuple[list[ChosenZone], Draft]:
    """The zones of a building, and the draft with remarks on them.

    Raises
    ------
    InputError
        If there are none, or not so many as were asked for.
    """
    if choice.zones == "names":
        return _named(draft)
    draft, goals = with_goals(draft)
    if choice.zones == "auto":
        if len(goals) >= FEWEST:
            return _of_rooms(draft, goals), draft.remarked(
                Remark("found", f"{len(goals)} zones, one a room.")
            )
        K = min(USUAL, len(_candidates(draft, FEWEST)))
        text = f"{K} zones are discs, far from each other, as too few rooms can be covered ({len(goals)})."
        return _spread_discs(draft, K), draft.remarked(Remark("guessed", text))
    K = int(choice.zones)
    if len(goals) >= K:
        rooms = list(goals)
        kept = _spread(draft, [goals[room] for room in rooms], K)
        zones = _of_rooms(draft, {rooms[i]: goals[rooms[i]] for i in sorted(kept)})
        return zones, draft.remarked(
            Remark("guessed", f"{K} of {len(goals)} rooms are zones, far from each other.")
        )
    discs = _spread_discs(draft, K)
    return discs, draft.remarked(Remark("guessed", f"{K} zones are discs, far from each other."))


def shared_out(total: float, zones: int) -> float:
    """The threshold c of each zone, such that they add up to `total`, or to what they can carry at most."""
    return math.floor(1000 * min(total / zones, LARGEST_C) + 1e-9) / 1000


def _of_rooms(draft: Draft, goals: dict[int, int]) -> list[ChosenZone]:
    return [
        ChosenZone(draft.rooms[i].name, goal, _at(draft, goal), draft.rooms[i].name, 0.0)
        for i, goal in goals.items()
    ]


def _named(draft: Draft) -> tuple[list[ChosenZone], Draft]:
    """A disc around each named waypoint that can be reached."""
    goals = _apart(draft, draft.named)
    if not goals:
        raise InputError(f"{draft.source}: has no named waypoints that become zones: use --zones auto")
    left = len(draft.named) - len(goals)
    but = f", but {left} that cannot be reached or are where another is" if left else ""
    found = Remark("found", f"{len(goals)} zones are discs around the named waypoints{but}.")
    return _discs(draft, goals), draft.remarked(found)


def _spread_discs(draft: Draft, K: int) -> list[ChosenZone]:
    """K discs around waypoints that are far from each other."""
    goals = _candidates(draft, K)
    if len(goals) < K:
        raise InputError(f"{draft.source}: {K} zones are more than the {len(goals)} places that ways lead to")
    return _discs(draft, [goals[i] for i in sorted(_spread(draft, goals, K))])


def _candidates(draft: Draft, K: int) -> list[int]:
    """The waypoints that discs can be around: the named ones if these are enough, or all."""
    named = _apart(draft, draft.named)
    return named if len(named) >= K else _apart(draft, range(len(draft.graph.names)))


def _apart(draft: Draft, waypoints: Sequence[int]) -> list[int]:
    """Those of the waypoints that can be reached, and of several in one place the first."""
    core, position = core_of(draft.graph), draft.graph.position
    kept: list[int] = []
    for i in waypoints:
        if core[i] and np.hypot(*(position[kept] - position[i]).T).min(initial=np.inf) >= APART:
            kept.append(i)
    return kept


def _spread(draft: Draft, candidates: Sequence[int], K: int) -> list[int]:
    """Indices of K of the candidates: each the farthest from those before it, there and back."""
    ways = distances(draft.graph, candidates)[:, candidates]
    ways = ways + ways.T
    chosen = [int(ways.max(axis=1).argmax())]
    while len(chosen) < K:
        away = ways[chosen].min(axis=0)
        away[chosen] = -1.0
        chosen.append(int(away.argmax()))
    return chosen


def _discs(draft: Draft, goals: Sequence[int]) -> list[ChosenZone]:
    position = draft.graph.position[goals]
    away = np.hypot(*(position[:, None] - position).transpose(2, 0, 1))
    np.fill_diagonal(away, np.inf)
    radii = np.minimum(RADIUS, 0.45 * away.min(axis=1))
    return [
        ChosenZone(draft.graph.names[goal], goal, _at(draft, goal), None, float(radius))
        for goal, radius in zip(goals, radii, strict=True)
    ]


def _at(draft: Draft, waypoint: int) -> tuple[float, float]:
    x, y = draft.graph.position[waypoint].tolist()
    return x, y
