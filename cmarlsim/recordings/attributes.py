"""Datasets as attributes of a recording, with their documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, overload

import numpy as np

from cmarlsim.errors import InputError
from cmarlsim.recordings.datasets import DATASETS, SPARSE

if TYPE_CHECKING:
    from cmarlsim.recordings.recording import Recording

_LENGTHS = {"t": "T", "n": "N", "n_other": "N", "m": "M", "k": "K", "k_or_end": "K + 1", "change": "C"}


class DatasetAttribute:
    """Attribute of a `Recording` that reads a dataset, up to `rollouts_done`."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name, self.__doc__ = name, described(name)

    @overload
    def __get__(self, recording: None, owner: type) -> Self: ...
    @overload
    def __get__(self, recording: Recording, owner: type) -> np.ndarray: ...
    def __get__(self, recording: Recording | None, owner: type) -> Self | np.ndarray:
        return self if recording is None else recording.read(self.name)

    def __set__(self, recording: Recording, value: object) -> None:
        raise InputError(f"{recording.path}: {self.name} cannot be set: a recording is only read")


def described(name: str) -> str:
    """What a dataset is, with its type, shape and levels: for `help`."""
    dataset = DATASETS[name]
    shape = ", ".join(_LENGTHS.get(axis, "2") for axis in dataset.axes)
    shape += "," if len(dataset.axes) == 1 else ""
    kind = {"f8": "float64", "u2": "uint16", "u4": "uint32", "i8": "int64", "?": "bool"}[dataset.kind]
    links = {"link": ", where links are kept dense"} | dict.fromkeys(SPARSE, ", where links are kept sparse")
    where = f"kept at level {dataset.levels}{links.get(name, '')}"
    return f"{dataset.note}\n\n{kind} array ({shape}), {where}; InputError in other recordings."
