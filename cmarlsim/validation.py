"""Validated, frozen data from TOML, with errors that name file, key and value."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cmarlsim.errors import ArgumentError, InputError, nearest
from cmarlsim.storage.files import read_bytes

Number = Annotated[float, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=1)]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Point = tuple[Number, Number]


if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


class _Told(ModelMetaclass):
    """Metaclass of models whose construction says in one line what is wrong."""

    def __call__(cls: type[Any], *values: object, **fields: object) -> Any:  # noqa: N805
        if values:
            load = f"; {cls.__name__}.load reads a file or a shipped name" if hasattr(cls, "load") else ""
            names = ", ".join(f"{name}=..." for name in cls.model_fields)
            raise InputError(f"{cls.__name__}({values[0]!r:.40}): takes names, as in ({names}){load}")
        return parse(cls, fields, cls.__name__)


class Strict(BaseModel, metaclass=_Told):
    """Frozen model that refuses unknown keys, infinities and NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy, with the values of `update` in place of its own, and validated like any other.

        Raises
        ------
        InputError
            If a key is unknown or a value out of range.
        """
        if update is not None and not isinstance(update, Mapping):
            raise ArgumentError("update", update, "must be a dict of keys and their new values")
        if not update:
            return super().model_copy(deep=deep)
        data = {name: getattr(self, name) for name in type(self).model_fields}
        return parse(type(self), data | dict(update), f"{type(self).__name__}.model_copy", copy=True)

    def __eq__(self, other: object) -> bool:
        """Compare fields, and not the arrays that were computed from them."""
        names = type(self).model_fields
        return type(self) is type(other) and all(
            getattr(self, name) == getattr(other, name) for name in names
        )

    def __setattr__(self, name: str, value: object) -> None:
        problem = f"{type(self).__name__} is frozen, so {name} cannot become {value!r:.40}"
        if name in type(self).model_fields:
            problem += f": model_copy(update={{'{name}': ...}}) gives a changed copy"
        raise InputError(problem)


Model = TypeVar("Model", bound=Strict)
P = ParamSpec("P")
R = TypeVar("R")


def names_checked(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator of a function: an argument of an unknown name is an ArgumentError with the nearest one."""
    known = inspect.signature(function).parameters

    @wraps(function)
    def wrapped(*arguments: P.args, **named: P.kwargs) -> R:
        for name, value in named.items():
            if name not in known:
                raise ArgumentError(
                    name, value, f"{function.__name__} takes no such argument{nearest(name, known)}"
                )
        return function(*arguments, **named)

    return wrapped


def check_names(kind: str, names: Sequence[str]) -> None:
    """Raise ValueError, for a validator, if a name stands twice."""
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise ValueError(f"{kind}: the name '{name}' stands {times} times; names must differ")


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    InputError
        If it cannot be read or is not TOML.
    """
    data = read_bytes(path)
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid TOML: {error}") from None


def setting_value(text: str) -> Any:
    """Value that a user wrote after ``KEY=``: TOML, a number such as ``.5``, or else the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        try:
            return float(text)
        except ValueError:
            return text.strip()


def apply_settings(data: dict[str, Any], settings: str | Sequence[str]) -> list[str]:
    """Apply one ``key.path=value`` setting, or several, to parsed TOML, in place; returns them as a list.

    Raises
    ------
    InputError
        If one is no such setting, or there is no such place in the data.
    """
    each = [settings] if isinstance(settings, str) or not isinstance(settings, Sequence) else [*settings]
    for setting in each:
        if not isinstance(setting, str):
            raise ArgumentError("overrides", setting, "must be texts such as 'links.d=4'")
        path, equals, text = setting.partition("=")
        keys = path.strip().split(".")
        if not equals or not all(keys):
            raise ArgumentError("overrides", setting, "must be KEY=VALUE, for example links.d=4")
        put(data, keys, setting_value(text), setting)
    return each


def put(data: dict[str, Any], keys: Sequence[str], value: Any, source: str) -> None:
    """Set the value at a key's path in parsed TOML, in place; entries of lists by index or name.

    Raises
    ------
    InputError
        If there is no such place; it begins with `source`.
    """
    target: Any = data
    for depth, key in enumerate(keys[:-1]):
        if isinstance(target, dict):
            target = target.setdefault(key, {})
        else:
            target = _entry(target, key, f"{source}: {'.'.join(keys[: depth + 1])}")
    if not isinstance(target, dict):
        raise InputError(f"{source}: {'.'.join(keys[:-1])} has no keys below it")
    target[keys[-1]] = value


def _entry(items: Any, key: str, complaint: str) -> Any:
    """Entry of a TOML array of tables, by index or by name."""
    if not isinstance(items, list):
        raise InputError(f"{complaint}: there are no keys below this value")
    if key.isdecimal() and int(key) < len(items):
        return items[int(key)]
    named = {item.get("name"): item for item in items if isinstance(item, dict)}
    if key in named:
        return named[key]
    names = [str(name) for name in named]
    raise InputError(
        f"{complaint}: must be an index below {len(items)} or one of {', '.join(names)}{nearest(key, names)}"
    )


def parse(model: type[Model], data: dict[str, Any], source: str | Path, copy: bool = False) -> Model:
    """Validate `data` as `model`; of a changed `copy` of what was valid there are no warnings.

    Raises
    ------
    InputError
        One line: `source`, and for the first three things wrong the key, its value and what would be right.
    """
    try:
        return model.model_validate(data, context={"copy": copy})
    except ValidationError as error:
        found = error.errors(include_url=False)
        lines = [_explain(model, item, data) for item in found[:3]]
        if len(found) > 3:
            lines.append(f"and {len(found) - 3} more")
        raise InputError(f"{source}: " + "; ".join(lines)) from None


def _explain(model: type[Strict], item: Any, data: dict[str, Any]) -> str:
    location, kind = item["loc"], item["type"]
    key = dotted(location, data)
    if kind == "value_error":
        text = str(item["ctx"]["error"])
        return f"{key}: {text}" if key else text
    if kind == "extra_forbidden":
        known = _fields_at(model, location[:-1])
        if inside := [f"{name}.{key}" for name, keys in _tables_of(model).items() if key in keys]:
            return f"unknown key {key}; did you mean '{inside[0]}'?"
        return f"unknown key {key}{nearest(str(location[-1]), known)}"
    if kind == "missing":
        return f"{key} is missing"
    message = item["msg"].removeprefix("Input ")
    return f"{key} = {item['input']!r}: {message}"


def dotted(location: tuple[str | int, ...], data: Any = None) -> str:
    """Write a key's path in `data` as `apply_settings` reads it: ``zones.red.c``, or ``zones.2.c``.

    Tables in arrays go by name if that is one word which no other table there has. ``center[0]`` is a number.
    """
    text = ""
    for part in location:
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
    usable = isinstance(name, str) and re.fullmatch(r"[^\s.=]+", name) and not name.isdecimal()
    return str(name) if usable and names.count(name) == 1 else str(i)


def _fields_at(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    for part in location:
        if isinstance(part, str):
            models = _models_in(model.model_fields[part].annotation)
            if not models:
                return []
            model = models[0]
    return list(model.model_fields)


def _tables_of(model: type[BaseModel]) -> dict[str, list[str]]:
    """The keys of each of its tables, but for arrays of tables."""
    kinds = {name: field.annotation for name, field in model.model_fields.items()}
    tables = {name: kind for name, kind in kinds.items() if isinstance(kind, type)}
    return {name: [*kind.model_fields] for name, kind in tables.items() if issubclass(kind, BaseModel)}


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]
