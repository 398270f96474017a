"""The arrays that kernels work on, and the constants of their geometry."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmarlsim.kernels.bits import Words

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

TICKS_PER_METRE = 2**44
"""Distances along the waypoint graph are whole ticks (2**-44 m): sums are exact, ties are real ties."""

TOLERANCE = 1e-9
"""Metres within which a border, a range or a wall counts as touched."""

TIE = round(TOLERANCE * TICKS_PER_METRE)
"""Ticks within which two ways to a zone count as equally long."""


class World(NamedTuple):
    """A floor plan and its zones as arrays; lengths in metres unless said to be in ticks.

    W walls, L tiles, M zones, P waypoints, E waypoint edges. Edges are cut into C pieces where the tile or
    the zones change; each waypoint is a piece of its own.
    """

    wall: Floats  # (W, 4) x and y of both ends
    waypoint: Floats  # (P, 2)
    level: Ints  # (P,) which level of the building; there are no links between levels
    edge: Ints  # (E, 2) waypoints at both ends
    edge_ticks: Ints  # (E,) length
    one_way: Bools  # (E,) whether it leads from its first end to its second only
    lift: Bools  # (E,) whether it joins levels: agents on it are at the nearer end
    goal: Ints  # (M,) the zone's waypoint, where agents that choose it go
    to_go: Ints  # (P, M) ticks to the zone's waypoint along the shortest path
    next_edge: Ints  # (P, M) first edge of that path, -1 where the path has ended
    bounds: Floats  # (4,) x_min, y_min, x_max, y_max of the tiles
    tile_center: Floats  # (L, 2)
    piece_first: Ints  # (E + 1,) the first piece of each edge; the waypoints' begin at the last entry, C
    piece_from: Ints  # (C,) ticks from the edge's first end at which the piece begins
    piece_tile: Ints  # (C + P,)
    piece_zones: Words  # (C + P, words of M) the zones that contain the piece


class Locations(NamedTuple):
    """Where agents are on the waypoint graph, one entry an agent (changed in place).

    An agent stands at a waypoint (``node >= 0``; then edge = -1, offset = 0) or strictly inside an edge
    (``node == -1``), `offset` ticks from the edge's first end. With `NumberedPlaces`, `node` is the
    number of the agent's place, and the other two are not used.
    """

    node: Ints
    edge: Ints
    offset: Ints


def locations_at(waypoints: Ints) -> Locations:
    """Locations of agents that stand at `waypoints`, an array of waypoint indices of any shape."""
    node = np.array(waypoints, dtype=np.int64)
    return Locations(node, np.full_like(node, -1), np.zeros_like(node))


class NumberedPlaces(NamedTuple):
    """What is known of the places that agents can come to from the waypoints, by number (Q places).

    The first P numbers are the waypoints. With Q = 0 (too many places) the engine computes what it needs.
    """

    position: Floats  # (Q, 2)
    stretch: Ints  # (Q,) the stretch of way that the place is on, see `Visibility`
    tile: Ints  # (Q,)
    zones: Words  # (Q, words of M) the zones that contain the place
    after: NDArray[np.int32]  # (Q, M) the place one step further towards a zone
    near: Words  # (Q, words of Q) the places in sight or in range of each, itself included


class Grid(NamedTuple):
    """Square cells, in C columns of R, over all walls.

    The walls of a column's cells lie one after the other, so those of some adjacent cells do as well.
    """

    corner: Floats  # (2,) the lower left
    size: float  # metres from side to side of a cell
    first: (
        Ints  # (C, R + 1) where in `wall` those of each cell begin; the last entry is where the column ends
    )
    wall: Ints  # the walls of all cells, cell by cell
    segment: Floats  # (..., 4) x and y of their ends


OPEN, HIDDEN, PARTLY, WALKED = range(4)
"""What can be seen of one stretch from another: all; nothing; what the walls in a list leave; what walls
leave that are too many for a list, so that the engine walks through the cells of a grid."""


class Visibility(NamedTuple):
    """What can be seen from each of S stretches of way: parts of the E waypoint edges, then the waypoints.

    Stretches are straight and short, so a chain of walls often hides all of another one, or no wall any of
    it; what remains to be tested for two agents is a short list of walls. Lists are joined end to end: that
    of stretch s goes from first[s] to first[s + 1]. With no stretches here the engine looks up every pair of
    agents.
    """

    part_first: Ints  # (E + 1,) the first stretch of each edge (lifts have none), then of waypoints
    first: Ints  # (S + 1,)
    other: Ints  # (V,) stretches on which somebody may be in sight or in range
    seen: Ints  # (V,) OPEN, HIDDEN, PARTLY or WALKED; what is hidden may be in range
    wall_first: Ints  # (V,) the list of walls that may stand between, in `wall`
    wall_last: Ints  # (V,) the entry after it
    wall: Ints  # rows of `barrier`
    barrier: Floats  # (B, 4) all walls, those that continue each other as one
    grid: Grid  # the same, by cells


class Site(NamedTuple):
    """A world with what was found out about it beforehand."""

    world: World
    numbered: NumberedPlaces
    visibility: Visibility


class Occupants(NamedTuple):
    """The agents on every stretch of way, as doubly linked lists; -1 ends a list (changed in place)."""

    stretch: Ints  # (N,) where each agent is, -1 before its first step
    head: Ints  # (S,) the first agent of a stretch's list
    next: Ints  # (N,) the agent after each in its list
    previous: Ints  # (N,) the agent before it


class SightState(NamedTuple):
    """What is known of the present step when agents look along `Visibility` (changed in place)."""

    position: Floats  # (N, 2) of the agents, used without numbered places
    occupants: Occupants
    last: Ints  # (V,) what stood between two agents last, tried first: entry of `Visibility.wall`, or column


class LinkModel(NamedTuple):
    """Who can talk to whom: one of the codes below with its parameters."""

    code: int
    d: float  # metres, for SIGHT_OR_DISC
    p: float  # edge probability, for BERNOULLI
    footprint: Ints  # (F, 2) pairs of agents that may talk, for BERNOULLI


SIGHT_OR_DISC, BERNOULLI, ALWAYS, NEVER = range(4)


class Weights(NamedTuple):
    """What a policy's rows are computed from, in double precision; H hidden units.

    With ``ranked`` the arrays are empty and agent n goes to the zone with its n-th largest multiplier.
    """

    ranked: bool
    scale_lam: bool  # divide the multipliers by their largest one
    lam_roots: int  # then take the square root so many times
    tile_input: Floats  # (L, 2) centres of the tiles, scaled to [-1, 1]
    W1: Singles  # (N, M + 2, H)
    b1: Singles  # (N, H)
    W2: Singles  # (N, M, H): transposed, so that a logit is a dot product of contiguous arrays
    b2: Singles  # (N, M)
