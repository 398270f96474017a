"""The arrays that the engine reads, carries along and writes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmarlsim.kernels.bits import Words, full_set, put, words_for
from cmarlsim.kernels.changes import Contacts, Log, new_contacts, new_log
from cmarlsim.kernels.gossip import BackwardGossip, new_backward_gossip
from cmarlsim.kernels.world import (
    ALWAYS,
    Bools,
    Floats,
    Ints,
    LinkModel,
    Locations,
    Occupants,
    SightState,
    Site,
    Weights,
)

LOG_CAPACITY = 2**10
"""Changes that a new log holds; it grows when they are more."""


class Rules(NamedTuple):
    """Thresholds, the parameters of the dual update, speed and links."""

    c: Floats  # (M,)
    alpha: float
    eta: float
    speed: int  # ticks per step
    links: LinkModel


class State(NamedTuple):
    """Where agents are and their multipliers, carried from one rollout to the next (changed in place)."""

    locations: Locations  # (N,)
    lam: Floats  # (N, M)
    lam_ideal: Floats  # (M,)


class Draws(NamedTuple):
    """Uniforms of [0, 1) for K rollouts; F footprint edges (0 unless the link model draws)."""

    action: Floats  # (K, T0, N)
    link: Floats  # (K, T0, F)


class Chunk(NamedTuple):
    """What a run leaves, under the names that recordings have for it.

    The last three have a row a rollout; `lam` and `lam_ideal` are the values after it. The others have a row
    a step (`link_pair` a row a change), or none where steps are not kept; of `link` and `link_count` at most
    one has.
    """

    position: Floats  # (rows, N, 2)
    tile: NDArray[np.uint16]  # (rows, N)
    action: NDArray[np.uint16]  # (rows, N)
    link: Bools  # (rows, N, N)
    link_count: NDArray[np.uint32]  # (rows,) links that go up or down at the step
    link_pair: NDArray[np.uint16]  # (sum of link_count, 2) their agents, in the order of the log
    reward: Bools  # (rows, M)
    estimate: Bools  # (rows, N, M)
    lam: Floats  # (K, N, M)
    lam_ideal: Floats  # (K, M)
    reward_mean: Floats  # (K, M)


class Tables(NamedTuple):
    """The policy during a rollout: its multipliers are constant, so it is a table of L tiles, or one zone."""

    row: Floats  # (N, L, M) cumulative distributions
    ready: Bools  # (N, L) whether the row was computed in this rollout
    hidden: Floats  # (N, H) what the multipliers contribute to the hidden layer
    active: Floats  # (H,) buffer
    order: Ints  # (M,) buffer
    ranked_zone: Ints  # (N,) the zone of an agent whose policy is ``ranked``


class Trajectory(NamedTuple):
    """Where all agents are in the present rollout (changed in place).

    Step T0 is step 0 of the next rollout.
    """

    arriving: Words  # (T0 + 1, words of N) who comes to another place at a step
    place: NDArray[np.int32]  # (T0 + 1, N) the numbered place; without numbers, the stretch of way
    position: Floats  # (T0 + 1, N, 2), of those who arrive only; none with numbered places
    piece: NDArray[np.int32]  # (T0 + 1, N) as `position`: the piece of way


class Steps(NamedTuple):
    """What agents do at every step; with no rows where that is not kept."""

    position: Floats  # (rows, N, 2)
    tile: NDArray[np.uint16]  # (rows, N)
    action: NDArray[np.uint16]  # (rows, N)


class Scene(NamedTuple):
    """All that the engine keeps of the present rollout and its present step (changed in place)."""

    clock: Ints  # (2,) the rollout, and the step in it, that come next; step -1 before its agents travel
    trajectory: Trajectory
    sight: SightState
    contacts: Contacts
    log: Log
    gossip: BackwardGossip
    tables: Tables
    attended: Ints  # (M,) steps of the rollout in which a zone was attended
    near: Words  # (words of N) buffer: whom an agent can talk to
    done: Words  # (words of N) buffer: agents whose links are up to date


def new_chunk(rollouts: int, rows: int, agents: int, zones: int, sparse: bool = False) -> Chunk:
    """Uninitialised chunk of `rollouts` rollouts with `rows` step rows.

    With `sparse` links they have no rows, and the counts and pairs are for the caller to fill.
    """
    return Chunk(
        position=np.empty((rows, agents, 2)),
        tile=np.empty((rows, agents), dtype=np.uint16),
        action=np.empty((rows, agents), dtype=np.uint16),
        link=np.empty((0 if sparse else rows, agents, agents), dtype=np.bool_),
        link_count=np.empty(0, dtype=np.uint32),
        link_pair=np.empty((0, 2), dtype=np.uint16),
        reward=np.empty((rows, zones), dtype=np.bool_),
        estimate=np.empty((rows, agents, zones), dtype=np.bool_),
        lam=np.empty((rollouts, agents, zones)),
        lam_ideal=np.empty((rollouts, zones)),
        reward_mean=np.empty((rollouts, zones)),
    )


def part_of(chunk: Chunk, first: int, rollouts: int) -> Chunk:
    """Views of the rows of some of a chunk's rollouts."""
    per_rollout = {name: len(array) // len(chunk.lam) for name, array in chunk._asdict().items()}
    return Chunk(
        **{
            name: array[first * per_rollout[name] : (first + rollouts) * per_rollout[name]]
            for name, array in chunk._asdict().items()
        }
    )


def new_sight_state(site: Site, agents: int) -> SightState:
    """Sight state in which no agent is on any stretch."""
    stretches = max(0, len(site.visibility.first) - 1)
    return SightState(
        position=np.zeros((agents, 2)),
        occupants=Occupants(*(np.full(size, -1) for size in (agents, stretches, agents, agents))),
        last=site.visibility.wall_first.copy(),
    )


def new_steps(rows: int, agents: int) -> Steps:
    """Uninitialised `rows` of what N agents do."""
    kinds = {"position": ((2,), np.float64), "tile": ((), np.uint16), "action": ((), np.uint16)}
    return Steps(**{name: np.empty((rows, agents, *tail), kind) for name, (tail, kind) in kinds.items()})


def new_trajectory(site: Site, agents: int, T0: int) -> Trajectory:
    """Trajectory without any arrivals."""
    rows = T0 + 1
    unnumbered = 0 if len(site.numbered.tile) else rows
    return Trajectory(
        arriving=np.zeros((rows, words_for(agents)), dtype=np.uint64),
        place=np.zeros((rows, agents), dtype=np.int32),
        position=np.zeros((unnumbered, agents, 2)),
        piece=np.zeros((unnumbered, agents), dtype=np.int32),
    )


def new_tables(site: Site, weights: Weights, agents: int) -> Tables:
    """Tables in which no row is computed yet."""
    tiles, zones = len(site.world.tile_center), len(site.world.goal)
    tabled, hidden = 0 if weights.ranked else agents, weights.W1.shape[2]
    return Tables(
        row=np.zeros((tabled, tiles, zones)),
        ready=np.zeros((tabled, tiles), dtype=np.bool_),
        hidden=np.empty((tabled, hidden)),
        active=np.empty(hidden),
        order=np.empty(zones, dtype=np.int64),
        ranked_zone=np.zeros(agents, dtype=np.int64),
    )


def new_scene(site: Site, rules: Rules, weights: Weights, agents: int, T0: int) -> Scene:
    """Scene before the first step, with room for `LOG_CAPACITY` changes."""
    zones = len(site.world.goal)
    agent_words, zone_words = words_for(agents), words_for(zones)
    contacts = new_contacts(agents, zones, agent_words, zone_words)
    if rules.links.code == ALWAYS:
        for n in range(agents):
            contacts.link[n] = full_set(agents)
            put(contacts.link[n], n, False)
    return Scene(
        clock=np.array([0, -1]),
        trajectory=new_trajectory(site, agents, T0),
        sight=new_sight_state(site, agents),
        contacts=contacts,
        log=new_log(max(LOG_CAPACITY, agents * zones)),
        gossip=new_backward_gossip(agents, zones, agent_words, zone_words),
        tables=new_tables(site, weights, agents),
        attended=np.zeros(zones, dtype=np.int64),
        near=np.zeros(agent_words, dtype=np.uint64),
        done=np.zeros(agent_words, dtype=np.uint64),
    )
