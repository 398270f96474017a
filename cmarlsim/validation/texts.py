"""Texts that others wrote: files, TOML, JSON and numbers, read within limits that their parsers lack."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from datetime import date, time
from pathlib import Path
from typing import Any

from cmarlsim.errors import InputError, one_line, shown
from cmarlsim.storage.files import read_text

MOST_TOML, MOST_VALUES = 10**7, 2 * 10**6
"""Characters of TOML, and commas and lines in it; its parser takes up to 10 s for so many."""

DEEPEST, MOST_KEYS = 100, 100_000
"""Tables and arrays inside one another, or parts of a dotted key; and keys of a table."""

_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_DOTTED = re.compile(rf"(?<![\w.'\"-])(?:{_PART}[ \t]*+\.[ \t]*+){{20,}}+")
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    InputError
        If it cannot be read or is not TOML.
    """
    return toml_of(read_text(path, MOST_TOML), path)


def toml_of(text: str, source: str | Path) -> dict[str, Any]:
    """Parse TOML as `limited_toml` does.

    Raises
    ------
    InputError
        If it is no such TOML; it begins with `source`.
    """
    try:
        return limited_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{source}: not valid TOML: {one_line(str(error), 200)}") from None
    except ValueError as error:
        raise InputError(f"{source}: {error}") from None


def limited_toml(text: str) -> dict[str, Any]:
    """Parse TOML of tables, arrays, texts, Booleans and numbers; whole numbers have 64 bits, as TOML says.

    Raises
    ------
    tomllib.TOMLDecodeError
        If it is no TOML.
    ValueError
        If it is too long or too deep, or has another number, or a date.
    """
    if len(text) > MOST_TOML:
        raise ValueError(f"has {len(text):,} characters of TOML, more than {MOST_TOML:,}")
    if (values := text.count(",") + text.count("\n")) > MOST_VALUES:
        raise ValueError(f"has {values:,} commas and lines, more than {MOST_VALUES:,}")
    for key in _DOTTED.findall(text):  # before the parser, which takes the square of their number
        if key.count(".") >= DEEPEST:
            raise ValueError(f"the key {shown(key)} has more than {DEEPEST} parts")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise ValueError(f"has tables or arrays more than {DEEPEST} deep in one another") from None
    except ValueError:  # of int(), for which nothing else can be wrong
        raise ValueError("has a number of thousands of digits: whole numbers must have 64 bits") from None
    _check_plain(data)
    return data


def json_of(text: str) -> Any:
    """Parse JSON; whole numbers have 64 bits, no key stands twice, and texts can be written again.

    Raises
    ------
    ValueError
        If it is no JSON, too deep, or has another number.
    """
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_int=whole)
    except RecursionError:
        raise ValueError(f"is more than {DEEPEST} deep") from None
    if isinstance(value, dict | list):
        _check_plain(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    "".join(found).encode()  # UnicodeEncodeError where half of a surrogate pair stands alone
    return found


def _check_plain(value: Any, key: tuple[str | int, ...] = ()) -> None:
    """Raise ValueError if there is a number of more than 64 bits, a date, or too many keys or too deep."""
    if len(key) >= DEEPEST:
        raise ValueError(f"{_place(*key)}: is more than {DEEPEST} deep in tables or arrays")
    if isinstance(value, dict) and len(value) > MOST_KEYS:
        raise ValueError(f"{_place(*key)}: has {len(value):,} keys, more than {MOST_KEYS:,}")
    entries: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
    for name, entry in entries:
        if isinstance(entry, dict | list):
            _check_plain(entry, (*key, name))
        elif isinstance(entry, int) and not _fits(entry):
            raise ValueError(f"{_place(*key, name)} = {shown(entry)}: whole numbers must have 64 bits")
        elif isinstance(entry, str):
            entry.encode()
        elif isinstance(entry, date | time):
            raise ValueError(
                f"{_place(*key, name)} = {entry}: is a date or time, no number, and no text in quotes"
            )


def _place(*key: str | int) -> str:
    return shown(".".join(map(str, key))).strip("'\"")


def whole(word: str) -> int:
    """A whole number of 64 bits in digits 0 to 9; ValueError if it is none."""
    if not _WHOLE.fullmatch(word) or not _fits(int(word)):
        raise ValueError(f"{shown(word)} is not a whole number of 64 bits")
    return int(word)


def _fits(number: int) -> bool:
    return -(2**63) <= number < 2**63


def real(word: str) -> float:
    """A finite number in digits 0 to 9, such as ``-1.5e3`` or ``.5``; ValueError if it is none."""
    if not _REAL.fullmatch(word) or abs(float(word)) == float("inf"):
        raise ValueError(f"{shown(word)} is not a number")
    return float(word)
