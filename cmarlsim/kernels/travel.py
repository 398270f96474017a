"""One agent's way through a rollout.

Multipliers are constant during a rollout, so what an agent does in it depends on nobody else. It keeps its
target while its draws stay in the same cell of its table's row, and where it stands, it stands that long.
"""

from __future__ import annotations

from cmarlsim.kernels.bits import clear, put
from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.motion import advance, position_of
from cmarlsim.kernels.observing import tile_on
from cmarlsim.kernels.policy import cdf_row, draw_action, hidden_of_lam, ranked_zone
from cmarlsim.kernels.scene import Route, Steps, Tables
from cmarlsim.kernels.world import Floats, Places, Site, Visibility, Weights, World


@kernel
def begin_table(weights: Weights, n: int, lam: Floats, tables: Tables) -> None:
    """Start a rollout of agent n, with the multipliers `lam` (M,): rows are computed when visited."""
    if weights.ranked:
        tables.sure[n] = ranked_zone(n, lam, tables.order)
    else:
        for tile in range(tables.ready.shape[1]):
            tables.ready[n, tile] = False
        hidden_of_lam(weights, n, lam, tables.hidden[n])


@inner
def aim(weights: Weights, tables: Tables, n: int, tile: int, uniform: float) -> tuple[int, float, float]:
    """Draw agent n's action on `tile`, from a row of its table.

    Returns
    -------
    int
        The action.
    float, float
        The lowest draw that gives it, and the lowest above that does not.
    """
    if weights.ranked:
        return tables.sure[n], 0.0, 1.0
    row = tables.row[n, tile]
    if not tables.ready[n, tile]:
        cdf_row(weights, n, tile, tables.hidden[n], tables.active, row)
        tables.ready[n, tile] = True
    action = draw_action(row, uniform)
    low = row[action - 1] if action > 0 else 0.0
    return action, low, row[action]


@inner
def go(site: Site, places: Places, n: int, zone: int, speed: int) -> bool:
    """Move agent n by `speed` ticks towards a zone; whether it moved."""
    if len(site.numbered.tile) == 0:
        return advance(site.world, places, n, zone, speed)
    before = places.node[n]
    after = site.numbered.after[before, zone]
    places.node[n] = after
    return after != before


@kernel
def stretch_of(world: World, visibility: Visibility, places: Places, n: int) -> int:
    """The stretch of way that agent n is on; where two meet, one of them."""
    edge = places.edge[n]
    if edge < 0:
        return visibility.part_first[len(world.edge)] + places.node[n]
    first = visibility.part_first[edge]
    share = places.offset[n] / world.edge_ticks[edge]
    return first + int(share * (visibility.part_first[edge + 1] - first))


@inner
def arrive(site: Site, places: Places, route: Route, t: int, n: int) -> int:
    """Note that agent n arrives where it is at step t.

    Returns
    -------
    int
        The tile there.
    """
    put(route.arriving[t], n, True)
    if len(site.numbered.tile) > 0:
        route.place[t, n] = places.node[n]
        return site.numbered.tile[places.node[n]]
    x, y = position_of(site.world, places, n)
    stretch = stretch_of(site.world, site.visibility, places, n)
    route.position[t, n, 0] = x
    route.position[t, n, 1] = y
    route.place[t, n] = stretch
    return tile_on(site.world, site.visibility, stretch, x, y)


@inner
def stand(weights: Weights, uniform: Floats, route: Route, n: int, t: int, low: float, high: float) -> int:
    """Let agent n stand from step t on until it draws outside [low, high).

    Returns
    -------
    int
        The step at which it does, T0 if it does not.
    """
    place = route.place[t, n]
    t += 1
    while t < len(uniform) and (weights.ranked or low <= uniform[t, n] < high):
        route.place[t, n] = place
        t += 1
    route.place[t, n] = place
    return t


@inner
def write_steps(
    site: Site, places: Places, n: int, tile: int, action: int, steps: Steps, first: int, last: int
) -> None:
    """Write what agent n does into the rows `first` to `last` - 1."""
    if len(site.numbered.tile) > 0:
        x, y = site.numbered.position[places.node[n], 0], site.numbered.position[places.node[n], 1]
    else:
        x, y = position_of(site.world, places, n)
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
    tables: Tables,
    uniform: Floats,
    places: Places,
    n: int,
    route: Route,
    steps: Steps,
    row: int,
) -> None:
    """Send agent n through a rollout of T0 steps, from where it is.

    Parameters
    ----------
    uniform : (T0, N)
        Draws for the actions.
    places
        Changed in place: where the agent is after the last step.
    route
        Written: the agent's arrivals. Step 0 must be there, and the rest empty.
    steps
        Written from `row` on, if it has rows.
    """
    t, low, high, action = 0, 1.0, 1.0, 0
    tile = arrive(site, places, route, 0, n)
    while t < len(uniform):
        if (uniform[t, n] < low) | (uniform[t, n] >= high):
            action, low, high = aim(weights, tables, n, tile, uniform[t, n])
        if len(steps.tile) > 0:
            write_steps(site, places, n, tile, action, steps, row + t, row + t + 1)
        if go(site, places, n, action, speed):
            t += 1
            here = arrive(site, places, route, t, n)
            if here != tile:
                low = 1.0  # another row of the table
            tile = here
        else:
            stop = stand(weights, uniform, route, n, t, low, high)
            if len(steps.tile) > 0:
                write_steps(site, places, n, tile, action, steps, row + t + 1, row + stop)
            t = stop


@kernel
def travel_all(
    site: Site,
    weights: Weights,
    speed: int,
    tables: Tables,
    lam: Floats,
    uniform: Floats,
    places: Places,
    route: Route,
    steps: Steps,
    row: int,
) -> None:
    """`travel` for every agent, with the multipliers `lam` (N, M)."""
    for t in range(len(route.arriving)):
        clear(route.arriving[t])
    for n in range(len(lam)):
        begin_table(weights, n, lam[n], tables)
        travel(site, weights, speed, tables, uniform, places, n, route, steps, row)
