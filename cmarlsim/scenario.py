"""Scenarios: TOML <-> validated, frozen `Scenario`."""

from __future__ import annotations

import math
import tomllib
import warnings
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import tomli_w
from pydantic import Field, model_validator

from cmarlsim.building.floorplan import FloorPlan, build_world, goals_of
from cmarlsim.building.places import number_places
from cmarlsim.building.visibility import NO_VISIBILITY, build_visibility
from cmarlsim.errors import InputError
from cmarlsim.graphs import FOOTPRINTS, components, footprint_edges
from cmarlsim.kernels.observing import tile_of
from cmarlsim.kernels.scene import Rules
from cmarlsim.kernels.world import (
    ALWAYS,
    BERNOULLI,
    NEVER,
    SIGHT_OR_DISC,
    TICKS_PER_METRE,
    TOLERANCE,
    LinkModel,
    NumberedPlaces,
    Site,
    Visibility,
    World,
)
from cmarlsim.storage import shipped
from cmarlsim.validation import Count, Name, Number, Point, Strict, apply_setting, dotted, parse, read_toml

LINK_CODES = {"sight-or-disc": SIGHT_OR_DISC, "bernoulli": BERNOULLI, "always": ALWAYS, "never": NEVER}
MOST_AGENTS = 65_535
FEW = 64
"""Up to so many agents, looking every pair up among numbered places is faster than going along the edges."""
MOST_STEPS = 10**6
SLOWEST, FASTEST = 1e-6, 1e4
"""Metres a step: slower agents would be lost in the tolerances, faster ones are a slip of the units."""
LEAST_ETA, LARGEST_ETA = 1e-12, 1e12
"""Multipliers are counted in eta: far beyond, their squares would be 0 or overflow."""


class Agents(Strict):
    """The team: N agents that move `speed` metres a step."""

    N: Annotated[Count, Field(le=MOST_AGENTS)]
    speed: Annotated[Number, Field(ge=SLOWEST, le=FASTEST)] = 1.0


class Dual(Strict):
    """Contractive dual update, eq. (16) and (18), after every T0 steps."""

    alpha: Annotated[Number, Field(ge=0, lt=1)]
    eta: Annotated[Number, Field(ge=LEAST_ETA, le=LARGEST_ETA)]
    T0: Annotated[Count, Field(le=MOST_STEPS)]


class Links(Strict):
    """Who can talk to whom.

    ``sight-or-disc`` needs `d` (metres); ``bernoulli`` needs `p` and `footprint`, such as ``star``,
    ``grid:2x3`` (see `cmarlsim.graphs.EXAMPLES`) or a list of pairs of agents; ``always`` and ``never`` need
    nothing.
    """

    model: Literal["sight-or-disc", "bernoulli", "always", "never"]
    d: Annotated[Number, Field(ge=0)] | None = None
    p: Annotated[Number, Field(gt=0, le=1)] | None = None
    footprint: str | tuple[tuple[int, int], ...] | None = None

    @model_validator(mode="after")
    def _has_what_its_model_needs(self) -> Self:
        needed = {"sight-or-disc": ("d",), "bernoulli": ("p", "footprint")}.get(self.model, ())
        for key in needed:
            if getattr(self, key) is None:
                which = f": {FOOTPRINTS}" if "footprint" in needed else ""
                wanted = f"{' and '.join(needed)}{which}"
                raise ValueError(f"{key} is missing; model = '{self.model}' needs {wanted}")
        return self


class Zone(Strict):
    """A disc that must be attended for a fraction c of the time."""

    name: Name
    center: Point
    radius: Annotated[Number, Field(gt=0)]
    c: Annotated[Number, Field(ge=0, lt=1)]


