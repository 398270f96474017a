"""Whether a floor plan can be: tiles that overlap, walls in the way; and which things meet."""

from __future__ import annotations

from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.links import blocks
from cmarlsim.kernels.world import TOLERANCE, Floats, Ints


@kernel
def first_overlap(box: Floats) -> tuple[int, int]:
    """First tile that overlaps an earlier one (they may touch), as (earlier, tile); (-1, -1) if none does."""
    for i in range(len(box)):
        for j in range(i):
            wide = min(box[i, 2], box[j, 2]) - max(box[i, 0], box[j, 0]) > TOLERANCE
            if wide and min(box[i, 3], box[j, 3]) - max(box[i, 1], box[j, 1]) > TOLERANCE:
                return j, i
    return -1, -1


@kernel
def find_blocking(wall: Floats, segment: Floats, blocking: Ints) -> None:
    """Write for each segment (S, 4) the first wall that it touches, -1 for none."""
    for s in range(len(segment)):
        blocking[s] = -1
        for w in range(len(wall)):
            if blocks(wall[w], segment[s, 0], segment[s, 1], segment[s, 2], segment[s, 3]):
                blocking[s] = w
                break


@kernel
def list_meeting(a: Floats, b: Floats, first: Ints, last: Ints, pairs: Ints) -> int:
    """List the pairs of a rectangle of a (A, 4) and one of b (B, 4) that meet, borders included.

    Parameters
    ----------
    first, last : (A,)
        Of b, only the rectangles first[i] to last[i] - 1 may meet rectangle i of a.
    pairs : (R, 2)
        Written as far as there is room: indices of both.

    Returns
    -------
    int
        How many pairs there are.
    """
    count = 0
    for i in range(len(a)):
        for j in range(first[i], last[i]):
            wide = a[i, 0] <= b[j, 2] + TOLERANCE and b[j, 0] <= a[i, 2] + TOLERANCE
            if wide and a[i, 1] <= b[j, 3] + TOLERANCE and b[j, 1] <= a[i, 3] + TOLERANCE:
                if count < len(pairs):
                    pairs[count, 0] = i
                    pairs[count, 1] = j
                count += 1
    return count
