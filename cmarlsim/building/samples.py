"""Positions all along the ways of a building, to ask of them what holds for its ways."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmarlsim.kernels.bits import Words
from cmarlsim.kernels.world import TICKS_PER_METRE, Bools, Floats, Ints, World

SPACING = 0.5
"""Metres from one position to the next, where the ways are not too long for it."""

MOST = 20_000
"""Positions on pieces of way of several metres."""


class Samples(NamedTuple):
    """Positions on the ways: the middles of short parts of them, and the waypoints."""

    position: Floats  # (K, 2)
    metres: Floats  # (K,) of way that the position stands for, 0 for waypoints
    level: Ints  # (K,)
    edge: Ints  # (K,) -1 for waypoints
    tile: Ints  # (K,)
    zones: Words  # (K, words of M) the zones that contain it

    def inside(self, m: int) -> Bools:
        """Whether each of them is in zone m, (K,)."""
        return (self.zones[:, m // 64] >> np.uint64(m % 64)) & np.uint64(1) == 1


def sample_ways(world: World) -> Samples:
    """Sample the ways of a world, without its lifts."""
    pieces = np.diff(world.piece_first)
    edge = np.repeat(np.arange(len(pieces)), pieces)
    ticks = world.edge_ticks[edge]
    last = np.append(np.diff(edge) > 0, True)[: len(edge)]
    end = np.where(last, ticks, np.append(world.piece_from[1:], 0)[: len(edge)])
    length = (end - world.piece_from) / TICKS_PER_METRE
    spacing = max(SPACING, float(length.sum()) / MOST)
    parts = np.where(world.lift[edge], 0, np.maximum(1, np.ceil(length / spacing))).astype(np.int64)
    piece = np.repeat(np.arange(len(edge)), parts)
    k = np.arange(len(piece)) - np.repeat(np.cumsum(parts) - parts, parts)
    share = (world.piece_from[piece] + (end - world.piece_from)[piece] * (k + 0.5) / parts[piece]) / ticks[
        piece
    ]
    ends = world.waypoint[world.edge[edge[piece]]]
    stops = len(world.waypoint)
    of_all = np.append(piece, len(edge) + np.arange(stops))
    return Samples(
        position=np.concatenate([ends[:, 0] + share[:, None] * (ends[:, 1] - ends[:, 0]), world.waypoint]),
        metres=np.append(length[piece] / parts[piece], np.zeros(stops)),
        level=np.append(world.level[world.edge[edge[piece], 0]], world.level),
        edge=np.append(edge[piece], np.full(stops, -1)),
        tile=world.piece_tile[of_all],
        zones=world.piece_zones[of_all],
    )
