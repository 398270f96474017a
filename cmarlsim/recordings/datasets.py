"""The datasets of a recording: names, types, axes and meanings, and which of them a level keeps.

`help(cmarlsim.Recording)` lists them, each with type, shape and meaning. A recording's file holds besides:

====================  ======================  =====================================================
``/state/...``        arrays                  what the run was left with, to go on from
``/policy/...``       as in a policy file     the policy's numbers, of up to 16 MB
====================  ======================  =====================================================

Attributes of ``/``: `format`, `scenario` and `floorplan` (resolved TOML), `seed`, `policy_sha256` (a hash of
the policy's numbers, `Policy.sha256`, not of its file), `record`, `links`, versions, and `rollouts_done`:
what lies behind it is not true. Dimension scales name the axes of the datasets. Links are kept sparse for
more than `FEW_AGENTS` agents, unless asked otherwise; the attribute `links` says which.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, Self, overload

import numpy as np

from cmarlsim.errors import ArgumentError, InputError, nearest
from cmarlsim.scenario import Scenario

FORMAT = "cmarlsim-recording/1"
LEVELS = ("step", "rollout", "summary")
LINK_FORMS = ("auto", "dense", "sparse")

FEW_AGENTS = 64
"""Up to so many agents, links are kept as matrices unless asked otherwise."""

MOST_BYTES = 2**35
"""Uncompressed bytes that a dataset may grow to."""


class Dataset(NamedTuple):
    """What is known of a dataset.

    Attributes
    ----------
    group, name
        It lies at ``/group/name`` in the file.
    kind
        Its type, as NumPy abbreviates it.
    dimensions
        Names of its axes: t, n, m, k as in the paper; ``axis`` is x or y, ``end`` one of two agents.
    note
        What it is.
    """

    group: str
    name: str
    kind: str
    dimensions: str
    note: str

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of its axes, one by one."""
        return tuple(self.dimensions.split())

    @property
    def location(self) -> str:
        """Its path inside the file."""
        return f"{self.group}/{self.name}"

    @property
    def first_rows(self) -> int:
        """Rows before the first rollout: the multipliers begin with lambda_0 = 0."""
        return int(self.axes[0] == "k_or_end")

    def described(self) -> str:
        """What it is, with its type, shape and levels: for `help`."""
        sizes = {"t": "T", "n": "N", "n_other": "N", "m": "M", "k": "K", "k_or_end": "K + 1", "change": "C"}
        shape = ", ".join(sizes.get(axis, "2") for axis in self.axes) + "," * (len(self.axes) == 1)
        level = "step or rollout" if self.group == "rollout" else self.group
        links = {"link": ", where links are kept dense"} | dict.fromkeys(
            SPARSE, ", where they are kept sparse"
        )
        kind = f"{np.dtype(self.kind)} array ({shape}), kept at level {level}{links.get(self.name, '')}"
        return f"{self.note}\n\n{kind}; InputError in other recordings."


_PAIRS = (
    "Agents i < j of each link that goes up or down, step after step: those of step t are the "
    "link_count[t] rows after the first sum(link_count[:t])."
)

