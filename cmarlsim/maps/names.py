"""Names for what others left without, or gave the same to."""

from __future__ import annotations

from collections.abc import Iterable

MOST_NAME = 80
"""Characters of a name; what makes names differ may join it."""


def distinct(names: Iterable[str]) -> list[str]:
    """The names, printable and short; one that stands there before gets a number: ``hall``, ``hall 2``."""
    taken: set[str] = set()
    found = []
    for name in names:
        base = printable(name) or "unnamed"
        number, free = 1, base
        while free in taken:
            number += 1
            free = f"{base} {number}"
        taken.add(free)
        found.append(free)
    return found


def printable(text: str) -> str:
    """A name as one line of characters that can be printed, `MOST_NAME` at most."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:MOST_NAME]
