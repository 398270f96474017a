"""The tables of a scenario's TOML: ``[agents]``, ``[dual]``, ``[links]`` and ``[[zones]]``."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_serializer, model_validator
from pydantic.functional_serializers import SerializerFunctionWrapHandler

from cmarlsim.building.plan_problems import FARTHEST
from cmarlsim.building.tables import Polygon, check_polygon
from cmarlsim.errors import InputError, shown
from cmarlsim.graphs import FOOTPRINTS, footprint_edges
from cmarlsim.kernels.world import ALWAYS, BERNOULLI, NEVER, SIGHT_OR_DISC, TOLERANCE, LinkModel
from cmarlsim.validation import Count, Entries, Name, Number, Point, Strict

MOST_AGENTS = 65_535
MOST_STEPS = 10**6
SLOWEST, FASTEST = 1e-6, 1e4
"""Metres a step: slower agents would be lost in the tolerances, faster ones are a slip of the units."""
LEAST_P = 1e-12
"""Links that are rarer never come up."""
LEAST_ETA, LARGEST_ETA = 1e-12, 1e12
"""Multipliers are counted in eta: far beyond, their squares would be 0 or overflow."""

LINK_MODELS: dict[str, tuple[int, tuple[str, ...]]] = {
    "sight-or-disc": (SIGHT_OR_DISC, ("d",)),
    "bernoulli": (BERNOULLI, ("p", "footprint")),
    "always": (ALWAYS, ()),
    "never": (NEVER, ()),
}
"""The link models by name: the code for the kernels, and the keys of `Links` that are needed and used."""


Node = Annotated[int, Field(strict=True, ge=0, lt=MOST_AGENTS)]


class Agents(Strict):
    """The team: N agents that move `speed` metres a step.

    Attributes
    ----------
    start : tuple of str, optional
        Waypoints at which agents begin: agent n at the n-th, and round again; by default they are drawn.
    snap : float, optional
        Metres: the lengths of edges are rounded to whole multiples of it, at least one, so that agents come
        to few places on any plan. `speed` must be a whole multiple of it.
    """

    N: Annotated[Count, Field(le=MOST_AGENTS)]
    speed: Annotated[Number, Field(ge=SLOWEST, le=FASTEST)] = 1.0
    start: Annotated[Entries[Name], Field(min_length=1)] | None = None
    snap: Annotated[Number, Field(ge=SLOWEST, le=FASTEST)] | None = None

    @model_validator(mode="after")
    def _speed_is_a_multiple_of_snap(self) -> Self:
        if self.snap is not None:
            times = max(1, round(self.speed / self.snap))
            if abs(times * self.snap - self.speed) > TOLERANCE * times:
                raise ValueError(
                    f"snap = {self.snap:g} m does not divide speed = {self.speed:g} m a step; "
                    f"{self.speed / times:g} does"
                )
        return self


class Dual(Strict):
    """Contractive dual update, eq. (16) and (18), after every T0 steps."""

    alpha: Annotated[Number, Field(ge=0, lt=1)]
    eta: Annotated[Number, Field(ge=LEAST_ETA, le=LARGEST_ETA)]
    T0: Annotated[Count, Field(le=MOST_STEPS)]


class Links(Strict):
    """Who can talk to whom.

    ``sight-or-disc`` needs `d` (metres); ``bernoulli``, eq. (4), needs `p` and `footprint`, such as ``star``,
    ``grid:2x3`` (see `cmarlsim.graphs.EXAMPLES`) or a list of pairs of agents; ``always`` and ``never`` need
    nothing.
    """

    model: Literal["sight-or-disc", "bernoulli", "always", "never"]
    d: Annotated[Number, Field(ge=0, le=FARTHEST)] | None = None
    p: Annotated[Number, Field(ge=LEAST_P, le=1)] | None = None
    footprint: str | Entries[tuple[Node, Node]] | None = None

    @model_validator(mode="after")
    def _has_what_its_model_needs(self) -> Self:
        _, needed = LINK_MODELS[self.model]
        for key in needed:
            if getattr(self, key) is None:
                which = f": {FOOTPRINTS}" if "footprint" in needed else ""
                wanted = f"{' and '.join(needed)}{which}"
                raise ValueError(f"{key} is missing; model = '{self.model}' needs {wanted}")
        return self

    @property
    def unused(self) -> list[str]:
        """Keys that have a value which the link model does not use."""
        _, needed = LINK_MODELS[self.model]
        return [
            key for key in ("d", "p", "footprint") if key not in needed and getattr(self, key) is not None
        ]

    def __str__(self) -> str:
        """The model and the numbers that it uses, such as ``sight-or-disc d = 5 m``."""
        shown = {"sight-or-disc": f" d = {self.d} m", "bernoulli": f" p = {self.p}"}.get(self.model, "")
        return f"{self.model}{shown.replace('.0 m', ' m')}"

    def for_kernels(self, agents: int) -> LinkModel:
        """What the kernels need to know, for a team of so many agents.

        Raises
        ------
        ValueError
            If the footprint does not fit the team.
        """
        edges = np.zeros((0, 2), dtype=np.int64)
        if self.model == "bernoulli" and self.footprint is not None:
            edges = footprint_edges(self.footprint, agents)
        code, _ = LINK_MODELS[self.model]
        return LinkModel(code, float(self.d or 0.0), float(self.p or 0.0), edges)


class Zone(Strict):
    """A part of the building that must be attended for a fraction c of the time.

    Attributes
    ----------
    center : (x, y), optional
        Of a disc; of other zones where agents go, by default a point in their middle.
    radius : float, optional
        Metres. With `center` it makes a disc.
    polygon : tuple of (x, y), optional
        Corners of a zone that is no disc.
    room : str, optional
        The room of the floor plan that is the zone.
    through_walls : bool
        Whether also those parts of it count that walls separate from where agents go.
    c : float
        The threshold.
    """

    name: Name
    center: Point | None = None
    radius: Annotated[Number, Field(gt=0, le=FARTHEST)] | None = None
    polygon: Polygon | None = None
    room: Name | None = None
    through_walls: Annotated[bool, Field(strict=True)] = False
    c: Annotated[Number, Field(ge=0, lt=1)]

    @model_validator(mode="after")
    def _has_one_shape(self) -> Self:
        shapes = [key for key in ("radius", "polygon", "room") if getattr(self, key) is not None]
        if len(shapes) != 1:
            found = f"it has {' and '.join(shapes)}" if shapes else "it has none of them"
            raise ValueError(f"'{self.name}' needs center and radius, or a polygon, or a room: {found}")
        if self.radius is not None and self.center is None:
            raise ValueError(f"center of '{self.name}' is missing: a disc needs one")
        if self.polygon is not None:
            check_polygon(self.polygon, self.name)
        return self

    @model_serializer(mode="wrap")
    def _without_the_default(self, handler: SerializerFunctionWrapHandler) -> Any:
        return {key: value for key, value in handler(self).items() if value is not False}


OTHER_THRESHOLDS = (
    "a scenario is frozen; Scenario.load(..., ['zones.NAME.c=...']) and "
    "scenario.with_thresholds(c) give one with other thresholds"
)
"""What those are told who want to write to thresholds."""


class Thresholds(np.ndarray):
    """The thresholds c, (M,): an array that cannot be written to, and says what can be done instead."""

    def __setitem__(self, key: Any, value: Any) -> None:
        if not self.flags.writeable:
            raise InputError(f"c[{shown(key)}] = {shown(value)}: {OTHER_THRESHOLDS}")
        super().__setitem__(key, value)

    def __array_wrap__(self, array: np.ndarray, context: Any = None, return_scalar: bool = False) -> Any:
        """What is computed from thresholds is an array like any other."""
        return array[()] if return_scalar else np.asarray(array)
