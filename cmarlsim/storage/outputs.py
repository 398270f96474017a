"""Where files are written: names that are free, and locks."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

from cmarlsim.errors import ArgumentError, InputError, LockedError
from cmarlsim.storage.files import file_at, problem_at, real


def check_free(path: Path, force: bool, inputs: Sequence[Path] = ()) -> None:
    """Make sure that a file can be written at `path`; its folder is made if it is missing.

    Raises
    ------
    ArgumentError
        If there is something else than a regular file, one that is there must not be replaced, as `force` is
        not set or it is one of the `inputs`, or its folder cannot be made or written to.
    """
    problem = problem_at(path)
    if not problem and path.exists():
        if any(not problem_at(source) and source.exists() and path.samefile(source) for source in inputs):
            problem = "is an input of this run; choose another name"
        elif not force:
            problem = "exists already; add force=True to replace it, or choose another name"
    if not problem:
        folder = real(path).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            problem = "" if os.access(folder, os.W_OK) else f"the folder {folder} is not writable"
        except OSError as error:
            problem = f"cannot make its folder {folder}: {error.strerror}"
    if problem:
        raise ArgumentError("out", str(path), problem)


def take_name(temporary: Path, path: Path, force: bool) -> None:
    """Give the file `temporary` the name `path`; another of that name is replaced only with `force`.

    Raises
    ------
    LockedError
        If there is one that somebody has open.
    InputError
        If there is one and `force` is not set, or there is something else than a regular file.
    """
    path = real(path)
    if force and path.exists():
        with path.open("rb") as present:
            try:
                fcntl.flock(present, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LockedError(f"{path}: is open, here or in another process; close it first") from None
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise InputError(f"{path}: exists already; add force=True to replace it") from None
    except OSError:  # a file system without links
        os.rename(temporary, path)
        return
    temporary.unlink()


def locked(path: Path) -> int:
    """Open the file at `path` for reading and writing, make it if it is missing, and lock it.

    Returns
    -------
    int
        Its descriptor, which holds the lock until it is closed.

    Raises
    ------
    LockedError
        If another process holds the lock.
    InputError
        If the file cannot be opened, or there is a symbolic link or something else than a regular file.
    """
    file_at(path, follow=False)
    while True:
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise LockedError(
                f"{path}: another process runs into this file; wait for it or stop it"
            ) from None
        try:
            if os.path.samestat(os.fstat(file), path.stat()):
                return file
        except FileNotFoundError:
            pass
        os.close(file)  # its owner has removed it meanwhile


def check_unlocked(path: Path) -> None:
    """Raise BlockingIOError if somebody writes the file."""
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def sync_folder(path: Path) -> None:
    """Have the names in the folder of `path` on disk."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
