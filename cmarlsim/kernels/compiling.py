"""The one place that configures compilation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import numba
from numba.core import event

from cmarlsim.kernels.cache import KernelCache

Function = TypeVar("Function", bound=Callable[..., Any])

_settings: Any = numba.config
_compile: Any = numba.njit


def _compiled(function: Function, **options: Any) -> Function:
    result: Any = _compile(nogil=True, error_model="numpy", forceinline=True, _nrt=False, **options)(function)
    if not _settings.DISABLE_JIT:
        result._cache = KernelCache(function)
    return cast(Function, result)


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

    def __init__(self, begun: Callable[[], None] = lambda: None) -> None:
        self.seconds = 0.0
        self._begun, self._depth, self._start = begun, 0, 0.0

    @property
    def going_on(self) -> bool:
        """Whether something is compiled now."""
        return self._depth > 0

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
def watched(begun: Callable[[], None] = lambda: None) -> Iterator[Compilation]:
    """Watch what is compiled; `begun` is called once, and not at all if everything comes from the cache."""
    with event.install_listener("numba:compile", Compilation(begun)) as compilation:
        yield compilation
