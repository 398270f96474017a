"""The smallest change of one setting that brings an error within a target, by formula or bisection."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from typing import NamedTuple

from cmarlsim.advice.parameters import Parameters
from cmarlsim.bounds.verdicts import ESTIMATED
from cmarlsim.scenario import Links

LONGEST = 100_000
"""Most steps of a rollout that are tried."""

FINEST = 1e-12
"""Distance at which bisection ends."""


class Change(NamedTuple):
    """Smallest change of one setting, all others left alone, that serves a purpose.

    Attributes
    ----------
    purpose
        What holds then, in words.
    setting
        Key in a scenario: ``dual.alpha``, ``dual.T0`` or ``links.p``.
    now, needed
        Its value, and the nearest one that is enough.
    """

    purpose: str
    setting: str
    now: float
    needed: float


def changes(theory: Parameters, target: float, links: Links, missed: float) -> list[Change]:
    """Smallest changes with which satisfaction is c - `target` by eq. (24), and agents know what happens.

    Eq. (24) depends on alpha alone, how late news is on all but alpha and eta. Where the run refutes
    estimates of d_G and p, nothing follows from them. What is met, or out of reach, needs no change.

    Parameters
    ----------
    target
        E, a share of time.
    missed
        Share of the time that an agent missed in a zone, in the run that estimates come from.
    """
    found, refuted = [], theory.basis == ESTIMATED and missed > theory.lateness
    if theory.lateness > target and not refuted:
        news = f"at most {target:g} of all observations come too late to count"
        T0 = longer_rollouts(theory, target)
        if T0 is not None:
            found.append(Change(news, "dual.T0", theory.T0, T0))
        p = more_links(theory, target) if links.model == "bernoulli" else None
        if p is not None:
            found.append(Change(news, "links.p", theory.connectivity.p, p))
    largest = 2 * target**2 / (theory.paths.largest_step + target**2)
    if largest < theory.alpha and not theory.lacks_L:
        smaller = f"eq. (24), corrected, allows an error of {target:g}"
        found.append(Change(smaller, "dual.alpha", theory.alpha, largest))
    return found


def longer_rollouts(theory: Parameters, target: float) -> int | None:
    """The least T0 of at most `LONGEST` that is long enough for news to be in time, None if none is."""

    def enough(T0: int) -> bool:
        return replace(theory, T0=T0).lateness <= target

    least = bisect_left(range(LONGEST + 1), True, lo=theory.T0, key=enough)
    return least if least <= LONGEST else None


def more_links(theory: Parameters, target: float) -> float | None:
    """The least probability p of a link with which news is in time, None if 1 is too little."""

    def enough(p: float) -> bool:
        return replace(theory, connectivity=replace(theory.connectivity, p=p)).lateness <= target

    low, high = theory.connectivity.p, 1.0
    if not enough(high):
        return None
    while high - low > FINEST:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
