"""Compiled kernels on disk, in Numba's files, each with a checksum before Numba's content."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import pickle
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from numba.core import caching

from cmarlsim.kernels.cache_folder import NO_SPACE, cache_folder, private_folder

_LENGTH = hashlib.sha256().digest_size


class CacheError(OSError):
    """Compiled kernels cannot be kept; `filename` is where, `strerror` why, and what can be done."""


class KernelCache(caching.NullCache):
    """Numba's cache of one kernel, in `cache_folder`; the disk is not touched before a kernel is wanted."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    @cached_property
    def _cache(self) -> Any:
        return _FunctionCache(self._function)

    @property
    def cache_path(self) -> str:
        """Folder of the kernel's files."""
        return str(self._cache.cache_path)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Load what was compiled for a signature; None if there is nothing."""
        with _explained():
            return self._cache.load_overload(sig, target_context)

    def save_overload(self, sig: Any, cres: Any) -> None:
        """Keep what was compiled for a signature."""
        with _explained():
            self._cache.save_overload(sig, cres)

    def flush(self) -> None:
        """Forget what was compiled."""
        with _explained():
            self._cache.flush()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = f"{error.strerror}: compiled kernels cannot be kept here;"
        if error.errno in NO_SPACE:
            why = "no space left to keep the compiled kernels: free some, or"
        hint = "name another folder in the environment variable NUMBA_CACHE_DIR"
        raise CacheError(error.errno, f"{why} {hint}", error.filename or str(cache_folder())) from None


class _Locator(caching.InTreeCacheLocator):
    """Where Numba is to keep the files of a function."""

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        super().__init__(function, file)
        self._cache_path = str(cache_folder() / self.get_suitable_cache_subpath(file))
        self.ensure_cache_path()

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> _Locator | None:
        return cls(function, file) if os.path.exists(file) else None

    def ensure_cache_path(self) -> None:
        private_folder(Path(self._cache_path))


class _Form(caching.CompileResultCacheImpl):
    _locator_classes = (_Locator,)  # type: ignore[assignment]


class _FunctionCache(caching.FunctionCache):
    _impl_class = _Form

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        locator = self._impl.locator
        self._cache_file = _Files(self.cache_path, self._impl.filename_base, locator.get_source_stamp())


class _Files(caching.IndexDataCacheFile):
    """The index of a function and its machine code. What is not whole is removed: it is compiled anew."""

    def save(self, key: Any, data: Any) -> None:
        super().save(key, (key, data))

    def load(self, key: Any) -> Any:
        """Load what was saved under a key; None if another process put something else there."""
        found = super().load(key)
        return found[1] if found and found[0] == key else None

    def _load_index(self) -> dict[Any, str]:
        stamp, overloads = _read(self._index_path) or (None, {})
        return overloads if stamp == self._source_stamp else {}

    def _save_index(self, overloads: dict[Any, str]) -> None:
        self._write(self._index_path, (self._source_stamp, overloads))

    def _load_data(self, name: str) -> Any:
        return _read(self._data_path(name))

    def _save_data(self, name: str, data: Any) -> None:
        self._write(self._data_path(name), data)

    def _write(self, path: str, content: Any) -> None:
        pickled = self._dump(content)
        temporary = Path(f"{path}.{uuid.uuid4().hex}.tmp")
        try:
            temporary.write_bytes(_checksum(path, pickled) + pickled)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _read(path: str) -> Any:
    """The content of a file; None if there is none, or if it is not as it was written: then it is removed."""
    try:
        with open(path, "rb", opener=_without_following) as file:
            checksum, pickled = file.read(_LENGTH), file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        checksum = pickled = b""
    if checksum == _checksum(path, pickled):
        return pickle.loads(pickled)
    logging.getLogger("cmarlsim").warning(f"warning: {path}: is damaged; what was in it is compiled anew")
    Path(path).unlink(missing_ok=True)
    return None


def _without_following(path: str, flags: int) -> int:
    """Open no link, and wait for nobody."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _checksum(path: str, pickled: bytes) -> bytes:
    """The file's name is in it, so that none can stand for another."""
    return hashlib.sha256(os.path.basename(path).encode() + pickled).digest()
