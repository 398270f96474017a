"""Who can talk to whom: line of sight, discs, and Bernoulli edges, eq. (4)."""

from __future__ import annotations

import math

from cmarlsim.kernels.bits import Words, put
from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.world import (
    ALWAYS,
    BERNOULLI,
    NO,
    SIGHT_OR_DISC,
    TOLERANCE,
    UNKNOWN,
    YES,
    Atlas,
    Floats,
    LinkModel,
    Places,
    Present,
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
def near_or_in_sight(world: World, d: float, ax: float, ay: float, bx: float, by: float) -> bool:
    """Whether a and b are within `d` metres or in line of sight (Section V-B)."""
    reach = d + TOLERANCE
    return (ax - bx) ** 2 + (ay - by) ** 2 <= reach * reach or in_sight(world, ax, ay, bx, by)


@kernel
def sight_or_disc(
    world: World, atlas: Atlas, d: float, places: Places, position: Floats, i: int, j: int
) -> bool:
    """`near_or_in_sight` for two agents, looked up where the atlas remembers it."""
    if len(atlas.tile) == 0:
        return near_or_in_sight(world, d, position[i, 0], position[i, 1], position[j, 0], position[j, 1])
    a, b = places.node[i], places.node[j]
    if atlas.linked[a, b] == UNKNOWN:
        seen = near_or_in_sight(world, d, position[i, 0], position[i, 1], position[j, 0], position[j, 1])
        atlas.linked[a, b] = atlas.linked[b, a] = YES if seen else NO
    return atlas.linked[a, b] == YES


@kernel
def join(link: Words, i: int, j: int, up: bool) -> None:
    """Set the link between agents i and j, both ways."""
    put(link[i], j, up)
    put(link[j], i, up)


@kernel
def update_links(
    world: World,
    atlas: Atlas,
    model: LinkModel,
    places: Places,
    now: Present,
    uniform: Floats,
    link: Words,
) -> None:
    """Bring the links to the present step, in place.

    Parameters
    ----------
    places, now
        Links that depend on positions are updated for the pairs of which an agent has moved.
    uniform : (F,) array
        One draw from [0, 1) a footprint edge; read by the model ``bernoulli`` only, eq. (4).
    link : (N, words of N)
        The set of agents that each agent can talk to.
    """
    agents = len(link)
    if model.code == SIGHT_OR_DISC:
        for i in range(agents):
            if now.moved[i]:
                for j in range(agents):
                    if j < i or (j > i and not now.moved[j]):
                        up = sight_or_disc(world, atlas, model.d, places, now.position, i, j)
                        join(link, i, j, up)
    elif model.code == BERNOULLI:
        for f in range(len(model.footprint)):
            join(link, model.footprint[f, 0], model.footprint[f, 1], uniform[f] < model.p)
    elif model.code == ALWAYS:
        for i in range(agents):
            for j in range(agents):
                put(link[i], j, i != j)
