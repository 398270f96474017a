"""Locks: one process at a time works on a batch.

The kernel lets go of a lock when its holder ends, however it ends. It spares work and guards nothing: a task
has the same bits whoever runs it, and results are published as whole files, so where a file system has no
locks, or does not pass them on to other machines, work is done twice at worst.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from cmarlsim.errors import is_whole
from cmarlsim.storage.files import file_at
from cmarlsim.validation import json_of

_MOST_BYTES = 10_000


class Lock:
    """A lock that this process holds.

    Attributes
    ----------
    left
        What a process that held the lock before had noted when it was killed; empty if none was.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.left = file, _note_in(file)

    def note(self, **facts: int) -> None:
        """Note facts, and which process this is, for others to see."""
        text = json.dumps({"host": socket.gethostname(), "pid": os.getpid()} | facts)
        os.pwrite(self._file.fileno(), f"{text:<200}\n".encode(), 0)


@contextmanager
def lock(path: Path) -> Iterator[Lock | None]:
    """Hold a lock; yields None if another process does. The file at `path` goes, unless an error ends it.

    Raises
    ------
    InputError
        If there is something else than a regular file.
    """
    file_at(path, follow=False)
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0) as file:
        if not _locked(file, fcntl.LOCK_EX) or not os.fstat(file.fileno()).st_nlink:
            yield None
            return
        yield Lock(file)
        path.unlink(missing_ok=True)


def holder(path: Path) -> dict[str, Any] | None:
    """What the process that holds a lock has noted, perhaps nothing; None if no process holds it.

    Raises
    ------
    InputError
        If there is something else than a regular file.
    """
    file_at(path, follow=False)
    try:
        with path.open("rb") as file:
            return None if _locked(file, fcntl.LOCK_SH) else _note_in(file)
    except FileNotFoundError:
        return None


def process_in(note: Mapping[str, Any]) -> str:
    """The process that a note is of, in words."""
    return f"process {note['pid']} on {note['host']}" if note else "a process that has not said which it is"


def remove_left(folder: Path) -> None:
    """Remove the locks that killed processes have left."""
    for path in folder.glob("*.lock"):
        with lock(path):
            pass


def lock_of(out: Path, batch: int) -> Path:
    """Where the lock of a batch of the sweep in `out` is."""
    return out / "locks" / f"{batch:06d}.lock"


def _locked(file: BinaryIO, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _note_in(file: BinaryIO) -> dict[str, Any]:
    try:
        note = json_of(file.read(_MOST_BYTES).decode())
        numbers = [note[key] for key in note.keys() - {"host"}]
        fits = isinstance(note["host"], str) and "pid" in note and all(map(is_whole, numbers))
    except (ValueError, LookupError, TypeError, AttributeError):
        return {}
    return note if fits else {}
