"""What an agent sees of itself: its tile and the zones it is in, by the piece of way that it is on."""

from __future__ import annotations

from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.world import Locations, World


@kernel
def piece_of(world: World, locations: Locations, n: int) -> int:
    """The piece of way that agent n is on: along it tile and zones are the same."""
    edge, offset = locations.edge[n], locations.offset[n]
    if edge < 0:
        return world.piece_first[len(world.edge)] + locations.node[n]
    piece = world.piece_first[edge]
    while piece + 1 < world.piece_first[edge + 1] and world.piece_from[piece + 1] <= offset:
        piece += 1
    return piece
