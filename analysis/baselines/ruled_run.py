"""A run under a rule: the engine's rollouts, and between them the rule's multipliers."""

from __future__ import annotations

import numpy as np

from analysis.baselines.rules import GossipRule, RolloutEnd
from cmarlsim.kernels.scene import Chunk, new_chunk, part_of
from cmarlsim.kernels.world import Floats
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import Run


def without_links(scenario: Scenario) -> Scenario:
    """The scenario in which nobody can talk to anybody."""
    return scenario.model_copy(update={"links": scenario.links.model_copy(update={"model": "never"})})


class RuledRun:
    """A run whose multipliers follow a rule.

    Parameters
    ----------
    run
        A fresh run.
    rule
        None where multipliers do not matter, as in a patrol.
    tightening
        By how much thresholds in the rule's update are above the scenario's: the paper's surrogate problem.

    Attributes
    ----------
    c : (N, M) array
        The thresholds in each agent's update.
    """

    def __init__(self, run: Run, rule: GossipRule | None, tightening: float = 0.0) -> None:
        self.run, self._rule, self._tightening = run, rule, tightening
        N, M = run.scenario.agents.N, run.scenario.M
        self.c = np.tile(run.scenario.c + tightening, (N, 1))
        self._posted: Floats | None = None
        if rule is not None:
            run.lam = rule.first(N, M)

    def post(self, c: Floats) -> None:
        """Change the thresholds to `c` (M,), from the next rollout on, and tell nobody.

        The threshold is posted in its zone, and an agent's report of a visit carries it. So an agent learns
        it in the first rollout at whose end it knows of a visit, its own or one that it heard of by the
        rule's means of communication. Until then it keeps the old one.
        """
        self._posted = np.asarray(c) + self._tightening

    @property
    def informed(self) -> bool:
        """Whether every agent has learned all that was posted; False if nothing was."""
        return self._posted is not None and bool((self.c == self._posted).all())

    def play(self, rollouts: int, keep_steps: bool = False) -> Chunk:
        """Run the next rollouts.

        Returns
        -------
        Chunk
            With the rule's multipliers; with rows for steps if they are kept.
        """
        scenario, rule = self.run.scenario, self._rule
        N, M, T0 = scenario.agents.N, scenario.M, scenario.dual.T0
        chunk = new_chunk(rollouts, rollouts * T0 if keep_steps else 0, N, M)
        if rule is None:
            return self.run.fill(chunk)
        for k in range(rollouts):
            lam, part = self.run.lam, part_of(chunk, k, 1)
            if rule.needs_steps and not keep_steps:
                kept = {name: getattr(part, name) for name in ("lam", "lam_ideal", "reward_mean")}
                part = new_chunk(1, T0, N, M)._replace(**kept)
            self.run.fill(part)
            end = RolloutEnd(scenario, self.run.done - 1, self.c, lam, self.run.known, part)
            if self._posted is not None:
                self.c = np.where(rule.evidence(end) > 0, self._posted, self.c)
                end = end._replace(c=self.c)
            part.lam[0] = self.run.lam = rule(end)
        return chunk
