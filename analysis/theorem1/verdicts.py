"""Rows of verdicts: what a statement promises, what was measured, and how the two go together."""

from __future__ import annotations

import math
from dataclasses import dataclass

from analysis.multipliers import ratio, verdict

COLUMNS = (
    "claim",
    "form",
    "quantity",
    "bound",
    "measured",
    "low",
    "high",
    "ratio",
    "verdict",
    "basis",
)

PRINTED, CORRECTED, SHARPER = "printed", "corrected", "sharper"

PROVEN, OURS, ESTIMATED, ASSUMED = "proven", "corrected", "estimated", "assumed"
"""Bases: a theorem for this model; one of ours, proof in the docs; rests on estimates; supposes (26)."""

UNDECIDED = "undecided"


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
        word = verdict(ends[0], ends[1], sign * float(self.bound), most)
        return {
            "claim": self.claim,
            "form": self.form,
            "quantity": self.quantity,
            "bound": float(self.bound),
            "measured": float(measured),
            "low": low,
            "high": high,
            "ratio": ratio(float(measured), float(self.bound)),
            "verdict": UNDECIDED if word == "within error" else word,
            "basis": self.basis,
        }
