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
        base = "".join(c if c.isprintable() else " " for c in name).strip()[:MOST_NAME] or "unnamed"
        number, free = 1, base
        while free in taken:
            number += 1
            free = f"{base} {number}"
        taken.add(free)
        found.append(free)
    return found
