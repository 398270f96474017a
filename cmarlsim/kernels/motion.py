"""Motion along the waypoint graph, in exact arithmetic on ticks."""

from __future__ import annotations

from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.world import TIE, Locations, World


@kernel
def heads_to_second_end(world: World, edge: int, offset: int, zone: int) -> bool:
    """Whether an agent inside `edge` is nearer to `zone` through the edge's second end.

    A tie (within `TIE` ticks) goes to the first end; a one-way edge leads to its second end.
    """
    if world.one_way[edge]:
        return True
    through_first = offset + world.to_go[world.edge[edge, 0], zone]
    through_second = world.edge_ticks[edge] - offset + world.to_go[world.edge[edge, 1], zone]
    return through_second + TIE < through_first


@kernel
def advance(world: World, locations: Locations, n: int, zone: int, speed: int) -> bool:
    """Move agent `n` by up to `speed` ticks along the shortest path to `zone`, in place.

    It may pass several waypoints, may turn round inside an edge that is not one-way, and stops at the zone's
    waypoint.

    Returns
    -------
    bool
        Whether the agent moved.
    """
    node, edge, offset = locations.node[n], locations.edge[n], locations.offset[n]
    left = speed
    forward = node < 0 and heads_to_second_end(world, edge, offset, zone)
    while left > 0:
        if node >= 0:
            edge = world.next_edge[node, zone]
            if edge < 0:
                break
            forward = world.edge[edge, 0] == node
            offset = 0 if forward else world.edge_ticks[edge]
            node = -1
        gap = world.edge_ticks[edge] - offset if forward else offset
        if left >= gap:
            left -= gap
            node = world.edge[edge, 1] if forward else world.edge[edge, 0]
            offset = 0
        else:
            offset += left if forward else -left
            left = 0
    locations.node[n] = node
    locations.edge[n] = -1 if node >= 0 else edge
    locations.offset[n] = offset
    return left < speed


@inner
def locations_of(locations: Locations, b: int) -> Locations:
    """Views of row b of the locations (B, N) of many teams."""
    return Locations(locations.node[b], locations.edge[b], locations.offset[b])


@inner
def nearer_end(world: World, edge: int, offset: int) -> int:
    """The waypoint at the nearer end of an edge, in the middle the first."""
    return world.edge[edge, 0] if 2 * offset <= world.edge_ticks[edge] else world.edge[edge, 1]


@kernel
def position_of(world: World, locations: Locations, n: int) -> tuple[float, float]:
    """Coordinates of agent `n` in metres; in a lift, those of the nearer end."""
    node, edge = locations.node[n], locations.edge[n]
    if node < 0 and world.lift[edge]:
        node = nearer_end(world, edge, locations.offset[n])
    if node >= 0:
        return world.waypoint[node, 0], world.waypoint[node, 1]
    u, v = world.edge[edge, 0], world.edge[edge, 1]
    share = locations.offset[n] / world.edge_ticks[edge]
    x = world.waypoint[u, 0] + share * (world.waypoint[v, 0] - world.waypoint[u, 0])
    y = world.waypoint[u, 1] + share * (world.waypoint[v, 1] - world.waypoint[u, 1])
    return x, y