_ALL = (
    Dataset("step", "position", "f8", "t n axis", "Positions of the agents in S_t, in metres."),
    Dataset("step", "tile", "u2", "t n", "Tiles that the agents stand on in S_t, as numbers from 0."),
    Dataset("step", "action", "u2", "t n", "Zones that the agents head for, A_t, as numbers from 0."),
    Dataset("step", "link", "?", "t n n_other", "Who can talk to whom; symmetric, False on the diagonal."),
    Dataset("step", "reward", "?", "t m", "Whether each zone is attended: r(S_t), eq. (1)."),
    Dataset(
        "step",
        "estimate",
        "?",
        "t n m",
        "What each agent knows of r(S_t) at the end of the rollout: R^n_{t,(k+1)T0-1}, eq. (17).",
    ),
    Dataset(
        "step",
        "link_count",
        "u4",
        "t",
        "How many links go up or down at each step; before step 0 there are none.",
    ),
    Dataset("step", "link_pair", "u2", "change end", _PAIRS),
    Dataset(
        "rollout",
        "lam",
        "f8",
        "k_or_end n m",
        "Local multipliers lambda^n_k, eq. (18): row k is in force during rollout k.",
    ),
    Dataset(
        "rollout",
        "lam_ideal",
        "f8",
        "k_or_end m",
        "Multipliers lambda_k, eq. (16), that the true rewards give: row k is that of rollout k.",
    ),
    Dataset("rollout", "reward_mean", "f8", "k m", "Mean reward of each rollout."),
    Dataset("summary", "reward_count", "i8", "m", "In how many steps each zone was attended."),
    Dataset(
        "summary", "lam_mean", "f8", "n m", "Mean of the local multipliers over the rollouts 0 to K - 1."
    ),
    Dataset("summary", "lam_last", "f8", "n m", "Local multipliers after the last rollout."),
)

DATASETS = {dataset.name: dataset for dataset in _ALL}
"""By name, in the order in which they are written."""

SPARSE = ("link_count", "link_pair")


class Datasets(Protocol):
    """What has datasets: a `Recording`, as those see it whom it is built of."""

    scenario: Scenario
    path: str
    seed: int
    policy_sha256: str
    rollouts_done: int

    @property
    def steps(self) -> int:
        """Number of steps T."""

    def holds(self, name: str) -> bool:
        """Whether there is this dataset."""

    def read(self, name: str) -> np.ndarray:
        """Read a dataset."""


class DatasetAttribute:
    """Attribute of a `Recording` that reads a dataset, up to `rollouts_done`."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name, self.__doc__ = name, DATASETS[name].described()

    @overload
    def __get__(self, recording: None, owner: type) -> Self: ...
    @overload
    def __get__(self, recording: Datasets, owner: type) -> np.ndarray: ...
    def __get__(self, recording: Datasets | None, owner: type) -> Self | np.ndarray:
        return self if recording is None else recording.read(self.name)

    def __set__(self, recording: Datasets, value: object) -> None:
        raise InputError(f"{recording.path}: {self.name} cannot be set: a recording is only read")


def dataset_of(name: str) -> Dataset:
    """The dataset of that name; ArgumentError if there is none."""
    if name not in DATASETS:
        known = ", ".join(DATASETS)
        raise ArgumentError("name", name, f"must be one of {known}{nearest(str(name), DATASETS)}")
    return DATASETS[name]


def check_record(level: object) -> None:
    """Raise ArgumentError unless `level` is a level of recording."""
    if level not in LEVELS:
        raise ArgumentError("record", level, f"must be one of {', '.join(LEVELS)}")


def kept(level: str, sparse: bool) -> tuple[str, ...]:
    """Names of the datasets of steps and rollouts that a level keeps, with `sparse` links or matrices."""
    groups = {"step": ("step", "rollout"), "rollout": ("rollout",), "summary": ()}[level]
    left_out = ("link",) if sparse else SPARSE
    return tuple(name for name, each in DATASETS.items() if each.group in groups and name not in left_out)


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
        raise InputError(f"links = {links!r}: must be one of {', '.join(LINK_FORMS)}")
    N, M, gigabyte = scenario.agents.N, scenario.M, 1e9
    sparse = links == "sparse" or (links == "auto" and N > FEW_AGENTS)
    wide, what = (M, "estimates") if sparse or M > N else (N, "links")
    if level == "step" and steps * N * wide > MOST_BYTES:
        instead = "links='sparse', " if what == "links" else ""
        raise ArgumentError(
            "record",
            "step",
            f"the {what} of N = {N} agents and M = {M} zones in {steps} steps are "
            f"{steps * N * wide / gigabyte:.0f} GB, more than {MOST_BYTES / gigabyte:.0f}: "
            f"use {instead}record='rollout', or fewer steps",
        )
    return sparse
