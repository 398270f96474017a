"""Tables of verdicts: one row a statement and case, with the same columns in every script."""

from __future__ import annotations

import math
from dataclasses import dataclass

COLUMNS = ("claim", "form", "quantity", "bound", "measured", "low", "high", "ratio", "verdict", "basis")

HOLDS, FAILS, VACUOUS, UNDECIDED = "holds", "fails", "vacuous", "undecided"
"""Verdicts. Vacuous: the bound promises nothing. Undecided: it lies in the interval of what was measured."""

PRINTED, CORRECTED, SHARPER = "printed", "corrected", "sharper"
"""Forms of a statement."""

PROVEN, OURS, ESTIMATED, ASSUMED = "proven", "corrected", "estimated", "assumed"
"""Bases of a bound: a theorem for this model; one of ours, proof in the docs; measured constants; taken for
granted."""

MEASURED = "measured"
"""Basis of what is wanted and not promised: only what happened says whether it holds."""

ROUNDING = 1e-9
"""Numbers that differ by less are equal."""

MISS = 1e-4
"""Probability with which an interval is allowed to miss a mean, of all means it stands for."""


def at_most(low: float, high: float, bound: float, most: float = math.inf) -> str:
    """Whether a number in the interval, and never above `most`, is at most the bound."""
    if bound >= most:
        return VACUOUS
    if low > bound + ROUNDING:
        return FAILS
    return HOLDS if high <= bound + ROUNDING else UNDECIDED


@dataclass(frozen=True)
class Statement:
    """That a quantity is at most `bound`, or at least.

    Where no value beyond `trivial` is possible anyhow, and the bound is not on this side of it, the statement
    is vacuous.
    """

    claim: str
    form: str
    quantity: str
    bound: float
    basis: str
    at_least: bool = False
    trivial: float = math.nan

    def row(self, measured: float, low: float | None = None, high: float | None = None) -> dict[str, object]:
        """A row of the table, by `COLUMNS`; without an interval, what was measured is exact."""
        low, high = (float(measured if end is None else end) for end in (low, high))
        sign = -1.0 if self.at_least else 1.0
        ends = sorted((sign * low, sign * high))
        most = math.inf if math.isnan(self.trivial) else sign * self.trivial
        word = at_most(ends[0], ends[1], sign * self.bound, most)
        ratio = float(measured) / self.bound if self.bound > 0 else math.nan
        numbers = (float(self.bound), float(measured), low, high, ratio)
        head = (self.claim, self.form, self.quantity)
        return dict(zip(COLUMNS, (*head, *numbers, word, self.basis), strict=True))
