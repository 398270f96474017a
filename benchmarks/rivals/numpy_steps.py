"""Algorithm 2 in NumPy, vectorised over the agents of a step: as one would write it without a compiler.

The loop over steps stays in Python. What does not change is tabulated beforehand, and while nobody moves
tiles, zones and links are those of the step before.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmarlsim import Policy, Scenario
from cmarlsim.kernels.world import TOLERANCE, Bools, Floats, Ints
from rivals.numpy_geometry import Motion, Sight


class NumpyRun(NamedTuple):
    """What happened, by the names of a recording."""

    reward: Bools  # (T, M)
    lam: Floats  # (K, N, M) after each rollout
    lam_ideal: Floats  # (K, M)


class NumpySteps:
    """A team that patrols, with links of the model ``sight-or-disc``.

    Parameters
    ----------
    scenario, policy
        As for `cmarlsim.simulation.execution.Run`.
    """

    def __init__(self, scenario: Scenario, policy: Policy) -> None:
        if scenario.links.model != "sight-or-disc":
            raise ValueError(f"links.model = {scenario.links.model}: this rival knows 'sight-or-disc' only")
        if any(zone.radius is None for zone in scenario.zones) or scenario.floorplan.levels:
            raise ValueError("this rival knows one level and zones that are discs")
        world, self._agents = scenario.world, scenario.agents.N
        self._c, self._alpha, self._eta = scenario.c, scenario.dual.alpha, scenario.dual.eta
        self._motion = Motion(world, scenario.speed_ticks, self._agents)
        self._sight = Sight(world, scenario.links.d or 0.0, self._agents)
        boxes, radius = scenario.floorplan.tile_boxes(), np.array([zone.radius for zone in scenario.zones])
        self._tile_low, self._tile_high = (boxes[:, :2] - TOLERANCE).T, (boxes[:, 2:] + TOLERANCE).T
        self._centre, self._reach = scenario.zone_centers.T, (radius + TOLERANCE) ** 2
        self._encoding = policy.encoding
        if policy.networks and policy.encoding:
            self._tile_input = policy.encoding.tile_input()
            self._W1, self._b1, W2, self._b2 = policy.networks
            self._W2 = np.ascontiguousarray(W2.swapaxes(1, 2))

    def run(self, start: Ints, u_action: Floats) -> NumpyRun:
        """Run K rollouts from the waypoints `start` (N,), with the uniforms `u_action` (K, T0, N)."""
        zones = len(self._c)
        lam, lam_ideal = np.zeros((self._agents, zones)), np.zeros(zones)
        edge, offset = self._motion.at(start)
        rewards, lams, ideals = [], [], []
        for uniform in u_action:
            own, latest, edge, offset = self._rollout(edge, offset, lam, uniform)
            reward = own.any(axis=1)
            lam = self._updated(lam, _known(own, latest), len(own))
            lam_ideal = self._updated(lam_ideal, reward.sum(axis=0), len(own))
            rewards.append(reward)
            lams.append(lam)
            ideals.append(lam_ideal)
        return NumpyRun(np.concatenate(rewards), np.array(lams), np.array(ideals))

    def _rollout(
        self, edge: Ints, offset: Ints, lam: Floats, uniform: Floats
    ) -> tuple[Bools, Ints, Ints, Ints]:
        """One rollout: own observations (T0, N, M), freshness (N, N) at its end, and where the agents are."""
        latest = np.full((self._agents, self._agents), -1)
        own = np.empty((len(uniform), *lam.shape), dtype=bool)
        scaled = self._scaled(lam)
        position = None
        for t, u in enumerate(uniform):
            before, position = position, self._motion.position(edge, offset)
            if before is None or (position != before).any():
                tile, zones = self._tile(position), self._zones(position)
                link = self._sight.links(position)
                talking = link.any()
            own[t] = zones
            if talking:
                heard = np.where(link[:, :, None], latest, -1).max(axis=1)
                latest = np.maximum(latest, heard)
            np.fill_diagonal(latest, t)
            edge, offset = self._motion.step(edge, offset, self._actions(tile, scaled, u))
        return own, latest, edge, offset

    def _tile(self, position: Floats) -> Ints:
        x, y = position[:, :1], position[:, 1:]
        (left, low), (right, high) = self._tile_low, self._tile_high
        return ((x >= left) & (x <= right) & (y >= low) & (y <= high)).argmax(axis=1)

    def _zones(self, position: Floats) -> Bools:
        x, y = self._centre
        return (position[:, :1] - x) ** 2 + (position[:, 1:] - y) ** 2 <= self._reach

    def _scaled(self, lam: Floats) -> np.ndarray:
        """The multipliers as the networks read them; for the policy ``rank``, each agent's order of zones."""
        if self._encoding is None:
            return np.argsort(-lam, axis=1, kind="stable")
        return self._encoding.lam_input(lam)

    def _actions(self, tile: Ints, scaled: np.ndarray, u: Floats) -> Ints:
        """The zones (N,) that the uniforms `u` (N,) select."""
        if self._encoding is None:
            agents = np.arange(self._agents)
            return scaled[agents, agents % scaled.shape[1]]
        x = np.concatenate([scaled, self._tile_input[tile]], axis=1)
        hidden = np.maximum((x[:, None] @ self._W1)[:, 0] + self._b1, 0.0)
        logit = (self._W2 @ hidden[:, :, None])[:, :, 0] + self._b2
        weight = np.exp(logit - logit.max(axis=1, keepdims=True))
        cdf = weight.cumsum(axis=1)
        return (cdf[:, :-1] <= (u * cdf[:, -1])[:, None]).sum(axis=1)

    def _updated(self, lam: Floats, attended: Ints, T0: int) -> Floats:
        """Eq. (16) and (18); `attended` counts steps, and has the shape of `lam`."""
        return np.maximum(0.0, (1 - self._alpha) * lam + self._eta / T0 * (T0 * self._c - attended))


def _known(own: Bools, latest: Ints) -> Ints:
    """(N, M) steps of a rollout in which each agent knows each zone to have been attended, eq. (17)."""
    reached = latest >= np.arange(len(own))[:, None, None]
    return (reached.astype(np.float32) @ own.astype(np.float32) > 0).sum(axis=0)
