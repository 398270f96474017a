"""What advice consists of: statements, each with a verdict and what it rests on."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["holds", "fails", "vacuous", "undecided"]
Outcome = Literal["met", "change", "formal", "impossible", "undecided"]

PROVEN = "proven"
"""A theorem, or plain arithmetic, about this very scenario."""
CORRECTED = "corrected"
"""A theorem too, but ours where the paper's does not hold or gives away too much: docs/footprints.md."""
ASSUMED = "assumed"
"""As the paper has it, where all that it assumes is granted."""
ESTIMATED = "estimated"
"""Rests on numbers that were measured in a short run."""
MEASURED = "measured"
"""What happened in a short run; no promise."""


@dataclass(frozen=True)
class Statement:
    """One line of advice.

    Attributes
    ----------
    key
        Name for programs: docs/advise.md lists them.
    quantity
        What `value` is, in words.
    value
        None where it does not exist.
    unit
        ``""`` for plain numbers and shares of time; ``lambda`` for what multipliers are counted in.
    limit
        What `value` is compared with, None if with nothing.
    verdict
        ``vacuous``: true, but promises nothing. None where there is nothing to decide.
    zone
        Which zone it is about, None if all.
    """

    key: str
    quantity: str
    value: float | None
    unit: str
    basis: str
    words: str
    limit: float | None = None
    verdict: Verdict | None = None
    zone: str | None = None


@dataclass(frozen=True)
class Change:
    """Smallest change of one setting, all others left alone, that meets one requirement.

    Attributes
    ----------
    requirement
        ``key`` of the `Requirement`.
    setting
        ``alpha``, ``eta``, ``T0``, ``p`` or ``d``.
    now, needed
        Its value, and the nearest one that meets the requirement: the same if it is met; None if there is
        none, or no such setting.
    verdict
        ``met``, ``change``, ``impossible``, or ``undecided`` where the requirement is unknown. ``formal``:
        the formula asks for this value, but it is no setting here, or of no use; `words` say why.
    """

    requirement: str
    setting: str
    now: float | None
    needed: float | None
    verdict: Outcome
    basis: str
    words: str


def plain(line: Statement | Change) -> dict[str, Any]:
    """Fields of a line for JSON, which knows no infinity: None stands for it, as for what is not a number."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in asdict(line).items()
    }


def finite(value: float) -> float | None:
    """The number, or None if it is infinite or none at all."""
    return float(value) if math.isfinite(value) else None


def number(value: float | None) -> str:
    """Three digits, or all of a whole number below a billion; a dash for what does not exist."""
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 and value == int(value) else f"{value:.3g}"
