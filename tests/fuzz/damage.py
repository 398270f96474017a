"""Damage to the bytes of every kind of file that is written or read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import NamedTuple

from .case import Case, Command
from .oracle import different_datasets
from .specimens import LEVELS, LONG, TRAIN, Specimens, run_of

BLOCK = 64


class Victim(NamedTuple):
    """A file that is damaged, what reads it, and what comes of it where the damage does no harm.

    Attributes
    ----------
    name, needs
        The file, and others that the commands read.
    commands
        One of these lists is chosen.
    results
        Files that are made or continued, each with the specimen that it must equal.
    """

    name: str
    needs: tuple[str, ...]
    commands: tuple[list[Command], ...]
    results: Mapping[str, str] = MappingProxyType({})
    may_change: tuple[str, ...] = ("out*",)


def case(random: Random, good: Specimens) -> Case:
    """A file of any kind with damaged bytes, and commands that read it."""
    victim = random.choice(victims(random, good.folder))
    good.copy(*dict.fromkeys((*victim.needs, victim.name.partition("/")[0])))
    stories = [damaged(Path(victim.name), random) for _ in range(random.choice((1, 1, 1, 2, 4)))]
    return reading(f"{victim.name}: {', '.join(stories)}", victim, random, good)


def reading(story: str, victim: Victim, random: Random, good: Specimens) -> Case:
    """A case in which the damaged file is read, and results are compared with those of good files."""
    commands = random.choice(victim.commands)

    def verify() -> Iterator[str]:
        for found, expected in victim.results.items():
            if Path(found).exists():
                yield from different_datasets(Path(found), good.folder / expected)

    return Case(story, commands, victim.may_change, verify)


def victims(random: Random, folder: Path) -> list[Victim]:
    """What may be damaged: each kind of file with a list of its own, so that all kinds come up."""
    groups = (_recordings, _journals, _policies, _checkpoints, _sweeps, _texts)
    weights = (8, 4, 4, 3, 4, 2)
    return list(random.choices(groups, weights)[0](folder))


def _recordings(folder: Path) -> Iterable[Victim]:
    small = ("small.toml", "small-plan.toml", "policy.h5")
    for level in LEVELS:
        name = f"{level}.h5"
        resume: Command = [*run_of(level, LONG, name)[:-2], "--resume", name]
        yield Victim(name, small, ([resume],), {name: f"{level}-long.h5"}, (name, f"{name}.journal"))
        yield Victim(name, small, ([["rerun", name]],), {name: name})
    name = "step-dense.h5"
    replay = ["replay", name, "--to", "2", "--out", "out.gif"]
    yield Victim(name, small, ([replay],))
    yield Victim("rollout.h5", small, tuple([[*figure, "--out", "out"]] for figure in FIGURES))
    yield Victim("radio.h5", small, ([["analysis.proposition2", "--footprint", "radio.h5", *_FEW]],))


FIGURES: tuple[Command, ...] = (
    ["analysis.figure4", "rollout.h5"],
    ["analysis.figure5a", "rollout.h5"],
    ["analysis.figure5b", "rollout.h5"],
    ["analysis.figure3bf", "rollout.h5"],
    ["analysis.figure5c", "rollout.h5", "--policy", "p=policy.h5"],
)
_FEW = ["--repetitions", "100", "--out", "out"]


def _journals(folder: Path) -> Iterable[Victim]:
    small = ("small.toml", "small-plan.toml", "policy.h5")
    for level in LEVELS:
        for name in (f"{level}-killed.h5", f"{level}-begun.h5"):
            needs = (*small, name) if name.endswith("-begun.h5") else small
            run = run_of(level, LONG, name)
            resumes = ([[*run, "--resume", "auto"]], [[*run[:-2], "--resume", name]])
            results, changed = {name: f"{level}-long.h5"}, (name, f"{name}.journal")
            yield Victim(f"{name}.journal", needs, resumes, results, changed)


def _policies(folder: Path) -> Iterable[Victim]:
    needs = ("small.toml", "small-plan.toml")
    run = run_of("step-dense", LONG, "out.h5")
    yield Victim("policy.h5", needs, ([run],), {"out.h5": "step-dense-long.h5"})
    others: list[Command] = [
        ["advise", "small.toml", "--policy", "policy.h5", "--steps", "60"],
        ["sweep", "plan", "sweep.toml", "out"],
    ]
    yield Victim("policy.h5", (*needs, "sweep.toml"), tuple([other] for other in others))
    train: Command = [*TRAIN, "--out", "policy.h5"]
    yield Victim("policy.h5", needs, ([train],), {"policy.h5": "policy.h5"})
    yield Victim("policy.h5", needs, ([[*train, "--force"]],), {"policy.h5": "policy.h5"}, ("policy.h5*",))


def _checkpoints(folder: Path) -> Iterable[Victim]:
    needs, out = ("small.toml", "small-plan.toml"), "stopped.h5"
    train: Command = [*TRAIN, "--out", out]
    yield Victim(f"{out}.checkpoint", needs, ([train],), {out: "policy.h5"}, (f"{out}*",))


def _sweeps(folder: Path) -> Iterable[Victim]:
    texts = ("small.toml", "small-plan.toml", "sweep.toml", "policy.h5")
    for sweep in ("planned", "half", "done"):
        files = (path for path in sorted((folder / sweep).rglob("*")) if path.is_file())
        results = {f"{sweep}/recordings/00000{i}.h5": f"done/recordings/00000{i}.h5" for i in range(4)}
        commands: tuple[list[Command], ...] = (
            [["sweep-here", sweep], ["sweep", "collect", sweep, "--table", "out.csv"]],
            [["sweep", "collect", sweep, "--partial", "--table", "out.csv", "--hdf5", "out.h5"]],
            [["sweep", "status", sweep]],
            [["sweep", "plan", "sweep.toml", sweep, "--batch", "2"], ["sweep-here", sweep]],
        )
        for path in files:
            name = str(path.relative_to(folder))
            yield from (
                Victim(name, texts, (each,), results, ("out*", f"{sweep}/*")) for each in commands[:1]
            )
            yield Victim(name, texts, commands[1:3])
            yield Victim(name, texts, commands[3:], results, (f"{sweep}/*",))


def _texts(folder: Path) -> Iterable[Victim]:
    radio: Command = ["analysis.radio", "trace.k7", "--runs", "1", "--step", "1", "--out", "out"]
    yield Victim("trace.k7", (), ([radio],))
    for name in ("trace.k7", "footprint.graphml", "edges.txt"):
        yield Victim(name, (), ([["analysis.proposition2", "--footprint", name, *_FEW]],))


# --- what is done to bytes ---


def damaged(path: Path, random: Random) -> str:
    """Damage the bytes of a file in one way; says how."""
    data = bytearray(path.read_bytes())
    story, data = random.choice(WAYS)(data, random)
    path.write_bytes(data)
    return story


Way = Callable[[bytearray, Random], tuple[str, bytearray]]


def _bit(data: bytearray, random: Random) -> tuple[str, bytearray]:
    place, bit = _place(data, random), random.randrange(8)
    data[place : place + 1] = bytes(byte ^ 1 << bit for byte in data[place : place + 1])
    return f"bit {bit} of byte {place} flipped", data


def _byte(data: bytearray, random: Random) -> tuple[str, bytearray]:
    place, value = _place(data, random), random.choice((0, 1, 127, 128, 255, random.randrange(256)))
    data[place : place + 1] = bytes([value])
    return f"byte {place} is {value}", data


def _word(data: bytearray, random: Random) -> tuple[str, bytearray]:
    place, size = _place(data, random), random.choice((2, 4, 8))
    value = random.choice((0, 1, 2 ** (8 * size) - 1, 2 ** (8 * size - 1), random.randrange(2 ** (8 * size))))
    data[place : place + size] = value.to_bytes(size, "little")
    return f"bytes {place} to {place + size} are {value}", data


def _noise(data: bytearray, random: Random) -> tuple[str, bytearray]:
    place, size = _place(data, random), random.choice((4, 16, BLOCK, 512))
    data[place : place + size] = random.randbytes(size)
    return f"noise in bytes {place} to {place + size}", data


def _zeros(data: bytearray, random: Random) -> tuple[str, bytearray]:
    place, size = _place(data, random), random.choice((8, BLOCK, 512, 4096))
    size = len(data[place : place + size])
    data[place : place + size] = bytes(size)
    return f"bytes {place} to {place + size} are zero", data


def _cut(data: bytearray, random: Random) -> tuple[str, bytearray]:
    place = random.choice((0, 1, 8, len(data) // 2, max(0, len(data) - 1), _place(data, random)))
    return f"cut off at byte {place} of {len(data)}", data[:place]


def _longer(data: bytearray, random: Random) -> tuple[str, bytearray]:
    size = random.choice((1, BLOCK, 4096))
    more = random.choice((bytes(size), random.randbytes(size), bytes(data[:size])))
    return f"{len(more)} bytes more", data + more


def _removed(data: bytearray, random: Random) -> tuple[str, bytearray]:
    place, size = _place(data, random), random.choice((1, 8, BLOCK, 512))
    return f"bytes {place} to {place + size} removed", data[:place] + data[place + size :]


def _swapped(data: bytearray, random: Random) -> tuple[str, bytearray]:
    size = random.choice((8, BLOCK, 512))
    first, second = sorted(_place(data, random) // size * size for _ in range(2))
    one, other = data[first : first + size], data[second : second + size]
    if first + size <= second and len(one) == len(other):
        data[first : first + size], data[second : second + size] = other, one
    return f"{size} bytes at {first} and {second} swapped", data


def _repeated(data: bytearray, random: Random) -> tuple[str, bytearray]:
    place, size = _place(data, random), random.choice((1, BLOCK, 512))
    return f"bytes {place} to {place + size} twice", data[: place + size] + data[place:]


WAYS: tuple[Way, ...] = (
    *(_bit,) * 4,
    *(_byte,) * 3,
    *(_word,) * 2,
    *(_noise, _zeros, _cut, _longer, _removed, _swapped, _repeated),
)


def _place(data: bytearray, random: Random) -> int:
    """Anywhere in the data, more often near its beginning or its end."""
    if not data:
        return 0
    part = random.choice((len(data), len(data), min(len(data), 1024)))
    place = random.randrange(part)
    return len(data) - 1 - place if random.random() < 0.15 else place
