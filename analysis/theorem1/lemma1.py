"""Lemma 1: how far the ideal policy is from not satisfying (26), exactly."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pandas as pd

from cmarlsim.bounds.theorem1 import least_slack
from cmarlsim.bounds.verdicts import OURS, PRINTED, PROVEN, SHARPER, Statement
from cmarlsim.building.areas import Region
from cmarlsim.kernels.world import TOLERANCE, Floats
from cmarlsim.scenario import Scenario

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
    return sum(_meet(one, other) for one, other in combinations(scenario.regions, 2))


def _meet(one: Region, other: Region) -> bool:
    if one.level != other.level:
        return False
    if one.part is other.part is None and one.area.radius and other.area.radius:
        return math.dist(one.center, other.center) <= one.area.radius + other.area.radius + TOLERANCE
    import shapely

    return bool(shapely.dwithin(shapely.Polygon(one.outline()), shapely.Polygon(other.outline()), TOLERANCE))


def not_held(scenario: Scenario) -> int:
    """Number of zones in which an agent that always chooses them would not stay."""
    goals = [region.goal for region in scenario.regions]
    inside = scenario.inside_zones(scenario.floorplan.waypoint_positions()[goals])
    return int((~inside.diagonal()).sum())


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


def rows(scenario: Scenario, lam: Floats) -> pd.DataFrame:
    """Lemma 1 for a scenario, exactly and in the multipliers of runs.

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
        stated += [
            (SHARPER, f"{least}, all lambda", closed_slack(c, N), OURS, norm),
            (SHARPER, f"{least}, lambda of the runs", norm, OURS, slacks(lam, c, N).min()),
        ]
    found = [
        Statement(LEMMA, form, words, bound, basis, at_least=True).row(value)
        for form, words, bound, basis, value in stated
    ]
    return pd.DataFrame(conditions(scenario) + found)
