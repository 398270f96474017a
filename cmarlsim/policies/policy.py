"""Policies: one small network an agent, read from and written to HDF5."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np

from cmarlsim.errors import InputError
from cmarlsim.kernels.policy import write_rows
from cmarlsim.kernels.world import TOLERANCE, Floats, Weights, World
from cmarlsim.learning.mlp import MLP
from cmarlsim.storage import shipped
from cmarlsim.storage.hdf5 import open_readable, published

FORMAT = "cmarlsim-policy/1"
RANK = "rank"
MOST_ROOTS = 8
"""More roots than this leave nothing of a multiplier but whether it is zero."""


def tile_centers(world: World) -> Floats:
    """Centres of the tiles, (L, 2), in metres."""
    return (world.tile_box[:, :2] + world.tile_box[:, 2:]) / 2


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
        How often their square root is taken then. Of an agent that nobody talks to, the multipliers of zones
        that others keep grow a hundred times larger than those of its own; roots let it see both.
    """

    tile_center: Floats
    low: Floats
    high: Floats
    scale_lam: bool
    lam_roots: int = 0

    @classmethod
    def of(cls, world: World, scale_lam: bool, lam_roots: int = 0) -> Self:
        """Encoding whose box is the bounding box of the tiles."""
        low, high = world.tile_box[:, :2].min(axis=0), world.tile_box[:, 2:].max(axis=0)
        return cls(tile_centers(world), low, high, scale_lam, lam_roots)

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


@dataclass(frozen=True)
class Policy:
    """What every agent does on every tile, given its multipliers.

    Attributes
    ----------
    networks : MLP or None
        Stacked over agents: W1 (N, M + 2, H), b1 (N, H), W2 (N, H, M), b2 (N, M); rounded to single
        precision. None for ``rank``: agent n goes to the zone with its n-th largest multiplier, the ideal
        assignment of Lemma 1.
    encoding : Encoding or None
        None for ``rank``, which fits every scenario.
    training : mapping
        How it was trained: attributes of the file.
    """

    networks: MLP | None
    encoding: Encoding | None
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.networks is not None:
            singles = MLP(*(np.asarray(array, dtype=np.float32) for array in self.networks))
            object.__setattr__(self, "networks", singles)

    @property
    def sees_ratios(self) -> bool:
        """Whether it sees multipliers, and by their ratios alone: then at every eta it does the same."""
        if self.networks is None or self.encoding is None:
            return True
        of_lam = self.networks.W1[:, : self.networks.W2.shape[-1]]
        return self.encoding.scale_lam and bool(of_lam.any())

    @classmethod
    def load(cls, reference: str | Path) -> Self:
        """Load a policy by path or shipped name; the name ``rank`` needs no file.

        Raises
        ------
        InputError
            If there is no such file or name, or the file is not a complete policy.
        """
        if str(reference) == RANK:
            return cls(None, None)
        path = shipped.find("policies", reference, ".h5")
        with open_readable(path, FORMAT) as file:
            training = {key: value for key, value in file.attrs.items() if key not in _ENCODING_ATTRIBUTES}
            return replace(cls.read(file, path), training=training)

    @classmethod
    def read(cls, group: h5py.Group, path: Path) -> Self:
        """Read what `write` wrote into a group of the file `path`.

        Raises
        ------
        InputError
            If it is not a complete policy.
        """
        try:
            networks = MLP(*(_floats(group[f"weights/{name}"]) for name in MLP._fields))
            center, low, high = (
                _floats(value) for value in (group["tile_center"], group.attrs["low"], group.attrs["high"])
            )
            scale_lam = group.attrs["scale_lam"]
            if not isinstance(scale_lam, np.bool_):
                raise TypeError(f"scale_lam = {scale_lam!r} is not a Boolean")
            roots = group.attrs.get("lam_roots", 0)  # not in files of before there were any
            if not isinstance(roots, int | np.integer):
                raise TypeError(f"lam_roots = {roots!r} is not a whole number")
            encoding = Encoding(center, low, high, bool(scale_lam), int(roots))
        except (KeyError, ValueError, TypeError, AttributeError, OSError) as error:
            raise InputError(f"{path}: not a complete policy: {error}") from None
        _check_networks(networks, path)
        _check_encoding(encoding, path)
        return cls(networks, encoding)

    def save(self, path: str | Path) -> None:
        """Write an HDF5 policy file: ``/weights``, ``/tile_center`` and attributes."""
        with published(Path(path)) as file:
            self.write(file)
            file.attrs.update(dict(self.training))
            file.attrs["format"] = FORMAT

    def write(self, group: h5py.Group) -> None:
        """Write everything that decides what the policy does into a group of an HDF5 file."""
        if self.networks is None or self.encoding is None:
            raise InputError("the policy 'rank' has no weights to save")
        for name, array in zip(MLP._fields, self.networks, strict=True):
            group[f"weights/{name}"] = np.asarray(array, dtype=np.float32)
        group["tile_center"] = self.encoding.tile_center
        for name in ("low", "high", "scale_lam", "lam_roots"):
            group.attrs[name] = getattr(self.encoding, name)

    @cached_property
    def sha256(self) -> str:
        """Hash of everything that decides what the policy does."""
        digest = hashlib.sha256(RANK.encode())
        if self.networks is not None and self.encoding is not None:
            encoding = self.encoding
            for array in (*self.networks, encoding.tile_center, encoding.low, encoding.high):
                digest.update(str(array.shape).encode() + np.ascontiguousarray(array, dtype="<f8").tobytes())
            digest.update(bytes([encoding.scale_lam, *[encoding.lam_roots] * (encoding.lam_roots > 0)]))
        return digest.hexdigest()

    def probabilities(self, lam: Floats, world: World) -> Floats:
        """What agents do on every tile, given their multipliers.

        Parameters
        ----------
        lam : (R, N, M) array
            R times the multipliers of all agents.

        Returns
        -------
        (R, N, L, M) array
            Probability of each action.

        Raises
        ------
        InputError
            As `weights`.
        """
        R, N, M = lam.shape
        weights = self.weights(N, world)
        cdf, H = np.empty((R, N, len(world.tile_box), M)), weights.b1.shape[1]
        lam = np.ascontiguousarray(lam, dtype=np.float64)
        write_rows(weights, lam, np.empty(H), np.empty(H), np.empty(M, dtype=np.int64), cdf)
        return np.diff(cdf, axis=3, prepend=0.0)

    def weights(self, agents: int, world: World) -> Weights:
        """Arrays for the kernels.

        Raises
        ------
        InputError
            If the policy is not for `agents` agents, the number of zones, or the tiles of `world`.
        """
        tiles, zones = len(world.tile_box), len(world.zone_radius)
        if self.networks is None or self.encoding is None:
            return Weights(
                True,
                False,
                0,
                np.zeros((tiles, 2)),
                *(
                    np.zeros(shape, dtype=np.float32)
                    for shape in ((agents, zones + 2, 0), (agents, 0), (agents, zones, 0), (agents, zones))
                ),
            )
        made_for = (*self.networks.b2.shape, len(self.encoding.tile_center))
        if made_for != (agents, zones, tiles):
            raise InputError(
                "the policy is for N = {}, M = {} and {} tiles, ".format(*made_for)
                + f"the scenario has N = {agents}, M = {zones} and {tiles} tiles: train one for it"
            )
        if not np.allclose(self.encoding.tile_center, tile_centers(world), rtol=0, atol=TOLERANCE):
            raise InputError("the policy was trained on other tiles than the scenario's: train one for it")
        transposed = self.networks._replace(W2=self.networks.W2.swapaxes(1, 2))
        arrays = (np.array(array, dtype=np.float32, order="C") for array in transposed)
        encoding = self.encoding
        return Weights(False, encoding.scale_lam, encoding.lam_roots, encoding.tile_input(), *arrays)


