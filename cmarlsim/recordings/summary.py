"""What level ``summary`` keeps of a run: sums."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cmarlsim.kernels.scene import Chunk
from cmarlsim.scenario import Scenario


class Summary:
    """Sums over a run, for level ``summary``; the chunks do not show in them."""

    def __init__(self, scenario: Scenario) -> None:
        N, M, self._T0 = scenario.agents.N, scenario.M, scenario.dual.T0
        self._reward_count = np.zeros(M, dtype=np.int64)
        self._lam_sum, self._lam_last, self._rollouts = np.zeros((N, M)), np.zeros((N, M)), 0

    def add(self, chunk: Chunk) -> dict[str, np.ndarray]:
        """Add a chunk; returns `datasets`."""
        self._reward_count += np.rint(chunk.reward_mean * self._T0).astype(np.int64).sum(axis=0)
        added = np.concatenate([[self._lam_sum, self._lam_last], chunk.lam[:-1]])
        self._lam_sum = np.add.accumulate(added)[-1]  # in this order, whatever the chunks
        self._lam_last = chunk.lam[-1].copy()
        self._rollouts += len(chunk.lam)
        return self.datasets()

    def datasets(self) -> dict[str, np.ndarray]:
        """The datasets of the summary, so far."""
        lam_mean = self._lam_sum / self._rollouts
        return {"reward_count": self._reward_count, "lam_mean": lam_mean, "lam_last": self._lam_last}

    def state(self) -> dict[str, np.ndarray]:
        """What `restore` needs; copies."""
        sums = {"reward_count": self._reward_count, "lam_sum": self._lam_sum, "lam_last": self._lam_last}
        return {name: array.copy() for name, array in sums.items()}

    def restore(self, state: Mapping[str, np.ndarray], rollouts: int) -> None:
        """Go on behind a run of `rollouts` rollouts, of which `state` was kept."""
        self._rollouts = rollouts
        self._reward_count, self._lam_sum, self._lam_last = (
            state[name].copy() for name in ("reward_count", "lam_sum", "lam_last")
        )
