"""What the theory promises in a situation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cmarlsim.advice.situation import Situation
from cmarlsim.advice.statements import (
    ASSUMED,
    CORRECTED,
    ESTIMATED,
    PROVEN,
    Statement,
    Verdict,
    finite,
    number,
)
from cmarlsim.bounds.theorem1 import largest_L, slack
from cmarlsim.bounds.verdicts import ROUNDING
from cmarlsim.scenario import Scenario

REWARD = "share of time"

DIVIDES = "eq. (22) divides by alpha = 0"
NO_L = "it would need an L, and none exists: the policy sees multipliers by their ratios alone"


def conditions(scenario: Scenario) -> list[Statement]:
    """What Theorem 1 asks of thresholds, team and building."""
    c, N, M = scenario.c, scenario.agents.N, scenario.M
    most, total = float(c.max()), float(c.sum())
    enough = total <= N - 1 + ROUNDING
    if M <= N:
        words = "not needed: every zone can have an agent of its own, and Lemma 1 holds without it"
    elif enough:
        words = "N - 1 agents suffice for all thresholds together"
    else:
        words = (
            "the thresholds ask for more than N - 1 agents: as printed Theorem 1 does not apply; see slack"
        )
    return [
        Statement(
            "threshold_max",
            "||c||_inf, must be below 1",
            most,
            REWARD,
            PROVEN,
            "every zone may be left alone for a while",
            1.0,
            "holds",
        ),
        Statement(
            "threshold_sum",
            "||c||_1, must be at most N - 1",
            total,
            "agents",
            CORRECTED if M <= N else PROVEN,
            words,
            float(N - 1),
            "holds" if enough or M <= N else "fails",
        ),
        *_trips(scenario),
    ]


def _trips(scenario: Scenario) -> list[Statement]:
    """Whether a rollout is longer than the longest trips."""
    world, T0 = scenario.world, scenario.dual.T0
    goals = np.argmin(world.to_go, axis=0)  # each zone's waypoint
    found = []
    for key, between, ticks in (
        ("trip_zones", "between zones", world.to_go[goals].max()),
        ("trip_start", "from any start to a zone", world.to_go.max()),
    ):
        trip = -(-int(ticks) // scenario.speed_ticks)
        fits = trip < T0
        words = (
            f"a rollout of T0 = {T0} steps leaves {T0 - trip} steps or more to be there"
            if fits
            else f"a rollout of T0 = {T0} steps is over before: what an agent goes for can change on its way"
        )
        found.append(
            Statement(
                key,
                f"longest trip {between}, must be below T0",
                float(trip),
                "steps",
                PROVEN,
                words,
                float(T0),
                "holds" if fits else "fails",
            )
        )
    return found


def theorem1(situation: Situation, zones: Sequence[str], target: float, L: float | None) -> list[Statement]:
    """The feasibility error of eq. (24), what it leaves of each threshold, and eq. (25)."""
    overloaded = situation.M > situation.N and float(situation.c.sum()) > situation.N - 1 + ROUNDING
    found = []
    for suffix, error, basis, never, formula in (
        ("", situation.feasibility, ASSUMED, overloaded, "sqrt(alpha M)"),
        (
            "_corrected",
            situation.shortfall,
            CORRECTED,
            situation.slack <= 0,
            "sqrt(alpha S / (2 - alpha)), S the sum of max(c, 1 - c)^2",
        ),
    ):
        granted = "if eq. (26) holds in every rollout, as (25) is to ensure, satisfaction is c - this or more"
        if never:
            granted = "nothing: the thresholds ask for too much"
        elif situation.alpha == 0:
            granted = "nothing: alpha = 0, and eq. (25) asks for more"
        quantity = f"error of eq. (24), {formula}"
        verdict: Verdict = "holds" if error <= target else "fails"
        found.append(
            Statement(f"feasibility_error{suffix}", quantity, error, REWARD, basis, granted, target, verdict)
        )
        for zone, c in zip(zones, situation.c.tolist(), strict=True):
            left = 0.0 if never or situation.alpha == 0 else max(c - error, 0.0)
            kept = left > 0 or c == 0
            found.append(
                Statement(
                    f"promised{suffix}",
                    "satisfaction that eq. (24) leaves",
                    left,
                    REWARD,
                    basis,
                    "in the long run, if eq. (26) holds in every rollout" if kept else "nothing is promised",
                    c,
                    "holds" if kept else "vacuous",
                    zone,
                )
            )
    return found + _equation_25(situation, L)


def _equation_25(situation: Situation, L: float | None) -> list[Statement]:
    """Largest L for which eq. (25) holds, as printed and corrected, beside the measured one."""
    delta = slack(situation.c)
    M, printed = situation.M, situation.printed
    forms = (
        ("L_printed", "as printed, with (22) and M L", ASSUMED, largest_L(printed, M, delta[0])[0]),
        ("L_proposition4", "with (22) and sqrt(M) L, Prop. 4", ASSUMED, largest_L(printed, M, delta[1])[1]),
        (
            "L_corrected",
            "corrected: the slack by the error that Lemma 2 needs",
            CORRECTED,
            situation.largest_L(situation.all_agents),
        ),
    )
    found = [
        Statement(
            "delta",
            "delta of eq. (23)",
            delta[0],
            REWARD,
            ASSUMED,
            "at best: training is taken to be perfect, epsilon = beta = 0 in Assumption 1",
            0.0,
            "holds",
        ),
        Statement(
            "slack",
            "least slack of Lemma 1, in delta's place",
            situation.slack,
            REWARD,
            CORRECTED,
            "least lambda^T (V - c) by ||lambda|| for these thresholds and this team; at best, as delta",
            0.0,
            "holds" if situation.slack > 0 else "fails",
        ),
    ]
    for key, form, basis, largest in forms:
        basis = ESTIMATED if situation.gossip.basis == ESTIMATED else basis
        words, verdict = _about_L(situation, largest, L)
        found.append(
            Statement(
                key,
                f"largest L that eq. (25) bears, {form}",
                finite(largest),
                "1/lambda",
                basis,
                words,
                L,
                verdict,
            )
        )
    return found


def _about_L(situation: Situation, largest: float, L: float | None) -> tuple[str, Verdict]:
    """Whether eq. (25) holds for L, if it bears the `largest`."""
    if situation.unbounded:
        return f"{DIVIDES}: no L is small enough", "vacuous"
    if situation.lacks_L:
        return NO_L, "vacuous"
    if math.isinf(largest):
        return "multipliers are never off, so eq. (25) holds for every L", "holds"
    if not situation.gossip.known:
        return "d_G and p are not known", "undecided"
    if largest == 0:
        return "no bound on errors, or no slack: Theorem 1 promises nothing", "vacuous"
    if L is None:
        return "L is not known: give --L", "undecided"
    if largest < L:
        return f"L = {L:.3g} is beyond it: Theorem 1 promises nothing", "vacuous"
    return f"L = {L:.3g} is within it", "holds"


def gossip(situation: Situation, zones: Sequence[str], steps: int, target: float) -> list[Statement]:
    """Where d_G and p come from, and how far multipliers can be off."""
    known, alpha, T0 = situation.gossip, situation.alpha, situation.T0
    proven, corrected = (ESTIMATED if known.basis == ESTIMATED else basis for basis in (PROVEN, CORRECTED))
    burn_in = 1 / alpha if alpha > 0 else math.inf
    memory = float(np.rint(burn_in * T0))
    enough = burn_in * T0 <= steps
    remembered = (
        f"{number(memory)} steps" if math.isfinite(memory) else f"alpha = {alpha:g}: multipliers never forget"
    )
    late, d_G = situation.lateness, None if known.d_G is None else float(known.d_G)
    said: Verdict | None = None if known.d_G is not None else "vacuous" if known.known else "undecided"
    return [
        Statement("d_G", "diameter d_G of the footprint", d_G, "links", known.basis, known.words, None, said),
        Statement(
            "p", "probability p of a link", known.p, "", known.basis, "of eq. (4), at every step", None, said
        ),
        Statement(
            "burn_in",
            "burn-in 1 / alpha",
            finite(burn_in),
            "rollouts",
            PROVEN,
            f"{remembered}; a run must be much longer",
            steps / T0,
            "holds" if enough else "fails",
        ),
        Statement(
            "lateness",
            "chance that an observation is too late to count",
            late,
            "",
            proven,
            "at most: of a random step, at its rollout's end, for a given agent (negative binomial). By so "
            "much of the time an agent underrates a zone, on average",
            target,
            said or ("vacuous" if late >= 1 else "holds" if late <= target else "fails"),
        ),
        *_errors(situation, zones, proven, corrected),
    ]


def _errors(situation: Situation, zones: Sequence[str], proven: str, corrected: str) -> list[Statement]:
    found = []
    absent = f"{DIVIDES}: no bound exists, errors may grow for ever" if situation.unbounded else None
    for name, ceiling, closer in zip(zones, situation.ceiling, situation.one_zone, strict=True):
        for key, quantity, value, basis in (
            ("error_zone", "error of a multiplier, eq. (22)", situation.printed, proven),
            ("error_zone_closer", "error of a multiplier, closer bound", float(closer), corrected),
        ):
            empty = value >= ceiling > 0 or math.isinf(value)
            words = "on average, of each agent's own" if not empty else "no more than eta c / alpha anyway"
            found.append(
                Statement(
                    key,
                    quantity,
                    finite(value),
                    "lambda",
                    basis,
                    absent or words,
                    finite(float(ceiling)),
                    "vacuous" if empty else "holds",
                    name,
                )
            )
    largest = float(situation.ceiling.max())
    for key, over, value in (
        ("error_max", "over zones", situation.one_agent),
        ("error_all", "over agents and zones", situation.all_agents),
    ):
        empty = value >= largest > 0 or math.isinf(value)
        verdict: Verdict = "vacuous" if empty else "holds"
        found.append(
            Statement(
                key,
                f"largest error {over}, corrected (22)",
                finite(value),
                "lambda",
                corrected,
                absent
                or (
                    "(22) as printed is not true for it" if not empty else "no more than eta c / alpha anyway"
                ),
                finite(largest),
                verdict,
            )
        )
    return found
