"""HDF5 files that are whole and hold what they should not: other types, shapes, storage, links, numbers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import h5py
import numpy as np

from . import damage
from .case import Case
from .specimens import Specimens

NUMBERS = (32, 100, -3, -1, 0, 1, 10**6, 10**12, 2**31, 2**63 - 1, np.nan, np.inf, -np.inf, -0.0, 1e308, 0.1)
HUGE = (2**31, 2**40, 2**62)


def case(random: Random, good: Specimens) -> Case:
    """An HDF5 file that was edited, and commands that read it."""
    victim = None
    while victim is None or Path(victim.name).suffix not in (".h5", ".checkpoint"):
        victim = random.choice(damage.victims(random, good.folder))
    good.copy(*dict.fromkeys((*victim.needs, victim.name.partition("/")[0])))
    stories = []
    with h5py.File(victim.name, "r+") as file:
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            stories.append(edited(file, random))
    if victim.name == "policy.h5":
        victim = victim._replace(results={})  # it is another policy, and may be a good one
    return damage.reading(f"{victim.name}: {', '.join(stories)}", victim, random, good)


def edited(file: h5py.File, random: Random) -> str:
    """Edit a file in one way; says how."""
    datasets: list[h5py.Dataset] = []
    groups: list[h5py.Group] = [file]
    file.visititems(lambda _, item: (datasets if isinstance(item, h5py.Dataset) else groups).append(item))
    edit = random.choice(EDITS)
    if edit in (_attribute, _link):
        target = random.choice([*groups[:1] * len(datasets), *groups, *datasets])
    else:
        states = [item for item in datasets if item.name.startswith("/state")]
        target = random.choice(states if states and random.random() < 0.5 else datasets)
    name = target.name
    try:
        return f"{name}: {edit(target, random)}"
    except Exception as error:  # h5py's are many
        return f"{name}: {edit.__name__} was not possible ({str(error)[:80]})"


Edit = Callable[[Any, Random], str]


def _replaced(item: h5py.Dataset, **made: Any) -> h5py.Dataset:
    """Another dataset in place of one, with its attributes where that is possible."""
    parent, name, attributes = item.parent, item.name, dict(item.attrs)
    del parent[name]
    new = parent.create_dataset(name, **made)
    for key in attributes.keys() - {"DIMENSION_LIST", "REFERENCE_LIST"}:
        with suppress(Exception):
            new.attrs[key] = attributes[key]
    return new


def _number(item: h5py.Dataset, random: Random) -> str:
    data = np.array(item[()])
    place = tuple(random.randrange(length) for length in data.shape)
    if data.size == 0:
        raise ValueError("it is empty")
    if random.random() < 0.4:
        raw = data.view(f"u{data.itemsize}") if data.ndim else data.reshape(1).view(f"u{data.itemsize}")
        raw[place or (0,)] ^= raw.dtype.type(1 << random.randrange(8 * data.itemsize))
        data = raw.view(data.dtype).reshape(data.shape)
    else:
        number = random.choice(NUMBERS)
        with np.errstate(all="ignore"):
            data[place] = np.array(number).astype(data.dtype)
    item[...] = data
    return f"{list(place)} is {data[place]!r}"


def _type(item: h5py.Dataset, random: Random) -> str:
    data = np.array(item[()])
    kinds: tuple[Any, ...] = ("f4", ">f8", "i1", ">i8", "u8", "?", "S10", "c16", "f2", "V8")
    special = (
        h5py.string_dtype(),
        h5py.vlen_dtype(np.int32),
        h5py.ref_dtype,
        h5py.regionref_dtype,
        np.dtype([("a", "f8"), ("b", h5py.string_dtype())]),
        np.dtype([("x", data.dtype)]),
        h5py.enum_dtype({"no": 0, "yes": 1}),
        np.dtype((data.dtype, (2,))),
        h5py.opaque_dtype(np.dtype("M8[s]")),
    )
    kind = random.choice(kinds if random.random() < 0.5 else special)
    made: dict[str, Any] = {"shape": item.shape, "dtype": kind, "chunks": item.chunks}
    with suppress(Exception):
        made = {"data": data.astype(kind), "chunks": item.chunks}
    _replaced(item, **made)
    return f"has the type {kind!r}"


def _shape(item: h5py.Dataset, random: Random) -> str:
    data = np.array(item[()])
    shapes: list[Any] = [
        data.T,
        data.ravel(),
        data[None],
        data[..., None],
        data[:0] if data.ndim else data,
        data[:-1] if data.ndim else data,
        np.concatenate([data, data]) if data.ndim else data,
        np.zeros((), data.dtype),
        h5py.Empty(data.dtype),
    ]
    new = random.choice(shapes)
    _replaced(item, data=new)
    return f"has the shape {getattr(new, 'shape', None)}"


def _huge(item: h5py.Dataset, random: Random) -> str:
    length, rest = random.choice(HUGE), item.shape[1:]
    chunks = item.chunks if item.chunks and random.random() < 0.7 else (2**10, *rest)
    _replaced(item, shape=(length, *rest), dtype=item.dtype, chunks=chunks)
    return f"has {length} rows"


def _storage(item: h5py.Dataset, random: Random) -> str:
    data, way = np.array(item[()]), random.randrange(6)
    if way == 0:
        _replaced(item, data=data)
        return "is contiguous"
    if way == 1:
        raw = random.choice(("raw.bin", "missing.bin", "/dev/zero", "../outside.bin", item.file.filename))
        Path("raw.bin").write_bytes(data.tobytes())
        _replaced(item, shape=data.shape, dtype=data.dtype, external=[(raw, 0, max(1, data.nbytes))])
        return f"is kept in {raw}"
    if way == 2:
        source = random.choice((".", "other.h5", item.file.filename))
        layout, name = h5py.VirtualLayout(data.shape, data.dtype), item.name
        layout[...] = h5py.VirtualSource(source, name, data.shape)
        parent = item.parent
        del parent[name]
        parent.create_virtual_dataset(name, layout)
        return f"is a virtual dataset of {source}"
    filters: dict[str, Any] = random.choice(
        (
            {"compression": "lzf"},
            {"compression": 9},
            {"fletcher32": True},
            {"scaleoffset": 2},
            {"maxshape": (None,) * data.ndim},
        )
    )
    chunks = tuple(random.randint(1, max(1, length)) for length in data.shape)
    _replaced(item, data=data, chunks=chunks, **filters)
    return f"has chunks of {chunks} with {filters}"


def _link(item: Any, random: Random) -> str:
    file, name = item.file, item.name
    links: tuple[Any, ...] = (
        h5py.SoftLink("/nowhere"),
        h5py.SoftLink(name),
        h5py.SoftLink("/"),
        h5py.ExternalLink("missing.h5", name),
        h5py.ExternalLink("other.h5", name),
        h5py.ExternalLink(file.filename, name),
        h5py.ExternalLink("/dev/zero", name),
        h5py.ExternalLink("pipe", name),
        np.dtype("f8"),
        file["/"],
    )
    way = random.randrange(4)
    if way == 0 or name == "/":
        extra = random.choice(("x", "state", "a" * 1000, "é\n", "DIMENSION_LIST", "policy"))
        link = random.choice(links)
        file[f"{name}/more {extra}" if isinstance(item, h5py.Group) else f"{extra} more"] = link
        return f"has {extra[:20]!r} beside it, {link!r}"
    if way == 1:
        del file[name]
        return "is missing"
    if way == 2:
        del file[name]
        group = file.create_group(name)
        for depth in range(random.choice((0, 1, 500))):
            group = group.create_group(f"{depth}")
        return "is a group"
    link = random.choice(links)
    del file[name]
    file[name] = link
    return f"is {link!r}"


def _attribute(item: Any, random: Random) -> str:
    key = random.choice([*item.attrs, "new"])
    values: tuple[Any, ...] = (
        *NUMBERS,
        np.arange(3),
        np.zeros(0),
        np.zeros((2, 2)),
        h5py.Empty("f8"),
        "",
        "x" * 10**5,
        "a\nb\x1b[31m",
        b"\xff\xfe",
        np.bytes_(b"\xff\xfe"),
        ["a", "b"],
        np.uint64(2**64 - 1),
        np.array((1, 2.0), dtype=[("a", "i4"), ("b", "f8")]),
        item.file.ref,
        True,
        1j,
        np.void(b"abc"),
    )
    way = random.randrange(5)
    if way == 0 and key in item.attrs:
        del item.attrs[key]
        return f"attribute {key} is missing"
    if way == 1 and isinstance(item.attrs.get(key), str):
        text = list(item.attrs[key])
        place = random.randrange(max(1, len(text)))
        text[place : place + 1] = random.choice(("", "\n", "9", "[", "'", "é", "-", "9" * 400))
        item.attrs[key] = "".join(text)
        return f"attribute {key} has another character {place}"
    value = random.choice(values)
    item.attrs[key] = value
    return f"attribute {key} is {value!r:.60}"


EDITS: tuple[Edit, ...] = (
    *(_number,) * 3,
    _type,
    _shape,
    _huge,
    *(_storage,) * 2,
    *(_link,) * 2,
    *(_attribute,) * 4,
)
