"""What an agent sees of itself: its tile and the zones it is in."""

from __future__ import annotations

from cmarlsim.kernels.bits import Words, clear, put
from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.world import TOLERANCE, Visibility, World


@inner
def in_tile(world: World, tile: int, x: float, y: float) -> bool:
    """Whether a tile contains the point, borders included."""
    box = world.tile_box
    inside_x = box[tile, 0] - TOLERANCE <= x <= box[tile, 2] + TOLERANCE
    return inside_x and box[tile, 1] - TOLERANCE <= y <= box[tile, 3] + TOLERANCE


@kernel
def in_zone(world: World, m: int, x: float, y: float) -> bool:
    """Whether zone m contains the point: the direct observation of eq. (17)."""
    dx, dy = x - world.zone_center[m, 0], y - world.zone_center[m, 1]
    reach = world.zone_radius[m] + TOLERANCE
    return dx * dx + dy * dy <= reach * reach


@kernel
def tile_of(world: World, x: float, y: float) -> int:
    """First tile that contains the point, borders included; -1 if none does."""
    for tile in range(len(world.tile_box)):
        if in_tile(world, tile, x, y):
            return tile
    return -1


@kernel
def observe_zones(world: World, x: float, y: float, zones: Words) -> None:
    """Write the set of zones that contain the point."""
    clear(zones)
    for m in range(len(world.zone_radius)):
        if in_zone(world, m, x, y):
            put(zones, m, True)


@kernel
def tile_on(world: World, visibility: Visibility, stretch: int, x: float, y: float) -> int:
    """`tile_of` a point on a stretch of way."""
    for k in range(visibility.tile_first[stretch], visibility.tile_first[stretch + 1]):
        if in_tile(world, visibility.tile[k], x, y):
            return visibility.tile[k]
    return -1


@kernel
def observe_on(world: World, visibility: Visibility, stretch: int, x: float, y: float, zones: Words) -> None:
    """`observe_zones` for a point on a stretch of way."""
    clear(zones)
    for k in range(visibility.zone_first[stretch], visibility.zone_first[stretch + 1]):
        if in_zone(world, visibility.zone[k], x, y):
            put(zones, visibility.zone[k], True)