_ENCODING_ATTRIBUTES = ("format", "low", "high", "scale_lam", "lam_roots")


def _floats(value: Any) -> Floats:
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"expected numbers, found {array.dtype}")
    return array.astype(np.float64)


def _check_networks(networks: MLP, path: Path) -> None:
    agents, hidden = networks.b1.shape if networks.b1.ndim == 2 else (-1, -1)
    zones = networks.b2.shape[-1] if networks.b2.ndim == 2 else -1
    wanted = [(agents, zones + 2, hidden), (agents, hidden), (agents, hidden, zones), (agents, zones)]
    found = [array.shape for array in networks]
    if found != wanted:
        raise InputError(
            f"{path}: weights W1, b1, W2, b2 have shapes {found}; "
            "they must be (N, M+2, H), (N, H), (N, H, M), (N, M)"
        )
    if not all(np.isfinite(array).all() for array in networks):
        raise InputError(f"{path}: some weights are not finite")


def _check_encoding(encoding: Encoding, path: Path) -> None:
    center, low, high = encoding.tile_center, encoding.low, encoding.high
    if center.ndim != 2 or center.shape[1] != 2 or low.shape != (2,) or high.shape != (2,):
        raise InputError(
            f"{path}: tile_center, low and high have shapes {center.shape}, {low.shape}, {high.shape}; "
            "they must be (L, 2), (2,), (2,)"
        )
    if not (np.isfinite([*center, low, high]).all() and (low < high).all()):
        raise InputError(f"{path}: low = {low}, high = {high}: low must be below high, and all finite")
    if not 0 <= encoding.lam_roots <= MOST_ROOTS:
        raise InputError(f"{path}: lam_roots = {encoding.lam_roots}: must be 0 to {MOST_ROOTS}")
