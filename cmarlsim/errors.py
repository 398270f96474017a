"""What is raised for input that cannot be used, by what callers can do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from numbers import Integral


class InputError(ValueError):
    """Input that cannot be used; the message names the file, the key, the value and what would be right."""


class ArgumentError(InputError):
    """A value that a function does not take.

    Attributes
    ----------
    name, value
        The argument. Commands write it as their option: ``--name value``.
    problem : str
        What would be right.
    """

    def __init__(self, name: str, value: object, problem: str) -> None:
        self.name, self.value, self.problem = name, value, problem
        super().__init__(f"{name} = {' '.join(repr(value).split()):.200}: {problem}")

    def __reduce__(self) -> tuple[type[ArgumentError], tuple[str, object, str]]:
        """Let it come whole out of another process."""
        return type(self), (self.name, self.value, self.problem)


class LockedError(InputError):
    """A file that another process is writing: try again later."""


class DamagedError(InputError):
    """A file whose content is broken or incomplete: make it again, or restore a copy."""


class MisfitError(InputError):
    """Things that do not belong together: a policy and a scenario, a file and the run to continue."""


class DivergedError(InputError):
    """A training whose numbers are not finite any more: lower its learning rates."""


def is_whole(value: object) -> bool:
    """Whether a value is an integer, Python's or NumPy's, and no Boolean."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the known word nearest to `word`, or an empty string."""
    words = list(known)
    alike = [each for each in words if each.lower() == word.lower()]
    close = alike or difflib.get_close_matches(word, words, n=1, cutoff=0.65)
    return f"; did you mean '{close[0]}'?" if close else ""
