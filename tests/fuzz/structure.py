"""Changes of what was parsed: keys, values, tables and lists that nobody expects."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import date, datetime, time
from math import inf, nan
from random import Random
from typing import Any

NUMBERS = (
    0,
    1,
    2,
    3,
    5,
    63,
    64,
    65,
    300,
    10**4,
    10**6,
    10**9,
    0.0,
    -0.0,
    1e-12,
    1e-3,
    0.5,
    1.0,
    1.5,
    1e4,
    1e12,
    1e308,
)
WORDS = (
    *(
        "sight-or-disc",
        "bernoulli",
        "always",
        "never",
        "path",
        "star",
        "cycle:2",
        "grid:1x2",
        "random-geometric:2:9",
        "tiny",
    ),
    *(
        "paper",
        "rank",
        "step",
        "summary",
        "rollout",
        "left",
        "top",
        "middle",
        "links.p",
        "agents.N",
        "policy",
        "seed",
        "log",
    ),
)

SCALARS: tuple[Any, ...] = (
    *(0, 1, -1, 2, 3, 7, 64, 65, 1000, 10**6, 2**31, 2**63 - 1, -(2**63), 10**18),
    *(0.0, -0.0, 0.5, 1.0, 1e-9, 1e-320, 1e9, 1e308, -1e308, inf, -inf, nan, 0.1 + 0.2),
    *(True, False, "", "x", "rank", "é", "\n", "\t", "a" * 10_000, "../small.toml", "/dev/zero"),
    *(date(2020, 1, 1), time(1, 2), datetime(2020, 1, 1), [], {}, [[]], [1, "a"], {"x": {"y": []}}),
)

RAW = (
    "9" * 5000,
    "1" + "0" * 400,
    "0x" + "f" * 300,
    "1e999999",
    "-nan",
    "0b1",
    "1_000",
    "0o17",
    "[" * 3000 + "]" * 3000,
    "{a = " * 500 + "1" + "}" * 500,
    '"' + "x" * 10**6 + '"',
    '"\\ud800"',
    '"\\u0000"',
    "'''\n\n'''",
    "1979-05-27T07:32:00Z",
    "",
    "[1, 2",
    "[" + "1," * 10_000 + "]",
    ".".join("a" * 2000) + " = 1",
)
"""Values that are written into the text as they are."""

KEYS = (
    "",
    "x",
    "name",
    "c",
    "d",
    "é",
    "a.b",
    "a" * 5000,
    "__class__",
    "model_config",
    "self",
    "\n",
    '"',
    "0",
)

PLACE = "a place for what is no value"

Table = dict[str, Any]


def changed(data: Table, random: Random, raw: list[str]) -> str:
    """Change a table in one place; says where and how. What cannot be a value goes to `raw`."""
    places = list(_places(data))
    where, holder, key = random.choice(places)
    value, way = holder[key], random.randrange(9)
    if way == 0:
        del holder[key]
        return f"{where} is missing"
    if way == 1 and isinstance(holder, dict):
        new = random.choice((*KEYS, f"{key}s", str(key).upper(), f" {key}"))
        holder[new] = holder.pop(key)
        return f"{where} is called {new!r:.40}"
    if way == 2 and isinstance(holder, list):
        times = random.choice((2, 2, 3, 100, 5000 if isinstance(value, (int, float)) else 100))
        holder[key:key] = [deepcopy(value) for _ in range(times - 1)]
        return f"{where} stands {times} times"
    if way == 3:
        other, there, name = random.choice(places)
        with_, holder[key] = deepcopy(there[name]), deepcopy(there[name])
        return f"{where} is {other}, {with_!r:.40}"
    if way == 4:
        holder[key] = PLACE
        raw.append(random.choice(RAW))
        return f"{where} is {raw[-1]!r:.40}"
    if isinstance(value, (int, float)) and random.random() < 0.5:
        holder[key] = random.choice(NUMBERS)
        return f"{where} is {holder[key]!r}"
    if way == 5 and isinstance(value, (int, float)):
        holder[key] = random.choice((-value, value * 1000, value / 1000, str(value), [value], value + 1e-9))
        return f"{where} is {holder[key]!r}"
    if isinstance(value, str) and random.random() < 0.4:
        holder[key] = random.choice(WORDS)
        return f"{where} is {holder[key]!r}"
    if way == 6:
        for _ in range(random.choice((1, 3, 60))):
            value = random.choice(([value], {"x": value}))
        holder[key] = value
        return f"{where} is nested"
    if way == 7 and isinstance(holder, dict):
        new = random.choice(KEYS)
        holder[new] = deepcopy(random.choice(SCALARS))
        return f"{new!r:.40} joins {where}"
    holder[key] = deepcopy(random.choice(SCALARS))
    return f"{where} is {holder[key]!r:.40}"


def _places(data: Any, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every place in parsed TOML: its name, what holds it, and its key or index there."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in list(items)[:200]:
        name = f"{where}.{key}"[:100]
        yield name.removeprefix("."), data, key
        if name.count(".") < 8:
            yield from _places(value, name)
