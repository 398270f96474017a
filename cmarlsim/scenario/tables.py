"""The tables of a scenario's TOML: ``[agents]``, ``[dual]``, ``[links]`` and ``[[zones]]``."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from cmarlsim.building.floorplan import FARTHEST
from cmarlsim.errors import InputError, shown
from cmarlsim.graphs import FOOTPRINTS, footprint_edges
from cmarlsim.kernels.world import ALWAYS, BERNOULLI, NEVER, SIGHT_OR_DISC, LinkModel
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


def warn_of_unused(links: Links, settings: Sequence[str], source: str) -> None:
    """Warn of keys that the link model does not use, unless they are left over from the file's own model."""
    keys = [setting.partition("=")[0].strip() for setting in settings]
    unused = [key for key in links.unused if f"links.{key}" in keys or "links.model" not in keys]
    if unused:
        listed = " and ".join(f"links.{key}" for key in unused)
        warnings.warn(f"{source}: links.model = '{links.model}' does not use {listed}", stacklevel=3)


class Zone(Strict):
    """A disc that must be attended for a fraction c of the time."""

    name: Name
    center: Point
    radius: Annotated[Number, Field(gt=0, le=FARTHEST)]
    c: Annotated[Number, Field(ge=0, lt=1)]


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
