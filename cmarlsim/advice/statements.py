"""What the theory says of a scenario, beside what a short run shows, in the columns of `bounds.verdicts`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cmarlsim.advice.parameters import Parameters
from cmarlsim.advice.short_run import ShortRun
from cmarlsim.bounds.theorem1 import feasibility_error, slack
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
    printed = feasibility_error(theory.alpha, theory.M)
    for form, basis, error in ((PRINTED, ASSUMED, printed), (CORRECTED, OURS, theory.shortfall)):
        allowed = Statement("(24)", form, "what satisfaction may lack", target, basis)
        found.append(row("feasibility_error", allowed, error))
    never = theory.slack <= 0 or theory.alpha == 0
    left = np.zeros(theory.M) if never else np.maximum(theory.c - theory.shortfall, 0)
    for zone, least, satisfaction in zip(zones, left.tolist(), run.satisfaction.tolist(), strict=True):
        promised = Statement("(24)", CORRECTED, "satisfaction", least, OURS, at_least=True, trivial=0.0)
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


def gossip(theory: Parameters, run: ShortRun) -> list[Row]:
    """How late news is, how far multipliers can be off, and were, and how long they remember.

    A measured mean above a bound refutes it where the bound rests on estimates. Else only chance lifts one
    run above it: then what is measured counts as an interval from 0.
    """
    estimated = theory.basis == ESTIMATED
    proven, ours, low = (ESTIMATED, ESTIMATED, None) if estimated else (PROVEN, OURS, 0.0)
    words = "rollouts 1 / alpha that are remembered"
    burn_in = Statement("(18)", PRINTED, words, run.steps / theory.T0, PROVEN)
    words = "share of the time that an agent misses in a zone"
    lateness = Statement("Proposition 2", CORRECTED, words, theory.lateness, proven, trivial=1.0)
    words, most = "largest error over agents and zones, on average", float(theory.ceiling.max())
    error = Statement("(22)", CORRECTED, words, theory.all_agents, ours, trivial=most)
    return [
        row("burn_in", burn_in, 1 / theory.alpha if theory.alpha > 0 else math.inf),
        row("lateness", lateness, run.missed, low),
        row("error", error, run.error, low),
    ]


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
