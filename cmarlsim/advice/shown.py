"""What a short run showed, in statements beside the bounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cmarlsim.advice.practice import Practice
from cmarlsim.advice.promises import REWARD
from cmarlsim.advice.situation import Situation
from cmarlsim.advice.statements import CORRECTED, ESTIMATED, MEASURED, PROVEN, Statement, Verdict, finite
from cmarlsim.bounds.proposition4 import PathBounds
from cmarlsim.bounds.verdicts import ROUNDING


def shown(run: Practice, situation: Situation, zones: Sequence[str]) -> list[Statement]:
    """Satisfaction, certificates, errors and L of a short run."""
    where, guessed = f"measured in a run of {run.steps:,} steps", situation.gossip.basis == ESTIMATED
    found = []
    for m, zone in enumerate(zones):
        kept, c = float(run.satisfaction[m]), float(situation.c[m])
        verdict: Verdict = "holds" if kept >= c else "fails"
        proof = f"for this run alone, by one agent's own multipliers; {where}"
        certified, error = float(run.certified[m]), float(run.one_zone[m])
        off = Statement(
            "error_measured", "error of a multiplier", error, "lambda", MEASURED, where, zone=zone
        )
        found += [
            Statement("satisfaction", "satisfaction", kept, REWARD, MEASURED, where, c, verdict, zone),
            Statement("margin", "satisfaction - c", kept - c, REWARD, MEASURED, where, 0.0, verdict, zone),
            Statement("certified", "certified satisfaction", certified, REWARD, PROVEN, proof, c, None, zone),
            beside(off, float(situation.one_zone[m]), guessed),
        ]
    for key, quantity, value, bound, unit in (
        ("error_max_measured", "largest error over zones", run.one_agent, situation.one_agent, "lambda"),
        ("error_all_measured", "largest error over all", run.all_agents, situation.all_agents, "lambda"),
        ("lateness_measured", "share of the time missed in a zone", run.lateness, situation.lateness, ""),
    ):
        found.append(beside(Statement(key, quantity, value, unit, MEASURED, where), bound, guessed))
    return [*found, along_path(run, situation), *_smoothness(run, situation, where)]


def along_path(run: Practice, situation: Situation) -> Statement:
    """What cannot be missing on this very path, by the slack along it: docs/theorem1.md, (f) at every K."""
    bounds, K = PathBounds(situation.c, situation.alpha, situation.eta), run.steps // situation.T0
    missing = float(np.linalg.norm(np.maximum(situation.c - run.satisfaction, 0)))
    begun = float(np.linalg.norm(situation.c)) / K / situation.alpha if situation.alpha > 0 else math.inf
    most = begun + bounds.shortfall(bounds.largest_step, run.slack)
    verdict: Verdict = "holds" if missing <= most + ROUNDING else "fails"
    rest = f"{begun:.3g} of the bound is because multipliers begin at 0"
    if math.isinf(begun):
        rest = f"the bound divides by alpha = {situation.alpha:g}"
    words = f"for this run alone: the slack in (26) was {run.slack:.3g} on average along it; "
    return Statement(
        "shortfall_run",
        "most that all zones together can lack, by the slack along the run",
        finite(most),
        REWARD,
        CORRECTED,
        f"{words}{rest}",
        missing,
        "vacuous" if most >= float(situation.c.max()) else verdict,
    )


def _smoothness(run: Practice, situation: Situation, where: str) -> list[Statement]:
    """L as measured, and the largest that eq. (25) bears if errors are as measured."""
    bears = situation.largest_L(run.all_agents)
    return [
        Statement(
            "L_measured",
            "L of Assumption 2, average along the run",
            run.L,
            "1/lambda",
            ESTIMATED,
            f"{where}; "
            + ("no L of eq. (21): none exists" if situation.lacks_L else "eq. (21) asks for the largest"),
        ),
        Statement(
            "L_error_measured",
            "largest L that eq. (25) bears, corrected, with the error as measured",
            finite(bears),
            "1/lambda",
            ESTIMATED,
            f"beside the average L; {where}",
            run.L,
            "holds" if bears >= run.L and not situation.lacks_L else "vacuous",
        ),
    ]


def beside(measured: Statement, bound: float, guessed: bool) -> Statement:
    """A measured mean with its bound as limit.

    Where the bound rests on estimates, a larger mean refutes them. Else only chance lifts one run above it.
    """
    value = measured.value or 0.0
    if value <= bound:
        return replace(measured, limit=bound, verdict="holds")
    if guessed:
        words = f"{measured.words}: more than independent links would give; the estimates promise too much"
        return replace(measured, limit=bound, verdict="fails", words=words)
    return replace(measured, limit=bound, verdict="undecided", words=f"{measured.words}: chance, or an error")
