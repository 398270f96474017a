"""What must hold for every command, whatever it is given."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path

import h5py
import numpy as np

from .case import Case, Command
from .children import SECONDS, Ended

LONGEST_LINE = 2500
"""Characters of a message."""

MOST_MEMORY = 2**30
"""Resident bytes that a small case may take."""

MORE_LINES = re.compile(
    r"(note|warning): |(compiling|\.\.\. compiled|continuing from|waiting for) |stopped|"
    r".*(\d:\d\d so far|continues after step|is there already|is damaged, and what it kept)"
)
"""What may stand on stderr beside an error."""

Snapshot = Mapping[str, tuple[object, ...]]


def snapshot(folder: Path) -> Snapshot:
    """What there is in a folder, by names: kind, and content of files and links."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        kind = stat.S_IFMT(status.st_mode)
        what: tuple[object, ...] = (kind,)
        if kind == stat.S_IFREG:
            what = (kind, status.st_size, hashlib.blake2b(path.read_bytes()).hexdigest())
        elif kind == stat.S_IFLNK:
            what = (_led_to(path), str(path.readlink()))
        found[str(path.relative_to(folder))] = what
    return found


def _led_to(link: Path) -> int:
    """The kind of what a link leads to: where that is nothing, a file may come to be there."""
    try:
        return stat.S_IFMT(link.stat().st_mode)
    except FileNotFoundError:
        return stat.S_IFREG
    except OSError:
        return stat.S_IFLNK


def faults(command: Command, ended: Ended) -> Iterator[str]:
    """What is wrong with how a command ended and what it said."""
    if ended.signal == "SIGALRM":
        if "so far" not in ended.err:  # what shows that it works may take long
            yield f"takes more than {SECONDS} s"
    elif ended.code is None:
        yield f"ended by {ended.signal}: {last_line(ended.err)}"
    elif ended.code not in allowed_codes(command):
        yield f"exit code {ended.code}: {last_line(ended.err)}"
    for text in (ended.err, ended.out):
        if "Traceback (most recent call last)" in text:
            yield f"traceback: {last_line(text)}"
    yield from _message_faults(command, ended)
    if ended.memory > MOST_MEMORY:
        yield f"takes {ended.memory / 2**30:.1f} GiB of memory"
    for path in ended.outside:
        yield f"writes outside its folder: {path}"
    for name in set(ended.left) - {f"cmarlsim-{os.getuid()}"}:  # where kernels are kept if nowhere else
        yield f"leaves behind a temporary file: {name}"


def allowed_codes(command: Command) -> range | tuple[int, ...]:
    """Exit codes that a command may end with; that of a sweep counts tasks that failed."""
    if command[:1] == ["sweep-here"] or command[:2] == ["sweep", "run"]:
        return (*range(101), 130)
    return (0, 1, 2, 130)


def _message_faults(command: Command, ended: Ended) -> Iterator[str]:
    lines = [line for line in ended.err.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error: ")]
    others = [line for line in lines if line not in errors and not MORE_LINES.match(line)]
    if "Traceback" not in ended.err and ended.code is not None:
        listed = command[:1] == ["check"] and re.search(r"^ +\d+ error ", ended.out, re.MULTILINE)
        if ended.code == 2 and len(errors) != (0 if listed else 1):
            yield f"exit code 2 with {len(errors)} lines of error: {last_line(ended.err)}"
        if others:
            yield f"stderr has another line: {others[0]}"
    for line in lines:
        if len(line) > LONGEST_LINE:
            yield f"a line of {len(line):,} characters: {line}"


def last_line(text: str) -> str:
    """The last line that is not empty; of a traceback, its exception."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "nothing was said"


def changes(case: Case, before: Snapshot, after: Snapshot) -> Iterator[str]:
    """What is wrong with what became of the files in a case's folder."""
    for name, what in before.items():
        special = what[0] not in (stat.S_IFREG, stat.S_IFDIR)
        permitted = any(fnmatch(name, pattern) for pattern in case.may_change)
        if after.get(name) != what and (special or not permitted):
            what_is_done = "changes" if name in after else "removes"
            yield f"{what_is_done} {'what is no file' if special else 'an input'}: {name}"
    named = {word.partition("=")[2] or word for command in case.commands for word in command}
    for name in after.keys() - before.keys() - named:
        last = Path(name).name
        noted = Path(name).parent.name == "locks"  # what ended with an error leaves its note
        if last.startswith(".") or fnmatch(last, "*.tmp") or (fnmatch(last, "*.lock") and not noted):
            yield f"leaves behind {name}"
        elif after[name][0] != stat.S_IFDIR and not any(fnmatch(name, each) for each in case.may_change):
            yield f"makes {name}"


def made_in_vain(command: Command, names: Collection[str]) -> Iterator[str]:
    """What is wrong with files that a command made that did not end well."""
    if names and command[:1] in (["import"], ["export"]):
        yield f"fails, and makes {', '.join(sorted(names))}"


def different_datasets(found: Path, expected: Path) -> Iterator[str]:
    """Say which datasets of a file are missing or are not, bit for bit, those of another."""
    with h5py.File(expected) as good, h5py.File(found) as file:
        names: list[str] = []
        good.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        differ = [name for name in names if not _same(file.get(name), good[name])]
    if differ:
        yield f"wrong result: {found} differs in {', '.join(differ)}"


def _same(found: object, wanted: h5py.Dataset) -> bool:
    if not isinstance(found, h5py.Dataset) or (found.shape, found.dtype) != (wanted.shape, wanted.dtype):
        return False
    return bool(np.asarray(found[()]).tobytes() == np.asarray(wanted[()]).tobytes())
