"""Files from outside: seals, the look in another process, and states that no run can have left."""

from __future__ import annotations

import os
import signal
import time
import zlib
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import h5py
import numpy as np
import pytest
from cases import seal_again
from commands import outcome

from cmarlsim import DamagedError, InputError, LockedError, Policy, Recording, Scenario, execute
from cmarlsim.recordings.checks import check_values
from cmarlsim.rerun import rerun
from cmarlsim.storage import inspection
from cmarlsim.storage.hdf5 import open_readable
from cmarlsim.storage.inspection import inspect
from cmarlsim.storage.journal import Journal, journal_of, packed, unpacked
from cmarlsim.storage.seal import compressed_chunks, is_sealed, unsealed

TINY, RANK = Scenario.load("tiny"), Policy.load("rank")
LARGE = Scenario.load("tiny", ["agents.speed=0.3", "agents.N=70"])
"""More agents than one word has bits."""

Edit = Callable[[h5py.File], object]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "r.h5"
    execute(TINY, RANK, 300, out=path).close()
    return path


# --- seals ---


def test_what_is_published_is_sealed(path: Path) -> None:
    assert is_sealed(path)
    assert unsealed(path) == path.read_bytes()[: len(unsealed(path))]
    with open_readable(path, "cmarlsim-recording/1") as file:
        assert file.sealed
        spared = compressed_chunks(file)
    assert len(spared) > 5


def test_every_byte_counts_but_those_of_compressed_chunks(path: Path) -> None:
    data = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        spared = compressed_chunks(file)
    inside = np.zeros(len(data), dtype=bool)
    for begin, length in spared.tolist():
        inside[begin : begin + length] = True
    for place in range(0, len(data) - 16, 37):
        data[place] ^= 1 << place % 8
        path.write_bytes(data)
        if inside[place]:
            assert is_sealed(path)
        else:
            with pytest.raises(DamagedError, match=r"r\.h5: is damaged: its checksum is wrong"):
                is_sealed(path)
        data[place] ^= 1 << place % 8


