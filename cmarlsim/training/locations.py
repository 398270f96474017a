"""Where the agents of training are on the waypoint graph."""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.world import Bools, Locations, Site
from cmarlsim.training.setup import TrainingSetup


def move(locations: Locations, chosen: Bools, setup: TrainingSetup, generator: np.random.Generator) -> None:
    """Put the `chosen` agents, a mask of the shape of `locations`, at waypoints that are drawn."""
    anew = setup.draw_locations(generator, (int(chosen.sum()),))
    for array, start in zip(locations, anew, strict=True):
        array[chosen] = start


def check_locations(locations: Locations, site: Site) -> None:
    """Raise ValueError unless all `locations` are on the waypoint graph."""
    if not _on_the_graph(locations, site):
        raise ValueError("places/node, edge or offset: off the waypoint graph")


def _on_the_graph(locations: Locations, site: Site) -> bool:
    world, numbered = site.world, site.numbered
    if len(numbered.tile):
        return bool(((locations.node >= 0) & (locations.node < len(numbered.tile))).all())
    node, offset = locations.node, locations.offset
    at_node = (node >= 0) & (node < len(world.waypoint))
    edge = np.clip(locations.edge, 0, max(len(world.edge) - 1, 0))
    length = world.edge_ticks[edge] if len(world.edge) else np.zeros_like(edge)
    on_edge = (node == -1) & (edge == locations.edge) & (offset > 0) & (offset < length)
    return bool((at_node | on_edge).all())
