"""Training episodes of Algorithm 1: all agents share one vector of multipliers, one agent learns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmarlsim.kernels.bits import Words, has
from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.engine import Scene, begin_rollout, choose, look, move
from cmarlsim.kernels.world import Atlas, Floats, Places, Weights, World


class Episodes(NamedTuple):
    """What the learning agent saw, did and earned in B episodes of T0 steps; entry [b, t]."""

    tile: np.ndarray  # (B, T0) int64
    action: np.ndarray  # (B, T0) int64
    reward: Floats  # (B, T0) of the state that the action led to


def new_episodes(episodes: int, T0: int) -> Episodes:
    """Uninitialised arrays."""
    shape = (episodes, T0)
    return Episodes(np.empty(shape, dtype=np.int64), np.empty(shape, dtype=np.int64), np.empty(shape))


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
    world: World,
    atlas: Atlas,
    speed: int,
    weights: Weights,
    active: int,
    lam: Floats,
    places: Places,
    uniform: Floats,
    team_lam: Floats,
    scene: Scene,
    episodes: Episodes,
) -> None:
    """Run B episodes, each with its own multipliers, common to all agents.

    Parameters
    ----------
    lam : (B, M)
    places : (B, N), changed in place: where each episode begins, then where it ended
    uniform : (B, T0, N) draws from [0, 1) for the actions
    team_lam : (N, M) buffer
    episodes : written
    """
    agents, zones = team_lam.shape
    now = scene.now
    for b in range(len(lam)):
        here = Places(places.node[b], places.edge[b], places.offset[b])
        for n in range(agents):
            now.moved[n] = True
            for m in range(zones):
                team_lam[n, m] = lam[b, m]
        begin_rollout(weights, team_lam, scene)
        look(world, atlas, here, now)
        for t in range(uniform.shape[1]):
            choose(weights, team_lam, uniform[b, t], scene)
            episodes.tile[b, t] = now.tile[active]
            episodes.action[b, t] = scene.action[active]
            move(world, atlas, here, speed, scene)
            look(world, atlas, here, now)
            episodes.reward[b, t] = difference_reward(lam[b], now.zones, active)
