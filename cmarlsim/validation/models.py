"""Validated, frozen data, with errors that name file, key and value."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cmarlsim.errors import ArgumentError, Finding, InputError, nearest, one_line, shown
from cmarlsim.validation.findings import MOST_FOUND, ProblemsError, refusal
from cmarlsim.validation.settings import dotted

_NO_CONTROLS = r"^[^\p{Cc}\p{Zl}\p{Zp}]+$"

Number = Annotated[float, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=1, le=2**63 - 1)]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=100, pattern=_NO_CONTROLS)]
Point = tuple[Number, Number]

T = TypeVar("T")
Entries = Annotated[tuple[T, ...], Field(fail_fast=True)]
"""An array, of which the first wrong entry is told: it may have millions of them."""

_IN_TOML = {
    "bool_type": "should be true or false",
    "dict_type": "should be a table",
    "model_type": "should be a table",
    "string_pattern_mismatch": "must have no control characters and no line breaks",
    "string_type": "should be a text in quotes",
    "tuple_type": "should be an array",
}
"""What pydantic's kinds of errors say, where it speaks of Python."""


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
            raise InputError(f"{cls.__name__}({shown(values[0], 40)}): takes names, as in ({names}){load}")
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
        problem = f"{type(self).__name__} is frozen, so {name} cannot become {shown(value, 40)}"
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


def repeated(names: Sequence[str]) -> Iterator[str]:
    """What to say of each name that stands more than once."""
    for name, times in Counter(names).items():
        if times > 1:
            yield f"the name '{name}' stands {times} times; names must differ"


def parse(model: type[Model], data: dict[str, Any], source: str | Path, copy: bool = False) -> Model:
    """Validate `data` as `model`; of a changed `copy` of what was valid there are no warnings.

    Raises
    ------
    InputError
        One line: `source`, and for what is wrong the key, its value and what would be right.
    """
    try:
        return model.model_validate(data, context={"copy": copy})
    except ValidationError as error:
        raise refusal(source, _found(model, error, data)) from None


def _found(model: type[Strict], error: ValidationError, data: dict[str, Any]) -> list[Finding]:
    """All that is wrong; arrays of tables, which stop at the first wrong one, are gone through to the end."""
    found, arrays = list[Finding](), set[str | int]()
    for item in error.errors(include_url=False):
        place = item["loc"]
        if _only_stopped(item) or (place[:1] and place[0] in arrays):
            continue
        name = str(place[0]) if any(isinstance(part, int) for part in place) else ""
        if name and isinstance(data[name], list) and _models_in(model.model_fields[name].annotation):
            arrays.add(name)
            found += wrong_tables(model, name, data)
        else:
            found += _explain(model, item, data)
    return found


def wrong_tables(model: type[Strict], name: str, data: dict[str, Any]) -> list[Finding]:
    """What is wrong with the tables of the array `name` in `data`; after `MOST_FOUND` errors it stops.

    Of values that are no tables the first is told.
    """
    kind, found, others = _models_in(model.model_fields[name].annotation)[0], list[Finding](), 0
    for i, table in enumerate(data[name]):
        try:
            kind.model_validate(table)
        except ValidationError as error:
            items = error.errors(include_url=False)
            others += items[0]["type"] == "model_type"
            if others > 1 and items[0]["type"] == "model_type":
                continue
            for item in items:
                if not _only_stopped(item):
                    found += _explain(model, item | {"loc": (name, i, *item["loc"])}, data)
            if len(found) >= MOST_FOUND:
                break
    return found


def _only_stopped(item: Any) -> bool:
    """Whether an array is called too short just because its first entry is wrong."""
    return item["type"] == "too_short" and len(item["input"]) >= item["ctx"]["min_length"]


def _explain(model: type[Strict], item: Any, data: dict[str, Any]) -> list[Finding]:
    """What one of pydantic's errors says."""
    location, kind = item["loc"], item["type"]
    key = one_line(dotted(location, data), 200)
    if kind == "value_error":
        error = item["ctx"]["error"]
        return [*error.findings] if isinstance(error, ProblemsError) else [Finding("error", key, str(error))]
    if kind == "extra_forbidden":
        known = _fields_at(model, location[:-1])
        if inside := [f"{name}.{key}" for name, keys in _tables_of(model).items() if key in keys]:
            return [Finding("error", "", f"unknown key {key}; did you mean '{inside[0]}'?")]
        return [Finding("error", "", f"unknown key {key}{nearest(str(location[-1]), known)}")]
    if kind == "missing":
        return [Finding("error", "", f"{key} is missing")]
    message = _IN_TOML.get(kind) or re.sub("^(Input|String|Tuple) | after validation", "", item["msg"])
    return [Finding("error", f"{key} = {shown(item['input'])}", message)]


def _fields_at(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    for part in location:
        if isinstance(part, str):
            field = model.model_fields.get(part)
            if field is None:
                continue  # which of several kinds of value was tried
            models = _models_in(field.annotation)
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
