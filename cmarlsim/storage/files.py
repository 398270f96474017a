"""Files that are there as a whole or not at all, and only ever in place of nothing or of a regular file."""

from __future__ import annotations

import errno
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cmarlsim.errors import ArgumentError, InputError

MOST_BYTES = 2**28
"""Bytes of a file that is parsed, at most: 256 MiB."""

_KINDS = {
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFLNK: "a symbolic link",
}


def as_path(name: str, value: object) -> Path:
    """The path that the argument `name` stands for; ArgumentError if it cannot be one."""
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        raise ArgumentError(name, value, "must be the path of a file")
    return Path(value)


def problem_at(path: Path, follow: bool = True) -> str:
    """Why `path` can be neither read nor replaced; empty where it leads to a regular file, or to nothing.

    Parameters
    ----------
    follow
        Whether a symbolic link counts as what it leads to.
    """
    try:
        str(path).encode()
        mode = os.stat(path, follow_symlinks=follow).st_mode
    except FileNotFoundError:
        return "is a folder; name a file in it" if path.name == ".." else ""
    except NotADirectoryError:
        file = next((part for part in reversed(path.parents) if not part.is_dir()), path.parent)
        return f"{file} is not a folder"
    except OSError as error:
        loop = error.errno == errno.ELOOP
        return "is a loop of symbolic links" if loop else f"is not a usable path: {error.strerror}"
    except UnicodeEncodeError:
        return "is not a usable path: its name is not UTF-8"
    except ValueError as error:
        return f"is not a usable path: {error}"
    if stat.S_ISREG(mode):
        return ""
    if stat.S_ISDIR(mode):
        return "is a folder; name a file in it"
    return f"is {_KINDS.get(stat.S_IFMT(mode), 'something else')}; it must be a regular file"


def file_at(path: Path, follow: bool = True) -> bool:
    """Whether there is a file at `path`; parameters as for `problem_at`.

    Raises
    ------
    InputError
        If there is something else, or this cannot be said.
    """
    if problem := problem_at(path, follow):
        raise InputError(f"{path!s:.200}: {problem}")
    return path.exists()


def check_folder(path: Path) -> None:
    """Make sure that `path` is a folder, or nothing yet.

    Raises
    ------
    InputError
        If there is something else, or this cannot be said.
    """
    if not os.path.isdir(path):
        problem = "is not a folder" if os.path.lexists(path) else problem_at(path)
        if problem:
            raise InputError(f"{path!s:.200}: {problem}")


def check_readable(path: Path) -> None:
    """Make sure, before `path` is opened, that it is a file: opening a pipe waits, and a device may act.

    Raises
    ------
    InputError
        If it is missing, is something else, or may not be read.
    """
    if not file_at(path):
        raise InputError(f"{path}: no such file")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: permission denied")


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """Read a file of at most so many bytes.

    Raises
    ------
    InputError
        As `check_readable`, and if it is longer.
    """
    check_readable(path)
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > most:
                raise InputError(f"{path}: has {size:,} bytes, more than the {most:,} that are read")
            return file.read(size)  # to the end, some files of the kernel would wait for more
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def text_in(data: bytes, path: Path) -> str:
    """The text in the bytes of the file `path`, whose lines end in newlines; InputError if it is no UTF-8."""
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not text in UTF-8: {error.reason} at byte {error.start}") from None


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """Read a text file; parameters and errors as `read_bytes` and `text_in`."""
    return text_in(read_bytes(path, most), path)


def real(path: Path) -> Path:
    """The file that `path` stands for: what is published under a symbolic link goes where that points.

    Raises
    ------
    InputError
        If there is something else than a regular file.
    """
    file_at(path)
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def scratch_name(path: Path) -> Path:
    """A name beside `path`, hidden and nobody else's, for what will be published as `path`."""
    path = real(path)
    return path.with_name(f".{path.name[:50]}.{uuid.uuid4().hex}.tmp")


@contextmanager
def published(path: Path) -> Iterator[Path]:
    """Yields another name to write a file under; it takes the name `path` in the end, when it is on disk.

    Raises
    ------
    InputError
        If it cannot be written, or there is something else than a regular file.
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

    Raises
    ------
    InputError
        If there is something else than a regular file.
    OSError
        If the file system refuses.
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
