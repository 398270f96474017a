"""Training in the loop: rollouts of Algorithm 2 itself, in which all agents gossip and learn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmarlsim.kernels.bits import Words, only_one
from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.engine import (
    begin_rollout,
    gossip_backwards,
    has_room,
    log_arrivals,
    log_changes,
    update_multipliers,
)
from cmarlsim.kernels.motion import locations_of
from cmarlsim.kernels.scene import Chunk, Draws, Rules, Scene, Steps, new_steps
from cmarlsim.kernels.world import Floats, Locations, Site, Weights


class Runs(NamedTuple):
    """B runs of Algorithm 2, which go on from rollout to rollout (changed in place)."""

    locations: Locations  # (B, N)
    lam: Floats  # (B, N, M) eq. (18)
    lam_tight: Floats  # (B, M) eq. (16) for tightened thresholds
    worth: Floats  # (B, M) what it earns to attend a zone during the present rollout
    steps: Steps  # (B T0, N) written: what the agents did in it
    reward: Floats  # (B, N, T0) written: what each earned, of the state that its action led to


def new_runs(locations: Locations, zones: int, T0: int) -> Runs:
    """Runs that begin at `locations` (B, N)."""
    B, agents = locations.node.shape
    return Runs(
        locations=locations,
        lam=np.zeros((B, agents, zones)),
        lam_tight=np.zeros((B, zones)),
        worth=np.zeros((B, zones)),
        steps=new_steps(B * T0, agents),
        reward=np.zeros((B, agents, T0)),
    )


@kernel
def write_difference_rewards(worth: Floats, inside: Words, reward: Floats, first: int, last: int) -> None:
    """Write difference rewards: what the team would lose without each agent.

    Parameters
    ----------
    worth : (M,) array
    inside : (M, words of N) array
        The agents in each zone. One that is alone in a zone earns what that is worth, and others nothing.
    reward : (N, T0) array
        The columns `first` to `last` - 1 are written.
    """
    for n in range(len(reward)):
        for t in range(first, last):
            reward[n, t] = 0.0
    for m in range(len(worth)):
        n = only_one(inside[m])
        if n >= 0:
            for t in range(first, last):
                reward[n, t] += worth[m]


@kernel
def run_in_the_loop(
    site: Site,
    rules: Rules,
    c_tight: Floats,
    weights: Weights,
    draws: Draws,
    scene: Scene,
    nothing: Chunk,
    runs: Runs,
) -> bool:
    """One rollout of every run.

    Parameters
    ----------
    c_tight : (M,) array
        Tightened thresholds.
    draws
        Draws for a rollout of each of the B runs.
    scene
        A buffer; its clock must stand at run 0, step -1.
    nothing
        A chunk without rows.

    Returns
    -------
    bool
        Whether all are done. If not, the log is full: call again with a longer copy of it.
    """
    clock, T0 = scene.clock, draws.action.shape[1]
    while clock[0] < len(runs.lam):
        b = clock[0]
        worth, inside, reward = runs.worth[b], scene.contacts.inside, runs.reward[b]
        if clock[1] < 0:
            locations, uniform = locations_of(runs.locations, b), draws.action[b]
            begin_rollout(site, rules, weights, locations, runs.lam[b], uniform, scene, runs.steps, b * T0)
            clock[1] = 0
        while clock[1] < T0:
            if not has_room(rules, scene):
                return False
            t = clock[1]
            clock[1] = log_changes(site, rules, draws, b, scene, t)
            write_difference_rewards(worth, inside, reward, max(t - 1, 0), clock[1] - 1)
        gossip_backwards(scene, T0, nothing, 0)
        update_multipliers(rules, c_tight, scene, T0, runs.lam[b], runs.lam_tight[b])
        scene.log.length[0] = 0
        log_arrivals(site, rules.links, scene, T0)
        write_difference_rewards(worth, inside, reward, T0 - 1, T0)
        clock[0], clock[1] = b + 1, -1
    return True


def part_of_runs(runs: Runs, first: int, last: int) -> Runs:
    """Views of the runs `first` to `last` - 1."""
    T0 = runs.reward.shape[2]
    return Runs(
        locations=Locations(*(array[first:last] for array in runs.locations)),
        lam=runs.lam[first:last],
        lam_tight=runs.lam_tight[first:last],
        worth=runs.worth[first:last],
        steps=Steps(
            position=runs.steps.position[first * T0 : last * T0],
            tile=runs.steps.tile[first * T0 : last * T0],
            action=runs.steps.action[first * T0 : last * T0],
        ),
        reward=runs.reward[first:last],
    )
