"""Whether what a file holds can be what a run leaves: shapes, types and ranges of its datasets."""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.world import TOLERANCE
from cmarlsim.recordings.datasets import DATASETS
from cmarlsim.scenario import Scenario

_NOT_NEGATIVE = ("lam", "lam_ideal", "reward_mean", "lam_mean", "lam_last", "lam_sum", "reward_count")


def check_dataset(name: str, kind: np.dtype, shape: tuple[int, ...], scenario: Scenario) -> None:
    """Raise ValueError unless a dataset of that name can have this type and shape."""
    expected = DATASETS[name]
    lengths = {"n": scenario.agents.N, "n_other": scenario.agents.N, "m": scenario.M, "axis": 2, "end": 2}
    wanted = tuple(lengths.get(axis, -1) for axis in expected.axes)
    fits = len(shape) == len(wanted) and all(
        want in (-1, found) for want, found in zip(wanted, shape, strict=False)
    )
    if not fits or kind.kind != np.dtype(expected.kind).kind:
        sizes = ["any" if want < 0 else want for want in wanted]
        raise ValueError(f"{name} is {kind}{list(shape)}, not {np.dtype(expected.kind)}{sizes}")


def check_values(name: str, rows: np.ndarray, scenario: Scenario) -> None:
    """Raise ValueError unless a dataset of that name can hold these rows."""
    if rows.size == 0:
        return
    counts = {"tile": len(scenario.floorplan.tiles), "action": scenario.M, "link_pair": scenario.agents.N}
    if name in counts and rows.max() >= counts[name]:
        raise ValueError(f"{name} holds {rows.max()}, but there are {counts[name]}, counted from 0")
    if name in _NOT_NEGATIVE and not (np.isfinite(rows).all() and rows.min() >= 0):
        raise ValueError(f"{name} holds what is no finite number of at least 0")
    if name == "reward_mean" and rows.max() > 1:
        raise ValueError(f"{name} holds {rows.max():g}, more than 1")
    if name == "position":
        corners = scenario.floorplan.waypoint_positions()
        outside = (rows < corners.min(axis=0) - TOLERANCE) | (rows > corners.max(axis=0) + TOLERANCE)
        if outside.any():
            raise ValueError("position holds places beyond all waypoints")
