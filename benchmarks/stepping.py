"""Algorithm 2 step by step, compiled, with any of the engine's ideas but that of jumping.

Each idea stands behind a flag that is the same for the whole run. Whatever the engine does in the same way
is the engine's own kernel.
"""

from __future__ import annotations

from typing import NamedTuple

from cmarlsim.kernels.bits import clear, has, put
from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.engine import end_rollout, gossip_backwards, log_arrivals
from cmarlsim.kernels.gossip import estimate_from_freshness
from cmarlsim.kernels.links import near_or_in_sight
from cmarlsim.kernels.motion import position_of
from cmarlsim.kernels.observing import piece_of
from cmarlsim.kernels.policy import cdf_row, draw_action, hidden_of_lam
from cmarlsim.kernels.scene import Chunk, Rules, Scene, State, Tables
from cmarlsim.kernels.travel import begin_table, step_towards
from cmarlsim.kernels.world import Bools, Floats, Ints, Locations, Site, Weights


class Ideas(NamedTuple):
    """What a step-by-step engine does better than literally."""

    freshness: bool = False  # gossip by freshness instead of eq. (17) as printed
    table: bool = False  # the policy is a table during a rollout: each row is computed once
    hidden: bool = False  # and what the multipliers contribute to its hidden layer too
    moved: bool = False  # agents that did not move, and pairs of such, are not looked at again
    numbered: bool = False  # places are numbered
    events: bool = False  # gossip goes backwards over a log of events


class Desk(NamedTuple):
    """Where the present step and rollout are kept (changed in place)."""

    moved: Bools  # (N,) whether an agent moved on the way to this step
    position: Floats  # (N, 2)
    tile: Ints  # (N,)
    own: Bools  # (T0, N, M) direct observations
    link: Bools  # (N, N)
    fresh: Ints  # (2, N, N) freshness, of odd and even steps
    estimate: Bools  # (2, T0, N, M) estimates, of odd and even steps


@kernel
def spread_literally(t: int, own: Bools, link: Bools, before: Bools, estimate: Bools) -> None:
    """One step of eq. (17) as printed: read `before` (R_{., t-1}), write `estimate` (R_{., t}).

    Parameters
    ----------
    t : step within the rollout
    own : (N, M) direct observations at step t
    link : (N, N) links at step t
    before, estimate : (T0, N, M), entry [tau, n, m]; must not share memory
    """
    agents, zones = own.shape
    for tau in range(t):
        for n in range(agents):
            for m in range(zones):
                known = before[tau, n, m]
                for j in range(agents):
                    known = known or (link[n, j] and before[tau, j, m])
                estimate[tau, n, m] = known
    for n in range(agents):
        for m in range(zones):
            estimate[t, n, m] = own[n, m]


@kernel
def spread(t: int, link: Bools, before: Ints, fresh: Ints) -> None:
    """One step of max-gossip on freshness: read `before`, write `fresh`, both (N, N), -1 for nothing yet."""
    agents = len(link)
    for n in range(agents):
        for source in range(agents):
            fresh[n, source] = before[n, source]
        for j in range(agents):
            if link[n, j]:
                for source in range(agents):
                    fresh[n, source] = max(fresh[n, source], before[j, source])
        fresh[n, n] = t


@kernel
def begin(ideas: Ideas, weights: Weights, lam: Floats, tables: Tables, desk: Desk) -> None:
    """Start a rollout with the multipliers `lam` (N, M)."""
    for n in range(len(lam)):
        if ideas.hidden or weights.ranked:
            begin_table(weights, n, lam[n], tables)
        else:
            tables.ready[n] = False
    desk.fresh[1] = -1


@kernel
def choose(
    ideas: Ideas, weights: Weights, tables: Tables, lam: Floats, n: int, tile: int, uniform: float
) -> int:
    """Draw agent n's action on a tile, with its multipliers `lam` (M,)."""
    if weights.ranked:
        return tables.ranked_zone[n]
    row = tables.row[n, tile]
    if not (ideas.table and tables.ready[n, tile]):
        if not ideas.hidden:
            hidden_of_lam(weights, n, lam, tables.hidden[n])
        cdf_row(weights, n, tile, tables.hidden[n], tables.active, row)
        tables.ready[n, tile] = True
    return draw_action(row, uniform)


