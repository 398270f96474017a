"""Recordings: HDF5 files that say what happened and what made it happen.

Layout: level ``step`` keeps the first two groups, ``rollout`` the second, ``summary`` only the third.

==========================  ======================  =================================================
``/step/position``          float64 (T, N, 2)       S_t in metres
``/step/tile``, ``action``  uint16 (T, N)
``/step/link``              bool (T, N, N)          who talked to whom; or, sparse, the next two:
``/step/link_count``        uint32 (T,)             links that go up or down at a step
``/step/link_pair``         uint16 (C, 2)           their agents, the lower one first, step after step;
                                                    before step 0 there are no links
``/step/reward``            bool (T, M)             r(S_t), eq. (1)
``/step/estimate``          bool (T, N, M)          R^n at the end of its rollout, eq. (17)
``/rollout/lam``            float64 (K + 1, N, M)   row k: in force during rollout k, eq. (18)
``/rollout/lam_ideal``      float64 (K + 1, M)      eq. (16)
``/rollout/reward_mean``    float64 (K, M)          mean reward of each rollout
``/summary/reward_count``   int64 (M,)              steps in which a zone was attended
``/summary/lam_mean``       float64 (N, M)          mean of ``lam`` over the rollouts 0 .. K - 1
``/summary/lam_last``       float64 (N, M)          ``lam`` after the last rollout
``/state/...``              arrays                  what the run was left with, to go on from
``/policy/...``             as in a policy file     the policy's numbers, of up to 16 MB
==========================  ======================  =================================================

Attributes of ``/``: `format`, `scenario` and `floorplan` (resolved TOML), `seed`, `policy_sha256` (a hash of
the policy's numbers, `Policy.sha256`, not of its file), `record`, versions, and `rollouts_done`: what lies
behind it is not true. The datasets' axes are named by dimension scales (`AXES`). Links are kept sparse for
more than `FEW_AGENTS` agents, unless asked otherwise; the attribute `links` says which. `Recording.links`
gives matrices in either case.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self

import h5py
import numpy as np

from cmarlsim.bounds.certificate import certified_satisfaction
from cmarlsim.errors import InputError
from cmarlsim.kernels.world import Bools, Floats
from cmarlsim.scenario import Scenario
from cmarlsim.storage.hdf5 import damage_told, open_readable
from cmarlsim.storage.journal import journal_of

FORMAT = "cmarlsim-recording/1"
LEVELS = ("step", "rollout", "summary")
LINK_FORMS = ("auto", "dense", "sparse")

STEP = ("position", "tile", "action", "link", "reward", "estimate")
SPARSE = ("link_count", "link_pair")
ROLLOUT = ("lam", "lam_ideal", "reward_mean")
FEW_AGENTS = 64
"""Up to so many agents, links are kept as matrices unless asked otherwise."""

MOST_BYTES = 2**35
"""Uncompressed bytes that a dataset may grow to."""

_BLOCK_BYTES = 2**24
AXES = {
    "position": ("t", "n", "axis"),
    "tile": ("t", "n"),
    "action": ("t", "n"),
    "link": ("t", "n", "n_other"),
    "link_count": ("t",),
    "link_pair": ("change", "end"),
    "reward": ("t", "m"),
    "estimate": ("t", "n", "m"),
    "lam": ("k_or_end", "n", "m"),
    "lam_ideal": ("k_or_end", "m"),
    "reward_mean": ("k", "m"),
}


def check_record(level: str) -> None:
    """Raise InputError unless `level` is a level of recording."""
    if level not in LEVELS:
        raise InputError(f"--record {level}: must be one of {', '.join(LEVELS)}")


def kept(level: str, sparse: bool) -> tuple[str, ...]:
    """Names of the datasets of a level; with `sparse` links or links as matrices."""
    if level == "summary":
        return ()
    if level == "rollout":
        return ROLLOUT
    return tuple(name for name in STEP if name != "link" or not sparse) + (SPARSE if sparse else ()) + ROLLOUT


def choose_links(scenario: Scenario, steps: int, level: str, links: str) -> bool:
    """Whether links are to be kept sparse.

    Parameters
    ----------
    links
        ``auto``, ``dense`` or ``sparse``.

    Raises
    ------
    InputError
        If `links` is none of these, or a recording of `steps` steps would have a dataset of more than
        `MOST_BYTES`.
    """
    if links not in LINK_FORMS:
        raise InputError(f"links = '{links}': must be one of {', '.join(LINK_FORMS)}")
    N, M, gigabyte = scenario.agents.N, scenario.M, 1e9
    sparse = links == "sparse" or (links == "auto" and N > FEW_AGENTS)
    if level == "step" and steps * N * M > MOST_BYTES:
        raise InputError(
            f"--record step: the estimates of N = {N} agents of M = {M} zones in {steps} steps are "
            f"{steps * N * M / gigabyte:.0f} GB, more than {MOST_BYTES / gigabyte:.0f}: "
            "use --record rollout, or fewer --steps"
        )
    if level == "step" and not sparse and steps * N * N > MOST_BYTES:
        raise InputError(
            f"dense links: {steps} matrices of N x N = {N} x {N} links are "
            f"{steps * N * N / gigabyte:.0f} GB, more than {MOST_BYTES / gigabyte:.0f}: "
            "use links='sparse' (--record step-sparse)"
        )
    return sparse


def location(name: str) -> str:
    """Path of a dataset inside the file."""
    group = "step" if name in STEP + SPARSE else "rollout" if name in ROLLOUT else "summary"
    return f"{group}/{name}"


class Memory(dict[str, np.ndarray]):
    """What a recording in memory has instead of a file: arrays by their place, and attributes."""

    def __init__(self, arrays: dict[str, np.ndarray], attrs: dict[str, Any]) -> None:
        super().__init__(arrays)
        self.attrs = attrs

    def close(self) -> None:
        """Do nothing, for there is no file."""


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
    link_count, link_pair = (_Dataset() for _ in range(2))
    lam, lam_ideal, reward_mean = (_Dataset() for _ in range(3))

    def __init__(self, file: h5py.File | Memory, path: str, scenario: Scenario | None = None) -> None:
        self.file, self.path = file, path
        try:
            attributes = file.attrs
            if scenario is None:
                scenario = Scenario.from_toml(attributes["scenario"], attributes["floorplan"], path)
            self.scenario = scenario
            self.seed = int(attributes["seed"])
            self.level = str(attributes["record"])
            check_record(self.level)
            self.sparse = attributes.get("links", "dense") == "sparse"
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
            If the file is missing, not finished, truncated, or not a recording.
        """
        if journal_of(Path(path)).exists() and not Path(path).exists():
            raise InputError(f"{path}: is being recorded, or its run was killed: --resume auto continues it")
        file = open_readable(Path(path), FORMAT)
        try:
            with damage_told(path):
                return cls(file, str(path))
        except InputError:
            file.close()
            raise

    def _kept(self) -> int:
        """Rollouts that the datasets have rows for."""
        T0, names = self.scenario.dual.T0, [name for name in self.names if name != "link_pair"]
        lengths = [len(self.file[location(name)]) // (1 if name in ROLLOUT else T0) for name in names]
        return min(lengths, default=2**63)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the datasets of steps and rollouts."""
        return kept(self.level, self.sparse)

    @property
    def steps(self) -> int:
        """Number of steps T recorded so far."""
        return self.rollouts_done * self.scenario.dual.T0

    def read(self, name: str, first: int = 0, last: int | None = None) -> np.ndarray:
        """Read a dataset up to `rollouts_done`, or of that the rows `first` to `last` - 1, as in a slice.

        Raises
        ------
        InputError
            If the level of the recording does not keep it.
        """
        path = location(name)
        if path not in self.file and self.level == "step" and name in ("link", *SPARSE):
            form = "sparse" if self.sparse else "dense"
            raise InputError(f"{self.path}: links were kept {form}, not as '{name}': links() gives matrices")
        if path not in self.file:
            raise InputError(
                f"{self.path}: recorded at level '{self.level}', which keeps no '{name}'; "
                f"record with --record {path.partition('/')[0]}"
            )
        rows = {"t": self.steps, "k": self.rollouts_done, "k_or_end": self.rollouts_done + 1}
        axis = AXES[name][0]
        end = int(self.link_count.sum(dtype=np.int64)) if axis == "change" else rows[axis]
        return self.rows(path, *slice(first, last).indices(end)[:2])

    def rows(self, path: str, first: int = 0, last: int | None = None) -> np.ndarray:
        """Read the rows `first` to `last` - 1 of what is at `path` in the file; InputError if damaged."""
        with damage_told(self.path):
            return self.file[path][first:last]

    def blocks(self, name: str, last: int) -> Iterator[np.ndarray]:
        """Read the rows 0 to `last` - 1 of a dataset, so many at a time as do not take much memory."""
        size = max(1, _BLOCK_BYTES // max(1, self.file[location(name)][:1].nbytes))
        for first in range(0, last, size):
            yield self.read(name, first, min(first + size, last))

    def links(self, first: int = 0, last: int | None = None) -> Bools:
        """Who talked to whom at the steps `first` to `last` - 1, in whichever form that was kept.

        Returns
        -------
        (last - first, N, N) array of bool
        """
        first, last, _ = slice(first, last).indices(self.steps)
        if not self.sparse:
            return self.read("link", first, last)
        N, begin = self.scenario.agents.N, np.concatenate([[0], np.cumsum(self.link_count, dtype=np.int64)])
        change = self.read("link_pair", 0, begin[max(first, last)]).astype(np.int64) @ [N, 1]
        now = np.bincount(change[: begin[first]], minlength=N * N) % 2 == 1
        result = np.empty((max(last - first, 0), N, N), dtype=bool)
        for row, t in enumerate(range(first, last)):
            now[change[begin[t] : begin[t + 1]]] ^= True
            matrix = now.reshape(N, N)
            result[row] = matrix | matrix.T
        return result

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
            If the level of the recording does not keep what `running` needs.
        """
        if running is not None:
            parts = self.reward if running == "step" else self.reward_mean
            return np.cumsum(parts, axis=0, dtype=np.float64) / np.arange(1, len(parts) + 1)[:, None]
        if self.level == "summary":
            count = self.rows(location("reward_count"))
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
            lam_mean, lam_last = (self.rows(location(name)) for name in ("lam_mean", "lam_last"))
        else:
            lam_last = self.read("lam", K)[0]
            sums = (block.sum(axis=0) for block in self.blocks("lam", K))
            lam_mean = sum(sums, start=np.zeros_like(lam_last)) / max(K, 1)
        return certified_satisfaction(self.scenario.c, lam_last, lam_mean, dual.alpha, dual.eta, K)

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
