"""All that is wrong with a file, told at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cmarlsim.errors import InputError
from cmarlsim.validation import real

MOST_TOLD = 8
"""Problems of a file that a message tells; of more, the number."""


def check_none(source: Path | str, problems: Sequence[str]) -> None:
    """Raise InputError with all problems of a file, or of what else is their source, if there are any."""
    if problems:
        more = [f"and {len(problems) - MOST_TOLD} more"] if len(problems) > MOST_TOLD else []
        raise InputError(f"{source}: " + "; ".join([*problems[:MOST_TOLD], *more]))


def number_in(text: object) -> float | None:
    """The finite number that a text is, None if it is none."""
    try:
        return real(text) if isinstance(text, str) else None
    except ValueError:
        return None