@kernel
def look(ideas: Ideas, site: Site, locations: Locations, desk: Desk, t: int) -> None:
    """Bring tiles, positions and direct observations to step t."""
    numbered, own = site.numbered, desk.own
    for n in range(len(desk.moved)):
        if ideas.moved and not desk.moved[n]:
            for m in range(own.shape[2]):
                own[t, n, m] = own[t - 1, n, m]
        elif ideas.numbered:
            desk.tile[n] = numbered.tile[locations.node[n]]
            for m in range(own.shape[2]):
                own[t, n, m] = has(numbered.zones[locations.node[n]], m)
        else:
            x, y = position_of(site.world, locations, n)
            desk.position[n, 0], desk.position[n, 1] = x, y
            piece = piece_of(site.world, locations, n)
            desk.tile[n] = site.world.piece_tile[piece]
            for m in range(own.shape[2]):
                own[t, n, m] = has(site.world.piece_zones[piece], m)


@kernel
def connect(ideas: Ideas, site: Site, d: float, locations: Locations, desk: Desk) -> None:
    """Bring the links to the present step."""
    for i in range(len(desk.moved)):
        for j in range(i):
            if ideas.moved and not (desk.moved[i] or desk.moved[j]):
                continue
            if ideas.numbered:
                up = has(site.numbered.near[locations.node[i]], locations.node[j])
            else:
                a, b = desk.position[i], desk.position[j]
                up = near_or_in_sight(site.world, d, a[0], a[1], b[0], b[1])
            desk.link[i, j] = desk.link[j, i] = up


@kernel
def hear(ideas: Ideas, desk: Desk, t: int) -> None:
    """Gossip at step t."""
    now, before = t & 1, 1 - (t & 1)
    if ideas.freshness:
        spread(t, desk.link, desk.fresh[before], desk.fresh[now])
    else:
        spread_literally(t, desk.own[t], desk.link, desk.estimate[before], desk.estimate[now])


@kernel
def log_step(site: Site, rules: Rules, locations: Locations, desk: Desk, scene: Scene, t: int) -> None:
    """Log what changes at step t: what takes the place of `look`, `connect` and `hear` with events."""
    trajectory = scene.trajectory
    clear(trajectory.arriving[t])
    for n in range(len(desk.moved)):
        trajectory.place[t, n] = locations.node[n]
        if desk.moved[n]:
            desk.tile[n] = site.numbered.tile[locations.node[n]]
            put(trajectory.arriving[t], n, True)
    log_arrivals(site, rules.links, scene, t)


@kernel
def count(ideas: Ideas, desk: Desk, scene: Scene, chunk: Chunk, row: int) -> None:
    """Count attended steps, in truth and as known at the end; write kept rewards from `row` on."""
    T0, agents, zones = desk.own.shape
    estimate, known = desk.estimate[(T0 - 1) & 1], scene.gossip.known
    if ideas.freshness:
        estimate_from_freshness(desk.fresh[(T0 - 1) & 1], desk.own, estimate)
    scene.attended[:] = 0
    known[:] = 0
    for t in range(T0):
        for m in range(zones):
            reward = False
            for n in range(agents):
                reward |= desk.own[t, n, m]
                known[m, n] += estimate[t, n, m]
            scene.attended[m] += reward
            if len(chunk.reward) > 0:
                chunk.reward[row + t, m] = reward


@kernel
def run_stepped(
    ideas: Ideas,
    site: Site,
    rules: Rules,
    weights: Weights,
    state: State,
    uniform: Floats,
    scene: Scene,
    desk: Desk,
    chunk: Chunk,
) -> None:
    """Run Algorithm 2 step by step with the draws `uniform` (K, T0, N)."""
    rollouts, T0, agents = uniform.shape
    for k in range(rollouts):
        begin(ideas, weights, state.lam, scene.tables, desk)
        scene.log.length[0] = 0
        if ideas.events:
            scene.attended[:] = 0
        for t in range(T0):
            if ideas.events:
                log_step(site, rules, state.locations, desk, scene, t)
            else:
                look(ideas, site, state.locations, desk, t)
                connect(ideas, site, rules.links.d, state.locations, desk)
                hear(ideas, desk, t)
            for n in range(agents):
                tile, u = desk.tile[n], uniform[k, t, n]
                action = choose(ideas, weights, scene.tables, state.lam[n], n, tile, u)
                desk.moved[n] = step_towards(site, state.locations, n, action, rules.speed)
        if ideas.events:
            gossip_backwards(scene, T0, chunk, k * T0)
        else:
            count(ideas, desk, scene, chunk, k * T0)
        end_rollout(rules, state, scene, T0, chunk, k)
