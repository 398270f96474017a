"""Lemma 1: how far the ideal policy is from not satisfying (26), exactly."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pandas as pd

from cmarlsim.bounds.theory import ROUNDING, least_slack
from cmarlsim.bounds.verdicts import CORRECTED, OURS, PRINTED, PROVEN, SHARPER, Statement
from cmarlsim.building.worlds import goals_of
from cmarlsim.kernels.world import TOLERANCE, Bools, Floats
from cmarlsim.randomness import stream
from cmarlsim.scenario import Scenario

DRAWN = 2000
"""Random multipliers, and random thresholds of each kind."""

MOST_ASSIGNMENTS = 2**12
"""With more, the largest multipliers are taken instead of trying all."""

LEMMA = "Lemma 1"


def assignments(M: int, N: int) -> Bools:
    """Which zones are attended, for every way to put N agents into M disjoint zones, (ways, M).

    Ways that leave an agent without a zone of its own attend less, and are left out.
    """
    held = list(combinations(range(M), min(M, N)))
    attended = np.zeros((len(held), M), dtype=np.bool_)
    attended[np.arange(len(held))[:, None], held] = True
    return attended


def ideal_gain(lam: Floats, N: int) -> Floats:
    """lambda^T V of the ideal policy, largest over all assignments, for multipliers (.., M)."""
    M = lam.shape[-1]
    if math.comb(M, min(M, N)) > MOST_ASSIGNMENTS:
        return np.sort(lam, axis=-1)[..., -N:].sum(axis=-1)
    best = np.full(lam.shape[:-1], -np.inf)
    for attended in assignments(M, N):
        best = np.maximum(best, lam[..., attended].sum(axis=-1))
    return best


def slacks(lam: Floats, c: Floats, N: int) -> Floats:
    """lambda^T (V - c) / ||lambda|| of the ideal policy, for multipliers (R, M) of which none is 0."""
    return (ideal_gain(lam, N) - lam @ c) / np.linalg.norm(lam, axis=-1)


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
    """What Lemma 1 takes for granted, of a scenario."""
    c, N = scenario.c, scenario.agents.N
    most = float(np.nextafter(1, 0))
    return [
        Statement(LEMMA, "condition", "||c||_inf, below 1", most, PROVEN).row(c.max()),
        Statement(LEMMA, "condition", "||c||_1, at most N - 1", N - 1, PROVEN).row(c.sum()),
        Statement(LEMMA, "condition", "pairs of zones that overlap", 0, PROVEN).row(overlaps(scenario)),
        Statement("Assumption 3", "condition", "zones that cannot be held", 0, PROVEN).row(
            not_held(scenario)
        ),
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
    room = 1 - float(c.max())
    everywhere = "least lambda^T (V - c) / ||lambda||"
    found = [
        *conditions(scenario),
        Statement(
            LEMMA, PRINTED, "(30): least lambda^T (V - c) / ||lambda||_inf, all lambda", room, PROVEN, True
        ).row(largest),
        Statement(LEMMA, PRINTED, f"(27): {everywhere}, all lambda", room / math.sqrt(M), PROVEN, True).row(
            norm
        ),
    ]
    if norm >= 0:
        closed = Statement(LEMMA, SHARPER, f"{everywhere}, all lambda", closed_slack(c, N), OURS, True)
        found.append(closed.row(norm))
        tried = {f"{DRAWN:,} random lambda": random_multipliers(M, seed), "lambda of the runs": lam}
        for words, some in tried.items():
            exact = Statement(LEMMA, SHARPER, f"{everywhere}, {words}", norm, OURS, True)
            found.append(exact.row(slacks(some, c, N).min()))
    return pd.DataFrame(found + random_thresholds(M, N, seed))


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
    kinds = (
        (PRINTED, "||c||_1 <= N - 1", c[total <= N - 1], np.min),
        (
            CORRECTED,
            "N - 1 < ||c||_1 <= N - 1 + ||c||_inf",
            c[(total > N - 1) & (total <= N - 1 + most)],
            np.min,
        ),
        ("without", "||c||_1 > N - 1 + ||c||_inf", c[total > N - 1 + most + ROUNDING], np.max),
        ("without", "||c||_inf = 1", one, np.min),
    )
    found = []
    for form, words, some, extreme in kinds:
        if len(some):
            trivial = 0.0 if some is one else math.nan  # a slack of 0 is none
            some = some[:DRAWN]
            left = np.array([least_slack(each, N)[0] for each in some])
            which = "least" if extreme is np.min else "largest"
            quantity = f"(30): {which} of left - right, {len(some):,} random c with {words}"
            statement = Statement(LEMMA, form, quantity, 0.0, PROVEN, True, trivial)
            found.append(statement.row(extreme(left - (1 - some.max(axis=1)))))
    return found
