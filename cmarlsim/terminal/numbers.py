"""Options that are numbers: their bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import typer

MOST_SEED = 2**63 - 1
"""The largest seed."""

Value = float | Sequence[float] | None


def within(low: float, high: float) -> Callable[[Value], Value]:
    """Callback of an option: its number, or each of several, must be from `low` to `high`, and not NaN."""

    def check(value: Value) -> Value:
        for number in value if isinstance(value, Sequence) else [] if value is None else [value]:
            if not low <= number <= high:
                raise typer.BadParameter(f"{number:g}: must be from {low:g} to {high:g}")
        return value

    return check
