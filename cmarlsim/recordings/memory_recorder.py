"""Keeping a recording in memory."""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.scene import Chunk, new_chunk, part_of
from cmarlsim.recordings.datasets import DATASETS, SPARSE, check_record, kept
from cmarlsim.recordings.recording import Memory, Recording
from cmarlsim.recordings.summary import Summary
from cmarlsim.scenario import Scenario


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
        self.level, self._names = level, kept(level, sparse)
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

    def _room(self, rollouts: int) -> Chunk:
        rows, N, M, sparse = self._shape
        return new_chunk(rollouts, rollouts * rows, N, M, sparse)

    def room(self, rollouts: int) -> Chunk:
        """Where the next `rollouts` rollouts are to be written."""
        if self.level == "summary":
            return self._room(rollouts)
        return part_of(self._whole, self._done, rollouts)

    def append(self, chunk: Chunk) -> None:
        """Note that `room` was filled, as `chunk`."""
        self._done += len(chunk.lam)
        if self.level == "summary":
            self._summary.add(chunk)
        for name, parts in self._changes.items():
            parts.append(getattr(chunk, name))

    def finish(self) -> Recording:
        """Hand the recording over for reading."""
        sums = self._summary.datasets() if self.level == "summary" else {}
        arrays = {DATASETS[name].location: array for name, array in sums.items()}
        if self._names:
            done = part_of(self._whole, 0, self._done)._asdict()
            done |= {name: np.concatenate(parts) for name, parts in self._changes.items()}
            for name in self._names:
                if DATASETS[name].first_rows:
                    done[name] = np.concatenate([np.zeros_like(done[name][:1]), done[name]])
                arrays[DATASETS[name].location] = done[name]
        attributes = self._attributes | {"rollouts_done": self._done}
        return Recording(Memory(arrays, attributes), "memory", self._scenario)