class Scenario(Strict):
    """A floor plan, a team, its zones and thresholds, and how it communicates.

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
    zones: Annotated[tuple[Zone, ...], Field(min_length=1, max_length=MOST_AGENTS)]

    @classmethod
    def load(cls, reference: str | Path, overrides: Sequence[str] = ()) -> Self:
        """Load a scenario.

        Parameters
        ----------
        reference
            Path of a TOML file, or the name of a shipped scenario (``paper``, ``tiny``).
        overrides
            Settings such as ``"links.d=4"`` that replace the file's values; list entries are named by
            index or by their name: ``"zones.0.c=0.2"``, ``"zones.red.c=0.2"``.

        Raises
        ------
        InputError
            If anything is missing, unknown, out of range or geometrically impossible.
        """
        path = shipped.find("scenarios", reference, ".toml")
        data = read_toml(path)
        for override in overrides:
            apply_setting(data, override)
        plan_name = data.get("floorplan")
        if not isinstance(plan_name, str):
            raise InputError(
                f"{path}: floorplan = {plan_name!r}: must be a path relative to this file or a shipped name"
            )
        try:
            plan = FloorPlan.load(plan_name, beside=path.parent)
        except InputError as error:
            raise InputError(f"{path}: floorplan = {plan_name!r}: {error}") from None
        settings = "".join(f" --set {override}" for override in overrides)
        return parse(cls, data | {"floorplan": plan}, f"{path}{settings}")

    @classmethod
    def from_toml(cls, text: str, floorplan: str, source: str | Path) -> Self:
        """Rebuild a scenario from `to_toml` and its floor plan's `to_toml`; `source` is for messages."""
        try:
            data, plan = tomllib.loads(text), tomllib.loads(floorplan)
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"{source}: holds a scenario that is not valid TOML: {error}") from None
        return parse(cls, data | {"floorplan": parse(FloorPlan, plan, source)}, source)

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
        path = Path(path)
        plan = path.parent / f"{path.stem}-plan.toml"
        try:
            plan.write_text(self.floorplan.to_toml(), encoding="utf-8")
            path.write_text(self.to_toml(plan.name), encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None

    @property
    def M(self) -> int:
        """Number of zones."""
        return len(self.zones)

    @property
    def c(self) -> np.ndarray:
        """Thresholds, (M,)."""
        return np.array([zone.c for zone in self.zones])

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
        links = parse(Links, self.links.model_dump() | {"d": d}, f"scenario '{self.name}', links")
        other = self.model_copy(update={"links": links})
        for name in (
            "numbered",
            "visibility",
            "site",
        ):  # which depend on it, and were copied if they were there
            other.__dict__.pop(name, None)
        return other

    @property
    def speed_ticks(self) -> int:
        """Speed in ticks per step."""
        return round(self.agents.speed * TICKS_PER_METRE)

    @property
    def _discs(self) -> tuple[tuple[Point, float], ...]:
        return tuple((zone.center, zone.radius) for zone in self.zones)

    def rules(self) -> Rules:
        """What the engine needs to know besides the world."""
        links = self.links
        edges = np.zeros((0, 2), dtype=np.int64)
        if links.model == "bernoulli" and links.footprint is not None:
            edges = footprint_edges(links.footprint, self.agents.N)
        return Rules(
            c=self.c,
            alpha=float(self.dual.alpha),
            eta=float(self.dual.eta),
            speed=self.speed_ticks,
            links=LinkModel(LINK_CODES[links.model], float(links.d or 0.0), float(links.p or 0.0), edges),
        )

    @model_validator(mode="after")
    def _zones_can_be_attended(self) -> Self:
        _check_names(self.zones)
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
        if self.links.model == "bernoulli" and self.links.footprint is not None:
            try:
                footprint_edges(self.links.footprint, self.agents.N)
            except ValueError as error:
                raise ValueError(f"links.{error}") from None
        return self

    @model_validator(mode="after")
    def _theorem_1_applies(self) -> Self:
        load = sum(zone.c for zone in self.zones)
        if load > self.agents.N - 1 + TOLERANCE:
            warnings.warn(
                f"scenario '{self.name}': the thresholds c add up to {load:g} > N - 1 = {self.agents.N - 1}: "
                "Theorem 1 does not apply",
                stacklevel=2,
            )
        return self


def _check_names(zones: Sequence[Zone]) -> None:
    for name, times in Counter(zone.name for zone in zones).items():
        if times > 1:
            raise ValueError(f"zones: the name '{name}' stands {times} times; names must differ")
