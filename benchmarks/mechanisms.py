"""``python benchmarks/mechanisms.py``: four ways to keep what a long run has done, each killed many times.

Rows are appended in chunks; after each the way says how many there are. Processes are killed at random
moments while they do that, and a reader looks whether it finds as many rows as were promised before, and the
right ones.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import statistics
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import h5py
import numpy as np
from kill import largest_file

from cmarlsim.storage.journal import Journal

ROWS, CHUNKS, KILLS = 1000, 30, 50
PIECE = 1000

Promise = Callable[[int], None]


def chunk(i: int) -> np.ndarray:
    """Rows of chunk i, (ROWS, 5, 6)."""
    return np.random.default_rng(i).random((ROWS, 5, 6))


def create(file: h5py.File) -> h5py.Dataset:
    """An empty dataset for the rows."""
    options = {"chunks": (PIECE, 5, 6), "compression": "gzip", "compression_opts": 1, "shuffle": True}
    return file.create_dataset("rows", (0, 5, 6), "f8", maxshape=(None, 5, 6), **options)


def extend(rows: h5py.Dataset, more: np.ndarray) -> None:
    """Append rows to a dataset."""
    rows.resize(len(rows) + len(more), axis=0)
    rows[-len(more) :] = more


def write_flushed(folder: Path, promise: Promise) -> None:
    """One HDF5 file, flushed and synced after every chunk."""
    with h5py.File(folder / "r.h5", "w") as file:
        rows = create(file)
        for i in range(CHUNKS):
            extend(rows, chunk(i))
            file.flush()
            os.fsync(file.id.get_vfd_handle())
            promise(i + 1)


def write_swmr(folder: Path, promise: Promise) -> None:
    """One HDF5 file in the mode for a single writer and many readers."""
    with h5py.File(folder / "r.h5", "w", libver="latest") as file:
        rows = create(file)
        file.swmr_mode = True
        for i in range(CHUNKS):
            extend(rows, chunk(i))
            rows.flush()
            os.fsync(file.id.get_vfd_handle())
            promise(i + 1)


def read_hdf5(folder: Path) -> np.ndarray:
    """The rows, as one who goes on with the file finds them."""
    with h5py.File(folder / "r.h5", "r+") as file:
        return file["rows"][...]


def write_parts(folder: Path, promise: Promise) -> None:
    """An HDF5 file a chunk, which takes its name when it is on disk."""
    for i in range(CHUNKS):
        temporary = folder / "part.tmp"
        with h5py.File(temporary, "w") as file:
            extend(create(file), chunk(i))
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, folder / f"{i:06}.h5")
        promise(i + 1)


def read_parts(folder: Path) -> np.ndarray:
    """The rows of all parts."""
    rows = []
    for path in sorted(folder.glob("??????.h5")):
        with h5py.File(path) as file:
            rows.append(file["rows"][...])
    return np.concatenate(rows)


def write_journal(folder: Path, promise: Promise) -> None:
    """A journal, as `cmarlsim.storage.journal` keeps it."""
    with Journal(folder / "r.journal") as journal:
        journal.start({}, 1000)
        for i in range(CHUNKS):
            journal.append("rows", zlib.compress(chunk(i).data, 1))
            journal.commit({"chunks": i + 1}, b"")
            promise(i + 1)


def read_journal(folder: Path) -> np.ndarray:
    """The rows up to the last commit."""
    with Journal(folder / "r.journal") as journal:
        pieces = [np.frombuffer(zlib.decompress(data)).reshape(-1, 5, 6) for _, data in journal.pieces()]
    return np.concatenate(pieces)


WAYS = {
    "part files": (write_parts, read_parts),
    "HDF5, flushed": (write_flushed, read_hdf5),
    "HDF5, SWMR": (write_swmr, read_hdf5),
    "journal": (write_journal, read_journal),
}


def found_after(name: str, seconds: float | None, size: int | None) -> str:
    """What a reader finds after a kill, or after files were not allowed to grow beyond `size` bytes."""
    write, read = WAYS[name]
    promised = multiprocessing.Value("l", 0)
    with tempfile.TemporaryDirectory() as folder:

        def work() -> None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            with largest_file(size) if size else nullcontext():
                write(Path(folder), lambda chunks: setattr(promised, "value", chunks))

        process = multiprocessing.get_context("fork").Process(target=work)
        process.start()
        process.join(seconds)
        process.kill()
        process.join()
        count = promised.value
        if count == 0:
            return "nothing promised"
        try:
            rows = read(Path(folder))[: count * ROWS]
        except (OSError, RuntimeError, KeyError):
            return "unreadable"
    expected = np.concatenate([chunk(i) for i in range(count)])
    return "right" if np.array_equal(rows, expected) else "rows missing or wrong"


def tally(name: str, draw: Callable[[], tuple[float | None, int | None]]) -> dict[str, int]:
    """What a reader finds, and how often; where nothing was promised yet, it need not find anything."""
    return dict(Counter(found_after(name, *draw()) for _ in range(KILLS)))


def main() -> None:
    """Print a line for each way."""
    generator = random.Random(1)
    for name, (write, _) in WAYS.items():
        with tempfile.TemporaryDirectory() as folder:
            times = [time.perf_counter()]
            write(Path(folder), lambda chunks, times=times: times.append(time.perf_counter()))
            size, longest = max(path.stat().st_size for path in Path(folder).iterdir()), times[-1] - times[0]
        kills = tally(name, lambda longest=longest: (generator.uniform(0, longest), None))
        full = tally(name, lambda size=size: (None, generator.randrange(size // 10, size)))
        each = 1e3 * statistics.median(np.diff(times))
        print(f"{name:15} {each:5.1f} ms a chunk; of {KILLS} kills {kills}, of {KILLS} full disks {full}")


if __name__ == "__main__":
    main()
