"""The state of a training as named arrays: views of what changes, to be saved and filled in again."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cmarlsim.kernels.world import Locations
from cmarlsim.learning.mlp import MLP

Arrays = Mapping[str, np.ndarray]


def named(**groups: MLP | Locations) -> dict[str, np.ndarray]:
    """The arrays of groups, each by the names of its group and its field."""
    return {
        f"{name}/{field}": array for name, group in groups.items() for field, array in group._asdict().items()
    }


def within(name: str, arrays: Arrays) -> dict[str, np.ndarray]:
    """The arrays whose names begin with ``name/``, by what follows it."""
    prefix = f"{name}/"
    return {key[len(prefix) :]: array for key, array in arrays.items() if key.startswith(prefix)}


def fill_arrays(views: Arrays, saved: Arrays) -> None:
    """Copy into each of `views` what was saved under its name.

    Raises
    ------
    LookupError, ValueError
        If one is not there, or has another shape.
    """
    for name, array in views.items():
        if saved[name].shape != array.shape:
            raise ValueError(f"{name} has shape {saved[name].shape}, not {array.shape}")
        array[...] = saved[name]
