"""The engine: Algorithm 2 over whole rollouts, composed of the other kernels in the contract's step order.

At step t: state -> own observation -> links -> gossip -> action -> move. After the last step of a rollout
the multipliers are updated and the gossip buffers start afresh. As no action depends on gossip before that,
a rollout logs zones and links when they change, and gossips backwards over these events at its end.
"""

from __future__ import annotations

from cmarlsim.kernels.bits import Words, clear, has, unite
from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.dual import dual_update
from cmarlsim.kernels.gossip import begin_backwards, step_backwards
from cmarlsim.kernels.links import update_links
from cmarlsim.kernels.motion import advance, position_of
from cmarlsim.kernels.observing import observe_zones, tile_of
from cmarlsim.kernels.policy import cdf_row, draw_action, fill_hidden
from cmarlsim.kernels.scene import Draws, Rules, Scene, State, Trace
from cmarlsim.kernels.world import Atlas, Bools, Floats, Ints, Places, Present, Weights, World


@kernel
def look(world: World, atlas: Atlas, places: Places, now: Present) -> None:
    """Bring position, tile and zones of the agents that moved to the present step."""
    for n in range(len(now.tile)):
        if not now.moved[n]:
            continue
        if len(atlas.tile) > 0:
            q = places.node[n]
            now.position[n, 0] = atlas.position[q, 0]
            now.position[n, 1] = atlas.position[q, 1]
            now.tile[n] = atlas.tile[q]
            for w in range(now.zones.shape[1]):
                now.zones[n, w] = atlas.zones[q, w]
        else:
            x, y = position_of(world, places, n)
            now.position[n, 0] = x
            now.position[n, 1] = y
            now.tile[n] = tile_of(world, x, y)
            observe_zones(world, x, y, now.zones[n])


@kernel
def choose(weights: Weights, lam: Floats, uniform: Floats, scene: Scene) -> None:
    """Draw every agent's action from the row of its tile, with `uniform` (N,)."""
    for n in range(len(scene.action)):
        tile = scene.now.tile[n]
        if not scene.ready[n, tile]:
            cdf_row(weights, n, tile, lam[n], scene.hidden[n], scene.active, scene.table[n, tile])
            scene.ready[n, tile] = True
        scene.action[n] = draw_action(scene.table[n, tile], uniform[n])


@kernel
def move(world: World, atlas: Atlas, places: Places, speed: int, scene: Scene) -> None:
    """Move every agent one step towards the zone of its action."""
    now = scene.now
    for n in range(len(scene.action)):
        if len(atlas.tile) > 0:
            before = places.node[n]
            places.node[n] = atlas.after[before, scene.action[n]]
            now.moved[n] = places.node[n] != before
        else:
            now.moved[n] = advance(world, places, n, scene.action[n], speed)


@kernel
def write_step(scene: Scene, trace: Trace, row: int) -> None:
    """Copy the present step into the trace."""
    now, agents = scene.now, len(scene.action)
    for n in range(agents):
        trace.position[row, n, 0] = now.position[n, 0]
        trace.position[row, n, 1] = now.position[n, 1]
        trace.tile[row, n] = now.tile[n]
        trace.action[row, n] = scene.action[n]
        for j in range(agents):
            trace.link[row, n, j] = has(scene.link[n], j)


@kernel
def unite_zones(scene: Scene, event: int, sources: Words, zones: Words) -> None:
    """The zones that the agents of the set `sources` were in after an event."""
    clear(zones)
    for n in range(len(scene.action)):
        if has(sources, n):
            unite(zones, scene.zones_log[event, n])


@kernel
def count_zones(zones: Words, steps: int, attended: Ints) -> None:
    """Add `steps` to the count (M,) of every zone of a set."""
    for m in range(len(attended)):
        if has(zones, m):
            attended[m] += steps


@kernel
def write_zones(zones: Words, rows: Bools) -> None:
    """Write a set of zones into every row of `rows` (steps, M)."""
    for row in range(len(rows)):
        for m in range(rows.shape[1]):
            rows[row, m] = has(zones, m)


@kernel
def collect_span(scene: Scene, trace: Trace, event: int, reach: Words, row: int, steps: int) -> None:
    """Count what every agent knows of `steps` steps after one event, which begin at trace row `row`."""
    for n in range(len(scene.action)):
        unite_zones(scene, event, reach[n], scene.seen)
        count_zones(scene.seen, steps, scene.known_attended[n])
        if len(trace.reward) > 0:
            write_zones(scene.seen, trace.estimate[row : row + steps, n])


