"""Training episodes of Algorithm 1: all agents share one vector of multipliers, one agent learns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmarlsim.kernels.bits import Words, has
from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.engine import begin_rollout, choose, look, move
from cmarlsim.kernels.scene import Scene
from cmarlsim.kernels.world import Atlas, Floats, Ints, Places, Weights, World


class Episodes(NamedTuple):
    """A batch of B episodes of T0 steps: what it is run with, and what the learning agent experiences."""

    lam: Floats  # (B, N, M) every agent's multipliers; in Algorithm 1 all agents have the same
    places: Places  # (B, N), changed in place: where each episode begins, then where it ended
    uniform: Floats  # (B, T0, N) draws from [0, 1) for the actions
    tile: Ints  # (B, T0) written: where the agent was
    action: Ints  # (B, T0) written
    reward: Floats  # (B, T0) written: of the state that the action led to


def new_episodes(lam: Floats, places: Places, uniform: Floats) -> Episodes:
    """Batch with the common multipliers `lam` (B, M), yet to be run."""
    shape = uniform.shape[:2]
    return Episodes(
        lam=np.repeat(lam[:, None], uniform.shape[2], axis=1),
        places=places,
        uniform=uniform,
        tile=np.empty(shape, dtype=np.int64),
        action=np.empty(shape, dtype=np.int64),
        reward=np.empty(shape),
    )


@kernel
def difference_reward(lam: Floats, zones: Words, active: int) -> float:
    """Weighted reward, eq. (9), that the team owes to one agent.

    The sum of `lam` (M,) over the zones in which `active` is the only agent; `zones` (N, words of M) are
    those each agent is in. What the others earn without it does not depend on its actions, so leaving it
    out (with the constant lam^T c) changes the variance of its policy gradient and not the gradient.
    """
    total = 0.0
    for m in range(len(lam)):
        if has(zones[active], m):
            alone = True
            for n in range(len(zones)):
                alone = alone and (n == active or not has(zones[n], m))
            if alone:
                total += lam[m]
    return total


@kernel
def run_episodes(
    world: World, atlas: Atlas, speed: int, weights: Weights, active: int, scene: Scene, episodes: Episodes
) -> None:
    """Run a batch of episodes in which the agent `active` learns; `speed` is in ticks a step."""
    places, now = episodes.places, scene.now
    for b in range(len(episodes.lam)):
        here = Places(places.node[b], places.edge[b], places.offset[b])
        lam = episodes.lam[b]
        for n in range(len(now.moved)):
            now.moved[n] = True
        begin_rollout(weights, lam, scene)
        look(world, atlas, here, now)
        for t in range(episodes.uniform.shape[1]):
            choose(weights, lam, episodes.uniform[b, t], scene)
            episodes.tile[b, t] = now.tile[active]
            episodes.action[b, t] = scene.action[active]
            move(world, atlas, here, speed, scene)
            look(world, atlas, here, now)
            episodes.reward[b, t] = difference_reward(lam[active], now.zones, active)
