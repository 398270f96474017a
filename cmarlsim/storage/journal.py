"""Journals: what a run has done so far, in a file that may be cut off anywhere.

A journal begins with what it is of. Then come two slots for *commits* and a row of *pieces*, each with a
checksum. A commit says how far the pieces go that belong to it, and is written over the older one of the two:
until it is whole, with all its pieces on disk, the other one counts. What stands behind its pieces was never
said to be true and is forgotten when the journal is opened again.

A kill leaves a commit to go back to, or a journal in which none was ever whole. One in which some were and
none can be believed is damaged. Commits end with a mark, by which one that was whole is known even where its
bytes are wrong.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from cmarlsim.errors import DamagedError, InputError
from cmarlsim.storage.files import real
from cmarlsim.storage.outputs import locked, sync_folder

MAGIC = b"cmarlsim-journal/1\n"

_MARK = b"\n commit\n"
_MOST = 2**62
_HEAD = struct.Struct("<QQI")  # bytes of the label and of the data, checksum of both

Label = dict[str, Any]
Arrays = Mapping[str, np.ndarray]


class Record(NamedTuple):
    """A label with its data, and where in the file they end."""

    label: Label
    data: bytes
    end: int


def journal_of(out: Path) -> Path:
    """Where the run that will write `out` keeps its journal."""
    out = real(out)
    return out.with_name(f"{out.name}.journal")


class Journal:
    """A journal, locked for as long as it is open.

    Parameters
    ----------
    path
        Made if it is missing.

    Raises
    ------
    LockedError
        If another process has it open.
    InputError
        If it cannot be opened, or is some other kind of file.

    Attributes
    ----------
    about : dict
        What it is of; empty if there is no commit.
    last : Record or None
        The last commit; None if there is none.
    counts : Counter
        How many pieces of each name that commit has.
    lost : bool
        Whether there were commits and none can be gone back to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = locked(path)
        self.about: Label = {}
        self.counts = Counter[str]()
        self.last: Record | None = None
        self.lost = False
        if not MAGIC.startswith(os.pread(self._file, len(MAGIC), 0)):
            os.close(self._file)
            raise InputError(f"{path}: is in the way, and not a journal of a run; move it")
        self._lay_out(len(MAGIC), 0)
        begin = self._read(len(MAGIC), slot=int, about=dict)
        if begin is not None:
            self._lay_out(begin.end, begin.label["slot"])
            self._find_commit(begin.label["about"])
        else:
            self.lost = not self._begins_in_vain()

    def _find_commit(self, about: Label) -> None:
        commits = [
            commit for place in self._slots if (commit := self._read(place, serial=int, end=int)) is not None
        ]
        commits.sort(key=lambda commit: -commit.label["serial"])
        for commit in commits:
            if self._pieces_reach(commit.label["end"]):
                self.about, self.last, self._end = about, commit, commit.label["end"]
                return
        slots = [b"".join(_parts(self._file, self._slot_bytes, place)) for place in self._slots]
        self.lost = bool(commits) or any(slot.rstrip(b"\0").endswith(_MARK) for slot in slots)

    def _begins_in_vain(self) -> bool:
        """Whether the beginning was cut off as it was written: then there is text to the end of the file."""
        first = len(MAGIC) + _HEAD.size
        parts = _parts(self._file, max(0, os.fstat(self._file).st_size - first), first, 2**16)
        return not any(b"\0" in part for part in parts)

    def _lay_out(self, first: int, slot: int) -> None:
        self._slots, self._slot_bytes = (first, first + slot), slot
        self._first = self._end = first + 2 * slot

    def _pieces_reach(self, end: int) -> bool:
        place = self._first
        self.counts = Counter()
        while place < end and (piece := self._read(place, piece=str)) is not None:
            self.counts[piece.label["piece"]] += 1
            place = piece.end
        return place == end

    def start(self, about: Label, most: int) -> None:
        """Forget everything, and begin with commits of up to `most` bytes."""
        slot = most + 2**16
        self.about, self.last, self.lost = about, None, False
        os.ftruncate(self._file, 0)
        begin = _record({"about": about, "slot": slot})
        _write(self._file, MAGIC + begin, 0)
        self._lay_out(len(MAGIC) + len(begin), slot)

    def append(self, name: str, piece: bytes) -> None:
        """Add a piece, at once safe from the end of this process, but not of the machine.

        Raises
        ------
        OSError
            If it cannot be written; what was committed before is still there.
        """
        record = _record({"piece": name}, piece)
        try:
            _write(self._file, record, self._end)
        except OSError:
            os.ftruncate(self._file, self._first if self.last is None else self.last.label["end"])
            raise
        self._end += len(record)

    def commit(self, label: Label, data: bytes) -> None:
        """Commit what was appended, and return when it is on disk; raises as `append`."""
        serial = 0 if self.last is None else self.last.label["serial"] + 1
        label = label | {"serial": serial, "end": self._end}
        record = _record(label, data) + _MARK
        if len(record) > self._slot_bytes:
            raise ValueError(f"{self.path}: a commit of {len(record)} bytes is more than was said")
        _write(self._file, record, self._slots[serial % 2])
        os.fsync(self._file)
        if self.last is None:
            sync_folder(self.path)
        self.last = Record(label, b"", self._slots[serial % 2] + len(record))

    def pieces(self) -> Iterator[tuple[str, bytes]]:
        """Names and data of all pieces, in the order of writing.

        Raises
        ------
        DamagedError
            If one cannot be read any more.
        """
        place = self._first
        while place < self._end:
            piece = self._read(place, piece=str)
            if piece is None:
                raise DamagedError(f"{self.path}: cannot be read beyond byte {place}")
            yield piece.label["piece"], piece.data
            place = piece.end

    def remove(self) -> None:
        """Delete the file."""
        self.path.unlink(missing_ok=True)
        self._let_go()

    def close(self) -> None:
        """Let go of the file, if that was not done; one in which there never was a commit is deleted."""
        if self._file >= 0 and self.last is None and not self.lost:
            self.path.unlink(missing_ok=True)
        self._let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _let_go(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _read(self, place: int, **kinds: type) -> Record | None:
        """The record at `place`, whose label has these keys; None if there is no whole one."""
        head = os.pread(self._file, _HEAD.size, place)
        if len(head) < _HEAD.size:
            return None
        label_size, data_size, checksum = _HEAD.unpack(head)
        place += _HEAD.size
        end = place + label_size + data_size
        if label_size == 0 or end > os.fstat(self._file).st_size:
            return None
        body = b"".join(_parts(self._file, end - place, place))
        label = _parsed(body[:label_size]) if zlib.crc32(body) == checksum else {}
        if not all(isinstance(label.get(key), kind) for key, kind in kinds.items()):
            return None
        if not all(0 <= label[key] < _MOST for key, kind in kinds.items() if kind is int):
            return None
        return Record(label, body[label_size:], end)


def _parsed(text: bytes) -> Label:
    try:
        label = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return label if isinstance(label, dict) else {}


def _record(label: Label, data: bytes = b"") -> bytes:
    text = json.dumps(label).encode()
    return _HEAD.pack(len(text), len(data), zlib.crc32(data, zlib.crc32(text))) + text + data


def packed(arrays: Arrays) -> tuple[list[list[Any]], bytes]:
    """Arrays as what a label says of them (name, type, shape) and their bytes."""
    kinds = [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()]
    return kinds, b"".join(np.ascontiguousarray(array).tobytes() for array in arrays.values())


def unpacked(kinds: list[list[Any]], data: bytes) -> dict[str, np.ndarray]:
    """The arrays that were `packed`; TypeError or ValueError if they cannot have been."""
    arrays, place = {}, 0
    for name, kind, shape in kinds:
        if np.dtype(kind).kind not in "biuf" or min(shape, default=0) < 0:
            raise TypeError(f"{name} is {kind:.60}{shape!r:.60}")
        array: np.ndarray = np.ndarray(shape, kind, data, place)
        arrays[name], place = array.copy(), place + array.nbytes
    return arrays


def _write(file: int, data: bytes, place: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(file, view, place)
        view, place = view[count:], place + count


def _parts(file: int, size: int, place: int, most: int = 2**24) -> Iterator[bytes]:
    while size > 0 and (part := os.pread(file, min(size, most), place)):
        yield part
        size, place = size - len(part), place + len(part)
