"""What the training of a candidate is determined by, and what follows from that alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cmarlsim.kernels.world import Ints, Locations, locations_at
from cmarlsim.policies.encoding import Encoding
from cmarlsim.randomness import stream
from cmarlsim.scenario import Scenario
from cmarlsim.training.recipe import Recipe


@dataclass(frozen=True)
class TrainingSetup:
    """A scenario, a recipe, a seed, and the index of the candidate among those trained side by side."""

    scenario: Scenario
    recipe: Recipe
    seed: int
    index: int

    @cached_property
    def encoding(self) -> Encoding:
        """How the team's networks see multipliers and tiles."""
        return Encoding.of(self.scenario.world, self.recipe.scale_lam, self.recipe.lam_roots)

    @cached_property
    def ranged(self) -> list[Scenario]:
        """The scenario with each disc size of the recipe; itself, where links have no disc."""
        scenario = self.scenario
        if scenario.links.model != "sight-or-disc" or scenario.links.d is None:
            return [scenario]
        sizes = [share * scenario.links.d for share in self.recipe.ranges]
        return [scenario if d == scenario.links.d else scenario.at_range(d) for d in sizes]

    def stream(self, name: str, *index: int) -> np.random.Generator:
        """Generator of its own for the candidate, `name` and `index`."""
        return stream(self.seed, name, self.index, *index)

    def draw_locations(self, generator: np.random.Generator, shape: tuple[int, ...]) -> Locations:
        """Locations drawn among the waypoints."""
        waypoints: Ints = generator.integers(len(self.scenario.floorplan.waypoints), size=shape)
        return locations_at(waypoints)
