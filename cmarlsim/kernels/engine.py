"""The engine: Algorithm 2 over whole rollouts, composed of the other kernels in the contract's step order.

At step t: state -> own observation -> links -> gossip -> action -> move. After the last step of a rollout
the multipliers are updated and the gossip buffers start afresh.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.dual import dual_update
from cmarlsim.kernels.gossip import estimate_from_freshness, spread
from cmarlsim.kernels.links import update_links
from cmarlsim.kernels.motion import advance, position_of
from cmarlsim.kernels.observing import observe_zones, tile_of
from cmarlsim.kernels.policy import cdf_row, draw_action, fill_hidden, hidden_buffer
from cmarlsim.kernels.world import Bools, Floats, Ints, LinkModel, Places, Weights, World


class Rules(NamedTuple):
    """What the team is asked to do and how it updates its multipliers."""

    c: Floats  # (M,)
    alpha: float
    eta: float
    speed: int  # ticks per step
    links: LinkModel


class State(NamedTuple):
    """What is carried from one rollout to the next (changed in place)."""

    places: Places
    lam: Floats  # (N, M)
    lam_ideal: Floats  # (M,)


class Draws(NamedTuple):
    """Uniforms of [0, 1) for K rollouts; F footprint edges (0 unless the link model draws)."""

    action: Floats  # (K, T0, N)
    link: Floats  # (K, T0, F)


class Trace(NamedTuple):
    """What happened, by the contract's names.

    The first six have a row a step: K * T0 rows, or the T0 rows of the last rollout where steps are not
    kept. The others have a row a rollout; `lam` and `lam_ideal` are the values after it.
    """

    position: Floats  # (rows, N, 2)
    tile: np.ndarray  # (rows, N) uint16
    action: np.ndarray  # (rows, N) uint16
    link: Bools  # (rows, N, N)
    reward: Bools  # (rows, M)
    estimate: Bools  # (rows, N, M)
    lam: Floats  # (K, N, M)
    lam_ideal: Floats  # (K, M)
    reward_mean: Floats  # (K, M)


class Scene(NamedTuple):
    """The present step, and the buffers of the present rollout."""

    position: Floats  # (N, 2)
    tile: Ints  # (N,)
    inside: Bools  # (N, M)
    moved: Bools  # (N,) since `position`, `tile` and `inside` were computed
    link: Bools  # (N, N)
    action: Ints  # (N,)
    own: Bools  # (T0, N, M) direct observations of this rollout
    fresh: Ints  # (2, N, N) freshness at even and odd steps
    hidden: Floats  # (N, H)
    table: Floats  # (N, L, M) rows of the policy's table
    ready: Bools  # (N, L) rows computed in this rollout


def new_trace(rollouts: int, rows: int, agents: int, zones: int) -> Trace:
    """Uninitialised trace of `rollouts` rollouts with `rows` step rows."""
    return Trace(
        position=np.empty((rows, agents, 2)),
        tile=np.empty((rows, agents), dtype=np.uint16),
        action=np.empty((rows, agents), dtype=np.uint16),
        link=np.empty((rows, agents, agents), dtype=np.bool_),
        reward=np.empty((rows, zones), dtype=np.bool_),
        estimate=np.empty((rows, agents, zones), dtype=np.bool_),
        lam=np.empty((rollouts, agents, zones)),
        lam_ideal=np.empty((rollouts, zones)),
        reward_mean=np.empty((rollouts, zones)),
    )


def new_scene(world: World, weights: Weights, agents: int, T0: int) -> Scene:
    """Scene in which nothing is known yet: every agent counts as moved."""
    zones, tiles = len(world.zone_radius), len(world.tile_box)
    return Scene(
        position=np.zeros((agents, 2)),
        tile=np.zeros(agents, dtype=np.int64),
        inside=np.zeros((agents, zones), dtype=np.bool_),
        moved=np.ones(agents, dtype=np.bool_),
        link=np.zeros((agents, agents), dtype=np.bool_),
        action=np.zeros(agents, dtype=np.int64),
        own=np.zeros((T0, agents, zones), dtype=np.bool_),
        fresh=np.zeros((2, agents, agents), dtype=np.int64),
        hidden=hidden_buffer(weights, agents),
        table=np.zeros((agents, tiles, zones)),
        ready=np.zeros((agents, tiles), dtype=np.bool_),
    )


@kernel
def look(world: World, places: Places, scene: Scene) -> None:
    """Bring position, tile and zones of the agents that moved to the present step."""
    for n in range(len(scene.tile)):
        if scene.moved[n]:
            x, y = position_of(world, places, n)
            scene.position[n, 0] = x
            scene.position[n, 1] = y
            scene.tile[n] = tile_of(world, x, y)
            observe_zones(world, x, y, scene.inside[n])


@kernel
def choose(weights: Weights, lam: Floats, uniform: Floats, scene: Scene) -> None:
    """Draw every agent's action from the row of its tile, with `uniform` (N,)."""
    for n in range(len(scene.tile)):
        tile = scene.tile[n]
        if not scene.ready[n, tile]:
            cdf_row(weights, n, tile, lam[n], scene.hidden[n], scene.table[n, tile])
            scene.ready[n, tile] = True
        scene.action[n] = draw_action(scene.table[n, tile], uniform[n])


