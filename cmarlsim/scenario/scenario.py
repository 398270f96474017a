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
from cmarlsim.building.tiling import tiles_at
from cmarlsim.building.visibility import NO_VISIBILITY, build_visibility
from cmarlsim.building.worlds import build_world
from cmarlsim.errors import ArgumentError, InputError, listed, nearest, shown
from cmarlsim.graphs import components
from cmarlsim.html import table
from cmarlsim.kernels.routes import UNREACHED
from cmarlsim.kernels.scene import Rules
from cmarlsim.kernels.world import (
    TICKS_PER_METRE,
    TOLERANCE,
    Bools,
    Floats,
    Ints,
    NumberedPlaces,
    Site,
    Visibility,
    World,
)
from cmarlsim.scenario.files import read_scenario
from cmarlsim.scenario.tables import (
    MOST_AGENTS,
    OTHER_THRESHOLDS,
    Agents,
    Dual,
    Links,
    Thresholds,
    Zone,
    warn_of_unused,
)
from cmarlsim.storage.files import as_path, write_whole
from cmarlsim.validation import (
    Entries,
    Name,
    Strict,
    check_names,
    dotted,
    parse,
    toml_of,
)

FEW = 64
"""Up to so many agents, looking every pair up among numbered places is faster than going along the edges."""


MOST_EXTENTS = 10.0
"""A speed or radius that is more than so many times as long as the floor plan is a slip of the units."""


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
            If the thresholds add up to more than N - 1, or ``[links]`` has keys that its model does not use
            (where an override chooses the model, only if an override sets such a key).

        Raises
        ------
        InputError
            If anything is missing, unknown, out of range or geometrically impossible.
        """
        path, data, settings = read_scenario(reference, overrides)
        try:
            plan = FloorPlan.load(data["floorplan"], beside=path.parent)
        except InputError as error:
            raise InputError(f"{path}: floorplan = {shown(data['floorplan'])}: {error}") from None
        source = f"{path} with {listed(settings)}" if settings else str(path)
        scenario = parse(cls, data | {"floorplan": plan}, source)
        warn_of_unused(scenario.links, settings, source)
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
    def _sizes_are_of_one_unit(self) -> Self:
        extent, radii = self.floorplan.extent, [zone.radius or 0.0 for zone in self.zones]
        length = max(self.agents.speed, *radii)
        if length > MOST_EXTENTS * extent:
            key = f"{self._key(radii.index(length))}.radius" if length in radii else "agents.speed"
            raise ValueError(
                f"{key} = {length:g} m, but floorplan '{self.floorplan.name}' is {extent:g} m from side to "
                "side: are both in metres?"
            )
        return self

    @model_validator(mode="after")
    def _names_are_in_the_plan(self) -> Self:
        check_names("zones", [zone.name for zone in self.zones])
        plan = self.floorplan
        rooms, waypoints = ({table.name for table in tables} for tables in (plan.rooms, plan.waypoints))
        named = [
            (f"{self._key(i)}.room", "room", zone.room, rooms)
            for i, zone in enumerate(self.zones)
            if zone.room is not None
        ]
        named += [
            (f"agents.start[{i}]", "waypoint", name, waypoints)
            for i, name in enumerate(self.agents.start or ())
        ]
        for key, kind, name, known in named:
            if name not in known:
                lacking = f"floorplan '{plan.name}' has no such {kind}"
                raise ValueError(f"{key} = {shown(name)}: {lacking}{nearest(name, known)}")
        return self

    @model_validator(mode="after")
    def _zones_can_be_attended(self) -> Self:
        plan = self.floorplan
        tiles = tiles_at(plan, self.zone_centers)
        for i, (zone, region) in enumerate(zip(self.zones, self.regions, strict=True)):
            where = f"{self._key(i)}.center = {region.center.tolist()}"
            if region.level < 0 or tiles[i] < 0:
                lacking = "in no level" if region.level < 0 else "on no tile"
                raise ValueError(f"{where} lies {lacking} of '{plan.name}'")
            if region.goal < 0:
                raise ValueError(f"{self._key(i)}{self._why_nobody_can_stay_in(zone, region)}")
        self._check_ways()
        return self

    def _why_nobody_can_stay_in(self, zone: Zone, region: Region) -> str:
        """What to say of a zone without a waypoint."""
        away = np.hypot(*(self.floorplan.waypoint_positions() - region.center).T)
        goal = self.floorplan.waypoints[away.argmin()]
        problem = "no agent can stay in it; put a waypoint inside the zone"
        if zone.radius is not None and away.min() > zone.radius + TOLERANCE:
            return (
                f".radius = {zone.radius:g} m, but the nearest waypoint '{goal.name}' is "
                f"{away.min():.3g} m from its center: {problem}"
            )
        if region.part is not None:
            problem += ", or write through_walls = true"
        return f" has no waypoint in it that walls do not cut off: {problem}"

    def _check_ways(self) -> None:
        """Raise ValueError unless every waypoint reaches every zone."""
        plan = self.floorplan
        parts = components(len(plan.waypoints), plan.edge_indices().tolist())
        if len(parts) > 1:
            lost = plan.waypoints[parts[1][0]].name
            raise ValueError(
                f"floorplan '{plan.name}': the waypoint graph is in {len(parts)} parts, no path leads from "
                f"waypoint '{plan.waypoints[0].name}' to '{lost}'; every waypoint must reach every zone"
            )
        stuck = self.world.to_go >= UNREACHED
        if stuck.any():
            m = stuck.sum(axis=0).argmax()
            names = [plan.waypoints[p].name for p in np.flatnonzero(stuck[:, m])]
            raise ValueError(
                f"floorplan '{plan.name}': along its one-way edges no way leads to {self._key(m)} from "
                f"{listed(names)}; every waypoint must reach every zone"
            )

    def _key(self, i: int) -> str:
        """Key of a zone in messages."""
        return dotted(("zones", i), {"zones": [{"name": zone.name} for zone in self.zones]})

    @model_validator(mode="after")
    def _footprint_fits(self) -> Self:
        try:
            self.links.for_kernels(self.agents.N)
        except ValueError as error:
            raise ValueError(f"links.{error}") from None
        return self

    @model_validator(mode="after")
    def _theorem_1_applies(self, info: ValidationInfo) -> Self:
        load, copy = sum(zone.c for zone in self.zones), bool(info.context and info.context["copy"])
        if not copy and load > self.agents.N - 1 + TOLERANCE:
            warnings.warn(
                f"scenario '{self.name}': the thresholds c add up to {load:g} > N - 1 = {self.agents.N - 1}: "
                "Theorem 1 does not apply",
                stacklevel=2,
            )
        return self
