"""Tables of verdicts: one row a statement and case, with the same columns in every script."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

import numpy as np

from cmarlsim.kernels.world import Floats

COLUMNS = ("claim", "form", "quantity", "bound", "measured", "low", "high", "ratio", "verdict", "basis")

HOLDS, FAILS, VACUOUS, UNDECIDED = "holds", "fails", "vacuous", "undecided"
"""Verdicts. Vacuous: the bound promises nothing. Undecided: it lies in the interval of what was measured."""

PRINTED, CORRECTED = "printed", "corrected"
"""Forms of a statement."""

PROVEN, ESTIMATED, ASSUMED = "proven", "estimated", "assumed"
"""What a bound rests on: a theorem for this model; measured constants; what was taken for granted. A
corrected statement with a proof in the docs has `CORRECTED` for its basis."""

ROUNDING = 1e-9
"""Numbers that differ by less are equal."""

MISS = 1e-4
"""Probability with which an interval is allowed to miss a mean, of all means it stands for."""


class Interval(NamedTuple):
    """What was measured, and where it is but for sampling error."""

    measured: float
    low: float
    high: float

    @classmethod
    def exact(cls, value: float) -> Self:
        """Something that is known exactly."""
        return cls(float(value), float(value), float(value))


def at_most(low: float, high: float, bound: float, most: float = math.inf) -> str:
    """Whether a number in the interval, and never above `most`, is at most the bound."""
    if bound >= most:
        return VACUOUS
    if low > bound + ROUNDING:
        return FAILS
    return HOLDS if high <= bound + ROUNDING else UNDECIDED


def at_least(low: float, high: float, bound: float, least: float = -math.inf) -> str:
    """Whether a number in the interval, and never below `least`, is at least the bound."""
    return at_most(-high, -low, -bound, -least)


def ratio(value: float, bound: float) -> float:
    """A value by its bound; NaN where the bound is not above 0."""
    return value / bound if bound > 0 else np.nan


def row(
    statement: tuple[str, str, str], bound: float, found: Interval, verdict: str, basis: str
) -> dict[str, object]:
    """A row of `COLUMNS`; `statement` is its claim, its form, and the quantity in words."""
    quotient = ratio(found.measured, bound)
    return dict(zip(COLUMNS, (*statement, bound, *found, quotient, verdict, basis), strict=True))


def mean_and_error(samples: Floats) -> tuple[Floats, Floats]:
    """Means of the columns of (repetitions, J), and their errors: Student's, at `MISS` for all at once."""
    from scipy.stats import t

    repetitions, several = samples.shape
    error = samples.std(axis=0, ddof=1) / np.sqrt(repetitions)
    return samples.mean(axis=0), t.isf(MISS / 2 / several, repetitions - 1) * error
