"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def published(path: Path) -> Iterator[Path]:
    """Yields another name to write a file under; it takes the name `path` in the end, when it is on disk.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    temporary = scratch_name(path)
    try:
        yield temporary
        settle(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file as `published` does."""
    with published(path) as temporary:
        temporary.write_bytes(data)


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


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
