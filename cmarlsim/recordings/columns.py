"""Writing a recording's datasets: rows are cut into compressed pieces, of which the file is made."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import h5py
import numpy as np

from cmarlsim.recordings.datasets import DATASETS, SPARSE
from cmarlsim.storage.hdf5 import damage_told

_PIECE_BYTES = 2**18
_PIECE_ROWS = 4096
_INDEX_ROWS = 2**20
_LEVEL = 1


class Column:
    """A dataset that is being recorded: how much of it is cut off already, and the rows that are left.

    Pieces are what HDF5 calls chunks, shuffled and compressed as its own filters do it, so that they can be
    put into a file as they are.

    Parameters
    ----------
    name
        A dataset of steps or rollouts.
    lengths
        Lengths of its axes but the first, by name.
    """

    def __init__(self, name: str, lengths: Mapping[str, int]) -> None:
        self.dataset = DATASETS[name]
        self.name, self.kind = name, np.dtype(self.dataset.kind)
        self.row = tuple(lengths[axis] for axis in self.dataset.axes[1:])
        bytes_per_row = self.kind.itemsize * int(np.prod(self.row))
        self.piece_rows = int(np.clip(_PIECE_BYTES // bytes_per_row, 1, _PIECE_ROWS))
        self.piece_bytes, self.pieces = self.piece_rows * bytes_per_row, 0
        self._waiting = self.dataset.first_rows
        self._left = [np.zeros((self._waiting, *self.row), self.kind)]

    @property
    def rows(self) -> int:
        """Rows so far."""
        return self.pieces * self.piece_rows + self._waiting

    @property
    def left(self) -> np.ndarray:
        """The rows that are in no piece yet."""
        if len(self._left) > 1:
            self._left = [np.concatenate(self._left)]
        return self._left[0]

    def extend(self, rows: np.ndarray) -> Iterator[bytes]:
        """Add rows, and hand out the pieces that are full."""
        self._left.append(rows.astype(self.kind, copy=False))
        self._waiting += len(rows)
        if self._waiting < self.piece_rows:
            return
        left, size = self.left, self.piece_rows
        self._waiting = len(left) % size
        self._left = [left[len(left) - self._waiting :].copy()]
        for first in range(0, len(left) - self._waiting, size):
            self.pieces += 1
            yield compressed(left[first : first + size])

    def resume(self, pieces: int, left: np.ndarray) -> None:
        """Go on behind `pieces` pieces and the rows `left`; ValueError if there cannot be such."""
        if len(left) >= self.piece_rows:
            raise ValueError(f"{self.name}: {len(left)} rows are no less than a piece of {self.piece_rows}")
        if left.shape[1:] != self.row or left.dtype != self.kind:
            raise ValueError(f"{self.name}: rows of {left.dtype}{left.shape[1:]}, not {self.kind}{self.row}")
        self.pieces, self._left, self._waiting = pieces, [left], len(left)

    def create(self, file: h5py.File) -> h5py.Dataset:
        """Make the dataset, with the rows that are left; the pieces are missing."""
        dataset = file.create_dataset(
            self.dataset.location,
            shape=(self.rows, *self.row),
            maxshape=(None, *self.row),
            chunks=(self.piece_rows, *self.row),
            dtype=self.kind,
            compression="gzip",
            compression_opts=_LEVEL,
            shuffle=True,
        )
        if self._waiting:
            dataset[self.rows - self._waiting :] = self.left
        if self.name in SPARSE:
            dataset.attrs["note"] = self.dataset.note
        return dataset


def pieces_of(dataset: h5py.Dataset, rows: int) -> Iterator[bytes]:
    """The full pieces of the first `rows` rows of a dataset that was made by `Column.create`.

    Raises
    ------
    DamagedError
        If one is damaged.
    """
    for first in range(0, rows - dataset.chunks[0] + 1, dataset.chunks[0]):
        yield whole_chunk(dataset, first)


def whole_chunk(dataset: h5py.Dataset, first: int) -> bytes:
    """The compressed chunk whose first row is `first`, which is unpacked to see that it is whole.

    HDF5 takes a shorter stream of zlib for a chunk, and leaves the rest of it to chance.

    Raises
    ------
    DamagedError
        If it is damaged.
    """
    with damage_told(dataset.file.filename):
        piece: bytes = dataset.id.read_direct_chunk((first, *[0] * (dataset.ndim - 1)))[1]
        stream = zlib.decompressobj()
        size = len(stream.decompress(piece))
        if not stream.eof or stream.unused_data or size != np.prod(dataset.chunks) * dataset.dtype.itemsize:
            raise ValueError(f"a chunk of {dataset.name} is not whole")
    return piece


def write_columns(
    file: h5py.File,
    columns: Iterable[Column],
    pieces: Iterable[tuple[str, bytes]],
    lengths: Mapping[str, int],
) -> None:
    """Write the datasets of a recording and name their axes.

    Parameters
    ----------
    pieces
        The name of a column and a piece of it, for all columns; the pieces of a column are in order.
    lengths
        Lengths of all axes but ``change``.
    """
    datasets, place = {column.name: column.create(file) for column in columns}, dict.fromkeys(DATASETS, 0)
    for name, piece in pieces:
        dataset = datasets[name]
        dataset.id.write_direct_chunk((place[name], *[0] * (dataset.ndim - 1)), piece)
        place[name] += dataset.chunks[0]
    for name, dataset in datasets.items():
        for dimension, axis in zip(dataset.dims, DATASETS[name].axes, strict=True):
            if axis not in file:
                _write_index(file, axis, len(dataset) if axis == "change" else lengths[axis])
            dimension.attach_scale(file[axis])


def write_arrays(group: h5py.Group, arrays: Mapping[str, np.ndarray]) -> None:
    """Write small arrays."""
    for name, array in arrays.items():
        packing: dict[str, Any] = {"compression": "gzip", "shuffle": True} if array.nbytes > 2**16 else {}
        group.create_dataset(name, data=array, **packing)


def compressed(rows: np.ndarray) -> bytes:
    """Rows as HDF5's filters shuffle and gzip leave them."""
    data = np.ascontiguousarray(rows)
    if rows.itemsize > 1:
        data = np.ascontiguousarray(data.view(np.uint8).reshape(-1, rows.itemsize).T)
    return zlib.compress(data.data, _LEVEL)


def _write_index(file: h5py.File, axis: str, length: int) -> None:
    """Write 0, 1, ... as a dimension scale, not all of it in memory at once."""
    index = file.create_dataset(axis, (length,), np.int64, compression="gzip", shuffle=True, chunks=True)
    for first in range(0, length, _INDEX_ROWS):
        index[first : first + _INDEX_ROWS] = np.arange(first, min(first + _INDEX_ROWS, length))
    index.make_scale(axis)
