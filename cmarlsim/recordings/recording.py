"""Reading recordings: runs of Algorithm 2, on disk or in memory; `datasets` says what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, Self

import h5py
import numpy as np

from cmarlsim.bounds.certificate import certified_satisfaction
from cmarlsim.errors import ArgumentError, InputError, LockedError
from cmarlsim.html import table
from cmarlsim.kernels.world import Bools, Floats
from cmarlsim.recordings.checks import check_dataset, check_values
from cmarlsim.recordings.datasets import (
    DATASETS,
    FORMAT,
    LEVELS,
    SPARSE,
    DatasetAttribute,
    dataset_of,
    kept,
)
from cmarlsim.recordings.frames import to_frame, to_xarray
from cmarlsim.recordings.mapped import to_map
from cmarlsim.recordings.sparse_links import matrices
from cmarlsim.scenario import Scenario
from cmarlsim.storage.files import as_path, file_at
from cmarlsim.storage.hdf5 import attribute, damage_told, numbers, open_readable
from cmarlsim.storage.journal import journal_of

_BLOCK_BYTES = 2**24


class Memory(dict[str, np.ndarray]):
    """What a recording in memory has instead of a file: arrays by their place, and attributes."""

    def __init__(self, arrays: dict[str, np.ndarray], attrs: dict[str, Any]) -> None:
        super().__init__(arrays)
        self.attrs = attrs

    def close(self) -> None:
        """Do nothing, for there is no file."""


class Recording:
    """A run of Algorithm 2, on disk or in memory; a context manager that closes its file.

    `cmarlsim.execute` returns one, `Recording.open` opens a file. The attributes below that are described as
    arrays read a dataset, up to `rollouts_done`.

    Attributes
    ----------
    scenario : Scenario
        What was run, as `seed` (int) and `policy_sha256` (str) say from which draws and with which policy.
    level : str
        How much was kept: ``step``, ``rollout`` or ``summary``.
    sparse : bool
        Whether links are kept as those that change; `links` gives matrices in either case.
    rollouts_done : int
        Number of rollouts K.
    file, path
        The open file, or `Memory`, and its name.

    Examples
    --------
    >>> import cmarlsim
    >>> run = cmarlsim.execute(cmarlsim.Scenario.load("tiny"), cmarlsim.Policy.load("rank"), steps=200)
    >>> run
    <Recording in memory: tiny, seed 0, 20 rollouts = 200 steps, level step>
    >>> run.lam.shape, run.position.shape
    ((21, 2, 3), (200, 2, 2))
    """

    position, tile, action, link, reward, estimate = (DatasetAttribute() for _ in range(6))
    link_count, link_pair = (DatasetAttribute() for _ in range(2))
    lam, lam_ideal, reward_mean = (DatasetAttribute() for _ in range(3))
    reward_count, lam_mean, lam_last = (DatasetAttribute() for _ in range(3))

    def __init__(
        self, file: h5py.File | Memory, path: str = "memory", scenario: Scenario | None = None
    ) -> None:
        if not isinstance(file, (h5py.File, Memory)):
            raise ArgumentError("file", file, "must be an open HDF5 file; Recording.open(path) opens one")
        self.file, self.path = file, path
        with damage_told(path, "not a complete recording"):
            self.scenario = self._stored_scenario() if scenario is None else scenario
            self.seed, self.rollouts_done = (
                _within(attribute(file.attrs, name, int), name) for name in ("seed", "rollouts_done")
            )
            self.level = attribute(file.attrs, "record", str)
            if self.level not in LEVELS:
                raise ValueError(f"record = {self.level:.60}")
            self.sparse = {"dense": False, "sparse": True}[file.attrs.get("links", "dense")]
            self.policy_sha256 = attribute(file.attrs, "policy_sha256", str)
            self._check_datasets()

    def _stored_scenario(self) -> Scenario:
        scenario, floorplan = (attribute(self.file.attrs, name, str) for name in ("scenario", "floorplan"))
        return Scenario.from_toml(scenario, floorplan, self.path)

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open a recording for reading.

        Raises
        ------
        LockedError
            If it is being written, or was not finished.
        DamagedError
            If the file is truncated or damaged.
        InputError
            If it is missing, or not a recording.
        """
        path = as_path("path", path)
        if not file_at(path) and file_at(journal_of(path)):
            raise LockedError(f"{path}: is being recorded, or its run was killed: resume='auto' continues it")
        file = open_readable(path, FORMAT)
        try:
            with damage_told(path):
                return cls(file, str(path))
        except InputError:
            file.close()
            raise

    def _check_datasets(self) -> None:
        """Raise what `damage_told` tells unless the datasets are those of so many rollouts."""
        summed = [name for name, dataset in DATASETS.items() if dataset.group == self.level == "summary"]
        for name in [*self.names, *summed]:
            dataset = DATASETS[name]
            found = self.file[dataset.location]
            if isinstance(self.file, h5py.File):
                found = numbers(self.file, dataset.location)
                check_dataset(name, found.dtype, found.shape, self.scenario)
            rows = self._rows_of(dataset.axes[0])
            if rows is not None and len(found) < rows:
                raise ValueError(f"{name} has {len(found)} rows, and rollouts_done = {self.rollouts_done}")

    def _rows_of(self, axis: str) -> int | None:
        """Rows up to `rollouts_done` of a dataset with this first axis, where that is known beforehand."""
        return {"t": self.steps, "k": self.rollouts_done, "k_or_end": self.rollouts_done + 1}.get(axis)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the datasets of steps and rollouts."""
        return kept(self.level, self.sparse)

    @property
    def steps(self) -> int:
        """Number of steps T recorded so far."""
        return self.rollouts_done * self.scenario.dual.T0

    @property
    def axes(self) -> dict[str, int]:
        """Lengths of the axes of the datasets of steps and rollouts, by name."""
        kept = [DATASETS[name] for name in self.names]
        shapes = [(each.axes, self._open()[each.location].shape) for each in kept]
        return {axis: length for axes, shape in shapes for axis, length in zip(axes, shape, strict=True)}

    def read(self, name: str, first: int = 0, last: int | None = None) -> np.ndarray:
        """Read a dataset up to `rollouts_done`, or of that the rows `first` to `last` - 1, as in a slice.

        Raises
        ------
        InputError
            If there is no such dataset, or the level of the recording does not keep it.
        """
        dataset = dataset_of(name)
        if not self.holds(name):
            raise InputError(f"{self.path}: {self._why_missing(name)}")
        axis, end = dataset.axes[0], len(self.file[dataset.location])
        known = int(self.link_count.sum(dtype=np.int64)) if axis == "change" else self._rows_of(axis)
        end = end if known is None else known
        rows = self.rows(dataset.location, *slice(first, last).indices(end)[:2])
        if isinstance(self.file, h5py.File) and not getattr(self.file, "sealed", False):
            with damage_told(self.path):
                check_values(name, rows, self.scenario)
        return rows

    def holds(self, name: str) -> bool:
        """Whether the recording has this dataset."""
        return dataset_of(name).location in self._open()

    def _why_missing(self, name: str) -> str:
        if self.level == "step" and name in ("link", *SPARSE):
            form = "sparse" if self.sparse else "dense"
            return f"links were kept {form}, not as '{name}': links() gives matrices"
        group = DATASETS[name].group
        return f"recorded at level '{self.level}', which keeps no '{name}'; record with record='{group}'"

    def _open(self) -> h5py.File | Memory:
        """The file, unless it was closed."""
        if isinstance(self.file, h5py.File) and not self.file:
            raise InputError(f"{self.path}: was closed; Recording.open opens it again")
        return self.file

    def rows(self, path: str, first: int = 0, last: int | None = None) -> np.ndarray:
        """Read the rows `first` to `last` - 1 of what is at `path` in the file; DamagedError if damaged."""
        with damage_told(self.path):
            return self._open()[path][first:last]

    def blocks(self, name: str, last: int) -> Iterator[np.ndarray]:
        """Read the rows 0 to `last` - 1 of a dataset, so many at a time as do not take much memory."""
        size = max(1, _BLOCK_BYTES // max(1, self._open()[DATASETS[name].location][:1].nbytes))
        for first in range(0, last, size):
            yield self.read(name, first, min(first + size, last))

    def links(self, first: int = 0, last: int | None = None) -> Bools:
        """Who could talk to whom at the steps `first` to `last` - 1, in whichever form that was kept.

        Returns
        -------
        (last - first, N, N) array of bool
        """
        first, last, _ = slice(first, last).indices(self.steps)
        if not self.sparse:
            return self.read("link", first, last)
        begin = np.concatenate([[0], np.cumsum(self.link_count, dtype=np.int64)])
        pairs = self.read("link_pair", 0, begin[max(first, last)])
        return matrices(begin, pairs, self.scenario.agents.N, first, last)

    def satisfaction(self, running: Literal["step", "rollout"] | None = None) -> Floats:
        """Mean reward: the fraction of the steps in which each zone was attended.

        Parameters
        ----------
        running
            Return the means so far after every step or rollout, instead of those of the whole run.

        Returns
        -------
        (M,) array, or (T, M) or (K, M) if `running`

        Raises
        ------
        InputError
            If `running` is another word, or the level of the recording does not keep what it needs.
        """
        if running not in (None, "step", "rollout"):
            raise ArgumentError("running", running, "must be 'step', 'rollout' or None")
        if running is not None:
            parts = self.reward if running == "step" else self.reward_mean
            return np.cumsum(parts, axis=0, dtype=np.float64) / np.arange(1, len(parts) + 1)[:, None]
        if self.level == "summary":
            count = self.reward_count
        else:
            T0, means = self.scenario.dual.T0, self.blocks("reward_mean", self.rollouts_done)
            count = sum((np.rint(block * T0).sum(axis=0) for block in means), start=np.zeros(self.scenario.M))
        return count / max(self.steps, 1)

    def margin(self, running: Literal["step", "rollout"] | None = None) -> Floats:
        """Satisfaction minus the thresholds c; parameters and shapes as `satisfaction`."""
        return self.satisfaction(running) - self.scenario.c

    def certificate(self) -> Floats:
        """Satisfaction that each agent can certify from its own multipliers alone, (N, M).

        See `cmarlsim.bounds.certificate.certified_satisfaction`.
        """
        dual, K = self.scenario.dual, self.rollouts_done
        if self.level == "summary":
            lam_mean, lam_last = self.lam_mean, self.lam_last
        else:
            lam_last = self.read("lam", K)[0]
            sums = (block.sum(axis=0) for block in self.blocks("lam", K))
            lam_mean = sum(sums, start=np.zeros_like(lam_last)) / max(K, 1)
        return certified_satisfaction(self.scenario.c, lam_last, lam_mean, dual.alpha, dual.eta, K)

    to_frame, to_map, to_xarray = to_frame, to_map, to_xarray

    def __repr__(self) -> str:
        """The recording in one line."""
        where = "in memory" if isinstance(self.file, Memory) else self.path
        size = f"{self.rollouts_done:,} rollouts = {self.steps:,} steps"
        return f"<Recording {where}: {self.scenario.name}, seed {self.seed}, {size}, level {self.level}>"

    def _repr_html_(self) -> str:
        """The recording in a notebook: how each zone was attended, and the best that an agent can certify."""
        columns: dict[str, Iterable[object]] = {"zone": [zone.name for zone in self.scenario.zones]}
        columns["c"] = self.scenario.c
        if isinstance(self.file, Memory) or self.file:
            columns |= {"satisfaction": self.satisfaction(), "margin": self.margin()}
            columns |= {"certified": self.certificate().max(axis=0)}
        return table(repr(self), columns)

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _within(value: int, name: str) -> int:
    """A number that an attribute holds; ValueError unless it is at least 0 and fits into 63 bits."""
    if not 0 <= value < 2**63:
        raise ValueError(f"{name} = {value}")
    return value
