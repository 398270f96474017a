"""The one exception for input that cannot be used."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from numbers import Integral


class InputError(ValueError):
    """Input that cannot be used; the message names the file, the key, the value and what would be right."""


def is_whole(value: object) -> bool:
    """Whether a value is an integer, Python's or NumPy's, and no Boolean."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the known word nearest to `word`, or an empty string."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else ""