@kernel
def collect(scene: Scene, events: int, trace: Trace, first: int) -> None:
    """Count the steps in which each zone was attended, in truth and as each agent knows at the end.

    Goes back over the `events` of the rollout. With a trace of steps, its `reward` and `estimate` are
    written from row `first` on.
    """
    for m in range(len(scene.attended)):
        scene.attended[m] = 0
        for n in range(len(scene.action)):
            scene.known_attended[n, m] = 0
    end, now = len(scene.event_step), 0
    begin_backwards(scene.reach[now])
    for event in range(events - 1, -1, -1):
        start = scene.event_step[event]
        unite_zones(scene, event, scene.everybody, scene.seen)
        count_zones(scene.seen, end - start, scene.attended)
        if len(trace.reward) > 0:
            write_zones(scene.seen, trace.reward[first + start : first + end])
        while end > start:
            grew = step_backwards(scene.link_log[event], scene.reach[now], scene.reach[1 - now])
            begin = end - 1 if grew else start
            collect_span(scene, trace, event, scene.reach[now], first + begin, end - begin)
            end, now = begin, 1 - now


@kernel
def settle(rules: Rules, state: State, scene: Scene, trace: Trace, k: int) -> None:
    """End of rollout k: eq. (18) for every agent, and eq. (16)."""
    agents, T0 = len(state.lam), len(scene.event_step)
    dual_update(state.lam_ideal, rules.c, rules.alpha, rules.eta, scene.attended, T0)
    for m in range(len(rules.c)):
        trace.lam_ideal[k, m] = state.lam_ideal[m]
        trace.reward_mean[k, m] = scene.attended[m] / T0
    for n in range(agents):
        dual_update(state.lam[n], rules.c, rules.alpha, rules.eta, scene.known_attended[n], T0)
        for m in range(len(rules.c)):
            trace.lam[k, n, m] = state.lam[n, m]


@kernel
def begin_rollout(weights: Weights, lam: Floats, scene: Scene) -> None:
    """Empty the policy tables, for agents with the multipliers `lam` (N, M)."""
    for n in range(len(lam)):
        for tile in range(scene.ready.shape[1]):
            scene.ready[n, tile] = False
    fill_hidden(weights, lam, scene.hidden)


@kernel
def log_event(scene: Scene, events: int, t: int) -> int:
    """Log zones and links if they differ from those after the last of the `events` so far.

    Returns
    -------
    int
        The number of events now.
    """
    changed, last = events == 0, events - 1
    for n in range(len(scene.action)):
        for w in range(scene.zones_log.shape[2]):
            changed = changed or scene.now.zones[n, w] != scene.zones_log[last, n, w]
        for w in range(scene.link_log.shape[2]):
            changed = changed or scene.link[n, w] != scene.link_log[last, n, w]
    if not changed:
        return events
    scene.event_step[events] = t
    for n in range(len(scene.action)):
        for w in range(scene.zones_log.shape[2]):
            scene.zones_log[events, n, w] = scene.now.zones[n, w]
        for w in range(scene.link_log.shape[2]):
            scene.link_log[events, n, w] = scene.link[n, w]
    return events + 1


@kernel
def run_rollouts(
    world: World,
    atlas: Atlas,
    rules: Rules,
    weights: Weights,
    state: State,
    draws: Draws,
    scene: Scene,
    trace: Trace,
) -> None:
    """Run Algorithm 2 for as many rollouts as `draws` holds; `state` and `trace` are written in place."""
    rollouts, T0, _ = draws.action.shape
    for k in range(rollouts):
        begin_rollout(weights, state.lam, scene)
        events = 0
        for t in range(T0):
            look(world, atlas, state.places, scene.now)
            update_links(world, atlas, rules.links, state.places, scene.now, draws.link[k, t], scene.link)
            events = log_event(scene, events, t)
            choose(weights, state.lam, draws.action[k, t], scene)
            if len(trace.reward) > 0:
                write_step(scene, trace, k * T0 + t)
            move(world, atlas, state.places, rules.speed, scene)
        collect(scene, events, trace, k * T0)
        settle(rules, state, scene, trace, k)
