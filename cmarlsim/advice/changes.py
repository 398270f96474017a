"""The smallest change of one setting that brings an error within a target: by formula, bisection or runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from cmarlsim.advice.connectivity import Connectivity
from cmarlsim.advice.parameters import Parameters
from cmarlsim.kernels.world import Floats
from cmarlsim.scenario import Scenario

LONGEST = 100_000
"""Most steps of a rollout that are tried."""

FINEST = 1e-12
"""Distance at which bisection ends."""

RANGES = 33
"""Ranges d that are tried, from the present one to that at which everybody hears everybody."""

Estimate = Callable[[float], Connectivity]


class Change(NamedTuple):
    """Smallest change of one setting, all others left alone, that serves a purpose.

    Attributes
    ----------
    purpose
        What holds then, in words.
    setting
        Key in a scenario: ``dual.alpha``, ``dual.T0``, ``links.p`` or ``links.d``.
    now, needed
        Its value, and the nearest one that is enough.
    """

    purpose: str
    setting: str
    now: float
    needed: float


def changes(theory: Parameters, target: float, scenario: Scenario, estimate: Estimate | None) -> list[Change]:
    """Smallest changes with which satisfaction is c - `target` by eq. (24), and agents know what happens.

    Eq. (24) depends on alpha alone, how late news is on all but alpha and eta. Where estimates of d_G and p
    are refuted by their run, only other ranges are tried. What is met, or out of reach, needs no change.

    Parameters
    ----------
    target
        E, a share of time.
    estimate
        Connectivity at a range d, for links by sight or disc; None if that takes too long.
    """
    needed: list[tuple[str, float, float | None]] = []
    if not in_time(theory, target):
        if not theory.refuted:
            needed.append(("dual.T0", theory.T0, longer_rollouts(theory, target)))
        if scenario.links.model == "bernoulli":
            needed.append(("links.p", theory.connectivity.p, more_links(theory, target)))
        if scenario.links.model == "sight-or-disc" and estimate:
            d = longer_range(theory, target, ranges(scenario), estimate)
            needed.append(("links.d", float(scenario.links.d or 0), d))
    news = f"at most {target:g} of all observations come too late to count"
    found = [Change(news, setting, now, value) for setting, now, value in needed if value is not None]
    largest = 2 * target**2 / (theory.paths.largest_step + target**2)
    if largest < theory.alpha and not theory.lacks_L:
        smaller = f"eq. (24), corrected, allows an error of {target:g}"
        found.append(Change(smaller, "dual.alpha", theory.alpha, largest))
    return found


def in_time(theory: Parameters, target: float) -> bool:
    """Whether at most a share `target` of observations is late: as computed, and in the run of estimates."""
    return max(theory.lateness, theory.connectivity.missed) <= target


def longer_rollouts(theory: Parameters, target: float) -> int | None:
    """The least T0 of at most `LONGEST` that is long enough for news to be in time, None if none is."""
    return first_whole(lambda T0: replace(theory, T0=T0).lateness <= target, theory.T0, LONGEST)


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


def ranges(scenario: Scenario) -> Floats:
    """Ranges of the radio beyond the present one, up to that within which all waypoints lie of each other."""
    d, extent = float(scenario.links.d or 0), np.ptp(scenario.floorplan.waypoint_positions(), axis=0)
    farthest = float(np.hypot(*extent))
    longer = np.geomspace(max(d, farthest / RANGES), max(d, farthest), RANGES)
    return longer[longer > d]


def longer_range(theory: Parameters, target: float, tried: Floats, estimate: Estimate) -> float | None:
    """The least of some ranges d at which news is in time, None if it is at none.

    At the range tried before it, news is late by the connectivity estimated there, or in its run.
    """

    def enough(i: int) -> bool:
        return in_time(replace(theory, connectivity=estimate(float(tried[i]))), target)

    found = first_whole(enough, -1, len(tried) - 1) if len(tried) else None
    return None if found is None else float(tried[found])


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
