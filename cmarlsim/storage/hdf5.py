"""Opening and publishing HDF5 files with one clear error when that cannot be done."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np

from cmarlsim.errors import DamagedError, InputError, LockedError
from cmarlsim.storage.files import check_readable, real
from cmarlsim.storage.inspection import faults, inspect
from cmarlsim.storage.outputs import check_unlocked, locked, sync_folder
from cmarlsim.storage.seal import compressed_chunks, is_sealed, seal

Value = TypeVar("Value", str, bool, int)


class File(h5py.File):
    """A file that was looked at before it was opened; `sealed` if it is as it was published."""

    sealed = False


def open_readable(path: Path, file_format: str) -> File:
    """Open `path` for reading and check that its attribute ``format`` is `file_format`.

    HDF5 does not see it before its seal is found intact or, where it has none, another process has been
    through it (`cmarlsim.storage.inspection`).

    Raises
    ------
    LockedError
        If it is being written.
    DamagedError
        If it is truncated, damaged or not HDF5.
    InputError
        If there is no such file, or it is of another format or no regular file.
    """
    check_readable(path)
    try:
        check_unlocked(path)
        sealed = is_sealed(path)
        if not sealed:
            inspect(path)
        file = File(path, "r")
    except BlockingIOError:
        raise LockedError(f"{path}: is being written, here or by another process") from None
    except OSError as error:
        raise DamagedError(f"{path}: not a readable HDF5 file: {error}") from None
    file.sealed = sealed
    try:
        with damage_told(path):
            fault = next(faults(file, deep=False), None) if sealed else None
            found = file.attrs.get("format")
        if fault is not None:
            raise DamagedError(f"{path}: not a readable HDF5 file: {fault}")
        if not isinstance(found, str) or found != file_format:
            raise InputError(f"{path}: format = {found!r:.60}: expected a file of format '{file_format}'")
    except InputError:
        file.close()
        raise
    return file


def check_sealed(file: h5py.File) -> None:
    """Raise DamagedError unless `file` is as it was published, which who goes on from it must be sure of."""
    if not (isinstance(file, File) and file.sealed):
        raise DamagedError(
            f"{file.filename}: cannot be continued: it was changed since it was written, or is of an earlier "
            "version, which wrote no checksum of it"
        )


@contextmanager
def damage_told(path: str | Path, damage: str = "is damaged") -> Iterator[None]:
    """Read from the file `path`; what cannot be read or is not as it must be is a DamagedError."""
    try:
        yield
    except InputError:
        raise
    except (OSError, RuntimeError, LookupError, TypeError, ValueError, ArithmeticError, zlib.error) as error:
        raise DamagedError(f"{path}: {damage}: {error}") from None


def attribute(attributes: Mapping[str, Any], name: str, kind: type[Value]) -> Value:
    """A value among the attributes of an HDF5 object.

    Parameters
    ----------
    kind
        ``str``, ``bool`` or ``int``.

    Raises
    ------
    LookupError
        If there is none of that name.
    TypeError
        If it is of another kind.
    """
    value = attributes[name]
    kinds: dict[type, tuple[type, ...]] = {str: (str,), bool: (bool, np.bool_), int: (int, np.integer)}
    if not isinstance(value, kinds[kind]) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"the attribute {name} = {value!r:.60} is no {kind.__name__}")
    return kind(attributes[name])


def numbers(group: h5py.Group, name: str) -> h5py.Dataset:
    """A dataset of numbers; LookupError if there is none of that name, TypeError if it is something else."""
    dataset = group[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "biuf":
        raise TypeError(f"{name} is no dataset of numbers")
    return dataset


class _Sink(io.RawIOBase):
    """A file for HDF5 to write into, which does not survive an error: it is kept here, and HDF5 goes on."""

    def __init__(self, path: Path) -> None:
        self._file = locked(path)
        os.ftruncate(self._file, 0)
        self._place = 0
        self.error: OSError | None = None

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._place}.get(whence)
        self._place = offset + (os.fstat(self._file).st_size if origin is None else origin)
        return self._place

    def tell(self) -> int:
        return self._place

    def truncate(self, size: int | None = None) -> int:
        size = self._place if size is None else size
        with self._errors_kept():
            os.ftruncate(self._file, size)
        return size

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        count = 0
        while count < len(view) and self.error is None:
            with self._errors_kept():
                count += os.pwrite(self._file, view[count:], self._place + count)
        self._place += len(view)
        return len(view)

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        found = os.pread(self._file, len(view), self._place)
        view[:] = found.ljust(len(view), b"\0")
        self._place += len(view)
        return len(view)

    def seal(self, spared: np.ndarray) -> None:
        with self._errors_kept():
            seal(self._file, spared)

    def sync(self) -> None:
        with self._errors_kept():
            os.fsync(self._file)

    def close(self) -> None:
        if not self.closed:
            os.close(self._file)
        super().close()

    @contextmanager
    def _errors_kept(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.error = self.error or error


@contextmanager
def published(path: Path, replace: bool = True) -> Iterator[h5py.File]:
    """Write a file under a temporary name; it takes the name `path` only when complete and on disk.

    Parameters
    ----------
    replace
        Replace another file of that name.

    Raises
    ------
    LockedError
        If another process is writing it.
    InputError
        If it cannot be written, or must not be replaced.
    """
    path = real(path)
    temporary = path.with_name(f".{path.name[-100:]}.tmp")
    try:
        with closing(_Sink(temporary)) as sink:
            try:
                with _written(sink) as file:
                    yield file
                if path.exists() and not replace:
                    raise InputError(f"{path}: exists already; add force=True to replace it")
                os.replace(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)  # while it is locked
        sync_folder(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


@contextmanager
def _written(sink: _Sink) -> Iterator[h5py.File]:
    """HDF5 file that is written into `sink`; OSError where that failed, and only then."""
    try:
        with h5py.File(sink, "w") as file:
            yield file
            spared = compressed_chunks(file)
        sink.seal(spared)
    except (OSError, RuntimeError):  # HDF5 may stumble over what was not written
        if sink.error is None:
            raise
    sink.sync()
    if sink.error is not None:
        raise sink.error
