"""Scenarios: TOML <-> validated, frozen `Scenario`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

import numpy as np
import tomli_w
from pydantic import Field, ValidationInfo, model_validator

from cmarlsim.building.areas import Area, Region, inside_zones, place_zones
from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.building.places import number_places
from cmarlsim.building.snapping import SnapError, snap_error, snap_ticks, snapped
from cmarlsim.building.visibility import NO_VISIBILITY, build_visibility
from cmarlsim.building.worlds import build_world
from cmarlsim.errors import ArgumentError, InputError, listed, shown
from cmarlsim.html import table
from cmarlsim.kernels.scene import Rules
from cmarlsim.kernels.world import (
    TICKS_PER_METRE,
    Bools,
    Floats,
    Ints,
    NumberedPlaces,
    Site,
    Visibility,
    World,
)
from cmarlsim.scenario.dangers import overload, warn_of_dangers
from cmarlsim.scenario.files import read_scenario
from cmarlsim.scenario.problems import scenario_problems
from cmarlsim.scenario.tables import (
    MOST_AGENTS,
    OTHER_THRESHOLDS,
    Agents,
    Dual,
    Links,
    Thresholds,
    Zone,
)
from cmarlsim.storage.files import as_path, write_whole
from cmarlsim.validation import (
    Entries,
    Name,
    ProblemsError,
    Strict,
    parse,
    refusal,
    toml_of,
)

FEW = 64
"""Up to so many agents, looking every pair up among numbered places is faster than going along the edges."""


class Scenario(Strict):
    """A floor plan, a team, its zones and thresholds, and how it communicates: frozen and validated.

    Attributes
    ----------
    name : str
    floorplan : FloorPlan
        Walls, tiles and the waypoint graph, in metres.
    agents : Agents
        `N` agents that move `speed` metres a step, and where they start.
    dual : Dual
        `alpha`, `eta` and `T0` of the dual update, eq. (16) and (18).
    links : Links
        `model`, and what it uses of `d` (metres), `p` and `footprint`.
    zones : tuple of Zone
        Each with `name`, its threshold `c`, and `center` and `radius` (metres), a `polygon` or a `room`.

    Examples
    --------
    >>> scenario = Scenario.load("tiny", ["dual.alpha=0.02"])
    >>> scenario.agents.N, scenario.M, scenario.dual.alpha
    (2, 3, 0.02)
    """

    name: Name
    floorplan: FloorPlan
    agents: Agents
    dual: Dual
    links: Links
    zones: Annotated[Entries[Zone], Field(min_length=1, max_length=MOST_AGENTS)]

    @classmethod
    def load(cls, reference: str | Path, overrides: str | Sequence[str] = ()) -> Self:
        """Load a scenario.

        Parameters
        ----------
        reference
            Path of a TOML file, or the name of a shipped scenario (``paper``, ``tiny``).
        overrides
            A setting such as ``"links.d=4"`` that replaces the file's value, or several; list entries are
            named by index or by their name: ``"zones.0.c=0.2"``, ``"zones.red.c=0.2"``.

        Warns
        -----
        UserWarning
            If the thresholds add up to more than N - 1, ``[links]`` has keys that its model does not use
            (where an override chooses the model, only if an override sets such a key), rollouts are shorter
            than trips, zones overlap, reach through walls or are without signal, or units look wrong.

        Raises
        ------
        InputError
            If anything is missing, unknown, out of range or geometrically impossible.
        """
        path, data, settings = read_scenario(reference, overrides)
        try:
            plan = FloorPlan.load(data["floorplan"], beside=path.parent)
        except InputError as error:
            here = f"{path}: floorplan = {shown(data['floorplan'])}"
            if error.findings:
                raise refusal(f"{here}: {error.source}", error.findings) from None
            raise InputError(f"{here}: {error}") from None
        source = f"{path} with {listed(settings)}" if settings else str(path)
        scenario = parse(cls, data | {"floorplan": plan}, source)
        warn_of_dangers(scenario, settings, source)
        return scenario

    @classmethod
    def from_toml(cls, text: str, floorplan: str, source: str | Path) -> Self:
        """Rebuild a scenario from `to_toml` and its floor plan's `to_toml`; `source` is for messages."""
        here, there = f"{source}: its scenario", f"{source}: its floor plan"
        plan = parse(FloorPlan, toml_of(floorplan, there), there)
        return parse(cls, toml_of(text, here) | {"floorplan": plan}, here)

    def to_toml(self, floorplan: str | None = None) -> str:
        """Write the scenario with every default made explicit; the floor plan by its name, or `floorplan`."""
        data = self.model_dump(mode="json", exclude_none=True, exclude={"floorplan"})
        return tomli_w.dumps({"name": self.name, "floorplan": floorplan or self.floorplan.name} | data)

    def save(self, path: str | Path) -> None:
        """Write the scenario to `path`, and its floor plan beside it as ``NAME-plan.toml``, for `load`.

        Raises
        ------
        InputError
            If they cannot be written.
        """
        path = as_path("path", path)
        plan = path.with_name(f"{path.stem}-plan.toml")
        write_whole(plan, self.floorplan.to_toml().encode())
        write_whole(path, self.to_toml(plan.name).encode())

    @property
    def M(self) -> int:
        """Number of zones."""
        return len(self.zones)

    @property
    def c(self) -> np.ndarray:
        """Thresholds, (M,), read-only: `load` with overrides or `with_thresholds` to have others."""
        c = np.array([zone.c for zone in self.zones]).view(Thresholds)
        c.flags.writeable = False
        return c

    @cached_property
    def travelled(self) -> FloorPlan:
        """The floor plan with the lengths that agents travel: rounded if `agents.snap` says so."""
        return self.floorplan if self.agents.snap is None else snapped(self.floorplan, self.agents.snap)

    @cached_property
    def world(self) -> World:
        """Arrays of the floor plan with this scenario's zones."""
        return build_world(self.travelled, self._areas)

    @cached_property
    def regions(self) -> tuple[Region, ...]:
        """The zones in the floor plan: each with its `center`, `goal`, `level` and `outline`."""
        return place_zones(self.travelled, self._areas)

    def snap_error(self) -> SnapError:
        """How much `agents.snap` changes the lengths of edges and of ways between zones; zeros without it."""
        exact = build_world(self.floorplan, self._areas)
        return snap_error(self.floorplan, exact, self.travelled, self.world)

    @property
    def zone_centers(self) -> Floats:
        """Centres of the zones, (M, 2) in metres."""
        return np.array([region.center for region in self.regions])

    def zone_outlines(self) -> list[Floats]:
        """Corners of each zone, (n, 2) in metres, without what walls cut off; of a disc, many corners."""
        return [region.outline() for region in self.regions]

    def inside_zones(self, position: Floats) -> Bools:
        """Whether positions are in zones: the direct observations of eq. (17), decided as the engine does.

        Parameters
        ----------
        position : (..., 2) array
            In metres. NaN, of an agent that is no longer there, is in no zone.

        Returns
        -------
        (..., M) array of bool
            A border belongs to its zone, within 1e-9 m.
        """
        return inside_zones(self.floorplan, self.regions, position)

    def starts(self) -> Ints | None:
        """The waypoint at which each agent starts, (N,), if the scenario names them."""
        if self.agents.start is None:
            return None
        index = {waypoint.name: p for p, waypoint in enumerate(self.floorplan.waypoints)}
        named = self.agents.start
        return np.array([index[named[n % len(named)]] for n in range(self.agents.N)])

    @cached_property
    def numbered(self) -> NumberedPlaces:
        """Numbered places of the world, at this scenario's speed and range."""
        return number_places(self.travelled, self._areas, self.speed_ticks, float(self.links.d or 0.0))

    @cached_property
    def visibility(self) -> Visibility:
        """What can be seen from each waypoint edge, at this scenario's range."""
        return build_visibility(self.travelled, self._areas, float(self.links.d or 0.0))

    @cached_property
    def site(self) -> Site:
        """World, numbered places and visibility sets; a small team with numbered places needs no sets."""
        alone = len(self.numbered.tile) > 0 and (self.agents.N <= FEW or self.links.model != "sight-or-disc")
        return Site(self.world, self.numbered, NO_VISIBILITY if alone else self.visibility)

    def at_range(self, d: float) -> Self:
        """The same scenario with `links.d` = `d` metres.

        Raises
        ------
        InputError
            If `d` cannot be a range.
        """
        return self.model_copy(update={"links": self.links.model_dump() | {"d": d}})

    def with_thresholds(self, c: Sequence[float] | Floats) -> Self:
        """The same scenario with other thresholds, (M,).

        Raises
        ------
        InputError
            If there is not one for each zone, or one is not in [0, 1).
        """
        try:
            values = np.array([*c]).tolist() if len(c) == self.M and all(map(np.isscalar, c)) else []
        except TypeError:  # it has no length
            values = []
        if len(values) != self.M:
            raise ArgumentError("c", c, f"must be {self.M} thresholds, one for each zone")
        zones = [zone.model_dump() | {"c": value} for zone, value in zip(self.zones, values, strict=True)]
        return self.model_copy(update={"zones": zones})

    @property
    def speed_ticks(self) -> int:
        """Speed in ticks per step."""
        if self.agents.snap is not None:
            return round(self.agents.speed / self.agents.snap) * snap_ticks(self.agents.snap)
        return round(self.agents.speed * TICKS_PER_METRE)

    @property
    def _areas(self) -> tuple[Area, ...]:
        rooms = {room.name: room.polygon for room in self.floorplan.rooms}
        return tuple(
            Area(
                zone.center, zone.radius, rooms[zone.room] if zone.room else zone.polygon, zone.through_walls
            )
            for zone in self.zones
        )

    def rules(self) -> Rules:
        """What the engine needs to know besides the world."""
        return Rules(
            c=np.array(self.c),
            alpha=float(self.dual.alpha),
            eta=float(self.dual.eta),
            speed=self.speed_ticks,
            links=self.links.for_kernels(self.agents.N),
        )

    def __setattr__(self, name: str, value: object) -> None:
        if name == "c":
            raise InputError(f"c = {shown(value, 40)}: {OTHER_THRESHOLDS}")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        """The scenario in one line."""
        size = f"{self.agents.N} agents, {self.M} zones, T0 = {self.dual.T0}"
        return f"<Scenario {self.name}: {size}, {self.links}>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """The scenario in a notebook: its zones and their thresholds."""
        return table(repr(self), {"zone": [zone.name for zone in self.zones], "c": self.c})

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        if problems := scenario_problems(self):
            raise ProblemsError(problems)
        return self

    @model_validator(mode="after")
    def _theorem_1_applies(self, info: ValidationInfo) -> Self:
        if not (info.context and info.context["copy"]):
            for finding in overload(self):
                warnings.warn(f"scenario '{self.name}': {finding}", stacklevel=2)
        return self
