"""Training episodes of Algorithm 1: all agents share one vector of multipliers, one agent learns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmarlsim.kernels.bits import Words, only_one
from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.engine import begin_rollout, log_arrivals
from cmarlsim.kernels.motion import locations_of
from cmarlsim.kernels.scene import Rules, Scene, Steps
from cmarlsim.kernels.world import Floats, Ints, Locations, Site, Weights


class Experience(NamedTuple):
    """What an agent that learns experiences in B episodes of T0 steps."""

    tile: Ints  # (B, T0) where the agent was
    action: Ints  # (B, T0)
    reward: Floats  # (B, T0) of the state that the action led to


class Episodes(NamedTuple):
    """A batch of B episodes of T0 steps: what it is run with, and what the learning agent experiences."""

    lam: Floats  # (B, N, M) every agent's multipliers; in Algorithm 1 all agents have the same
    locations: Locations  # (B, N), changed in place: where each episode begins, then where it ended
    uniform: Floats  # (B, T0, N) draws from [0, 1) for the actions
    tile: Ints  # (B, T0) written, and so are the next two: as in `Experience`
    action: Ints  # (B, T0)
    reward: Floats  # (B, T0)

    @property
    def experience(self) -> Experience:
        """What the learning agent experiences, on the same arrays."""
        return Experience(self.tile, self.action, self.reward)


def new_episodes(lam: Floats, locations: Locations, uniform: Floats) -> Episodes:
    """Batch with the common multipliers `lam` (B, M), yet to be run."""
    shape = uniform.shape[:2]
    return Episodes(
        lam=np.repeat(lam[:, None], uniform.shape[2], axis=1),
        locations=locations,
        uniform=uniform,
        tile=np.empty(shape, dtype=np.int64),
        action=np.empty(shape, dtype=np.int64),
        reward=np.empty(shape),
    )


@kernel
def difference_reward(lam: Floats, inside: Words, active: int) -> float:
    """Weighted reward, eq. (9), that the team owes to one agent.

    With `lam` (M,), and `inside` (M, words of N) the agents in each zone, it is lam^T r_lambda of the team
    less that of the team without the agent::

        sum of lam_m over the zones m in which `active` is the only agent

    What the others earn without it does not depend on its actions, so leaving it out (with the constant
    lam^T c) changes the variance of its policy gradient and not the gradient.
    """
    total = 0.0
    for m in range(len(lam)):
        if only_one(inside[m]) == active:
            total += lam[m]
    return total


@kernel
def run_episodes(
    site: Site, rules: Rules, weights: Weights, active: int, scene: Scene, steps: Steps, episodes: Episodes
) -> None:
    """Run a batch of episodes in which the agent `active` learns.

    The scene is a buffer, and so are `steps`, with T0 rows. Links do not matter: let the `rules` have none.
    """
    T0, inside = episodes.uniform.shape[1], scene.contacts.inside
    for b in range(len(episodes.lam)):
        here, lam, uniform = locations_of(episodes.locations, b), episodes.lam[b], episodes.uniform[b]
        begin_rollout(site, rules, weights, here, lam, uniform, scene, steps, 0)
        for t in range(T0 + 1):
            log_arrivals(site, rules.links, scene, t)
            scene.log.length[0] = 0
            if t > 0:
                episodes.reward[b, t - 1] = difference_reward(lam[active], inside, active)
        for t in range(T0):
            episodes.tile[b, t] = steps.tile[t, active]
            episodes.action[b, t] = steps.action[t, active]
