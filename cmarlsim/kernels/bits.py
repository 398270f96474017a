"""Sets of agents or zones as bits of 64-bit words: element i is bit i % 64 of word i // 64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cmarlsim.kernels.compiling import inner, kernel

Words = NDArray[np.uint64]


_INDEX = np.zeros(67, dtype=np.int64)
for _i in range(64):
    _INDEX[pow(2, _i, 67)] = _i  # the powers of two differ modulo 67


def words_for(elements: int) -> int:
    """Number of words that hold a set of up to `elements` elements."""
    return max(1, -(-elements // 64))


def full_set(elements: int) -> Words:
    """The set of all elements 0 .. elements - 1."""
    words = np.zeros(words_for(elements), dtype=np.uint64)
    for i in range(elements):
        words[i // 64] |= np.uint64(1) << np.uint64(i % 64)
    return words


@kernel
def has(words: Words, i: int) -> bool:
    """Whether element `i` is in the set."""
    return (words[i >> 6] >> np.uint64(i & 63)) & np.uint64(1) != np.uint64(0)


@kernel
def lowest(word: np.uint64) -> int:
    """Index of the lowest bit set in a word that is not 0; ``word & (word - 1)`` is the word without it."""
    return _INDEX[(word & (~word + np.uint64(1))) % np.uint64(67)]


@inner
def toggle(words: Words, i: int) -> None:
    """Take element `i` out of the set if it is there, else add it."""
    words[i >> 6] ^= np.uint64(1) << np.uint64(i & 63)


@inner
def any_in(words: Words) -> bool:
    """Whether the set has an element."""
    for w in range(len(words)):  # noqa: SIM110 (compiled: a plain loop)
        if words[w] != np.uint64(0):
            return True
    return False


@kernel
def only_one(words: Words) -> int:
    """The element of a set that has only one; -1 of every other set."""
    found = -1
    for w in range(len(words)):
        word = words[w]
        if word != np.uint64(0):
            if found >= 0 or word & (word - np.uint64(1)) != np.uint64(0):
                return -1
            found = 64 * w + lowest(word)
    return found


@inner
def copy_set(words: Words, into: Words) -> None:
    """Make the set `into` equal to the set `words`."""
    for w in range(len(words)):
        into[w] = words[w]


@kernel
def put(words: Words, i: int, present: bool) -> None:
    """Add element `i` to the set or take it out."""
    bit = np.uint64(1) << np.uint64(i & 63)
    if present:
        words[i >> 6] |= bit
    else:
        words[i >> 6] &= ~bit


@kernel
def unite(into: Words, words: Words) -> None:
    """Add all elements of the set `words` to the set `into`."""
    for w in range(len(into)):
        into[w] |= words[w]


@kernel
def clear(words: Words) -> None:
    """Empty the set."""
    for w in range(len(words)):
        words[w] = np.uint64(0)


@inner
def write_set(words: Words, members: NDArray[np.bool_]) -> None:
    """Write for every element whether it is in the set."""
    for w in range(len(words)):
        rest = words[w]
        for i in range(64 * w, min(len(members), 64 * w + 64)):
            members[i] = rest & np.uint64(1) != np.uint64(0)
            rest >>= np.uint64(1)
