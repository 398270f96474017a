"""Trying a case: its files are made, its commands run, and what must hold is looked at."""

from __future__ import annotations

import json
import os
import re
import resource
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from random import Random

from . import arguments, buildings, cache, damage, hdf5, maps, paths, toml
from .case import Case, Command
from .children import MEMORY, Ended, forked, run_command
from .oracle import changes, faults, last_line, made_in_vain, snapshot
from .specimens import Specimens

KINDS: Mapping[str, tuple[Callable[[Random, Specimens], Case], int]] = {
    "toml": (toml.case, 150),
    "buildings": (buildings.case, 150),
    "maps": (maps.case, 200),
    "damage": (damage.case, 200),
    "hdf5": (hdf5.case, 130),
    "arguments": (arguments.case, 90),
    "paths": (paths.case, 79),
    "cache": (cache.case, 1),
}
"""What makes the cases of a kind, and how many of a thousand are of it."""

FRESH_SECONDS = 200
"""Time for a process that may have to compile all kernels."""


@dataclass(frozen=True)
class Trial:
    """What came of a case."""

    seed: int
    kind: str
    story: str
    commands: tuple[Command, ...]
    codes: tuple[int | None, ...]
    faults: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """The commands as a shell takes them."""
        modules = [
            ["python", "-m"] if words[:1] and words[0].startswith("analysis.") else ["cmarlsim"]
            for words in self.commands
        ]
        return [shlex.join([*first, *words]) for first, words in zip(modules, self.commands, strict=True)]


def kind_of(seed: int) -> str:
    """The kind of the case with this seed."""
    weights = [weight for _, weight in KINDS.values()]
    return Random(f"kind {seed}").choices(list(KINDS), weights)[0]


def try_apart(seed: int, good: Specimens, folder: Path) -> Trial:
    """`try_case` in a child of its own: HDF5 may crash, or take all memory, where a case is made with it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            with os.fdopen(writing, "w") as told:
                json.dump(asdict(try_case(seed, good, folder)), told)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as told:
        said = told.read()
    _, status = os.waitpid(child, 0)
    if status:
        return Trial(seed, kind_of(seed), f"could not be made, HDF5 ended with {status}", (), (), ())
    seed, kind, story, *rest = json.loads(said).values()
    return Trial(seed, kind, story, *map(tuple, rest))


def try_case(seed: int, good: Specimens, folder: Path) -> Trial:
    """Try a case in `folder`, which is made: ``work`` has its files, the rest what was said."""
    kind, here = kind_of(seed), Path.cwd()
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "work").mkdir(parents=True)
    os.chdir(folder / "work")
    case, codes = Case("could not be made", []), list[int | None]()
    try:
        case = KINDS[kind][0](Random(f"case {seed}"), good)
        codes, found = _tried(case, folder)
    except MemoryError:
        found = []  # of HDF5, which was told to write too much
    except Exception as error:
        found = [f"the fuzzer itself: {type(error).__name__}: {str(error)[:500]}"]
    finally:
        os.chdir(here)
    return Trial(seed, kind, case.story, tuple(case.commands), tuple(codes), tuple(dict.fromkeys(found)))


def _tried(case: Case, folder: Path) -> tuple[list[int | None], list[str]]:
    before, codes, found = snapshot(Path()), list[int | None](), list[str]()
    for number, command in enumerate(case.commands):
        earlier = snapshot(Path())
        ended = _run(case, command, folder / str(number))
        found.extend(faults(command, ended))
        codes.append(ended.code)
        if ended.code != 0:
            found.extend(made_in_vain(command, snapshot(Path()).keys() - earlier.keys()))
            break
    found.extend(changes(case, before, snapshot(Path())))
    if case.verify and codes[-1] == 0:
        checked = forked(partial(_verify, case.verify), folder / "verify")
        found.extend(checked.out.splitlines())
        if checked.code != 0:
            found.append(f"what is left cannot be read: {checked.signal} {last_line(checked.err)}")
    return codes, found


def _run(case: Case, command: Command, notes: Path) -> Ended:
    if not case.fresh:
        return forked(partial(run_command, command), notes)
    words = [sys.executable, "-m", "cmarlsim", *command]
    return forked(lambda: os.execve(words[0], words, os.environ | case.environment), notes, FRESH_SECONDS)


def _verify(verify: Callable[[], Iterable[str]]) -> None:
    for line in verify():
        print(line)


def pattern(fault: str) -> str:
    """A fault without what differs from case to case, to count those that are alike."""
    if fault.startswith("a line of "):
        return "a line of too many characters"
    fault = re.sub(r"(?<=differs in ).*", "datasets", fault[:500])
    quoted = r"'[^']{0,200}'|\"[^\"]{0,200}\""
    file = r"[\w./-]*\.(h5|toml|jsonl?|lock|csv|k7|txt|tmp|journal|checkpoint|graphml|gif|nb[ci])\b"
    fault = re.sub(f"{quoted}|{file}", "…", fault)
    fault = re.sub(r"-?\d[\d.,e+_-]*", "#", fault)
    return re.sub(r"\b(\S{1,20} )\1{3,}", r"\1", fault)[:120]
