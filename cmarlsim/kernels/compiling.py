"""The one place that configures compilation."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numba
import platformdirs
from numba.core import event

Function = TypeVar("Function", bound=Callable[..., Any])

_settings: Any = numba.config
_compile: Any = numba.njit


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _cache_folder() -> str:
    """Cache folder keyed on the text of every kernel.

    Numba looks only at the file of the function it compiles: when a *callee* in another file changes,
    the caller's cached code goes stale. A folder per state of all kernel files rules that out, and one more
    for code that checks bounds (NUMBA_BOUNDSCHECK). What else the code depends on is in Numba's own index:
    its version, Python's, and the processor's name and features.
    """
    sources = sorted(Path(__file__).parent.glob("*.py"))
    texts = [path.read_bytes() for path in sources]
    key = hashlib.sha256(b"".join([*texts, bytes([bool(_settings.BOUNDSCHECK)])])).hexdigest()[:16]
    root = Path(_settings.CACHE_DIR or platformdirs.user_cache_dir("cmarlsim"))
    if not _writable(root / key):
        root = Path(tempfile.gettempdir()) / f"cmarlsim-{os.getuid()}"
    return str(root / key)


CACHE_FOLDER = _cache_folder()
"""Where compiled kernels are kept."""


def _compiled(function: Function, **options: Any) -> Function:
    before = _settings.CACHE_DIR
    _settings.CACHE_DIR = CACHE_FOLDER
    try:
        result: Function = _compile(
            cache=True, nogil=True, error_model="numpy", forceinline=True, _nrt=False, **options
        )(function)
        return result
    finally:
        _settings.CACHE_DIR = before


def kernel(function: Function) -> Function:
    """Compile `function` without Python objects, release the GIL, and cache the machine code on disk.

    Kernels never allocate: they are compiled without Numba's run time of reference counts (``_nrt``), so an
    allocation is a compile error. Counting the references to a `World`'s arrays at every call took most of
    the time before. No fast-math, so that ties and borders are what they say.
    """
    return _compiled(function)


def inner(function: Function) -> Function:
    """Compile a kernel that only other kernels call: without a way in from Python, in less time."""
    return _compiled(function, no_cpython_wrapper=True)


def reduction(function: Function) -> Function:
    """Compile sums whose order is free, so that they use vector instructions; otherwise as `kernel`.

    Their last bits depend on the processor's vector length, and on nothing else but the shapes. Only for
    values that are compared with random draws, where that does not show, and for gradients.
    """
    return _compiled(function, fastmath={"reassoc", "contract"})


class Compilation(event.Listener):
    """What is compiled because no cache has it: calls `begun` when that begins, and adds up the seconds."""

    def __init__(self, begun: Callable[[], None]) -> None:
        self.seconds = 0.0
        self._begun, self._depth, self._start = begun, 0, 0.0

    def on_start(self, event: Any) -> None:
        """A kernel, or a callee of one, begins to be compiled."""
        if self._depth == 0:
            if self.seconds == 0.0:
                self._begun()
            self._start = time.perf_counter()
        self._depth += 1

    def on_end(self, event: Any) -> None:
        """It is compiled."""
        self._depth -= 1
        if self._depth == 0:
            self.seconds += time.perf_counter() - self._start


@contextmanager
def watched(begun: Callable[[], None]) -> Iterator[Compilation]:
    """Watch what is compiled; `begun` is called once, and not at all if everything comes from the cache."""
    with event.install_listener("numba:compile", Compilation(begun)) as compilation:
        yield compilation
