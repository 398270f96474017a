"""Who can talk to whom: line of sight, discs, and Bernoulli edges, eq. (4)."""

from __future__ import annotations

import math

from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.world import (
    ALWAYS,
    BERNOULLI,
    SIGHT_OR_DISC,
    TOLERANCE,
    Bools,
    Floats,
    LinkModel,
    World,
)


@kernel
def point_to_segment(px: float, py: float, ax: float, ay: float, bx: float, by: float) -> float:
    """Distance in metres from a point to the segment a-b (which may be a single point)."""
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    share = 0.0
    if square > 0.0:
        share = min(1.0, max(0.0, ((px - ax) * dx + (py - ay) * dy) / square))
    return math.hypot(px - ax - share * dx, py - ay - share * dy)


@kernel
def blocks(wall: Floats, ax: float, ay: float, bx: float, by: float) -> bool:
    """Whether the segment a-b passes within `TOLERANCE` of `wall` (4,), touching included."""
    cx, cy, dx, dy = wall[0], wall[1], wall[2], wall[3]
    if max(ax, bx) < min(cx, dx) - TOLERANCE or min(ax, bx) > max(cx, dx) + TOLERANCE:
        return False
    if max(ay, by) < min(cy, dy) - TOLERANCE or min(ay, by) > max(cy, dy) + TOLERANCE:
        return False
    c_side = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    d_side = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax)
    a_side = (dx - cx) * (ay - cy) - (dy - cy) * (ax - cx)
    b_side = (dx - cx) * (by - cy) - (dy - cy) * (bx - cx)
    if c_side * d_side < 0.0 and a_side * b_side < 0.0:
        return True
    return (
        point_to_segment(cx, cy, ax, ay, bx, by) <= TOLERANCE
        or point_to_segment(dx, dy, ax, ay, bx, by) <= TOLERANCE
        or point_to_segment(ax, ay, cx, cy, dx, dy) <= TOLERANCE
        or point_to_segment(bx, by, cx, cy, dx, dy) <= TOLERANCE
    )


@kernel
def in_sight(world: World, ax: float, ay: float, bx: float, by: float) -> bool:
    """Whether no wall blocks the view from a to b."""
    for w in range(len(world.wall)):  # noqa: SIM110 (compiled: a plain loop)
        if blocks(world.wall[w], ax, ay, bx, by):
            return False
    return True


@kernel
def sight_or_disc(world: World, d: float, position: Floats, moved: Bools, link: Bools) -> None:
    """Update `link` (N, N) in place for the pairs of which an agent has `moved` (N,).

    Linked is who is within `d` metres or in line of sight (Section V-B); `position` is (N, 2).
    """
    reach = d + TOLERANCE
    for i in range(len(position)):
        for j in range(i):
            if moved[i] or moved[j]:
                ax, ay, bx, by = position[i, 0], position[i, 1], position[j, 0], position[j, 1]
                near = (ax - bx) ** 2 + (ay - by) ** 2 <= reach * reach
                link[i, j] = link[j, i] = near or in_sight(world, ax, ay, bx, by)


@kernel
def update_links(
    world: World, model: LinkModel, position: Floats, moved: Bools, uniform: Floats, link: Bools
) -> None:
    """Bring `link` (N, N) to the present step, in place.

    Parameters
    ----------
    position : (N, 2) array, metres
    moved : (N,) array of bool
        Who moved since `link` was last brought up to date; all True the first time.
    uniform : (F,) array
        One draw from [0, 1) a footprint edge; read by the model ``bernoulli`` only, eq. (4).
    """
    if model.code == SIGHT_OR_DISC:
        sight_or_disc(world, model.d, position, moved, link)
    elif model.code == BERNOULLI:
        for f in range(len(model.footprint)):
            i, j = model.footprint[f, 0], model.footprint[f, 1]
            link[i, j] = link[j, i] = uniform[f] < model.p
    elif model.code == ALWAYS:
        for i in range(len(link)):
            for j in range(len(link)):
                link[i, j] = i != j
