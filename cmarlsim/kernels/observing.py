"""What an agent sees of itself: its tile and the zones it is in."""

from __future__ import annotations

from cmarlsim.kernels.bits import Words, clear, put
from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.world import TOLERANCE, World


@kernel
def tile_of(world: World, x: float, y: float) -> int:
    """First tile that contains the point, borders included; -1 if none does."""
    box = world.tile_box
    for tile in range(len(box)):
        inside_x = box[tile, 0] - TOLERANCE <= x <= box[tile, 2] + TOLERANCE
        if inside_x and box[tile, 1] - TOLERANCE <= y <= box[tile, 3] + TOLERANCE:
            return tile
    return -1


@kernel
def observe_zones(world: World, x: float, y: float, zones: Words) -> None:
    """Write the set of zones that contain the point: the direct observation of eq. (17)."""
    clear(zones)
    for m in range(len(world.zone_radius)):
        dx = x - world.zone_center[m, 0]
        dy = y - world.zone_center[m, 1]
        reach = world.zone_radius[m] + TOLERANCE
        if dx * dx + dy * dy <= reach * reach:
            put(zones, m, True)
