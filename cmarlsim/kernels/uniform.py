"""Uniform draws by SplitMix64: each depends on a key and its own number alone, so they are vector work."""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.world import Floats

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@kernel
def mixed(state: np.uint64) -> np.uint64:
    """SplitMix64's output for a state (Steele, Lea and Flood 2014, with Stafford's constants)."""
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))


@kernel
def fill_uniforms(key: np.uint64, first: np.uint64, out: Floats) -> None:
    """Write the draws number `first`, `first` + 1, ... of the stream `key` into `out` (n,), in [0, 1)."""
    for i in range(len(out)):
        bits = mixed(key + (first + np.uint64(i) + np.uint64(1)) * _GAMMA) >> np.uint64(11)
        out[i] = np.float64(np.int64(bits)) * 2.0**-53
