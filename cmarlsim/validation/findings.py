"""Errors in what somebody wrote, all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from cmarlsim.errors import MOST_MESSAGE, Finding, InputError, one_line

MOST_FOUND = 1_000
"""Errors of one array that are looked for: a file can have a million of them."""

MOST_TOLD = 12
"""Errors that a message tells, if they fit."""

LONGEST_FINDING, LEAST_ROOM = 300, 400
"""Characters of one error in a message, and of all of them, however long the name of the file is."""

_TAIL = 60
"""Characters in which a message says how many more there are, and who lists them."""


class ProblemsError(ValueError):
    """Several errors, for a validator to raise together.

    Attributes
    ----------
    findings : tuple of Finding
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(map(str, self.findings)))


def refusal(source: str | Path, findings: Sequence[Finding]) -> InputError:
    """The error to raise for what was found in a file: one line, with as many findings as fit."""
    begin = f"{one_line(str(source), MOST_MESSAGE - LEAST_ROOM)}: "
    lines = [one_line(str(finding), LONGEST_FINDING) for finding in findings]
    told, room = 1, MOST_MESSAGE - len(begin) - len(lines[0]) - _TAIL
    while told < min(len(lines), MOST_TOLD) and room >= len(lines[told]) + 2:
        room -= len(lines[told]) + 2
        told += 1
    untold = len(lines) - told
    more = [f"and {untold:,} more"] if untold else []
    error = InputError(begin + "; ".join([*lines[:told], *more]))
    error.source, error.findings, error.untold = str(source), tuple(findings), untold
    return error
