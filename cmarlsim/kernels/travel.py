"""One agent's way through a rollout.

Multipliers are constant during a rollout, so what an agent does in it depends on nobody else. It keeps its
target while its draws stay in the same cell of its table's row, and where it stands, it stands that long.
"""

from __future__ import annotations

from cmarlsim.kernels.bits import put
from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.motion import advance, nearer_end, position_of
from cmarlsim.kernels.observing import piece_of
from cmarlsim.kernels.policy import cdf_row, draw_action, hidden_of_lam, ranked_zone
from cmarlsim.kernels.scene import Scene, Steps, Tables, Trajectory
from cmarlsim.kernels.world import Floats, Locations, Site, Visibility, Weights, World


@kernel
def begin_table(weights: Weights, n: int, lam: Floats, tables: Tables) -> None:
    """Start a rollout of agent n, with the multipliers `lam` (M,): rows are computed when visited."""
    if weights.ranked:
        tables.ranked_zone[n] = ranked_zone(n, lam, tables.order)
    else:
        for tile in range(tables.ready.shape[1]):
            tables.ready[n, tile] = False
        hidden_of_lam(weights, n, lam, tables.hidden[n])


@inner
def draw_target(
    weights: Weights, tables: Tables, n: int, tile: int, uniform: float
) -> tuple[int, float, float]:
    """Draw agent n's action on `tile`, from a row of its table.

    Returns
    -------
    int
        The action.
    float, float
        The lowest draw that gives it, and the lowest above that does not.
    """
    if weights.ranked:
        return tables.ranked_zone[n], 0.0, 1.0
    row = tables.row[n, tile]
    if not tables.ready[n, tile]:
        cdf_row(weights, n, tile, tables.hidden[n], tables.active, row)
        tables.ready[n, tile] = True
    action = draw_action(row, uniform)
    low = row[action - 1] if action > 0 else 0.0
    return action, low, row[action]


@inner
def step_towards(site: Site, locations: Locations, n: int, zone: int, speed: int) -> bool:
    """Move agent n by `speed` ticks towards a zone; whether it moved."""
    if len(site.numbered.tile) == 0:
        return advance(site.world, locations, n, zone, speed)
    before = locations.node[n]
    after = site.numbered.after[before, zone]
    locations.node[n] = after
    return after != before


@kernel
def stretch_of(world: World, visibility: Visibility, locations: Locations, n: int) -> int:
    """The stretch of way that agent n is on; where two meet, one of them."""
    node, edge = locations.node[n], locations.edge[n]
    if node < 0 and world.lift[edge]:
        node = nearer_end(world, edge, locations.offset[n])
    if node >= 0:
        return visibility.part_first[len(world.edge)] + node
    first = visibility.part_first[edge]
    share = locations.offset[n] / world.edge_ticks[edge]
    return first + int(share * (visibility.part_first[edge + 1] - first))


@inner
def arrive(site: Site, locations: Locations, trajectory: Trajectory, t: int, n: int) -> int:
    """Note that agent n arrives where it is at step t.

    Returns
    -------
    int
        The tile there.
    """
    put(trajectory.arriving[t], n, True)
    if len(site.numbered.tile) > 0:
        trajectory.place[t, n] = locations.node[n]
        return site.numbered.tile[locations.node[n]]
    x, y = position_of(site.world, locations, n)
    piece = piece_of(site.world, locations, n)
    trajectory.position[t, n, 0] = x
    trajectory.position[t, n, 1] = y
    trajectory.place[t, n] = stretch_of(site.world, site.visibility, locations, n)
    trajectory.piece[t, n] = piece
    return site.world.piece_tile[piece]


@inner
def stand(
    weights: Weights, uniform: Floats, trajectory: Trajectory, n: int, t: int, low: float, high: float
) -> int:
    """Let agent n stand from step t on until it draws outside [low, high).

    Returns
    -------
    int
        The step at which it does, T0 if it does not.
    """
    place = trajectory.place[t, n]
    t += 1
    while t < len(uniform) and (weights.ranked or low <= uniform[t, n] < high):
        trajectory.place[t, n] = place
        t += 1
    trajectory.place[t, n] = place
    return t


@inner
def write_steps(
    site: Site, locations: Locations, n: int, tile: int, action: int, steps: Steps, first: int, last: int
) -> None:
    """Write what agent n does into the rows `first` to `last` - 1."""
    if len(site.numbered.tile) > 0:
        x, y = site.numbered.position[locations.node[n], 0], site.numbered.position[locations.node[n], 1]
    else:
        x, y = position_of(site.world, locations, n)
    for row in range(first, last):
        steps.position[row, n, 0] = x
        steps.position[row, n, 1] = y
        steps.tile[row, n] = tile
        steps.action[row, n] = action


@kernel
def travel(
    site: Site,
    weights: Weights,
    speed: int,
    uniform: Floats,
    locations: Locations,
    n: int,
    scene: Scene,
    steps: Steps,
    row: int,
) -> None:
    """Send agent n through a rollout of T0 steps, from where it is.

    Parameters
    ----------
    uniform : (T0, N)
        Draws for the actions.
    locations
        Changed in place: where the agent is after the last step.
    scene
        The agent's arrivals are written into its trajectory, which must have none of the agent.
    steps
        Written from `row` on, if it has rows.
    """
    tables, trajectory = scene.tables, scene.trajectory
    t, low, high, action = 0, 1.0, 1.0, 0
    tile = arrive(site, locations, trajectory, 0, n)
    while t < len(uniform):
        if (uniform[t, n] < low) | (uniform[t, n] >= high):
            action, low, high = draw_target(weights, tables, n, tile, uniform[t, n])
        if len(steps.tile) > 0:
            write_steps(site, locations, n, tile, action, steps, row + t, row + t + 1)
        if step_towards(site, locations, n, action, speed):
            t += 1
            here = arrive(site, locations, trajectory, t, n)
            if here != tile:
                low = 1.0  # another row of the table
            tile = here
        else:
            stop = stand(weights, uniform, trajectory, n, t, low, high)
            if len(steps.tile) > 0:
                write_steps(site, locations, n, tile, action, steps, row + t + 1, row + stop)
            t = stop
