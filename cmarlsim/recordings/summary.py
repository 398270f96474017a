"""What level ``summary`` keeps of a run: sums."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cmarlsim.kernels.scene import Chunk
from cmarlsim.scenario import Scenario


class Summary:
    """Sums over a run, for level ``summary``; the chunks do not show in them."""

    def __init__(self, scenario: Scenario) -> None:
        lam = np.zeros((scenario.agents.N, scenario.M))
        self._sums = {"reward_count": np.zeros(scenario.M, dtype=np.int64), "lam_sum": lam, "lam_last": lam}
        self._T0, self._rollouts = scenario.dual.T0, 0

    def add(self, chunk: Chunk) -> None:
        """Add a chunk."""
        sums, attended = self._sums, np.rint(chunk.reward_mean * self._T0).astype(np.int64)
        added = np.concatenate([[sums["lam_sum"], sums["lam_last"]], chunk.lam[:-1]])
        self._sums = {
            "reward_count": sums["reward_count"] + attended.sum(axis=0),
            "lam_sum": np.add.accumulate(added)[-1],  # in this order, whatever the chunks
            "lam_last": chunk.lam[-1].copy(),
        }
        self._rollouts += len(chunk.lam)

    def datasets(self) -> dict[str, np.ndarray]:
        """The datasets of the summary, so far."""
        reward_count, lam_sum, lam_last = self._sums.values()
        return {"reward_count": reward_count, "lam_mean": lam_sum / self._rollouts, "lam_last": lam_last}

    def state(self) -> dict[str, np.ndarray]:
        """What `restore` needs."""
        return dict(self._sums)

    def restore(self, state: Mapping[str, np.ndarray], rollouts: int) -> None:
        """Go on behind a run of `rollouts` rollouts, of which `state` was kept.

        Raises
        ------
        LookupError, ValueError
            If it cannot be that of such a run.
        """
        most = {"reward_count": rollouts * self._T0}
        for name, array in self._sums.items():
            found = state[name]
            if (found.shape, found.dtype) != (array.shape, array.dtype):
                raise ValueError(f"{name} is {found.dtype}{list(found.shape)}")
            if not ((found >= 0) & (found <= most.get(name, np.finfo(np.float64).max))).all():
                raise ValueError(f"{name} is out of range")
        self._rollouts, self._sums = rollouts, {name: state[name] for name in self._sums}
