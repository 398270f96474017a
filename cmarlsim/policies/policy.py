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

from cmarlsim.errors import ArgumentError, DamagedError, InputError, MisfitError
from cmarlsim.html import table
from cmarlsim.kernels.policy import write_rows
from cmarlsim.kernels.world import TOLERANCE, Floats, Weights, World
from cmarlsim.learning.mlp import MLP
from cmarlsim.policies.encoding import ATTRIBUTES, Encoding, floats
from cmarlsim.storage import shipped
from cmarlsim.storage.files import as_path
from cmarlsim.storage.hdf5 import damage_told, numbers, open_readable, published

FORMAT = "cmarlsim-policy/1"
RANK = "rank"


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
    encoding: Encoding | None = None
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.networks, MLP | None):
            problem = "must be an MLP or None; Policy.load reads a file or a shipped name"
            raise ArgumentError("networks", self.networks, problem)
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
        DamagedError
            If the file is truncated, damaged, or not a complete policy.
        InputError
            If there is no such file or name, or the file is another one.
        """
        if str(reference) == RANK:
            return cls(None, None)
        path = shipped.find("policies", reference, ".h5")
        with open_readable(path, FORMAT) as file:
            training = {key: value for key, value in file.attrs.items() if key not in ("format", *ATTRIBUTES)}
            return replace(cls.read(file, path), training=training)

    @classmethod
    def read(cls, group: h5py.Group, path: Path) -> Self:
        """Read what `write` wrote into a group of the file `path`.

        Raises
        ------
        DamagedError
            If it is not a complete policy.
        """
        with damage_told(path, "not a complete policy"):
            networks = MLP(*(floats(numbers(group, f"weights/{name}")) for name in MLP._fields))
            encoding = Encoding.read(group)
        _check_networks(networks, path)
        encoding.check(path)
        return cls(networks, encoding)

    def save(self, path: str | Path) -> None:
        """Write an HDF5 policy file: ``/weights``, ``/tile_center`` and attributes."""
        with published(as_path("path", path)) as file:
            self.write(file)
            file.attrs.update(dict(self.training))
            file.attrs["format"] = FORMAT

    def write(self, group: h5py.Group) -> None:
        """Write everything that decides what the policy does into a group of an HDF5 file."""
        if self.networks is None or self.encoding is None:
            raise InputError("the policy 'rank' has no weights to save")
        for name, array in zip(MLP._fields, self.networks, strict=True):
            group[f"weights/{name}"] = np.asarray(array, dtype=np.float32)
        self.encoding.write(group)

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

    def __repr__(self) -> str:
        """The policy in one line."""
        if self.networks is None or self.encoding is None:
            return "<Policy rank: agent n takes its n-th largest multiplier>"
        (N, M), hidden = self.networks.b2.shape, self.networks.b1.shape[1]
        tiles = len(self.encoding.tile_center)
        return f"<Policy for {N} agents, {M} zones, {tiles} tiles: networks of {hidden} hidden units>"

    def _repr_html_(self) -> str:
        """The policy in a notebook: how it was trained, but for its recipe."""
        told = {key: value for key, value in self.training.items() if not key.startswith("recipe_")}
        shown = {key: value for key, value in told.items() if "\n" not in str(value)}
        return table(repr(self), {"training": shown.keys(), "": shown.values()})

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
        MisfitError
            As `weights`.
        """
        R, N, M = lam.shape
        weights = self.weights(N, world)
        cdf, H = np.empty((R, N, len(world.tile_center), M)), weights.b1.shape[1]
        lam = np.ascontiguousarray(lam, dtype=np.float64)
        write_rows(weights, lam, np.empty(H), np.empty(H), np.empty(M, dtype=np.int64), cdf)
        return np.diff(cdf, axis=3, prepend=0.0)

    def weights(self, agents: int, world: World) -> Weights:
        """Arrays for the kernels.

        Raises
        ------
        MisfitError
            If the policy is not for `agents` agents, the number of zones, or the tiles of `world`.
        """
        tiles, zones = len(world.tile_center), len(world.goal)
        if self.networks is None or self.encoding is None:
            shapes = ((agents, zones + 2, 0), (agents, 0), (agents, zones, 0), (agents, zones))
            nothing = (np.zeros(shape, dtype=np.float32) for shape in shapes)
            return Weights(True, False, 0, np.zeros((tiles, 2)), *nothing)
        made_for = (*self.networks.b2.shape, len(self.encoding.tile_center))
        if made_for != (agents, zones, tiles):
            raise MisfitError(
                "the policy is for N = {}, M = {} and {} tiles, ".format(*made_for)
                + f"the scenario has N = {agents}, M = {zones} and {tiles} tiles: train one for it"
            )
        if not np.allclose(self.encoding.tile_center, world.tile_center, rtol=0, atol=TOLERANCE):
            raise MisfitError("the policy was trained on other tiles than the scenario's: train one for it")
        transposed = self.networks._replace(W2=self.networks.W2.swapaxes(1, 2))
        arrays = (np.array(array, dtype=np.float32, order="C") for array in transposed)
        encoding = self.encoding
        return Weights(False, encoding.scale_lam, encoding.lam_roots, encoding.tile_input(), *arrays)


def _check_networks(networks: MLP, path: Path) -> None:
    agents, hidden = networks.b1.shape if networks.b1.ndim == 2 else (-1, -1)
    zones = networks.b2.shape[-1] if networks.b2.ndim == 2 else -1
    wanted = [(agents, zones + 2, hidden), (agents, hidden), (agents, hidden, zones), (agents, zones)]
    found = [array.shape for array in networks]
    if found != wanted:
        raise DamagedError(
            f"{path}: weights W1, b1, W2, b2 have shapes {found}; "
            "they must be (N, M+2, H), (N, H), (N, H, M), (N, M)"
        )
    if not all(np.isfinite(array).all() for array in networks):
        raise DamagedError(f"{path}: some weights are not finite")
