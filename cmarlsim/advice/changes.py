"""The smallest change of one setting that meets a requirement: the theory's formulas, solved by bisection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cmarlsim.advice.requirements import Requirement
from cmarlsim.advice.situation import Gossip, Situation
from cmarlsim.advice.statements import ESTIMATED, Change, Outcome
from cmarlsim.kernels.world import Floats
from cmarlsim.scenario import Links

LONGEST = 100_000
"""Steps of a rollout that are tried."""

HALVINGS = 60
FINE = 1e-12
"""Relative error of a solution."""

RANGES = 33
"""Ranges d that are tried, from the present one to that at which everybody hears everybody."""

SETTINGS = ("alpha", "eta", "T0", "p", "d")

SCALE = (
    "no: errors and multipliers grow alike with eta / alpha, so the time by which zones are underrated stays"
)
ONLY_ALPHA = "no: eq. (24) depends on alpha, M and c alone"
IN_VAIN = (
    "in vain: for a policy that sees ratios of multipliers alone no L exists, so eq. (25) holds at no "
    "setting; a value in brackets would do if L were as given, or as in the run"
)


def boundary(meets: Callable[[float], bool], fails_at: float, meets_at: float) -> float:
    """The point nearest to `fails_at`, of those found by halving, at which a condition is met."""
    for _ in range(HALVINGS):
        middle = (fails_at + meets_at) / 2
        if abs(meets_at - fails_at) <= FINE * abs(meets_at):
            break
        if meets(middle):
            meets_at = middle
        else:
            fails_at = middle
    return meets_at


def first_whole(meets: Callable[[int], bool], fails_at: int, last: int) -> int | None:
    """The least whole number above `fails_at`, up to `last`, that meets a condition, met beyond it too."""
    step, meets_at = 1, fails_at
    while not meets(meets_at := min(fails_at + step, last)):
        if meets_at >= last:
            return None
        fails_at, step = meets_at, 2 * step
    while meets_at - fails_at > 1:
        middle = (meets_at + fails_at) // 2
        fails_at, meets_at = (fails_at, middle) if meets(middle) else (middle, meets_at)
    return meets_at


class Ranges:
    """Ranges of the radio, longer and longer, with the gossip that is estimated at each; asked for once."""

    def __init__(self, now: float, farthest: float, estimate: Callable[[float], Gossip]) -> None:
        self.d: Floats = np.array([now])
        if farthest > now:
            longer = np.geomspace(max(now, farthest / RANGES), farthest, RANGES)
            self.d = np.append(now, longer[longer > now])
        self._estimate, self._found = estimate, dict[int, Gossip]()

    def gossip(self, i: int) -> Gossip:
        """Gossip at the range number `i`."""
        if i not in self._found:
            self._found[i] = self._estimate(float(self.d[i]))
        return self._found[i]


def solve(requirement: Requirement, situation: Situation, setting: str) -> float | None:
    """Value of alpha, eta, T0 or p nearest to the present one that meets a requirement, None if none does."""

    def meets(value: float) -> bool:
        return requirement.met(situation.with_setting(setting, value))

    now = float(situation.gossip.p if setting == "p" else getattr(situation, setting))
    if meets(now):
        return now
    if setting == "T0":
        found = first_whole(meets, situation.T0, max(LONGEST, situation.T0))
        return None if found is None else float(found)
    ends = {"alpha": (FINE, 1 - FINE), "eta": (FINE * now,), "p": (1.0,)}[setting]
    for end in ends:
        if meets(end):
            return boundary(meets, now, end)
    return None


def solve_range(requirement: Requirement, situation: Situation, ranges: Ranges) -> float | None:
    """The least range tried that meets a requirement, None if none does.

    By the gossip estimated there, and in the run it was estimated from. At the range tried before it, the
    requirement is not met.
    """

    def meets(i: int) -> bool:
        gossip = ranges.gossip(i)
        return requirement.met(replace(situation, gossip=gossip)) and requirement.borne_out(gossip)

    last = len(ranges.d) - 1
    found = first_whole(meets, 0, last) if last > 0 else None
    return None if found is None else float(ranges.d[found])


def changes(
    requirement: Requirement,
    situation: Situation,
    links: Links,
    ranges: Ranges | None,
) -> list[Change]:
    """Smallest change of each of `SETTINGS` that meets a requirement.

    Parameters
    ----------
    links
        Of the scenario.
    ranges
        For links by sight or disc, unless they take too long.
    """
    known: dict[str, float | None] = {
        "alpha": situation.alpha,
        "eta": situation.eta,
        "T0": float(situation.T0),
        "p": situation.gossip.p,
        "d": None if links.d is None or links.model != "sight-or-disc" else float(links.d),
    }
    found = []
    for setting in SETTINGS:
        needed: float | None = None
        why = _no_use(requirement, situation, links.model, setting)
        basis = ESTIMATED if setting == "d" else requirement.basis
        verdict: Outcome = "impossible"
        if requirement.most is None:
            verdict, why = "undecided", requirement.unknown
        elif requirement.met(situation) and requirement.borne_out(situation.gossip):
            verdict, needed, why = "met", known[setting], ""
        elif not why and setting == "d":
            verdict, why = "undecided", "other ranges were not tried, for that takes too long"
            if ranges is not None:
                needed = solve_range(requirement, situation, ranges)
                verdict, why = _found(setting, links.model, needed)
        elif not why and requirement.met(situation):
            shown = requirement.shown(situation.gossip)
            verdict, why = "undecided", f"met by the estimates, but the run showed {shown:.3g}"
        elif not why:
            needed = solve(requirement, situation, setting)
            verdict, why = _found(setting, links.model, needed)
            if verdict == "change" and situation.refuted and not requirement.key.startswith("feasibility"):
                verdict, why = "formal", f"by the estimates, which the run refutes: try dual.{setting}"
        if situation.lacks_L and requirement.of_L and verdict != "impossible":
            verdict, why = "impossible" if needed is None else "formal", IN_VAIN
        found.append(Change(requirement.key, setting, known[setting], needed, verdict, basis, why))
    return found


def _no_use(requirement: Requirement, situation: Situation, model: str, setting: str) -> str:
    """Why a setting cannot help, empty if it may."""
    if requirement.key.startswith("feasibility") and setting != "alpha":
        return ONLY_ALPHA
    if requirement.key == "news" and setting in ("alpha", "eta"):
        return SCALE
    if setting == "d" and model != "sight-or-disc":
        return f"no such setting with links.model = '{model}'"
    if setting == "p" and model in ("always", "never"):
        return f"no such setting with links.model = '{model}'"
    if situation.alpha == 0 and requirement.of_L and setting != "alpha":
        return "no: alpha = 0, and eq. (25) divides by it"
    return ""


def _found(setting: str, model: str, needed: float | None) -> tuple[Outcome, str]:
    """What a solution is worth, and what must be known about it."""
    if needed is None:
        none = {
            "T0": f"no, not up to {LONGEST:,} steps",
            "p": "no, not even 1",
            "d": "no, at no range, by estimates and in a run at each",
        }
        return "impossible", none.get(setting, "no value is enough")
    if setting == "p" and model == "sight-or-disc":
        return "formal", "no setting here: how often links must be up, with d_G as it is; see d"
    if setting == "d":
        return "change", f"the least of {RANGES} ranges tried, by estimates and in a run at each"
    return "change", ""
