"""A look at an HDF5 file that nothing is known of, in a process that may come to harm in place of ours."""

from __future__ import annotations

import faulthandler
import gc
import math
import os
import resource
import select
import signal
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import h5py

from cmarlsim.errors import DamagedError

SECONDS = 5
"""So long a look may take."""

MEMORY = 2**30
"""Bytes that it may take, besides what this process has."""

MOST_OBJECTS = 100_000
MOST_RATIO = 1100
"""Bytes that gzip can make of one, and some."""

MOST_CHUNK = 2**28
MOST_ATTRIBUTE = 2**26
_SMALL = 2**20

_FILTERS = (h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)
_SCALES = ("CLASS", "DIMENSION_LIST", "NAME", "REFERENCE_LIST")
"""Attributes by which HDF5 names axes."""


def inspect(path: Path) -> None:
    """Have HDF5 read all that it would ever follow in a file: links, headers, attributes, places of chunks.

    Raises
    ------
    DamagedError
        If HDF5 crashes, hangs or cannot read it, or it holds what numbers in tables do not need: links to
        elsewhere or in circles, virtual or external datasets, other filters than gzip, texts, objects or
        tables in place of numbers, sizes far beyond what is stored.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads: the child starts none
        child = os.fork()
    if child == 0:
        _look(path, writing)
    os.close(writing)
    try:
        verdict = _heard(reading)
    finally:
        os.close(reading)
        with suppress(ProcessLookupError, ChildProcessError):  # somebody else has waited for it
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    if verdict != b"good":
        ended = f"reading it takes more than {SECONDS} s" if verdict is None else "HDF5 crashes on it"
        said = verdict.decode(errors="replace") if verdict else ended
        raise DamagedError(f"{path}: not a readable HDF5 file (damaged, truncated or foreign): {said}")


def _heard(reading: int) -> bytes | None:
    """What the child says, nothing if it died before; None if it takes too long."""
    deadline = time.monotonic() + SECONDS
    said = b""
    while (left := deadline - time.monotonic()) > 0:
        if select.select([reading], [], [], left)[0]:
            part = os.read(reading, 4096)
            if not part:
                return said
            said += part
    return None


def _look(path: Path, writing: int) -> None:
    """Look at the file, say what is wrong with it, and end."""
    try:
        gc.disable()  # its marks would have all memory copied
        faulthandler.disable()
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _limit(resource.RLIMIT_CPU, SECONDS)
        _limit(resource.RLIMIT_AS, _address_space() + MEMORY)
        with h5py.File(path, "r") as file:
            os.write(writing, next(faults(file), "good")[:4000].encode(errors="replace"))
    except BaseException as error:
        os.write(writing, f"{' '.join(str(error).split()) or type(error).__name__}"[:4000].encode())
    finally:
        os._exit(0)


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _address_space() -> int:
    """Bytes of address space that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def faults(file: h5py.File, deep: bool = True) -> Iterator[str]:
    """What is wrong with a file, one line each.

    Parameters
    ----------
    deep
        Have HDF5 read all attributes and places of chunks as well, which a damaged file may not survive.
    """
    size, seen, todo = os.path.getsize(file.filename), set[int](), [file["/"]]
    while todo:
        item = todo.pop()
        address = h5py.h5o.get_info(item.id).addr
        if address in seen and isinstance(item, h5py.Group):
            yield f"the group {item.name} holds itself"
            continue
        seen.add(address)
        if len(seen) > MOST_OBJECTS:
            yield f"it holds more than {MOST_OBJECTS} objects"
            return
        if deep:
            yield from _attribute_faults(item)
        if isinstance(item, h5py.Dataset):
            yield from _dataset_faults(item, size)
            if deep and item.chunks:
                yield from _chunk_faults(item, size)
        elif not isinstance(item, h5py.Group):
            yield f"{item.name} is neither a group nor a dataset"
        else:
            for name in item:
                if isinstance(item.get(name, getlink=True), h5py.HardLink):
                    todo.append(item[name])
                else:
                    yield f"{item.name.rstrip('/')}/{name} is a link to elsewhere"


def _attribute_faults(item: h5py.HLObject) -> Iterator[str]:
    for name in item.attrs:
        attribute = item.attrs.get_id(name)
        if math.prod(attribute.shape) * attribute.dtype.itemsize > MOST_ATTRIBUTE:
            yield f"the attribute {name} of {item.name} is too large"
            continue
        value = item.attrs[name]
        if name not in _SCALES and not isinstance(value, str) and attribute.dtype.kind not in "biuf":
            yield f"the attribute {name} of {item.name} is neither text nor numbers"


def _dataset_faults(dataset: h5py.Dataset, size: int) -> Iterator[str]:
    """What is wrong with a dataset in a file of `size` bytes."""
    name, properties = dataset.name, dataset.id.get_create_plist()
    if dataset.dtype.kind not in "biuf" or dataset.dtype.hasobject:
        yield f"{name} holds {dataset.dtype}, not numbers"
        return
    if dataset.is_virtual or dataset.external:
        yield f"{name} lies in another file"
        return
    filters = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
    if not set(filters) <= set(_FILTERS):
        yield f"{name} is packed in another way than by gzip"
    stored = dataset.id.get_storage_size()
    if stored > size or dataset.nbytes > MOST_RATIO * stored + _SMALL:
        yield f"{name} is said to have {dataset.nbytes} bytes, more than the file can hold"


def _chunk_faults(dataset: h5py.Dataset, size: int) -> Iterator[str]:
    whole = math.prod(dataset.chunks) * dataset.dtype.itemsize
    outside = 0

    def look(chunk: h5py.h5d.StoreInfo) -> None:
        nonlocal outside
        fits = chunk.byte_offset + chunk.size <= size and chunk.size <= 2 * whole + 1024
        outside += not fits

    dataset.id.chunk_iter(look)
    if outside or whole > MOST_CHUNK:
        yield f"{dataset.name} has chunks that are too large, or beyond the end of the file"
