"""Opening and publishing HDF5 files with one clear error when that cannot be done."""

from __future__ import annotations

import fcntl
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py

from cmarlsim.errors import InputError


def open_readable(path: Path, file_format: str) -> h5py.File:
    """Open `path` for reading and check that its attribute ``format`` is `file_format`.

    Raises
    ------
    InputError
        If the file is missing, truncated, not HDF5, or of another format.
    """
    try:
        file = h5py.File(path, "r")
    except BlockingIOError:
        raise InputError(f"{path}: is being written, here or by another process") from None
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: not a readable HDF5 file (truncated or foreign): {error}") from None
    found = file.attrs.get("format")
    if not isinstance(found, str) or found != file_format:
        file.close()
        raise InputError(f"{path}: format = {found!r}: expected a file of format '{file_format}'")
    return file


@contextmanager
def published(path: Path) -> Iterator[h5py.File]:
    """Write a file under a temporary name; it takes the name `path` only when complete and on disk.

    It is made in memory, for HDF5 does not survive a disk that is full.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    made = io.BytesIO()
    with h5py.File(made, "w") as file:
        yield file
    try:
        with temporary.open("wb") as written:
            written.write(made.getbuffer())
            written.flush()
            os.fsync(written.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)


def take_name(temporary: Path, path: Path, force: bool) -> None:
    """Give the file `temporary` the name `path`; another of that name is replaced only with `force`.

    Raises
    ------
    InputError
        If there is one and `force` is not set, or somebody is writing to it.
    """
    if force and path.exists():
        with path.open("rb") as present:
            try:
                fcntl.flock(present, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(f"{path}: is open, here or in another process; close it first") from None
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise InputError(f"{path}: exists already; add --force to replace it") from None
    except OSError:  # a file system without links
        os.rename(temporary, path)
        return
    temporary.unlink()


def check_free(path: Path, force: bool, inputs: Sequence[Path] = ()) -> None:
    """Make sure that a file can be written at `path`; its folder is made if it is missing.

    Raises
    ------
    InputError
        If `path` exists and `force` is not set or it is one of the `inputs`, or its folder cannot be made or
        written to.
    """
    for source in inputs:
        if path.exists() and source.exists() and path.samefile(source):
            raise InputError(f"--out {path}: is an input of this run; choose another name")
    if path.is_dir():
        raise InputError(f"--out {path}: is a folder; name a file in it")
    if path.exists() and not force:
        raise InputError(f"--out {path}: exists already; add --force to replace it, or choose another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {path}: cannot make its folder: {error.strerror}") from None
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"--out {path}: the folder {path.parent} is not writable")
