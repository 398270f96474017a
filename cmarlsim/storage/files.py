"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from cmarlsim.errors import ArgumentError, InputError


def as_path(name: str, value: object) -> Path:
    """The path that the argument `name` stands for; ArgumentError if it cannot be one."""
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        raise ArgumentError(name, value, "must be the path of a file")
    return Path(value)


def real(path: Path) -> Path:
    """The file that `path` stands for: what is published under a symbolic link goes where that points."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def scratch_name(path: Path) -> Path:
    """A name beside `path`, hidden and nobody else's, for what will be published as `path`."""
    path = real(path)
    return path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex}.tmp")


def write_whole(path: Path, data: bytes | memoryview, fresh: bool = False) -> None:
    """Write a file under another name; it takes the name `path` only when complete and on disk.

    Parameters
    ----------
    fresh
        Refuse to replace a file of that name, also one that appears at the same moment.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    temporary = scratch_name(path)
    try:
        with temporary.open("wb") as file:
            file.write(data)
        if fresh and not take(temporary, path):
            raise InputError(f"{path}: exists already")
        settle(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)


def settle(temporary: Path, path: Path) -> None:
    """Give a complete file its name, and have both on disk when this returns.

    A network file system may rename and then say that there is nothing to rename, because its answer was
    lost and the question repeated: then it is looked whether `path` is the file that was meant.
    """
    path = real(path)
    _sync(temporary)
    meant = os.stat(temporary).st_ino
    try:
        os.replace(temporary, path)
    except FileNotFoundError:
        if not path.exists() or os.stat(path).st_ino != meant:
            raise
    _sync(path.parent)


def take(temporary: Path, path: Path) -> bool:
    """Give a file the name `path` as well, unless something has it; says whether that worked.

    Of several processes that try at once, on one machine or on many, one succeeds. A network file system
    may make the link and then say that there is one already: what counts is which file has the name.
    """
    meant = os.stat(temporary).st_ino
    try:
        os.link(temporary, path)
    except FileExistsError:
        return path.exists() and os.stat(path).st_ino == meant
    except OSError:
        return _copied(temporary, path)
    return True


def _copied(temporary: Path, path: Path) -> bool:
    """`take` on a file system without links."""
    try:
        with path.open("xb") as file:
            file.write(temporary.read_bytes())
    except FileExistsError:
        return False
    return True


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
