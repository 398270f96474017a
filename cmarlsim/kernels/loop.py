"""Training in the loop: rollouts of Algorithm 2 itself, in which all agents gossip and learn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmarlsim.kernels.bits import Words, any_in, lowest
from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.dual import updated
from cmarlsim.kernels.engine import gossip_backwards, has_room, log_arrivals, pass_events
from cmarlsim.kernels.scene import Chunk, Draws, Rules, Scene, Steps, new_steps
from cmarlsim.kernels.travel import travel_all
from cmarlsim.kernels.world import Floats, Places, Site, Weights


class Runs(NamedTuple):
    """B runs of Algorithm 2, which go on from rollout to rollout (changed in place)."""

    places: Places  # (B, N)
    lam: Floats  # (B, N, M) eq. (18)
    lam_tight: Floats  # (B, M) eq. (16) for tightened thresholds
    worth: Floats  # (B, M) what it earns to attend a zone during the present rollout
    steps: Steps  # (B T0, N) written: what the agents did in it
    reward: Floats  # (B, N, T0) written: what each earned, of the state that its action led to


def new_runs(places: Places, zones: int, T0: int) -> Runs:
    """Runs that begin at `places` (B, N)."""
    B, agents = places.node.shape
    return Runs(
        places=places,
        lam=np.zeros((B, agents, zones)),
        lam_tight=np.zeros((B, zones)),
        worth=np.zeros((B, zones)),
        steps=new_steps(B * T0, agents),
        reward=np.zeros((B, agents, T0)),
    )


@kernel
def only_one(words: Words) -> int:
    """The element of a set that has only one; -1 of every other set."""
    found = -1
    for w in range(len(words)):
        word = words[w]
        if word != np.uint64(0):
            if found >= 0 or word & (word - np.uint64(1)) != np.uint64(0):
                return -1
            found = 64 * w + lowest(word)
    return found


@kernel
def share_out(worth: Floats, inside: Words, reward: Floats, first: int, last: int) -> None:
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


@inner
def settle_run(rules: Rules, c_tight: Floats, T0: int, scene: Scene, runs: Runs, b: int) -> None:
    """End of a rollout of run b: eq. (18) for every agent, and eq. (16) for the thresholds `c_tight`."""
    alpha, eta, lam = rules.alpha, rules.eta, runs.lam[b]
    for m in range(len(c_tight)):
        attended = scene.attended[m]
        if any_in(scene.contacts.inside[m]):
            attended += T0
        runs.lam_tight[b, m] = updated(runs.lam_tight[b, m], c_tight[m], alpha, eta, attended, T0)
        for n in range(len(lam)):
            lam[n, m] = updated(lam[n, m], rules.c[m], alpha, eta, scene.hindsight.known[m, n], T0)


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
        Of B rollouts.
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
        reward = runs.reward[b]
        if clock[1] < 0:
            places = Places(runs.places.node[b], runs.places.edge[b], runs.places.offset[b])
            lam, route = runs.lam[b], scene.route
            travel_all(
                site,
                weights,
                rules.speed,
                scene.tables,
                lam,
                draws.action[b],
                places,
                route,
                runs.steps,
                b * T0,
            )
            scene.log.happened[0] = 0
            for m in range(len(scene.attended)):
                scene.attended[m] = 0
            clock[1] = 0
        while clock[1] < T0:
            if not has_room(rules, scene):
                return False
            t = clock[1]
            clock[1] = pass_events(site, rules, draws, b, scene, t)
            share_out(runs.worth[b], scene.contacts.inside, reward, max(t - 1, 0), clock[1] - 1)
        gossip_backwards(scene, T0, nothing, 0)
        settle_run(rules, c_tight, T0, scene, runs, b)
        scene.log.happened[0] = 0
        log_arrivals(site, rules.links, scene, T0)
        share_out(runs.worth[b], scene.contacts.inside, reward, T0 - 1, T0)
        clock[0], clock[1] = b + 1, -1
    return True


def part_of_runs(runs: Runs, first: int, last: int) -> Runs:
    """Views of the runs `first` to `last` - 1."""
    T0 = runs.reward.shape[2]
    return Runs(
        places=Places(*(array[first:last] for array in runs.places)),
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
