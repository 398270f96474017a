"""Where the agents of training are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cmarlsim.kernels.world import Bools, Places, Site
from cmarlsim.training.task import Task


def move(places: Places, chosen: Bools, task: Task, generator: np.random.Generator) -> None:
    """Put the `chosen` agents, a mask of the shape of `places`, at waypoints that are drawn."""
    anew = task.start(generator, (int(chosen.sum()),))
    for array, start in zip(places, anew, strict=True):
        array[chosen] = start


def fill_places(places: Places, arrays: Mapping[str, np.ndarray], site: Site) -> None:
    """Copy the saved ``places/`` of `arrays` into `places`.

    Raises
    ------
    ValueError
        If some are not on the waypoint graph.
    """
    for field, array in places._asdict().items():
        saved = arrays[f"places/{field}"]
        if saved.shape != array.shape:
            raise ValueError(f"places/{field} has shape {saved.shape}, not {array.shape}")
        array[...] = saved
    if not _on_the_graph(places, site):
        raise ValueError("places/node, edge or offset: off the waypoint graph")


def _on_the_graph(places: Places, site: Site) -> bool:
    world, numbered = site.world, site.numbered
    if len(numbered.tile):
        return bool(((places.node >= 0) & (places.node < len(numbered.tile))).all())
    at_node = (places.node >= 0) & (places.node < len(world.waypoint))
    edge = np.clip(places.edge, 0, max(len(world.edge) - 1, 0))
    length = world.edge_ticks[edge] if len(world.edge) else np.zeros_like(edge)
    on_edge = (places.node == -1) & (edge == places.edge) & (places.offset > 0) & (places.offset < length)
    return bool((at_node | on_edge).all())
