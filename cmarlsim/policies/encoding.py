"""How multipliers and tiles enter the networks of a policy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np

from cmarlsim.errors import DamagedError
from cmarlsim.kernels.world import Floats, World
from cmarlsim.storage.hdf5 import attribute, numbers

ATTRIBUTES = ("low", "high", "scale_lam", "lam_roots")
"""Attributes of a policy's file that belong to its encoding."""

MOST_ROOTS = 8
"""More roots than this leave nothing of a multiplier but whether it is zero."""


@dataclass(frozen=True)
class Encoding:
    """How multipliers and tiles enter a network.

    Attributes
    ----------
    tile_center : (L, 2) array, metres
        The tiles the policy is for.
    low, high : (2,) arrays, metres
        The box whose borders are scaled to -1 and 1.
    scale_lam : bool
        Whether multipliers are divided by their largest one.
    lam_roots : int
        How often their square root is taken then. In an agent that nobody talks to, the multipliers of zones
        that others keep grow a hundred times larger than those of its own; roots let it see both.
    """

    tile_center: Floats
    low: Floats
    high: Floats
    scale_lam: bool
    lam_roots: int = 0

    @classmethod
    def read(cls, group: h5py.Group) -> Self:
        """Read what `write` wrote; KeyError, TypeError or ValueError if that is not there."""
        center, low, high = (
            floats(value)
            for value in (numbers(group, "tile_center"), group.attrs["low"], group.attrs["high"])
        )
        before_there_were_roots = "lam_roots" not in group.attrs
        roots = 0 if before_there_were_roots else attribute(group.attrs, "lam_roots", int)
        return cls(center, low, high, attribute(group.attrs, "scale_lam", bool), roots)

    def write(self, group: h5py.Group) -> None:
        """Write it into a group of an HDF5 file."""
        group["tile_center"] = self.tile_center
        for name in ATTRIBUTES:
            group.attrs[name] = getattr(self, name)

    @classmethod
    def of(cls, world: World, scale_lam: bool, lam_roots: int = 0) -> Self:
        """Encoding whose box is the bounding box of the tiles."""
        return cls(world.tile_center, world.bounds[:2], world.bounds[2:], scale_lam, lam_roots)

    def tile_input(self) -> Floats:
        """Scaled centres of the tiles, (L, 2)."""
        return 2 * (self.tile_center - self.low) / (self.high - self.low) - 1

    def lam_input(self, lam: Floats) -> Floats:
        """Multipliers (..., M) as a network sees them, a new array; zeros where all are zero."""
        largest = lam.max(axis=-1, keepdims=True) if self.scale_lam else np.ones(1)
        seen: Floats = lam / np.where(largest > 0, largest, 1.0)
        for _ in range(self.lam_roots):
            seen = np.sqrt(seen)
        return seen

    def check(self, path: Path) -> None:
        """Raise DamagedError, which names the file `path`, if its numbers cannot be those of an self."""
        center, low, high = self.tile_center, self.low, self.high
        if center.ndim != 2 or center.shape[1] != 2 or low.shape != (2,) or high.shape != (2,):
            raise DamagedError(
                f"{path}: tile_center, low and high have shapes {center.shape}, {low.shape}, {high.shape}; "
                "they must be (L, 2), (2,), (2,)"
            )
        if not (np.isfinite([*center, low, high]).all() and (low < high).all()):
            raise DamagedError(f"{path}: low = {low}, high = {high}: low must be below high, and all finite")
        if not 0 <= self.lam_roots <= MOST_ROOTS:
            raise DamagedError(f"{path}: lam_roots = {self.lam_roots}: must be 0 to {MOST_ROOTS}")


def floats(value: Any) -> Floats:
    """Numbers of a file as an array; TypeError if they are none."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"expected numbers, found {array.dtype}")
    return array.astype(np.float64)