def test_a_file_that_was_changed_or_cut_off_has_no_seal(path: Path) -> None:
    data = path.read_bytes()
    for length in (0, 10, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        assert not is_sealed(path)
    path.write_bytes(data)
    with h5py.File(path, "r+") as file:
        file.attrs["note"] = "mine"
    assert not is_sealed(path)
    with Recording.open(path) as recording:  # but it can be read
        assert recording.steps == 300
    with pytest.raises(DamagedError, match="cannot be continued: it was changed since it was written"):
        execute(TINY, RANK, 600, out=path, resume=True)


# --- the look in another process ---


def linked(group: h5py.Group, link: object) -> None:
    group["elsewhere"] = link


def a_circle(file: h5py.File) -> None:
    file["step/again"] = file["step"]


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(3,), dtype="f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=(3,))
    file.create_virtual_dataset("virtual", layout)


def huge(file: h5py.File) -> None:
    file.create_dataset("huge", (10**13,), "f8", chunks=(10**6,))


HOSTILE: dict[str, tuple[Edit, str]] = {
    "external link": (lambda file: linked(file, h5py.ExternalLink("other.h5", "/x")), "is a link to elsew"),
    "soft link": (lambda file: linked(file["step"], h5py.SoftLink("/rollout")), "is a link to elsewhere"),
    "circle": (a_circle, "holds itself"),
    "virtual": (virtual, "lies in another file"),
    "external storage": (
        lambda file: file.create_dataset("raw", (3,), "f8", external=[("raw", 0, 24)]),
        "lies in another file",
    ),
    "text": (lambda file: file.__setitem__("text", "words"), "not numbers"),
    "lists": (lambda file: file.create_dataset("lists", (3,), h5py.vlen_dtype("i4")), "not numbers"),
    "table": (lambda file: file.create_dataset("table", (3,), [("x", "f8")]), "not numbers"),
    "opaque": (lambda file: file.create_dataset("opaque", (3,), "V5"), "not numbers"),
    "references": (lambda file: file.create_dataset("refs", (3,), h5py.ref_dtype), "not numbers"),
    "complex": (lambda file: file.create_dataset("complex", (3,), "c16"), "not numbers"),
    "named type": (lambda file: file.__setitem__("type", np.dtype("f8")), "neither a group nor a dataset"),
    "other packing": (
        lambda file: file.create_dataset("lzf", (99,), "f8", compression="lzf"),
        "packed in another way",
    ),
    "huge": (huge, "more than the file can hold"),
    "table as attribute": (
        lambda file: file.attrs.create("table", np.zeros(3, [("x", "f8")])),
        "neither text nor numbers",
    ),
}


SEALED = [case for case in HOSTILE if "attribute" not in case]
"""Attributes of a sealed file are looked at where they are read."""


@pytest.mark.parametrize(("case", "sealed"), [*product(HOSTILE, [False]), *product(SEALED, [True])])
def test_what_tables_of_numbers_do_not_need_is_refused(path: Path, case: str, sealed: bool) -> None:
    edit, message = HOSTILE[case]
    with h5py.File(path, "r+") as file:
        edit(file)
    if sealed:
        seal_again(path)
    with pytest.raises(DamagedError, match=f"{path}: not a readable HDF5 file.*{message}"):
        Recording.open(path)


def crash(file: h5py.File) -> Iterator[str]:
    os.kill(os.getpid(), signal.SIGSEGV)
    yield from ()


def hang(file: h5py.File) -> Iterator[str]:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    time.sleep(1000)
    yield from ()


def swell(file: h5py.File) -> Iterator[str]:
    np.zeros(2**33, dtype=np.uint8)
    yield from ()


@pytest.mark.parametrize(
    ("harm", "message"), [(crash, "HDF5 crashes on it"), (hang, "takes more than 1 s"), (swell, "allocate")]
)
def test_harm_comes_to_the_other_process(
    path: Path, monkeypatch: pytest.MonkeyPatch, harm: Callable[[h5py.File], Iterator[str]], message: str
) -> None:
    monkeypatch.setattr(inspection, "faults", harm)
    monkeypatch.setattr(inspection, "SECONDS", 1)
    with pytest.raises(DamagedError, match=message):
        inspect(path)


def test_a_file_that_is_written_is_locked(path: Path) -> None:
    with h5py.File(path, "r+"), pytest.raises(LockedError, match="is being written"):
        Recording.open(path)


def reading(path: Path) -> str | None:
    """What is said where a recording is read; None if it can be."""
    try:
        with Recording.open(path) as recording:
            for name in recording.names:
                recording.read(name)
    except InputError as error:
        return str(error)
    return None


def test_flipped_bits_are_told_in_one_line(path: Path) -> None:
    """Without the seal HDF5 has to look; it must neither crash this process nor raise anything else."""
    data = bytearray(unsealed(path))
    generator, told = np.random.default_rng(1), 0
    for place in generator.integers(len(data), size=150).tolist():
        data[place] ^= 1 << place % 8
        path.write_bytes(data)
        message = reading(path)
        assert message is None or str(path) in message
        told += message is not None
        data[place] ^= 1 << place % 8
    assert told > 10


ATTRIBUTES: dict[str, object] = {
    "seed": np.inf,
    "rollouts_done": -1,
    "record": "everything",
    "scenario": 3,
    "floorplan": np.zeros(4),
    "policy_sha256": np.array([b"x"]),
    "links": 7,
}


@pytest.mark.parametrize("name", ATTRIBUTES)
@pytest.mark.parametrize("sealed", [True, False])
def test_attributes_of_another_kind_are_refused(path: Path, name: str, sealed: bool) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs[name] = ATTRIBUTES[name]
    if sealed:
        seal_again(path)
    with pytest.raises(DamagedError, match=r"r\.h5: not a (complete recording|readable HDF5 file)"):
        Recording.open(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("tile", 9), ("action", 3), ("lam", -1), ("lam", np.nan), ("reward_mean", 2), ("position", 1e6)],
)
def test_values_that_no_run_has_are_refused(path: Path, name: str, value: float) -> None:
    with Recording.open(path) as recording:
        where = f"{'rollout' if name in ('lam', 'reward_mean') else 'step'}/{name}"
        rows = recording.read(name)
    check_values(name, rows, TINY)
    with h5py.File(path, "r+") as file:
        file[where][5] = value
    with Recording.open(path) as recording, pytest.raises(DamagedError, match=f"{path}: is damaged: {name}"):
        recording.read(name)


# --- going on ---


@pytest.mark.parametrize("name", ["step/position", "rollout/lam"])
def test_a_stream_that_ends_too_soon_is_no_chunk(path: Path, name: str) -> None:
    """Its own checksum is right, and the chunk ends as it did: of a full chunk, and of the last one."""
    with h5py.File(path) as file:
        chunk = file[name].id.get_chunk_info(0)
    data, short = bytearray(path.read_bytes()), zlib.compress(bytes(168))
    data[chunk.byte_offset : chunk.byte_offset + len(short)] = short
    path.write_bytes(data)
    assert is_sealed(path)
    with pytest.raises(DamagedError, match=f"a chunk of /{name} is not whole"):
        execute(TINY, RANK, 600, out=path, resume=True)


