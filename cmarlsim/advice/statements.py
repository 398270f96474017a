"""What the theory says of a scenario, beside what a short run shows, in the columns of `bounds.verdicts`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cmarlsim.advice.parameters import Parameters
from cmarlsim.advice.short_run import ShortRun
from cmarlsim.bounds.theorem1 import slack, unmet_conditions
from cmarlsim.bounds.verdicts import (
    ASSUMED,
    CORRECTED,
    ESTIMATED,
    MEASURED,
    OURS,
    PRINTED,
    PROVEN,
    SHARPER,
    Statement,
)
from cmarlsim.scenario import Scenario

Row = dict[str, Any]
"""A row of `bounds.verdicts`, with a ``key`` for programs and the ``zone``, None if it is about all."""

ERROR = "error of a multiplier, on average"


def row(
    key: str, statement: Statement, measured: float, low: float | None = None, zone: str | None = None
) -> Row:
    """A row from what was measured; NaN if nothing was."""
    return {"key": key, "zone": zone, **statement.row(measured, low)}


def conditions(scenario: Scenario) -> list[Row]:
    """What Theorem 1 asks of thresholds and team, and whether a rollout is longer than the longest trip."""
    N, T0 = scenario.agents.N, scenario.dual.T0
    if scenario.M <= N:  # every zone can have an agent of its own, and Lemma 1 holds without the condition
        load = Statement("Theorem 1", CORRECTED, "||c||_1", float(N), OURS)
    else:
        load = Statement("Theorem 1", PRINTED, "||c||_1", float(N - 1), PROVEN)
    trip = Statement("rollouts", PRINTED, "steps of the longest trip to a zone", float(T0 - 1), PROVEN)
    return [
        row("threshold_sum", load, float(scenario.c.sum())),
        row("trip", trip, float(longest_trip(scenario))),
    ]


def longest_trip(scenario: Scenario) -> int:
    """Steps from the farthest start to a zone."""
    return -(-int(scenario.world.to_go.max()) // scenario.speed_ticks)


def theorem1(
    theory: Parameters, zones: list[str], target: float, L: float | None, run: ShortRun
) -> list[Row]:
    """Lemma 1, the error of eq. (24) and what it leaves of each threshold, and eq. (25)."""
    gained = Statement("Lemma 1", SHARPER, "least lambda^T (V - c) / ||lambda||", 0.0, OURS, at_least=True)
    found = [row("slack", gained, theory.slack)]
    overloaded = theory.M > theory.N and bool(unmet_conditions(theory.c, theory.N))
    for form, basis, error, never in (
        (PRINTED, ASSUMED, theory.feasibility, overloaded),
        (CORRECTED, OURS, theory.shortfall, theory.slack <= 0),
    ):
        allowed = Statement("(24)", form, "what satisfaction may lack", target, basis)
        found.append(row("feasibility_error", allowed, error))
        left = np.zeros(theory.M) if never or theory.alpha == 0 else np.maximum(theory.c - error, 0)
        for zone, least, satisfaction in zip(zones, left.tolist(), run.satisfaction.tolist(), strict=True):
            promised = Statement("(24)", form, "satisfaction", least, basis, at_least=True, trivial=0.0)
            found.append(row("promised", promised, satisfaction, zone=zone))
    L = math.inf if theory.lacks_L else math.nan if L is None else L
    for form, basis, words, room, error in (
        (PRINTED, ASSUMED, "M L times (22)", slack(theory.c)[0], theory.M * theory.printed),
        (CORRECTED, OURS, "L times the error over agents and zones", theory.slack, theory.all_agents),
    ):
        basis = ESTIMATED if theory.basis == ESTIMATED else basis
        product = L * error if error > 0 else 0.0
        found.append(row("equation_25", Statement("(25)", form, words, room, basis), product))
    return found


def gossip(theory: Parameters, zones: list[str], run: ShortRun) -> list[Row]:
    """How far multipliers can be off, and were, and how long they remember.

    A measured mean above a bound refutes it where the bound rests on estimates. Else only chance lifts one
    run above it: then what is measured counts as an interval from 0.
    """
    estimated = theory.basis == ESTIMATED
    proven, ours, low = (ESTIMATED, ESTIMATED, None) if estimated else (PROVEN, OURS, 0.0)
    burn_in = Statement(
        "(18)", PRINTED, "rollouts 1 / alpha that are remembered", run.steps / theory.T0, PROVEN
    )
    late = "share of the time that an agent misses in a zone"
    lateness = Statement("Proposition 2", CORRECTED, late, theory.lateness, proven, trivial=1.0)
    found = [
        row("burn_in", burn_in, 1 / theory.alpha if theory.alpha > 0 else math.inf),
        row("lateness", lateness, run.missed, low),
    ]
    ceiling = theory.ceiling.tolist()
    for zone, most, closer, error in zip(
        zones, ceiling, theory.one_zone.tolist(), run.one_zone.tolist(), strict=True
    ):
        for form, bound, basis in ((PRINTED, theory.printed, proven), (CORRECTED, closer, ours)):
            statement = Statement("(22)", form, ERROR, bound, basis, trivial=most)
            found.append(row("error_zone", statement, error, low, zone))
    words = "largest error over agents and zones, on average"
    worst = Statement("(22)", CORRECTED, words, theory.all_agents, ours, trivial=max(ceiling))
    return [*found, row("error_all", worst, run.all_agents, low)]


def shown(theory: Parameters, zones: list[str], run: ShortRun) -> list[Row]:
    """What a run shows of the thresholds, and what path certificates prove of it."""
    found = []
    for zone, c, certified, kept in zip(
        zones, theory.c.tolist(), run.certified.tolist(), run.satisfaction.tolist(), strict=True
    ):
        wanted = Statement("thresholds", PRINTED, "satisfaction", c, MEASURED, at_least=True)
        proof = Statement(
            "path certificate", SHARPER, "satisfaction", certified, PROVEN, at_least=True, trivial=0.0
        )
        found += [row("satisfaction", wanted, kept, zone=zone), row("certified", proof, kept, zone=zone)]
    return found