@kernel
def write_step(scene: Scene, trace: Trace, row: int) -> None:
    """Copy the present step into the trace."""
    agents, zones = scene.inside.shape
    for m in range(zones):
        trace.reward[row, m] = False
    for n in range(agents):
        trace.position[row, n, 0] = scene.position[n, 0]
        trace.position[row, n, 1] = scene.position[n, 1]
        trace.tile[row, n] = scene.tile[n]
        trace.action[row, n] = scene.action[n]
        for m in range(zones):
            trace.reward[row, m] |= scene.inside[n, m]
        for j in range(agents):
            trace.link[row, n, j] = scene.link[n, j]


@kernel
def settle(rules: Rules, state: State, fresh: Ints, own: Bools, trace: Trace, first: int, k: int) -> None:
    """End of rollout k, whose steps begin at trace row `first`: eq. (18) for every agent, and eq. (16)."""
    T0 = len(own)
    estimate = trace.estimate[first : first + T0]
    reward = trace.reward[first : first + T0]
    estimate_from_freshness(fresh, own, estimate)
    for n in range(len(state.lam)):
        dual_update(state.lam[n], rules.c, rules.alpha, rules.eta, estimate[:, n])
    dual_update(state.lam_ideal, rules.c, rules.alpha, rules.eta, reward)
    for m in range(len(rules.c)):
        for n in range(len(state.lam)):
            trace.lam[k, n, m] = state.lam[n, m]
        trace.lam_ideal[k, m] = state.lam_ideal[m]
        times = 0
        for tau in range(T0):
            times += reward[tau, m]
        trace.reward_mean[k, m] = times / T0


@kernel
def begin_rollout(weights: Weights, lam: Floats, scene: Scene) -> None:
    """Empty the gossip buffers and the policy tables, for agents with the multipliers `lam` (N, M)."""
    for n in range(len(lam)):
        for j in range(len(lam)):
            scene.fresh[0, n, j] = -1
            scene.fresh[1, n, j] = -1
        for tile in range(scene.ready.shape[1]):
            scene.ready[n, tile] = False
    fill_hidden(weights, lam, scene.hidden)


@kernel
def run_rollouts(
    world: World, rules: Rules, weights: Weights, state: State, draws: Draws, scene: Scene, trace: Trace
) -> None:
    """Run Algorithm 2 for as many rollouts as `draws` holds; `state` and `trace` are written in place."""
    rollouts, T0, agents = draws.action.shape
    keep_steps = len(trace.reward) == rollouts * T0
    for k in range(rollouts):
        first = k * T0 if keep_steps else 0
        begin_rollout(weights, state.lam, scene)
        for t in range(T0):
            look(world, state.places, scene)
            for n in range(agents):
                for m in range(len(rules.c)):
                    scene.own[t, n, m] = scene.inside[n, m]
            update_links(world, rules.links, scene.position, scene.moved, draws.link[k, t], scene.link)
            spread(t, scene.link, scene.fresh[(t + 1) % 2], scene.fresh[t % 2])
            choose(weights, state.lam, draws.action[k, t], scene)
            write_step(scene, trace, first + t)
            for n in range(agents):
                scene.moved[n] = advance(world, state.places, n, scene.action[n], rules.speed)
        settle(rules, state, scene.fresh[(T0 - 1) % 2], scene.own, trace, first, k)
