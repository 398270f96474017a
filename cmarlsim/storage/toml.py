"""TOML that people read and edit: an array in a line, and an entry of a long array in a line of its own."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 110
"""Characters of a line that an array may fill; longer ones have an entry in each line."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def readable_toml(data: Mapping[str, Any]) -> str:
    """Write `data` for people; `tomllib` reads the same from it.

    Parameters
    ----------
    data
        Strings, numbers, bools, arrays and tables of these; arrays of nothing but tables stand last, as
        ``[[name]]``, behind tables, as ``[name]``.
    """
    tables = {key: value for key, value in data.items() if isinstance(value, Mapping)}
    arrays = {key: value for key, value in data.items() if _is_of_tables(value)}
    plain = {key: value for key, value in data.items() if key not in tables and key not in arrays}
    parts = [_lines(plain)] if plain else []
    parts += [f"[{_key(key)}]\n{_lines(table)}" for key, table in tables.items()]
    parts += ["".join(f"[[{_key(key)}]]\n{_lines(row)}" for row in rows) for key, rows in arrays.items()]
    return "\n".join(parts)


def _is_of_tables(value: Any) -> bool:
    return isinstance(value, Sequence) and bool(value) and all(isinstance(row, Mapping) for row in value)


def _lines(table: Mapping[str, Any]) -> str:
    return "".join(_line(_key(key), value) for key, value in table.items())


def _line(key: str, value: Any) -> str:
    line = f"{key} = {_value(value)}\n"
    if len(line) <= WIDTH or isinstance(value, str) or not isinstance(value, Sequence):
        return line
    return f"{key} = [\n" + "".join(f"  {_value(entry)},\n" for entry in value) + "]\n"


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else f"{'-' * (value < 0)}inf"
    return repr(value)
