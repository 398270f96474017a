"""What the engine reads, carries along and writes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmarlsim.kernels.bits import Words, full_set, words_for
from cmarlsim.kernels.world import Bools, Floats, Ints, LinkModel, Places, Present, Weights, World


class Rules(NamedTuple):
    """What the team is asked to do and how it updates its multipliers."""

    c: Floats  # (M,)
    alpha: float
    eta: float
    speed: int  # ticks per step
    links: LinkModel


class State(NamedTuple):
    """What is carried from one rollout to the next (changed in place)."""

    places: Places  # (N,)
    lam: Floats  # (N, M)
    lam_ideal: Floats  # (M,)


class Draws(NamedTuple):
    """Uniforms of [0, 1) for K rollouts; F footprint edges (0 unless the link model draws)."""

    action: Floats  # (K, T0, N)
    link: Floats  # (K, T0, F)


class Trace(NamedTuple):
    """What happened, by the contract's names.

    The first six have a row a step, or none where steps are not kept. The others have a row a rollout;
    `lam` and `lam_ideal` are the values after it.
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

    now: Present
    link: Words  # (N, words of N) whom each agent can talk to at the present step
    action: Ints  # (N,)
    event_step: Ints  # (T0,) steps at which zones or links changed in this rollout; step 0 is the first
    zones_log: Words  # (T0, N, words of M) own observations from each event on
    link_log: Words  # (T0, N, words of N)
    reach: Words  # (2, N, words of N) whose news reaches whom, and the same one step earlier
    everybody: Words  # (words of N) all agents
    seen: Words  # (words of M) buffer
    attended: Ints  # (M,) steps in which a zone was attended
    known_attended: Ints  # (N, M) those an agent knows of
    hidden: Floats  # (N, H)
    active: Floats  # (H,)
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
    agent_words, zone_words = words_for(agents), words_for(zones)
    return Scene(
        now=Present(
            position=np.zeros((agents, 2)),
            tile=np.zeros(agents, dtype=np.int64),
            zones=np.zeros((agents, zone_words), dtype=np.uint64),
            moved=np.ones(agents, dtype=np.bool_),
        ),
        link=np.zeros((agents, agent_words), dtype=np.uint64),
        action=np.zeros(agents, dtype=np.int64),
        event_step=np.zeros(T0, dtype=np.int64),
        zones_log=np.zeros((T0, agents, zone_words), dtype=np.uint64),
        link_log=np.zeros((T0, agents, agent_words), dtype=np.uint64),
        reach=np.zeros((2, agents, agent_words), dtype=np.uint64),
        everybody=full_set(agents),
        seen=np.zeros(zone_words, dtype=np.uint64),
        attended=np.zeros(zones, dtype=np.int64),
        known_attended=np.zeros((agents, zones), dtype=np.int64),
        hidden=np.empty((agents, weights.W1.shape[2])),
        active=np.empty(weights.W1.shape[2]),
        table=np.zeros((agents, tiles, zones)),
        ready=np.zeros((agents, tiles), dtype=np.bool_),
    )
