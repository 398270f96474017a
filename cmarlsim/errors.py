"""What is raised for input that cannot be used, by what callers can do about it."""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from numbers import Integral
from typing import Literal

MOST_MESSAGE, MOST_WORD = 1_000, 300
"""Characters of a message, and of a word in it; values are shown shorter, so that this is seldom needed."""

MOST_LISTED, MOST_NAME = 10, 40
"""Names that a message lists, and characters of each of them."""

MOST_COMPARED, _LONGEST = 1_000, 100
"""Names among which the nearest is looked for, and characters of the longest of them."""


def one_line(text: str, most: int = MOST_MESSAGE) -> str:
    """A text as one line of printable characters; longer ones, and long words, lose their middle."""
    words = re.sub(rf"\S{{{MOST_WORD + 1},}}", lambda found: _cut(found[0], MOST_WORD), text)
    flat = re.sub(r"\s*[^\S ]\s*", " ", _cut(words, most)).strip()
    return _cut("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in flat), most)


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    head = (most - 3) // 2
    return f"{text[:head]}...{text[head + 3 - most :]}"


class _Short(reprlib.Repr):
    """Represents values of any size and depth in little time."""

    def repr_int(self, x: int, level: int) -> str:
        digits = x.bit_length() * 0.30103
        return repr(x) if digits < self.maxlong else f"(a number of {digits:,.0f} digits)"


def shown(value: object, most: int = 80) -> str:
    """Any value for a message: one line of about `most` characters, whatever it is."""
    short = _Short()
    short.maxstring = short.maxother = short.maxlong = most
    return one_line(short.repr(value), most)


def listed(names: Collection[str]) -> str:
    """Names for a message, separated by commas; of many the first ones."""
    first = ", ".join(one_line(name, MOST_NAME) for name in islice(names, MOST_LISTED))
    return first + (f", ... {len(names) - MOST_LISTED:,} more" if len(names) > MOST_LISTED else "")


@dataclass(frozen=True)
class Finding:
    """Something in a file that is wrong, dangerous or could be better.

    Attributes
    ----------
    kind
        An error makes the file unusable.
    key : str
        What it is about, such as ``edges[3] = ['a', 'b']`` or ``zones.red.radius``; empty for all of it.
    text : str
        What is the matter, and what would be right.
    where : tuple of tuples of (x, y)
        Points and lines of the floor plan to look at, in metres.
    """

    kind: Literal["error", "warning", "hint"]
    key: str
    text: str
    where: tuple[tuple[tuple[float, float], ...], ...] = ()

    def __str__(self) -> str:
        """Key and text."""
        return f"{self.key}: {self.text}" if self.key else self.text


class InputError(ValueError):
    """Input that cannot be used; one line names the file, the key, the value and what would be right.

    Attributes
    ----------
    source : str
        The file, if several things were looked for in it.
    findings : tuple of Finding
        All that is wrong with it; the line tells the first of them.
    untold : int
        How many the line leaves out.
    """

    source: str = ""
    findings: tuple[Finding, ...] = ()
    untold: int = 0

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


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
        super().__init__(f"{name} = {shown(value, 200)}: {problem}")

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
    words, word = [each for each in known if len(each) <= _LONGEST], word[: _LONGEST + 1]
    alike = [each for each in words if each.lower() == word.lower()]
    close = alike or difflib.get_close_matches(word, words[:MOST_COMPARED], n=1, cutoff=0.65)
    return f"; did you mean '{close[0]}'?" if close else ""
