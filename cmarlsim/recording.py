"""Recordings: HDF5 files that say what happened and what made it happen.

Layout: level ``step`` keeps the first two groups, ``rollout`` the second, ``summary`` only the third.

==========================  ======================  =================================================
``/step/position``          float64 (T, N, 2)       S_t in metres
``/step/tile``, ``action``  uint16 (T, N)
``/step/link``              bool (T, N, N)          who talked to whom
``/step/reward``            bool (T, M)             r(S_t), eq. (1)
``/step/estimate``          bool (T, N, M)          R^n at the end of its rollout, eq. (17)
``/rollout/lam``            float64 (K + 1, N, M)   row k: in force during rollout k, eq. (18)
``/rollout/lam_ideal``      float64 (K + 1, M)      eq. (16)
``/rollout/reward_mean``    float64 (K, M)          mean reward of each rollout
``/summary/reward_count``   int64 (M,)              steps in which a zone was attended
``/summary/lam_mean``       float64 (N, M)          mean of ``lam`` over the rollouts 0 .. K - 1
``/summary/lam_last``       float64 (N, M)          ``lam`` after the last rollout
==========================  ======================  =================================================

Attributes of ``/``: `format`, `scenario` and `floorplan` (resolved TOML), `seed`, `policy_sha256` (a hash of
the policy's numbers, `Policy.sha256`, not of its file), `record`, versions, and `rollouts_done`, which is
advanced last: what lies behind it is not yet true. The datasets' axes are named by dimension scales (`AXES`),
in files that were finished.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import h5py
import numpy as np

from cmarlsim.errors import InputError
from cmarlsim.hdf5 import open_readable
from cmarlsim.kernels.world import Floats
from cmarlsim.scenario import Scenario
from cmarlsim.theory import certified_satisfaction

FORMAT = "cmarlsim-recording/1"
LEVELS = ("step", "rollout", "summary")

STEP = ("position", "tile", "action", "link", "reward", "estimate")
ROLLOUT = ("lam", "lam_ideal", "reward_mean")
SUMMARY = ("reward_count", "lam_mean", "lam_last")
KEPT = {"step": STEP + ROLLOUT, "rollout": ROLLOUT, "summary": ()}
AXES = {
    "position": ("t", "n", "axis"),
    "tile": ("t", "n"),
    "action": ("t", "n"),
    "link": ("t", "n", "n_other"),
    "reward": ("t", "m"),
    "estimate": ("t", "n", "m"),
    "lam": ("k_or_end", "n", "m"),
    "lam_ideal": ("k_or_end", "m"),
    "reward_mean": ("k", "m"),
}


def check_record(level: str) -> None:
    """Raise InputError unless `level` is a level of recording."""
    if level not in KEPT:
        raise InputError(f"--record {level}: must be one of {', '.join(KEPT)}")


def location(name: str) -> str:
    """Path of a dataset inside the file."""
    group = "step" if name in STEP else "rollout" if name in ROLLOUT else "summary"
    return f"{group}/{name}"


class _Dataset:
    """Attribute of a `Recording` that reads a dataset, up to `rollouts_done`."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, recording: Recording, owner: type) -> np.ndarray:
        return recording.read(self.name)


class Recording:
    """A run of Algorithm 2, on disk or in memory; a context manager that closes its file.

    Reading any of the datasets above as an attribute returns a NumPy array, for example ``.position``.
    """

    position, tile, action, link, reward, estimate = (_Dataset() for _ in range(6))
    lam, lam_ideal, reward_mean = (_Dataset() for _ in range(3))

    def __init__(self, file: h5py.File, path: str) -> None:
        self.file, self.path = file, path
        try:
            attributes = file.attrs
            self.scenario = Scenario.from_toml(attributes["scenario"], attributes["floorplan"], path)
            self.seed = int(attributes["seed"])
            self.level = str(attributes["record"])
            check_record(self.level)
            self.policy_sha256 = str(attributes["policy_sha256"])
            self.rollouts_done = int(attributes["rollouts_done"])
            if not 0 <= self.rollouts_done <= self._kept():
                raise ValueError(f"rollouts_done = {self.rollouts_done}, but {self._kept()} are there")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{path}: not a complete recording: {error}") from None

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open a recording for reading.

        Raises
        ------
        InputError
            If the file is missing, truncated, or not a recording.
        """
        file = open_readable(Path(path), FORMAT)
        try:
            return cls(file, str(path))
        except InputError:
            file.close()
            raise

    def _kept(self) -> int:
        """Rollouts that the datasets have rows for."""
        lengths = [len(self.file[location(name)]) for name in KEPT[self.level]]
        per_rollout = [self.scenario.dual.T0 if name in STEP else 1 for name in KEPT[self.level]]
        return min((n // size for n, size in zip(lengths, per_rollout, strict=True)), default=2**63)

    @property
    def steps(self) -> int:
        """Number of steps T recorded so far."""
        return self.rollouts_done * self.scenario.dual.T0

    def read(self, name: str, last: int | None = None) -> np.ndarray:
        """Read a dataset up to `rollouts_done`, or only the `last` rows of that.

        Raises
        ------
        InputError
            If the level of the recording does not keep it.
        """
        path = location(name)
        if path not in self.file:
            raise InputError(
                f"{self.path}: recorded at level '{self.level}', which keeps no '{name}'; "
                f"record with --record {path.partition('/')[0]}"
            )
        rows = {"t": self.steps, "k": self.rollouts_done, "k_or_end": self.rollouts_done + 1}[AXES[name][0]]
        return self.file[path][0 if last is None else max(rows - last, 0) : rows]

    def satisfaction(self, running: Literal["step", "rollout"] | None = None) -> Floats:
        """Mean reward: the fraction of the steps in which each zone was attended.

        Parameters
        ----------
        running
            Return the means so far after every step, or after every rollout, instead of those of the whole
            run.

        Returns
        -------
        (M,) array, or (T, M) or (K, M) if `running`

        Raises
        ------
        InputError
            If the level of the recording does not keep what `running` needs.
        """
        if running is not None:
            parts = self.reward if running == "step" else self.reward_mean
            return np.cumsum(parts, axis=0, dtype=np.float64) / np.arange(1, len(parts) + 1)[:, None]
        if self.level == "summary":
            count = self.file[location("reward_count")][...]
        else:
            count = np.rint(self.reward_mean * self.scenario.dual.T0).sum(axis=0)
        return count / max(self.steps, 1)

    def margin(self, running: Literal["step", "rollout"] | None = None) -> Floats:
        """Satisfaction minus the thresholds c; parameters and shapes as `satisfaction`."""
        return self.satisfaction(running) - self.scenario.c

    def certificate(self) -> Floats:
        """Satisfaction that each agent can certify from its own multipliers alone, (N, M).

        See `cmarlsim.theory.certified_satisfaction`.
        """
        if self.level == "summary":
            lam_mean, lam_last = (self.file[location(name)][...] for name in ("lam_mean", "lam_last"))
        else:
            lam = self.lam
            lam_mean, lam_last = lam[:-1].mean(axis=0), lam[-1]
        dual, K = self.scenario.dual, self.rollouts_done
        return certified_satisfaction(self.scenario.c, lam_last, lam_mean, dual.alpha, dual.eta, K)

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
