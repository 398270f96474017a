"""Scenarios: TOML <-> validated, frozen `Scenario`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

import numpy as np
import tomli_w
from pydantic import Field, ValidationInfo, model_validator

from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.building.places import number_places
from cmarlsim.building.visibility import NO_VISIBILITY, build_visibility
from cmarlsim.building.worlds import build_world, goals_of
from cmarlsim.errors import ArgumentError, InputError, listed, shown
from cmarlsim.graphs import components
from cmarlsim.html import table
from cmarlsim.kernels.observing import tile_of
from cmarlsim.kernels.scene import Rules
from cmarlsim.kernels.world import (
    TICKS_PER_METRE,
    TOLERANCE,
    Floats,
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
    Point,
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
        `N` agents that move `speed` metres a step.
    dual : Dual
        `alpha`, `eta` and `T0` of the dual update, eq. (16) and (18).
    links : Links
        `model`, and what it uses of `d` (metres), `p` and `footprint`.
    zones : tuple of Zone
        Each with `name`, `center`, `radius` (metres) and its threshold `c`.

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
    def world(self) -> World:
        """Arrays of the floor plan with this scenario's zones."""
        return build_world(self.floorplan, self._discs)

    @cached_property
    def numbered(self) -> NumberedPlaces:
        """Numbered places of the world, at this scenario's speed and range."""
        return number_places(self.floorplan, self._discs, self.speed_ticks, float(self.links.d or 0.0))

    @cached_property
    def visibility(self) -> Visibility:
        """What can be seen from each waypoint edge, at this scenario's range."""
        return build_visibility(self.floorplan, self._discs, float(self.links.d or 0.0))

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
        return round(self.agents.speed * TICKS_PER_METRE)

    @property
    def _discs(self) -> tuple[tuple[Point, float], ...]:
        return tuple((zone.center, zone.radius) for zone in self.zones)

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
        extent, radii = self.floorplan.extent, [zone.radius for zone in self.zones]
        length = max(self.agents.speed, *radii)
        if length > MOST_EXTENTS * extent:
            key = f"{self._key(radii.index(length))}.radius" if length in radii else "agents.speed"
            raise ValueError(
                f"{key} = {length:g} m, but floorplan '{self.floorplan.name}' is {extent:g} m from side to "
                "side: are both in metres?"
            )
        return self

    @model_validator(mode="after")
    def _zones_can_be_attended(self) -> Self:
        check_names("zones", [zone.name for zone in self.zones])
        plan = self.floorplan
        parts = components(len(plan.waypoints), plan.edge_indices().tolist())
        if len(parts) > 1:
            lost = plan.waypoints[parts[1][0]].name
            raise ValueError(
                f"floorplan '{plan.name}': the waypoint graph is in {len(parts)} parts, no path leads from "
                f"waypoint '{plan.waypoints[0].name}' to '{lost}'; every waypoint must reach every zone"
            )
        world, goals = self.world, goals_of(plan, [zone.center for zone in self.zones])
        for i, zone in enumerate(self.zones):
            if tile_of(world, *zone.center) < 0:
                raise ValueError(
                    f"{self._key(i)}.center = {list(zone.center)} lies on no tile of '{plan.name}'"
                )
            goal = plan.waypoints[goals[i]]
            away = math.dist(goal.position, zone.center)
            if away > zone.radius + TOLERANCE:
                raise ValueError(
                    f"{self._key(i)}.radius = {zone.radius:g} m, but the nearest waypoint '{goal.name}' is "
                    f"{away:.3g} m from its center: no agent can stay in it; put a waypoint inside the zone"
                )
        return self

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
