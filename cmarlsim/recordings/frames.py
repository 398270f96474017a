"""Recordings as tables of pandas and data sets of xarray, with names in place of numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from cmarlsim.errors import ArgumentError, InputError, nearest
from cmarlsim.recordings.datasets import DATASETS, Datasets

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_RUNNING = {
    "satisfaction": "Mean reward up to the end of each rollout, eq. (2).",
    "margin": "Satisfaction minus the thresholds c.",
}


def to_frame(recording: Datasets, name: str | None = None) -> pd.DataFrame:
    """Make a pandas table, with steps as its index and names of zones in its columns.

    Parameters
    ----------
    name
        A dataset, or ``satisfaction`` or ``margin``, which are running means; by default both of them,
        `reward_mean` and `lam_ideal`.

    Returns
    -------
    pandas.DataFrame
        Its index ``t`` counts steps. A row of `satisfaction`, `margin`, `reward_mean`, `lam` or `lam_ideal`
        is what holds after t steps, one row a rollout; a row of a dataset of steps is that of step t. Its
        columns are zones (level ``m``), agents and zones (levels ``n`` and ``m``), and so on; by default
        with the quantity above.

    Raises
    ------
    InputError
        If there is no such dataset, or the level of the recording does not keep it.

    Examples
    --------
    >>> import cmarlsim
    >>> run = cmarlsim.execute(cmarlsim.Scenario.load("tiny"), cmarlsim.Policy.load("rank"), steps=200)
    >>> run.to_frame()["margin"].shape  # and .plot() draws it
    (20, 3)
    >>> run.to_frame("lam")[0, "top"].shape  # the multipliers that agent 0 has for the zone `top`
    (21,)
    """
    import pandas as pd

    if name is None:
        parts = {each: to_frame(recording, each) for each in (*_RUNNING, "reward_mean", "lam_ideal")}
        return pd.concat(parts, axis=1, join="inner", names=["quantity"])
    values, axes = _values(recording, name)
    labels, T0 = _labels(recording), recording.scenario.dual.T0
    labels["k_or_end"], labels["k"] = labels["k_or_end"] * T0, (labels["k"] + 1) * T0
    first = labels.get(axes[0], np.arange(len(values)))
    index = pd.Index(first, name="t" if axes[0] in ("k", "k_or_end") else axes[0])
    columns: Any = [name]
    if len(axes) > 1:
        columns = pd.MultiIndex.from_product([labels[axis] for axis in axes[1:]], names=axes[1:])
        columns = columns.get_level_values(0) if len(axes) == 2 else columns
    return pd.DataFrame(values.reshape(len(values), math.prod(values.shape[1:])), index, columns)


def to_xarray(recording: Datasets) -> xr.Dataset:
    """Make an xarray data set of all datasets, with running `satisfaction` and `margin`.

    It needs xarray, as ``pip install 'cmarlsim[xarray]'`` gives it.

    Returns
    -------
    xarray.Dataset
        Dimensions as in `cmarlsim.recordings.datasets`. Coordinates are names of zones (``m``), numbers of
        agents (``n``), rollouts (``k``) and steps (``t``, and as ``steps`` those after which a rollout ends).
        `c` has the thresholds, and what is measured in metres the attribute ``units``.

    Raises
    ------
    InputError
        If xarray is not installed.
    """
    try:
        import xarray as xr
    except ImportError:
        raise InputError("to_xarray: needs xarray, which pip install 'cmarlsim[xarray]' installs") from None
    scenario, names = recording.scenario, [name for name in DATASETS if recording.holds(name)]
    variables: dict[str, Any] = {"c": ("m", np.array(scenario.c), {"long_name": "Thresholds."})}
    for name in [*names, *(_RUNNING if "reward_mean" in names else ())]:
        values, axes = _values(recording, name)
        note = _RUNNING[name] if name in _RUNNING else DATASETS[name].note
        variables[name] = (axes, values, {"long_name": note} | ({"units": "m"} if name == "position" else {}))
    used = {axis for axes, *_ in variables.values() for axis in axes}
    coordinates: dict[str, Any] = {axis: each for axis, each in _labels(recording).items() if axis in used}
    if "k" in used:
        coordinates["steps"] = ("k", (coordinates["k"] + 1) * scenario.dual.T0)
    about = {"scenario": scenario.name, "seed": recording.seed, "T0": scenario.dual.T0}
    return xr.Dataset(variables, coordinates, about | {"policy_sha256": recording.policy_sha256})


def _values(recording: Datasets, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """A dataset or a running mean, and the names of its axes."""
    if name in _RUNNING:
        return getattr(recording, name)("rollout"), ("k", "m")
    if name not in DATASETS:
        known = (*_RUNNING, *DATASETS)
        raise ArgumentError("name", name, f"must be one of {', '.join(known)}{nearest(str(name), known)}")
    return recording.read(name), DATASETS[name].axes


def _labels(recording: Datasets) -> dict[str, Any]:
    """What stands at the axes."""
    scenario, agents, K = recording.scenario, np.arange(recording.scenario.agents.N), recording.rollouts_done
    return {
        "t": np.arange(recording.steps),
        "n": agents,
        "n_other": agents,
        "m": [zone.name for zone in scenario.zones],
        "k": np.arange(K),
        "k_or_end": np.arange(K + 1),
        "axis": ["x", "y"],
        "end": [0, 1],
    }
