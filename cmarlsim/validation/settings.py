"""Settings ``key.path=value``, and how a place in parsed TOML is named."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from cmarlsim.errors import ArgumentError, InputError, listed, nearest, one_line
from cmarlsim.validation.texts import DEEPEST, limited_toml, real

MOST_CHARACTERS = 10_000
"""Characters of a setting's value."""

MOST_SETTINGS = 100_000


def setting_value(text: str, source: str = "setting") -> Any:
    """Value that a user wrote after ``KEY=``: TOML, a number such as ``.5``, or else the text itself.

    Raises
    ------
    InputError
        If it is not one line, begins like a text in quotes but is none, or is beyond the limits of
        `limited_toml`; it begins with `source`.
    """
    source = one_line(source, 80)
    if len(text) > MOST_CHARACTERS:
        raise InputError(f"{source}: has {len(text):,} characters, more than {MOST_CHARACTERS:,}")
    if len(text.splitlines()) > 1:
        raise InputError(f"{source}: must be one line, KEY=VALUE")
    try:
        return limited_toml(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as error:
        if text.lstrip().startswith(("'", '"')):
            raise InputError(f"{source}: not valid TOML: {one_line(str(error), 200)}") from None
    except ValueError as error:
        raise InputError(f"{source}: {error}") from None
    try:
        return real(text.strip())
    except ValueError:
        return text.strip()


def apply_settings(data: dict[str, Any], settings: str | Sequence[str]) -> list[str]:
    """Apply one ``key.path=value`` setting, or several, to parsed TOML, in place; returns them as a list.

    Raises
    ------
    InputError
        If one is no such setting, or there is no such place in the data.
    """
    alone = isinstance(settings, str) or not isinstance(settings, Sequence)
    if not alone and len(settings) > MOST_SETTINGS:
        raise InputError(f"overrides: {len(settings):,} settings are more than {MOST_SETTINGS:,}")
    each: list[Any] = [settings] if alone else [*settings]
    for setting in each:
        if not isinstance(setting, str):
            raise ArgumentError("overrides", setting, "must be texts such as 'links.d=4'")
        path, equals, text = setting.partition("=")
        keys = path.strip().split(".")
        if not equals or not all(keys):
            raise ArgumentError("overrides", setting, "must be KEY=VALUE, for example links.d=4")
        put(data, keys, setting_value(text, setting), setting)
    return each


def put(data: dict[str, Any], keys: Sequence[str], value: Any, source: str) -> None:
    """Set the value at a key's path in parsed TOML, in place; entries of lists by index or name.

    Raises
    ------
    InputError
        If there is no such place; it begins with `source`.
    """
    source = one_line(source, 200)
    if len(keys) > DEEPEST:
        raise InputError(f"{source}: the key has {len(keys):,} parts, more than {DEEPEST}")
    target: Any = data
    for depth, key in enumerate(keys[:-1]):
        if isinstance(target, dict):
            target = target.setdefault(key, {})
        else:
            target = _entry(target, key, f"{source}: {one_line('.'.join(keys[: depth + 1]), 100)}")
    if not isinstance(target, dict):
        raise InputError(f"{source}: {one_line('.'.join(keys[:-1]), 100)} has no keys below it")
    target[keys[-1]] = value


def _entry(items: Any, key: str, complaint: str) -> Any:
    """Entry of a TOML array of tables, by index or by name."""
    if not isinstance(items, list):
        raise InputError(f"{complaint}: there are no keys below this value")
    if re.fullmatch("[0-9]{1,9}", key) and int(key) < len(items):
        return items[int(key)]
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    if names.count(key) == 1:
        return items[names.index(key)]
    known = [name for name in names if isinstance(name, str)]
    if key in known:
        raise InputError(f"{complaint}: {known.count(key)} have this name; name one by its index")
    raise InputError(
        f"{complaint}: must be an index below {len(items)} or one of {listed(known)}{nearest(key, known)}"
    )


def dotted(location: tuple[str | int, ...], data: Any = None) -> str:
    """Write a key's path in `data` as `apply_settings` reads it: ``zones.red.c``, or ``zones.2.c``.

    Tables in arrays go by name if that is one word which no other table there has. ``center[0]`` is a number.
    """
    text = ""
    for part in location:
        if isinstance(part, str) and data is not None and not isinstance(data, Mapping):
            continue  # which of several kinds of value was tried
        try:
            entry = data[part]
        except (LookupError, TypeError):
            entry = None
        if isinstance(part, str):
            text += f".{part}"
        elif isinstance(entry, Mapping):
            text += f".{_called(data, part)}"
        else:
            text += f"[{part}]"
        data = entry
    return text.removeprefix(".")


def _called(tables: Sequence[Any], i: int) -> str:
    """How `apply_settings` names a table of an array."""
    names = [table.get("name") for table in tables if isinstance(table, Mapping)]
    name = tables[i].get("name")
    usable = isinstance(name, str) and re.fullmatch(r"[^\s.=]{1,100}", name) and not name.isdecimal()
    return str(name) if usable and names.count(name) == 1 else str(i)
