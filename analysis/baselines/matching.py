"""Lemma 1's assignment, matched by travel: with the true multipliers, or with imagined ones."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from analysis.baselines.rounds import trips
from analysis.baselines.ruled_run import RuledRun, without_links
from analysis.baselines.rules import SharedRule
from cmarlsim.kernels.scene import Draws
from cmarlsim.kernels.world import Ints
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import Run
from cmarlsim.simulation.prescribed import indifferent

AIM = 0.95
"""Share of the bound by which thresholds are tightened."""

IMAGINED_SEED = 2000
"""Of the run that all agents imagine; no seed of a run that is measured."""


class MatchedRun(Run):
    """A run whose agents hold the zones with the largest multipliers, one each, with the least travel in all.

    Who goes where is decided when a rollout begins, by the first agent's multipliers, so they should be the
    same for all. An agent that is lost is left out from then on.

    Attributes
    ----------
    target : (N,) array of int
        The zones that agents hold in the last rollout; before it, those nearest to where they begin.
    """

    def __init__(self, scenario: Scenario, seed: int) -> None:
        super().__init__(scenario, indifferent(scenario), seed)
        self._away = scenario.world.to_go[self._state.locations.node]  # (N, M); agents begin at waypoints
        self._living = np.ones(scenario.agents.N, dtype=np.bool_)
        self.target = self._away.argmin(axis=1)

    def lose(self, n: int) -> None:
        """As in any run; the others are matched without it."""
        super().lose(n)
        self._living[n] = False

    def _draw(self, rollouts: int) -> Draws:
        if rollouts != 1:
            raise ValueError("agents are matched anew for every rollout: run one at a time")
        draws = super()._draw(rollouts)
        self.target = self._matched()
        self._away = trips(self.scenario).steps[self.target]
        draws.action[...] = (self.target + 0.5) / self.scenario.M
        return draws

    def _matched(self) -> Ints:
        from scipy.optimize import linear_sum_assignment

        living = np.flatnonzero(self._living)
        zones = np.argsort(-self.lam[0], kind="stable")[: len(living)]
        agents, chosen = linear_sum_assignment(self._away[np.ix_(living, zones)])
        target = self.target.copy()
        target[living[agents]] = zones[chosen]
        return target


def oracle(scenario: Scenario, steps: int, seed: int) -> RuledRun:
    """A fresh run of the `MatchedRun` with the one true lambda, eq. (16), and tightened thresholds.

    They are tightened by `AIM` times the least of 1 - max c and (N - sum c) / M: as far as any team can.
    """
    c, N = scenario.c, scenario.agents.N
    tightening = AIM * max(0.0, float(min(1 - c.max(), (N - c.sum()) / len(c))))
    return RuledRun(MatchedRun(without_links(scenario), seed), SharedRule(), tightening)


@lru_cache(maxsize=16)
def schedule(scenario: Scenario, steps: int, seed: int = IMAGINED_SEED) -> Ints:
    """Plan of agents that all imagine the same run of the `oracle`, and each plays its part: (steps, N)."""
    imagined, T0 = oracle(scenario, steps, IMAGINED_SEED), scenario.dual.T0
    plan = np.empty((steps // T0, scenario.agents.N), dtype=np.int64)
    for k in range(len(plan)):
        imagined.play(1)
        assert isinstance(imagined.run, MatchedRun)
        plan[k] = imagined.run.target
    return plan.repeat(T0, axis=0)
