"""What is searched for before the baselines run, on seeds that they do not use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.baselines.ruled_run import RuledRun
from analysis.baselines.rules import FrozenRule, GossipRule
from cmarlsim.kernels.world import Floats
from cmarlsim.policies.policy import Policy
from cmarlsim.randomness import stream
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import Run

TUNING_SEEDS = range(1000, 1005)
FROZEN_SEEDS = range(1000, 1020)
"""More seeds, for short runs: with constant multipliers a run soon stays as it began, and starts differ."""


def smallest_margins(
    scenario: Scenario,
    policy: Policy,
    rule: GossipRule,
    rollouts: int,
    seeds: Sequence[int],
    tightening: float = 0.0,
) -> Floats:
    """Smallest margin of a run with each seed, (S,)."""
    chunks = (RuledRun(Run(scenario, policy, seed), rule, tightening).play(rollouts) for seed in seeds)
    return np.array([(chunk.reward_mean.mean(axis=0) - scenario.c).min() for chunk in chunks])


def best_tightening(
    scenario: Scenario, policy: Policy, rule: GossipRule, rollouts: int, most: float, halvings: int = 5
) -> float:
    """By how much to tighten the thresholds, for the largest smallest margin.

    With the thresholds c + delta of the paper's surrogate problem the margin over c rises with delta for as
    long as the team can keep these, and falls beyond. So [0, `most`] is halved, each time towards
    the side on which the margin, the mean over the tuning seeds, is larger; the best that was tried is kept.
    """

    def margin(delta: float) -> float:
        return float(smallest_margins(scenario, policy, rule, rollouts, TUNING_SEEDS, delta).mean())

    low, high, tried = 0.0, most, {0.0: margin(0.0)}
    for _ in range(halvings):
        middle, aside = (low + high) / 2, (high - low) / 8
        left, right = middle - aside, middle + aside
        tried |= {left: margin(left), right: margin(right)}
        low, high = (middle, high) if tried[right] > tried[left] else (low, middle)
    return max(tried, key=tried.__getitem__)


def best_frozen(scenario: Scenario, policy: Policy, rollouts: int, tries: int = 300) -> tuple[float, ...]:
    """Constant multipliers, the same for all agents, with the largest smallest margin that a search finds.

    Random directions first, for a third of the `tries`; then random steps from the best one, shorter and
    shorter.
    """

    def margin(lam: Floats) -> float:
        rule = FrozenRule(lam=tuple(lam.tolist()))
        return float(smallest_margins(scenario, policy, rule, rollouts, FROZEN_SEEDS).mean())

    generator = stream(FROZEN_SEEDS[0], "frozen multipliers")
    best = scenario.c / scenario.c.sum()
    score = margin(best)
    for i in range(tries):
        if i < tries // 3:
            lam = generator.dirichlet(np.ones(scenario.M))
        else:
            spread = 0.5 * (tries - i) / tries
            lam = best * np.exp(spread * generator.standard_normal(scenario.M))
        reached = margin(lam)
        if reached > score:
            best, score = lam, reached
    return tuple((best / best.max()).tolist())