def test_a_chunk_belongs_to_its_place(path: Path) -> None:
    """The seal knows the checksum that it ends with, so that no other chunk can stand for it."""
    with h5py.File(path) as file:
        chunk = file["rollout/lam"].id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    data[chunk.byte_offset + chunk.size - 1] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedError, match="its checksum is wrong"):
        is_sealed(path)


STATES: dict[str, object] = {
    "link": 32,
    "node": 100,
    "edge": 10**6,
    "offset": 10**12,
    "lam": np.nan,
    "lam_ideal": -1e-9,
}


@pytest.mark.parametrize("scenario", [TINY, LARGE], ids=["numbered", "large"])
@pytest.mark.parametrize("name", STATES)
def test_states_that_no_run_leaves_are_refused(tmp_path: Path, scenario: Scenario, name: str) -> None:
    path = tmp_path / "r.h5"
    execute(scenario, RANK, 20, out=path, record="rollout").close()
    with h5py.File(path, "r+") as file:
        file[f"state/{name}"][-1] = STATES[name]
    seal_again(path)
    before = path.read_bytes()
    with pytest.raises(DamagedError, match=f"{path}: cannot be continued: state: "):
        execute(scenario, RANK, 40, out=path, record="rollout", resume=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize(("name", "value"), [("reward_count", 301), ("lam_sum", -1.0), ("lam_last", np.inf)])
def test_sums_that_no_run_leaves_are_refused(tmp_path: Path, name: str, value: float) -> None:
    path = tmp_path / "r.h5"
    execute(TINY, RANK, 300, out=path, record="summary").close()
    with h5py.File(path, "r+") as file:
        file[f"state/{name}"][0] = value
    seal_again(path)
    with pytest.raises(DamagedError, match=f"cannot be continued: {name} is out of range"):
        execute(TINY, RANK, 600, out=path, record="summary", resume=True)


@pytest.mark.parametrize("level", ["rollout", "summary"])
def test_rerun_compares_the_state(tmp_path: Path, capsys: pytest.CaptureFixture[str], level: str) -> None:
    path = tmp_path / "r.h5"
    execute(TINY, RANK, 300, out=path, record=level).close()
    assert outcome(rerun, [str(path)], capsys)[0] == 0
    with h5py.File(path, "r+") as file:
        file["state/lam"][0, 1] += 1e-12
    code, out, _ = outcome(rerun, [str(path)], capsys)
    assert (code, "differs in state/lam, row 0 at [1]: " in out) == (1, True)


def test_rerun_compares_forms_and_axes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.h5"
    execute(TINY, RANK, 300, out=path).close()
    with h5py.File(path, "r+") as file:
        file["k"][7] = 8
    code, out, _ = outcome(rerun, [str(path)], capsys)
    assert (code, "differs in k, row 7: 8, but the run gives 7" in out) == (1, True)
    with h5py.File(path, "r+") as file:
        file["k"][7] = 7
        lam = file["state/lam"][...]
        del file["state/lam"]
        file["state/lam"] = np.vstack([lam, lam])
    code, _, err = outcome(rerun, [str(path)], capsys)
    assert (code, "state/lam is float64[4, 3] from row 0 on, where a recording has" in err) == (2, True)


def with_another_label(path: Path, **changes: object) -> None:
    """Write the last commit of a run's journal anew with another label, its checksums right."""
    with Journal(journal_of(path)) as journal:
        assert journal.last is not None
        label, data = journal.last.label | changes, journal.last.data
        journal.commit(label, data)


LABELS: dict[str, object] = {
    "rollouts": "many",
    "pieces": {"lam": -1},
    "arrays": [["lam", "O", [1]]],
}


@pytest.mark.parametrize("key", LABELS)
def test_journals_that_no_run_leaves_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    path = tmp_path / "r.h5"
    monkeypatch.setattr("cmarlsim.recordings.recorder.Recorder.finish", lambda recorder: recorder._commit())
    execute(TINY, RANK, 300, out=path)
    monkeypatch.undo()
    with_another_label(path, **{key: LABELS[key]})
    with pytest.raises(DamagedError, match=r"r\.h5\.journal: is damaged: it cannot be continued"):
        execute(TINY, RANK, 600, out=path, resume="auto")


def test_arrays_of_a_journal_are_numbers() -> None:
    kinds, data = packed({"x": np.arange(6.0).reshape(2, 3)})
    assert (unpacked(kinds, data)["x"] == [[0, 1, 2], [3, 4, 5]]).all()
    for kind, shape in (("O", [1]), ("V8", [2]), ("f8", [-1]), ("f8", [10**9]), ("f8", ["a"])):
        with pytest.raises((TypeError, ValueError)):
            unpacked([["x", kind, shape]], data)
