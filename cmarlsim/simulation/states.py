"""Whether a run can go on from a state that was kept: what kernels index with is in range."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cmarlsim.kernels.bits import words_for
from cmarlsim.kernels.world import Locations, Site

_BITS_PER_WORD = 64


def check_state(state: Mapping[str, np.ndarray], site: Site) -> None:
    """Raise ValueError unless a run at `site` can have left the arrays of `state`, as `Run.state` gives them.

    They have the types and shapes of such a run.
    """
    check_locations(Locations(*(state[name] for name in Locations._fields)), site)
    check_link(state["link"])
    for name in ("lam", "lam_ideal"):
        if not (np.isfinite(state[name]).all() and (state[name] >= 0).all()):
            raise ValueError(f"{name}: multipliers must be finite and at least 0")


def check_locations(locations: Locations, site: Site) -> None:
    """Raise ValueError unless all `locations` are on the waypoint graph."""
    if not _on_the_graph(locations, site):
        raise ValueError("places/node, edge or offset: off the waypoint graph")


def _on_the_graph(locations: Locations, site: Site) -> bool:
    world, (node, offset) = site.world, (locations.node, locations.offset)
    places = len(site.numbered.tile) or len(world.waypoint)
    at_node = (node >= 0) & (node < places) & (locations.edge == -1) & (offset == 0)
    if len(site.numbered.tile):
        return bool(at_node.all())
    edge = np.clip(locations.edge, 0, max(len(world.edge) - 1, 0))
    length = world.edge_ticks[edge] if len(world.edge) else np.zeros_like(edge)
    on_edge = (node == -1) & (edge == locations.edge) & (offset > 0) & (offset < length)
    return bool((at_node | on_edge).all())


def check_link(link: np.ndarray) -> None:
    """Raise ValueError unless words of bits say who can talk to whom: symmetric, and nobody to itself."""
    agents = len(link)

    def bits(words: np.ndarray) -> np.ndarray:
        return np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1, bitorder="little")

    for word in range(words_for(agents)):
        first = word * _BITS_PER_WORD
        columns, rows = bits(link[:, [word]]), bits(link[first : first + _BITS_PER_WORD])
        symmetric = np.array_equal(columns[:, : len(rows)].T, rows[:, :agents])
        if not symmetric or columns[:, len(rows) :].any() or columns[first:].diagonal().any():
            raise ValueError("link: not who can talk to whom among these agents")
