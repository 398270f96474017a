"""What it takes that satisfaction is c - E or more by Theorem 1, and that agents know what happens."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from cmarlsim.advice.situation import Gossip, Situation
from cmarlsim.advice.statements import ASSUMED, CORRECTED, ESTIMATED, PROVEN, Statement, Verdict, finite
from cmarlsim.bounds.theorem1 import slack

NONE_DOES = ": none does both, unless eta, T0 or the radio change too"


@dataclass(frozen=True)
class Requirement:
    """That `value` of a situation be at most `most`; None if that cannot be said, as `unknown` tells."""

    key: str
    words: str
    value: Callable[[Situation], float]
    most: float | None
    basis: str
    unknown: str = ""
    shown: Callable[[Gossip], float] = lambda gossip: 0.0

    @property
    def of_L(self) -> bool:
        """Whether it is eq. (25), in which L stands."""
        return self.key.startswith("equation_25")

    def met(self, situation: Situation) -> bool:
        """Whether a situation meets it."""
        return self.most is not None and self.value(situation) <= self.most

    def borne_out(self, gossip: Gossip) -> bool:
        """Whether the run that gossip was estimated from, if it was, meets it as well."""
        return self.most is not None and self.shown(gossip) <= self.most


def requirements(situation: Situation, target: float, L: float | None, measured: bool) -> list[Requirement]:
    """What it takes that satisfaction is at least c - `target`, by Theorem 1, and that agents know.

    Parameters
    ----------
    target
        E, a share of time.
    L
        Of Assumption 2, None if unknown.
    measured
        Whether L is an estimate.
    """
    gossip = situation.gossip
    guessed = gossip.basis == ESTIMATED
    news, printed, corrected = (
        ESTIMATED if doubtful else basis
        for doubtful, basis in (
            (guessed, PROVEN),
            (guessed or measured, ASSUMED),
            (guessed or measured, CORRECTED),
        )
    )
    bears: list[float | None] = [None, None]
    if L is not None and gossip.known:
        rooms = (slack(situation.c)[0] / situation.M, situation.slack)
        bears = [max(room, 0) / L if L else math.inf for room in rooms]
    asked = {
        "feasibility": f"sqrt(alpha M) <= {target:g}, eq. (24)",
        "feasibility_corrected": f"the corrected error of eq. (24) <= {target:g}",
        "news": f"too late to count, at most {target:g} of all observations",
        "equation_25": "eq. (25) as printed: M L (22) <= delta",
        "equation_25_corrected": "eq. (25) corrected: L times the error of all agents <= slack",
    }
    values = (
        (lambda s: s.feasibility, target, ASSUMED, lambda g: 0.0),
        (lambda s: s.shortfall, target, CORRECTED, lambda g: 0.0),
        (lambda s: s.lateness, target if gossip.known else None, news, lambda g: g.missed),
        (lambda s: s.printed, bears[0], printed, lambda g: g.error),
        (lambda s: s.all_agents, bears[1], corrected, lambda g: g.error),
    )
    unknown = "L is not known: give --L" if gossip.known else "d_G and p are not known"
    return [
        Requirement(key, words, value, most, basis, unknown, shown)
        for (key, words), (value, most, basis, shown) in zip(asked.items(), values, strict=True)
    ]


def window(situation: Situation, target: float, equation_25: Requirement) -> Statement | None:
    """Whether some alpha satisfies eq. (24) within the target and eq. (25) at once; None if L is unknown."""
    verdict: Verdict
    if equation_25.most is None:
        return None
    apart = replace(situation, alpha=0.5)  # alpha times (22) does not depend on alpha
    error = apart.printed * apart.alpha
    least = 0.0
    if error > 0:
        least = error / equation_25.most if equation_25.most > 0 else math.inf
    most = target**2 / situation.M
    fits = least <= most
    verdict, end = "holds" if fits else "fails", "" if fits else NONE_DOES
    if situation.lacks_L:
        verdict, end = "vacuous", ", if there were an L"
    asked = f"alpha >= {least:.3g}" if least < 1 else "more than any alpha below 1"
    words = f"eq. (24) within the target asks for alpha <= {most:.3g}, eq. (25) for {asked}"
    return Statement(
        "alpha_window",
        "largest alpha that the target allows",
        most,
        "",
        equation_25.basis,
        f"{words}{end}",
        finite(least),
        verdict,
    )
