"""Whether a floor plan can be: tiles that overlap, walls in the way, edges that leave the tiles."""

from __future__ import annotations

from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.links import blocks
from cmarlsim.kernels.world import TOLERANCE, Bools, Floats, Ints


@kernel
def first_overlap(box: Floats) -> tuple[int, int]:
    """First tile that overlaps an earlier one (they may touch), as (earlier, tile); (-1, -1) if none does."""
    for i in range(len(box)):
        for j in range(i):
            wide = min(box[i, 2], box[j, 2]) - max(box[i, 0], box[j, 0]) > TOLERANCE
            if wide and min(box[i, 3], box[j, 3]) - max(box[i, 1], box[j, 1]) > TOLERANCE:
                return j, i
    return -1, -1


@inner
def part_inside(low: float, high: float, start: float, step: float) -> tuple[float, float]:
    """Shares of the way from `start` to `start` + `step` between which it is within `low` to `high`."""
    if step == 0.0:
        return (0.0, 1.0) if low - TOLERANCE - start <= 0.0 <= high + TOLERANCE - start else (0.0, -1.0)
    a, b = (low - TOLERANCE - start) / step, (high + TOLERANCE - start) / step
    return max(0.0, min(a, b)), min(1.0, max(a, b))


@kernel
def covered(box: Floats, segment: Floats) -> bool:
    """Whether the tiles cover the `segment` (4,), borders included."""
    ax, ay, bx, by = segment[0], segment[1], segment[2], segment[3]
    reached, before = 0.0, -1.0
    while before < reached < 1.0 - TOLERANCE:
        before = reached
        for tile in range(len(box)):
            low_x, high_x = part_inside(box[tile, 0], box[tile, 2], ax, bx - ax)
            if low_x <= high_x:
                low_y, high_y = part_inside(box[tile, 1], box[tile, 3], ay, by - ay)
                low, high = max(low_x, low_y), min(high_x, high_y)
                if low <= high and low <= reached + TOLERANCE:
                    reached = max(reached, high)
    return reached >= 1.0 - TOLERANCE


@kernel
def find_uncovered(box: Floats, segment: Floats, uncovered: Bools) -> None:
    """Write for each segment (S, 4) whether part of it lies on no tile."""
    for s in range(len(segment)):
        uncovered[s] = not covered(box, segment[s])


@kernel
def find_blocking(wall: Floats, segment: Floats, blocking: Ints) -> None:
    """Write for each segment (S, 4) the first wall that it touches, -1 for none."""
    for s in range(len(segment)):
        blocking[s] = -1
        for w in range(len(wall)):
            if blocks(wall[w], segment[s, 0], segment[s, 1], segment[s, 2], segment[s, 3]):
                blocking[s] = w
                break
