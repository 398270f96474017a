"""Whether the lengths of a scenario look like metres: a plan in pixels or feet is a valid plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from cmarlsim.building.samples import Samples
from cmarlsim.errors import Finding
from cmarlsim.kernels.world import Floats

if TYPE_CHECKING:
    from cmarlsim.scenario.scenario import Scenario

WIDEST_DOOR, NARROWEST_DOOR = 4.0, 0.3
"""Metres, of half of the doors."""

LONGEST_EDGE = 40.0
"""Metres that half of the edges may be longer than."""

MOST_CLEARANCE, LEAST_CLEARANCE = 8.0, 0.15
"""Metres from the nearest wall to half of the positions on the ways."""

LARGEST_ZONE = 50.0
"""Metres, the radius of half of the zones."""

_POSITIONS = 32


def units_look_wrong(scenario: Scenario, samples: Samples) -> Iterator[Finding]:
    """Say what is unlike a building's, unless the plan says that its units are metres."""
    plan = scenario.floorplan
    if plan.units == "m":
        return
    strange = [*_strange(scenario, samples)]
    if strange:
        text = (
            f'units look wrong: {" and ".join(strange)}. If all is in metres, write units = "m" in the plan'
        )
        yield Finding("warning", f"floorplan '{plan.name}'", text)


def _strange(scenario: Scenario, samples: Samples) -> Iterator[str]:
    plan = scenario.floorplan
    doors = np.array([door.points for door in plan.doors]).reshape(-1, 2, 2)
    if len(doors):
        width = float(np.median(np.hypot(*(doors[:, 1] - doors[:, 0]).T)))
        if not NARROWEST_DOOR <= width <= WIDEST_DOOR:
            yield f"most doors are about {width:.3g} m wide"
    lengths = [length for length, edge in zip(plan.edge_lengths(), plan.edges, strict=True) if not edge.lift]
    if lengths and (typical := float(np.median(lengths))) > LONGEST_EDGE:
        yield f"most edges are about {typical:.3g} m long"
    on_edges = samples.position[samples.edge >= 0]
    walls = plan.wall_segments()
    if len(on_edges) and len(walls):
        some = on_edges[:: -(-len(on_edges) // _POSITIONS)]
        typical = float(np.median([_distance(walls, position) for position in some]))
        if not LEAST_CLEARANCE <= typical <= MOST_CLEARANCE:
            yield f"most ways are about {typical:.3g} m from the nearest wall"
    radii = [zone.radius for zone in scenario.zones if zone.radius is not None]
    if radii and (typical := float(np.median(radii))) > LARGEST_ZONE:
        yield f"most zones have a radius of about {typical:.3g} m"


def _distance(walls: Floats, position: Floats) -> float:
    """Metres from a position (2,) to the nearest of the walls (W, 4)."""
    start, along = walls[:, :2], walls[:, 2:] - walls[:, :2]
    square = np.maximum((along * along).sum(axis=1), 1e-300)
    share = np.clip(((position - start) * along).sum(axis=1) / square, 0.0, 1.0)
    return float(np.hypot(*(start + share[:, None] * along - position).T).min())
