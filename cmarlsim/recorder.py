"""Writing recordings, chunk by chunk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import h5py
import numpy as np

from cmarlsim.errors import InputError
from cmarlsim.hdf5 import take_name
from cmarlsim.kernels.scene import Trace, new_trace, part_of
from cmarlsim.provenance import versions
from cmarlsim.recording import AXES, FORMAT, SPARSE, Memory, Recording, check_record, kept, location
from cmarlsim.scenario import Scenario
from cmarlsim.stopwatch import timed

_TYPES = {
    "tile": "u2",
    "action": "u2",
    "link": "?",
    "link_count": "u4",
    "link_pair": "u2",
    "reward": "?",
    "estimate": "?",
}
_NOTES = {
    "link_count": "How many links go up or down at each step; before step 0 there are none.",
    "link_pair": "Agents i < j of each link that goes up or down, step after step: those of step t are the "
    "link_count[t] rows after the first sum(link_count[:t]).",
}
_STORAGE_BYTES = 2**18
_SPARE_BYTES = 2**20
_STORAGE_ROWS = 4096


class Summary:
    """Sums over a run, for level ``summary``; the chunks do not show in them."""

    def __init__(self, scenario: Scenario) -> None:
        N, M, self._T0 = scenario.agents.N, scenario.M, scenario.dual.T0
        self._reward_count = np.zeros(M, dtype=np.int64)
        self._lam_sum, self._lam_last, self._rollouts = np.zeros((N, M)), np.zeros((N, M)), 0

    def add(self, trace: Trace) -> dict[str, np.ndarray]:
        """Add a chunk.

        Returns
        -------
        dict
            The datasets of the summary, so far.
        """
        self._reward_count += np.rint(trace.reward_mean * self._T0).astype(np.int64).sum(axis=0)
        added = np.concatenate([[self._lam_sum, self._lam_last], trace.lam[:-1]])
        self._lam_sum = np.add.accumulate(added)[-1]  # in this order, whatever the chunks
        self._lam_last = trace.lam[-1].copy()
        self._rollouts += len(trace.lam)
        lam_mean = self._lam_sum / self._rollouts
        return {"reward_count": self._reward_count, "lam_mean": lam_mean, "lam_last": self._lam_last}


class MemoryRecorder:
    """Keeps a run in memory.

    Parameters
    ----------
    scenario, seed, policy_sha256, level, sparse
        As for `Recorder`.
    rollouts
        How many there will be at most.
    """

    def __init__(
        self, scenario: Scenario, seed: int, policy_sha256: str, level: str, sparse: bool, rollouts: int
    ) -> None:
        check_record(level)
        self._scenario, self._summary, self._done = scenario, Summary(scenario), 0
        self._level, self._names = level, kept(level, sparse)
        self._attributes = {
            "seed": seed,
            "policy_sha256": policy_sha256,
            "record": level,
            "links": "sparse" if sparse else "dense",
        }
        N, M, T0 = scenario.agents.N, scenario.M, scenario.dual.T0
        self._shape = (T0 if level == "step" else 0, N, M, sparse)
        self._whole = self._room(0 if level == "summary" else rollouts)
        self._changes: dict[str, list[np.ndarray]] = {name: [] for name in SPARSE}
        self._sums: dict[str, np.ndarray] = {}

    def _room(self, rollouts: int) -> Trace:
        rows, N, M, sparse = self._shape
        return new_trace(rollouts, rollouts * rows, N, M, sparse)

    def room(self, rollouts: int) -> Trace:
        """Where the next `rollouts` rollouts are to be written."""
        if self._level == "summary":
            return self._room(rollouts)
        return part_of(self._whole, self._done, rollouts)

    def append(self, trace: Trace) -> None:
        """Note that `room` was filled, as `trace`."""
        self._done += len(trace.lam)
        if self._level == "summary":
            self._sums = self._summary.add(trace)
        for name, parts in self._changes.items():
            parts.append(getattr(trace, name))

    def finish(self) -> Recording:
        """Hand the recording over for reading."""
        arrays = {location(name): array for name, array in self._sums.items()}
        if self._names:
            done = part_of(self._whole, 0, self._done)._asdict()
            done |= {name: np.concatenate(parts) for name, parts in self._changes.items()}
            for name in self._names:
                if AXES[name][0] == "k_or_end":  # the multipliers begin with lambda_0 = 0
                    done[name] = np.concatenate([np.zeros_like(done[name][:1]), done[name]])
                arrays[location(name)] = done[name]
        attributes = self._attributes | {"rollouts_done": self._done}
        return Recording(Memory(arrays, attributes), "memory", self._scenario)


class Recorder:
    """Appends chunks of a run to an HDF5 file; after every chunk the file on disk is a valid recording.

    A process killed in the middle of writing a chunk (SIGKILL, power) may leave the last rows torn.

    Parameters
    ----------
    path
        File to create. It takes this name when the first chunk is in, so that a run that fails before
        leaves nothing behind and nothing is lost.
    scenario, seed, policy_sha256
        What the run is of.
    level
        ``step``, ``rollout`` or ``summary``.
    sparse
        Keep links sparse, not as matrices.
    force
        Replace a file of that name.

    Raises
    ------
    InputError
        If `level` is unknown or the file cannot be created.
    """

    def __init__(
        self,
        path: Path,
        scenario: Scenario,
        seed: int,
        policy_sha256: str,
        level: str,
        sparse: bool = False,
        force: bool = False,
    ) -> None:
        check_record(level)
        self.path, self._force = path, force
        self._temporary: Path | None = path.with_name(f".{path.name[:100]}.{os.getpid()}.tmp")
        self.level, self._T0, self._done = level, scenario.dual.T0, 0
        self.sparse, self._names, self._changes = sparse, kept(level, sparse), 0
        N, M = scenario.agents.N, scenario.M
        self._lengths = {"n": N, "n_other": N, "m": M, "axis": 2, "end": 2}
        self._summary = Summary(scenario)
        try:
            self.file = h5py.File(self._temporary, "w")
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
        self.file.attrs.update(
            format=FORMAT,
            scenario=scenario.to_toml(),
            floorplan=scenario.floorplan.to_toml(),
            seed=seed,
            policy_sha256=policy_sha256,
            record=level,
            links="sparse" if sparse else "dense",
            rollouts_done=0,
            **versions(),
        )
        for name in self._names:
            self._create(name)

    @timed("write")
    def append(self, trace: Trace) -> None:
        """Append a chunk: its data first, `rollouts_done` last.

        Raises
        ------
        InputError
            If the file system refuses; the chunks appended before stay readable.
        """
        self._check_space(trace)
        try:
            for name in self._names:
                self._extend(name, getattr(trace, name))
            if self.level == "summary":
                group = self.file.require_group("summary")
                for name, array in self._summary.add(trace).items():
                    group.require_dataset(name, array.shape, array.dtype)[...] = array
            self.file.flush()
            self._done += len(trace.lam)
            self._changes += len(trace.link_pair)
            self.file.attrs["rollouts_done"] = self._done
            self.file.flush()
            if self._temporary is not None:
                take_name(self._temporary, self.path, self._force)
                self._temporary = None
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot be written; {self._done} rollouts are in it: {error.strerror or error}"
            ) from None

    def discard(self) -> None:
        """Remove what did not get its name; otherwise do nothing."""
        if self._temporary is not None:
            self.file.close()
            self._temporary.unlink(missing_ok=True)

    @timed("write")
    def finish(self) -> Recording:
        """Name the axes of every dataset and hand the recording over for reading."""
        lengths = self._lengths | {"t": self._done * self._T0, "k": self._done, "k_or_end": self._done + 1}
        lengths["change"] = self._changes
        for name in self._names:
            dataset = self.file[location(name)]
            for dimension, axis in zip(dataset.dims, AXES[name], strict=True):
                if axis not in self.file:
                    index = np.arange(lengths[axis])
                    self.file.create_dataset(axis, data=index, compression="gzip", shuffle=True)
                    self.file[axis].make_scale(axis)
                dimension.attach_scale(self.file[axis])
        self.file.close()
        return Recording.open(self.path)

    def _check_space(self, trace: Trace) -> None:
        """Stop while the file is still whole: HDF5 cannot close one cleanly once its disk is full."""
        needed = _SPARE_BYTES + sum(getattr(trace, name).nbytes for name in self._names)
        free = shutil.disk_usage(self.path.parent).free
        if free < needed:
            there = "nothing was written"
            if self._done:
                self.file.close()
                there = f"the {self._done} rollouts run so far are in the file and valid"
            raise InputError(
                f"{self.path}: the disk is full ({free / 1e6:.1f} MB free, {needed / 1e6:.1f} MB needed); "
                + there
            )

    def _create(self, name: str) -> None:
        kind = np.dtype(_TYPES.get(name, "f8"))
        row = tuple(self._lengths[axis] for axis in AXES[name][1:])
        rows = int(np.clip(_STORAGE_BYTES // (kind.itemsize * int(np.prod(row))), 1, _STORAGE_ROWS))
        self.file.create_dataset(
            location(name),
            shape=(int(AXES[name][0] == "k_or_end"), *row),  # the multipliers begin with lambda_0 = 0
            maxshape=(None, *row),
            chunks=(rows, *row),
            dtype=kind,
            compression="gzip",
            compression_opts=1,
            shuffle=True,
        )
        if name in _NOTES:
            self.file[location(name)].attrs["note"] = _NOTES[name]

    def _extend(self, name: str, rows: np.ndarray) -> None:
        dataset = self.file[location(name)]
        before = len(dataset)
        dataset.resize(before + len(rows), axis=0)
        dataset[before:] = rows
