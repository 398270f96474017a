"""Named, counter-keyed streams of random numbers.

Every draw of the project has an address: a seed, a name and an index. No random state is ever stored, and
a draw does not depend on who asks for it, in which order, or in chunks of which size.
"""

from __future__ import annotations

import hashlib
import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cmarlsim.errors import ArgumentError, is_whole
from cmarlsim.kernels.uniform import fill_uniforms


def check_seed(seed: int) -> None:
    """Raise ArgumentError unless `seed` can be one."""
    if not is_whole(seed):
        raise ArgumentError("seed", seed, "must be a whole number")
    if not 0 <= seed < 2**63:
        raise ArgumentError("seed", seed, "must be 0 or more, and less than 2**63")


def _sequence(seed: int, name: str, *index: int) -> np.random.SeedSequence:
    words = np.frombuffer(hashlib.sha256(name.encode()).digest()[:16], dtype=np.uint32)
    return np.random.SeedSequence(seed, spawn_key=(*words.tolist(), *index))


@lru_cache(maxsize=64)
def stream_key(seed: int, name: str) -> np.uint64:
    """Key of the uniforms of `seed` and `name`, for kernels that number their draws themselves."""
    return _sequence(seed, name).generate_state(1, np.uint64)[0]


def stream(seed: int, name: str, *index: int) -> np.random.Generator:
    """Generator of its own for `seed`, `name` and `index` (all non-negative integers but the name)."""
    return np.random.Generator(np.random.Philox(_sequence(seed, name, *index)))


def uniforms(seed: int, name: str, first: int, count: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Rows `first` to `first + count - 1` of an endless table of uniforms on [0, 1).

    Parameters
    ----------
    seed, name
        Which table.
    first, count
        Which rows; a row is the same whatever else is asked for.
    shape
        Shape of a row. Part of the table's address: another shape is another table.

    Returns
    -------
    (count, *shape) array of float64

    Examples
    --------
    >>> whole = uniforms(7, "action", 0, 10, (3,))
    >>> bool((whole[4:6] == uniforms(7, "action", 4, 2, (3,))).all())
    True
    """
    table = np.empty((count, *shape))
    draw_into(table, seed, name, first)
    return table


def draw_into(table: NDArray[np.float64], seed: int, name: str, first: int) -> None:
    """Overwrite `table` with rows of `uniforms`, from row `first` on; it must be contiguous."""
    if table.size == 0:
        return
    with np.errstate(over="ignore"):  # the arithmetic is modulo 2**64
        fill_uniforms(
            stream_key(seed, name), np.uint64(first * math.prod(table.shape[1:])), table.reshape(-1)
        )
