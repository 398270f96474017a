"""Seals: how an HDF5 file of ours ends, so that damage is found before HDF5 stumbles over it.

HDF5 trusts the addresses and sizes that it finds in a file: one wrong byte can crash it. A seal stands behind
what HDF5 knows of, where it does not look: the places of all bytes but those of compressed chunks, which have
checksums of their own, and a checksum of them. Whoever changes the file through HDF5 cuts it off.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from cmarlsim.errors import DamagedError

MAGIC = b"cmarlsim-seal/1\n"
_FOOT = struct.Struct(f"<QQI{len(MAGIC)}s")  # where HDF5's bytes end, how many places, checksum

_PART = 2**22
_CHECKSUM = 4
"""Bytes of zlib's checksum, with which compressed data end."""


def compressed_chunks(file: h5py.File) -> np.ndarray:
    """Where chunks are that have checksums of their own, (C, 2): first byte and length, in no order.

    The length is without the checksum, the last bytes of a chunk: a seal binds each chunk to its place.
    """
    found: list[tuple[int, int]] = []

    def note(chunk: h5py.h5d.StoreInfo) -> None:
        found.append((chunk.byte_offset, max(chunk.size - _CHECKSUM, 0)))

    def visit(name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset) and item.compression == "gzip":
            item.id.chunk_iter(note)

    file.flush()
    file.visititems(visit)
    return np.array(found, dtype=np.uint64).reshape(-1, 2)


def seal(descriptor: int, spared: np.ndarray) -> None:
    """Seal the open file `descriptor`, but for the `spared` chunks, as `compressed_chunks` gives them."""
    end = os.fstat(descriptor).st_size
    spared = spared[np.argsort(spared[:, 0])]
    begin = np.concatenate([[0], spared.sum(axis=1)]).astype("<u8")
    length = np.concatenate([spared[:, 0], [end]]).astype("<u8") - begin
    places = np.stack([begin, length], axis=1)[length > 0]
    foot = _FOOT.pack(end, len(places), _checksum(descriptor, places), MAGIC)
    data = memoryview(places.tobytes() + foot)
    while data:
        count = os.pwrite(descriptor, data, end)
        data, end = data[count:], end + count


def is_sealed(path: Path) -> bool:
    """Whether a file has a seal, and thereby is as it was written; one of another program has none.

    Raises
    ------
    DamagedError
        If it has one that is broken.
    OSError
        If it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        size = os.fstat(descriptor).st_size
        foot = os.pread(descriptor, _FOOT.size, max(0, size - _FOOT.size))
        if not foot.endswith(MAGIC) or len(foot) < _FOOT.size:
            return False
        end, count, checksum, _ = _FOOT.unpack(foot)
        whole = end + 16 * count + _FOOT.size == size
        if whole:
            places = np.frombuffer(os.pread(descriptor, 16 * count, end), dtype="<u8").reshape(-1, 2)
            whole = _ascend(places.tolist(), end) and _checksum(descriptor, places) == checksum
    finally:
        os.close(descriptor)
    if not whole:
        raise DamagedError(f"{path}: is damaged: its checksum is wrong")
    return True


def unsealed(path: Path) -> bytes:
    """What a file holds, but for its seal."""
    data = path.read_bytes()
    return data[: _FOOT.unpack(data[-_FOOT.size :])[0]] if data.endswith(MAGIC) else data


def _ascend(places: list[list[int]], end: int) -> bool:
    """Whether places lie one behind the other before `end`."""
    last = 0
    for begin, length in places:
        if begin < last:
            return False
        last = begin + length
    return last <= end


def _checksum(descriptor: int, places: np.ndarray) -> int:
    """Checksum of places and of what is there."""
    result = zlib.crc32(places.tobytes())
    for part in _parts(descriptor, places.tolist()):
        result = zlib.crc32(part, result)
    return result


def _parts(descriptor: int, places: list[list[int]]) -> Iterator[bytes]:
    for begin, length in places:
        for place in range(begin, begin + length, _PART):
            yield os.pread(descriptor, min(_PART, begin + length - place), place)
