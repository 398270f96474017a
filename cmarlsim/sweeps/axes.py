"""Sweep files: TOML that says along which axes runs differ."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from cmarlsim.errors import InputError, listed, one_line, shown
from cmarlsim.limits import MOST_STEPS
from cmarlsim.validation import Count, Entries, Name, Number, Strict, parse, read_toml

OWN_KEYS = ("policy", "seed", "steps")
"""Axes that are no keys of a scenario."""

MOST_TASKS = 10_000
"""Tasks of a sweep, unless it is asked for more."""

MOST_TASKS_EVER = 1_000_000

Rows = Annotated[Count, Field(le=MOST_TASKS_EVER)]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**63)]


class Seeds(Strict):
    """The seeds `first`, `first` + 1, ..., as many as `count`."""

    first: Seed = 0
    count: Rows


class Range(Strict):
    """A continuous range of a Latin hypercube; ``log`` spreads the logarithm evenly."""

    low: Number
    high: Number
    scale: Literal["linear", "log"] = "linear"

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low = {self.low:g} must be less than high = {self.high:g}")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"low = {self.low:g}: must be more than 0 where scale = 'log'")
        return self

    def at(self, fraction: float) -> float:
        """The value at a fraction of the range."""
        if self.scale == "log":
            value = math.exp((1 - fraction) * math.log(self.low) + fraction * math.log(self.high))
        else:
            value = (1 - fraction) * self.low + fraction * self.high
        return min(max(value, self.low), self.high)


class Latin(Strict):
    """A Latin hypercube: each range is cut into as many pieces as there are samples, one sample in each."""

    samples: Rows
    seed: Seed = 0
    ranges: dict[str, Any] = Field(min_length=1)


class Sweep(Strict):
    """What a sweep file says. Tasks are all combinations of the rows of list, zip, latin and grid."""

    name: Name
    scenario: str = "paper"
    policy: str = "paper"
    seed: Seed = 0
    steps: Annotated[Count, Field(le=MOST_STEPS)] | None = None
    record: Literal["summary", "rollout", "step"] = "summary"
    set: dict[str, Any] = Field(default_factory=dict)
    grid: dict[str, Any] = Field(default_factory=dict)
    zip: dict[str, Any] = Field(default_factory=dict)
    list: Entries[dict[str, Any]] = ()
    latin: Latin | None = None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a sweep file; InputError if it cannot be read, a key is unknown, or a value impossible."""
        return parse(cls, read_toml(path), path)


class AxisBlock(NamedTuple):
    """Keys that vary together, and the rows of values that they take."""

    keys: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]


def shape_of(sweep: Sweep, source: Path) -> list[int]:
    """How many rows each axis has, before any of them is made; InputError if that cannot be said."""
    shape = [len(sweep.list)] if sweep.list else []
    for key, values in list(flat(sweep.zip, f"{source}: zip").items())[:1]:
        shape.append(len(_values(key, values, f"{source}: zip")))
    if sweep.latin:
        shape.append(sweep.latin.samples)
    grid = flat(sweep.grid, f"{source}: grid").items()
    return shape + [len(_values(key, values, f"{source}: grid")) for key, values in grid]


def axes_of(sweep: Sweep, source: Path) -> list[AxisBlock]:
    """Axes of a sweep; tasks are all combinations of their rows, and the last axis varies fastest.

    Raises
    ------
    InputError
        If a key stands in two places, a list of values is empty or has one twice, or lists do not match.
    """
    blocks = [_listed(sweep.list, f"{source}: list")] if sweep.list else []
    if sweep.zip:
        blocks.append(_zipped(flat(sweep.zip, f"{source}: zip"), f"{source}: zip"))
    if sweep.latin:
        blocks.append(_sampled(sweep.latin, f"{source}: latin"))
    for key, values in flat(sweep.grid, f"{source}: grid").items():
        blocks.append(AxisBlock((key,), [(value,) for value in _values(key, values, f"{source}: grid")]))
    for key, times in Counter(key for block in blocks for key in block.keys).items():
        if times > 1:
            raise InputError(f"{source}: the axis {shown(key)} stands in {times} places")
    for block in blocks:
        texts = Counter(map(json.dumps, block.rows))
        row = next((row for row in block.rows if texts[json.dumps(row)] > 1), None)
        if row is not None:
            values = [f"{key} = {shown(value)}" for key, value in zip(block.keys, row, strict=True)]
            raise InputError(f"{source}: {listed(values)} stands there twice")
    return blocks


def flat(table: Mapping[str, Any], source: str) -> dict[str, Any]:
    """A TOML table by dotted keys: ``links.d = 4`` and ``"links.d" = 4`` mean the same.

    Raises
    ------
    InputError
        If a key stands in it twice, once in each way; it begins with `source`.
    """
    found: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping) and not {"low", "count"} & set(value):
            parts = {f"{key}.{rest}": part for rest, part in flat(value, source).items()}
        else:
            parts = {key: value}
        if twice := found.keys() & parts.keys():
            raise InputError(f"{source}: {listed(sorted(twice))} stands there twice")
        found |= parts
    return found


def _values(key: str, values: Any, source: str) -> Sequence[Any]:
    if key == "seed" and isinstance(values, Mapping):
        seeds = parse(Seeds, dict(values), f"{source}, seed")
        return range(seeds.first, seeds.first + seeds.count)
    if not isinstance(values, list) or not values:
        raise InputError(f"{source}: {one_line(key, 80)} = {shown(values)}: must be a list of values")
    return values


def _zipped(table: Mapping[str, Any], source: str) -> AxisBlock:
    columns = [_values(key, values, source) for key, values in table.items()]
    if len({len(column) for column in columns}) > 1:
        lengths = [f"{key} has {len(column)}" for key, column in zip(table, columns, strict=True)]
        raise InputError(f"{source}: all lists must have the same length, but {listed(lengths)}")
    return AxisBlock(tuple(table), list(zip(*columns, strict=True)))


def _listed(tables: Sequence[Mapping[str, Any]], source: str) -> AxisBlock:
    rows = [flat(table, f"{source}[{i}]") for i, table in enumerate(tables)]
    for i, row in enumerate(rows):
        differing = sorted(set(row) ^ set(rows[0]))
        if differing or not row:
            raise InputError(f"{source}[{i}]: must have the same keys as list[0]: {listed(differing)}")
    return AxisBlock(tuple(rows[0]), [tuple(row[key] for key in rows[0]) for row in rows])


def _sampled(latin: Latin, source: str) -> AxisBlock:
    from scipy.stats.qmc import LatinHypercube

    ranges = {
        key: parse(
            Range,
            value if isinstance(value, dict) else {"value": value},
            f"{source}, ranges, {one_line(key, 80)}",
        )
        for key, value in flat(latin.ranges, source).items()
    }
    points = LatinHypercube(len(ranges), rng=latin.seed).random(latin.samples)
    rows = [tuple(map(Range.at, ranges.values(), point)) for point in points.tolist()]
    return AxisBlock(tuple(ranges), rows)
