"""Lemma 1: how far the ideal policy is from not satisfying (26), exactly."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pandas as pd

from cmarlsim.bounds.theorem1 import least_slack
from cmarlsim.bounds.verdicts import CORRECTED, OURS, PRINTED, PROVEN, ROUNDING, SHARPER, Statement
from cmarlsim.building.worlds import goals_of
from cmarlsim.kernels.world import TOLERANCE, Floats
from cmarlsim.randomness import stream
from cmarlsim.scenario import Scenario

DRAWN = 2000
"""Random multipliers, and random thresholds of each kind."""

LEMMA = "Lemma 1"


def slacks(lam: Floats, c: Floats, N: int) -> Floats:
    """lambda^T (V - c) / ||lambda|| of the ideal policy, for multipliers (R, M) of which none is 0.

    It holds the N zones with the largest multipliers.
    """
    gain = np.sort(lam, axis=-1)[..., -N:].sum(axis=-1)
    return (gain - lam @ c) / np.linalg.norm(lam, axis=-1)


def closed_slack(c: Floats, N: int) -> float:
    """A lower bound on ``least_slack(c, N)[1]``: min(1 - ||c||_inf, (N - ||c||_1) / sqrt(M))."""
    return min(1 - float(c.max()), (N - float(c.sum())) / math.sqrt(len(c)))


def overlaps(scenario: Scenario) -> int:
    """Number of pairs of zones that have points in common."""
    return sum(
        math.dist(one.center, other.center) <= one.radius + other.radius + TOLERANCE
        for one, other in combinations(scenario.zones, 2)
    )


def not_held(scenario: Scenario) -> int:
    """Number of zones in which an agent that always chooses them would not stay."""
    plan = scenario.floorplan
    goals = goals_of(plan, [zone.center for zone in scenario.zones])
    return sum(
        math.dist(plan.waypoints[goal].position, zone.center) > zone.radius + TOLERANCE
        for goal, zone in zip(goals, scenario.zones, strict=True)
    )


def conditions(scenario: Scenario) -> list[dict[str, object]]:
    """What Lemma 1 takes for granted of a scenario."""
    c, N = scenario.c, scenario.agents.N
    return [
        Statement(claim, "condition", words, most, PROVEN).row(value)
        for claim, words, most, value in (
            (LEMMA, "||c||_inf, below 1", float(np.nextafter(1, 0)), c.max()),
            (LEMMA, "||c||_1, at most N - 1", N - 1, c.sum()),
            (LEMMA, "pairs of zones that overlap", 0, overlaps(scenario)),
            ("Assumption 3", "zones that cannot be held", 0, not_held(scenario)),
        )
    ]


def rows(scenario: Scenario, lam: Floats, seed: int) -> pd.DataFrame:
    """Lemma 1 for a scenario, in the multipliers of runs, and for random thresholds.

    `lam` (R, M): multipliers that occurred, none of them 0.

    Returns
    -------
    DataFrame
        Columns as `verdicts.COLUMNS`.
    """
    c, N, M = scenario.c, scenario.agents.N, scenario.M
    largest, norm = least_slack(c, N)
    room, least = 1 - float(c.max()), "least lambda^T (V - c) / ||lambda||"
    stated = [
        (PRINTED, f"(30): {least}_inf, all lambda", room, PROVEN, largest),
        (PRINTED, f"(27): {least}, all lambda", room / math.sqrt(M), PROVEN, norm),
    ]
    if norm >= 0:
        drawn = slacks(random_multipliers(M, seed), c, N).min()
        stated += [
            (SHARPER, f"{least}, all lambda", closed_slack(c, N), OURS, norm),
            (SHARPER, f"{least}, {DRAWN:,} random lambda", norm, OURS, drawn),
            (SHARPER, f"{least}, lambda of the runs", norm, OURS, slacks(lam, c, N).min()),
        ]
    found = [
        Statement(LEMMA, form, words, bound, basis, at_least=True).row(value)
        for form, words, bound, basis, value in stated
    ]
    return pd.DataFrame(conditions(scenario) + found + random_thresholds(M, N, seed))


def random_multipliers(M: int, seed: int) -> Floats:
    """Multipliers (`DRAWN`, M), some much larger than others."""
    return stream(seed, "lemma 1").exponential(size=(DRAWN, M)) ** 2


def random_thresholds(M: int, N: int, seed: int) -> list[dict[str, object]]:
    """(30) for random thresholds: left side less right side, at worst where it holds, at best where not."""
    draws = stream(seed, "thresholds")
    c = draws.beta(0.5, 0.5, size=(20 * DRAWN, M)) * draws.random((20 * DRAWN, 1)) ** 0.3
    total, most = c.sum(axis=1), c.max(axis=1)
    one = c[total + 1 - most <= N - 1][:DRAWN]
    one[np.arange(len(one)), one.argmax(axis=1)] = 1
    near = (total > N - 1) & (total <= N - 1 + most)
    kinds = (
        (PRINTED, "least", "||c||_1 <= N - 1", c[total <= N - 1]),
        (CORRECTED, "least", "N - 1 < ||c||_1 <= N - 1 + ||c||_inf", c[near]),
        ("without", "largest", "||c||_1 > N - 1 + ||c||_inf", c[total > N - 1 + most + ROUNDING]),
        ("without", "least", "||c||_inf = 1", one),
    )
    found = []
    for form, which, words, thresholds in kinds:
        some = thresholds[:DRAWN]
        if len(some):
            apart = np.array([least_slack(each, N)[0] for each in some]) - (1 - some.max(axis=1))
            quantity = f"(30): {which} of left - right, {len(some):,} random c with {words}"
            trivial = 0.0 if thresholds is one else math.nan  # a slack of 0 is none
            statement = Statement(LEMMA, form, quantity, 0.0, PROVEN, True, trivial)
            found.append(statement.row(apart.min() if which == "least" else apart.max()))
    return found
