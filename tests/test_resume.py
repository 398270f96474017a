"""Runs that end early, however it happens, and go on: the file is that of a run that never stopped."""

from __future__ import annotations

import errno
import os
import random
import re
import shutil
from pathlib import Path
from typing import Any

import h5py
import kill
import numpy as np
import pytest
from cases import COMPILED
from commands import Call

from cmarlsim import Policy, Recording, Scenario, execute
from cmarlsim.errors import InputError
from cmarlsim.run import run
from cmarlsim.storage.journal import _MARK, MAGIC, Journal, journal_of
from cmarlsim.storage.provenance import versions

FIRST = Path(__file__).parent / "recordings" / "first.h5"
RANK = Policy.load("rank")
TINY = Scenario.load("tiny")
STEPS, CHUNK = (6000, 64) if COMPILED else (1500, 16)
FORMS = [("step", "dense"), ("step", "sparse"), ("rollout", "auto"), ("summary", "auto")]
OFTEN: dict[str, Any] = {"checkpoint": 1e-9}


class Killed(BaseException):
    """What ends a run in the tests that end it in their own process."""


def begin(path: Path, calls: int, scenario: Scenario = TINY, **options: Any) -> None:
    """Run until `progress` was called so often, and end as if killed: nothing gets a chance to tidy up."""

    def progress(rollouts: int) -> bool:
        nonlocal calls
        calls -= 1
        if calls == 0:
            raise Killed
        return True

    with pytest.raises(Killed):
        execute(scenario, RANK, out=path, progress=progress, **options)


@pytest.fixture(autouse=True)
def many_chunks_and_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cmarlsim.recordings.columns._PIECE_ROWS", 100)
    monkeypatch.setattr("cmarlsim.simulation.execution._CHUNK_ROLLOUTS", CHUNK)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All that the file of a run says that was never interrupted."""
    path = tmp_path_factory.mktemp("whole") / "r.h5"
    execute(TINY, RANK, STEPS, out=path).close()
    return kill.contents(path)


@pytest.mark.parametrize(("level", "links"), FORMS)
def test_it_goes_on_as_if_nothing_had_happened(tmp_path: Path, level: str, links: str) -> None:
    options: dict[str, Any] = {"steps": STEPS, "seed": 3, "record": level, "links": links}
    execute(TINY, RANK, out=tmp_path / "whole.h5", **options).close()
    path = tmp_path / "r.h5"
    for calls in (1, 3, 5, 2):
        begin(path, calls, **options, **OFTEN, resume="auto")
        assert journal_of(path).exists()
        assert not path.exists()
    execute(TINY, RANK, out=path, resume="auto", **options).close()
    assert kill.contents(path) == kill.contents(tmp_path / "whole.h5")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["r.h5", "whole.h5"]


SCENARIOS = {
    "drawn links": ("tiny", ["links.model=bernoulli", "links.p=0.3", "links.footprint=complete"]),
    "all linked": ("tiny", ["links.model=always"]),
    "multipliers of both kinds": ("paper", ["dual.T0=10"]),
}


@pytest.mark.parametrize("case", SCENARIOS)
def test_links_and_multipliers_go_on_from_those_there_were(tmp_path: Path, case: str) -> None:
    scenario = Scenario.load(*SCENARIOS[case])
    options: dict[str, Any] = {"steps": STEPS, "links": "sparse"}
    execute(scenario, RANK, out=tmp_path / "whole.h5", **options).close()
    begin(tmp_path / "r.h5", 2, scenario, **options, **OFTEN)
    execute(scenario, RANK, out=tmp_path / "r.h5", resume=True, **options).close()
    assert kill.contents(tmp_path / "r.h5") == kill.contents(tmp_path / "whole.h5")


@pytest.mark.parametrize(("level", "links"), FORMS)
def test_a_recording_can_be_extended(tmp_path: Path, level: str, links: str) -> None:
    options: dict[str, Any] = {"record": level, "links": links}
    path = tmp_path / "r.h5"
    for steps in (10, 650, STEPS - 100, STEPS):
        execute(TINY, RANK, steps, out=path, resume="auto", **options).close()
        assert Recording.open(path).steps == steps
    execute(TINY, RANK, STEPS, out=tmp_path / "whole.h5", **options).close()
    assert kill.contents(path) == kill.contents(tmp_path / "whole.h5")
    before = path.stat()
    execute(TINY, RANK, STEPS, out=path, resume="auto", **options).close()
    assert os.path.samestat(path.stat(), before)
    with pytest.raises(InputError, match=f"steps = 650: .* holds {STEPS} steps already"):
        execute(TINY, RANK, 650, out=path, resume="auto", **options)


def test_an_extension_that_is_killed_leaves_the_older_file(tmp_path: Path, whole: dict[str, str]) -> None:
    path = tmp_path / "r.h5"
    execute(TINY, RANK, 300, out=path).close()
    before = path.read_bytes()
    begin(path, 3, steps=STEPS, resume=True, **OFTEN)
    assert path.read_bytes() == before
    calls: list[int] = []
    execute(TINY, RANK, STEPS, out=path, resume=True, progress=lambda done: not calls.append(done)).close()
    assert calls[0] > 30  # more than there are in the file
    assert sum(calls) == STEPS // TINY.dual.T0
    assert kill.contents(path) == whole


# --- killed, wherever it may be ---


@pytest.mark.compiled
@pytest.mark.parametrize(("level", "links", "stride"), [("step", "sparse", 25), ("summary", "auto", 15)])
def test_a_kill_at_any_file_operation_leaves_no_trace(
    tmp_path: Path, level: str, links: str, stride: int
) -> None:
    case = kill.recording(tmp_path, 1200, level, links, checkpoint=1e-9)
    older = tmp_path / "older.h5"
    execute(TINY, RANK, 640, out=older, record=level, links=links).close()
    assert kill.at_every_operation(case, older, stride) > 3
    assert kill.at_every_operation(case, stride=stride) > 3


@pytest.mark.compiled
def test_a_training_killed_at_any_file_operation_leaves_no_trace(tmp_path: Path) -> None:
    assert kill.at_every_operation(kill.training(tmp_path), stride=120) > 2


@pytest.mark.compiled
def test_kills_at_random_moments_leave_no_trace(tmp_path: Path) -> None:
    case = kill.recording(tmp_path, 20_000, "step", "sparse", checkpoint=0.01)
    kill.at_random_moments(case, 5, 0.2, random.Random(7))


@pytest.mark.compiled
def test_a_full_disk_leaves_no_trace(tmp_path: Path) -> None:
    case = kill.recording(tmp_path, 2000, "rollout", "auto", checkpoint=1e-9)
    assert kill.at_random_sizes(case, 6, random.Random(3)) > 3


@pytest.mark.parametrize("survived", [0, 5])
def test_a_disk_that_is_full_only_for_the_file_leaves_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survived: int, whole: dict[str, str]
) -> None:
    path, write, left = tmp_path / "r.h5", os.pwrite, [survived]

    def refuse(file: int, data: bytes, place: int) -> int:
        if os.readlink(f"/proc/self/fd/{file}").endswith(".tmp"):
            left[0] -= 1
        if left[0] < 0:
            left[0] += 1
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data, place)

    with monkeypatch.context() as full:
        full.setattr("os.pwrite", refuse)
        with pytest.raises(InputError, match=f"No space left.*the first {STEPS // 10} rollouts are in"):
            execute(TINY, RANK, STEPS, out=path)
    assert [file.name for file in tmp_path.iterdir()] == ["r.h5.journal"]
    execute(TINY, RANK, STEPS, out=path, resume=True).close()
    assert kill.contents(path) == whole


# --- what stands in the way ---


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """Output of a run that was killed after some commits."""
    begin(tmp_path / "r.h5", 3, steps=STEPS, **OFTEN)
    return tmp_path / "r.h5"


@pytest.mark.parametrize("part", [0.0, 0.1, 0.9, 0.999])
def test_a_torn_journal_costs_time_only(killed: Path, part: float, whole: dict[str, str]) -> None:
    journal = journal_of(killed)
    os.truncate(journal, int(part * journal.stat().st_size))
    execute(TINY, RANK, STEPS, out=killed, resume="auto").close()
    assert kill.contents(killed) == whole


@pytest.mark.compiled
def test_a_damaged_commit_or_piece_is_not_believed(
    killed: Path, whole: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    data = journal_of(killed).read_bytes()
    caplog.set_level("INFO", "cmarlsim")
    for place in range(len(data) // 12, len(data), len(data) // 12):
        caplog.clear()
        damaged = bytearray(data)
        damaged[place] ^= 0xFF
        journal_of(killed).write_bytes(damaged)
        execute(TINY, RANK, STEPS, out=killed, resume="auto").close()
        assert kill.contents(killed) == whole
        assert "continues after step" in caplog.text or "is damaged" in caplog.text
        killed.unlink()
    journal_of(killed).write_bytes(b"not one of ours")
    with pytest.raises(InputError, match="not a journal of a run"):
        execute(TINY, RANK, STEPS, out=killed, resume="auto")


def flip(path: Path, place: int) -> None:
    """Damage a file in one bit."""
    data = bytearray(path.read_bytes())
    data[place] ^= 8
    path.write_bytes(data)


def places_of(path: Path, part: str) -> list[int]:
    """Where a part of a journal can be damaged."""
    with Journal(path) as journal:
        slots, first = journal._slots, journal._first
    return {
        "beginning": [60],
        "length of the beginning": [len(MAGIC) + 3],
        "piece": [first + 200],
        "both commits": [slot + 30 for slot in slots],
    }[part]


@pytest.mark.parametrize("part", ["beginning", "length of the beginning", "piece", "both commits"])
@pytest.mark.parametrize("commits", [1, 3])
def test_damage_that_leaves_no_commit_is_told(
    tmp_path: Path, part: str, commits: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "r.h5"
    begin(path, commits, steps=STEPS, **OFTEN)
    for place in places_of(journal_of(path), part):
        flip(journal_of(path), place)
    before = journal_of(path).read_bytes()
    told = "journal: is damaged, and what it kept can no longer be read; to begin anew"
    with pytest.raises(InputError, match=f"{told}, use resume='auto', or delete it"):
        execute(TINY, RANK, STEPS, out=path, resume=True)
    with pytest.raises(InputError, match="is damaged: continue it with resume='auto', or add force=True"):
        execute(TINY, RANK, STEPS, out=path)
    assert journal_of(path).read_bytes() == before
    execute(TINY, RANK, STEPS, out=path, resume="auto").close()
    assert re.search(told, caplog.text)
    with Recording.open(path) as recording:
        assert recording.steps == STEPS


def test_a_damaged_journal_of_an_extension_leaves_the_older_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "r.h5"
    execute(TINY, RANK, 300, out=path).close()
    begin(path, 2, steps=STEPS, resume=True, **OFTEN)
    flip(journal_of(path), 60)
    with pytest.raises(InputError, match=f"to go on from {path}, use"):
        execute(TINY, RANK, STEPS, out=path, resume=True)
    caplog.set_level("INFO", "cmarlsim")
    execute(TINY, RANK, STEPS, out=path, resume="auto").close()
    assert "is damaged" in caplog.text
    assert "continues after step 300" in caplog.text


@pytest.mark.compiled
def test_what_was_only_begun_is_not_taken_for_damaged(tmp_path: Path) -> None:
    """A journal that is cut off anywhere before its first commit is whole, or in the midst of it."""
    label, data = {"of": "a test", "letters": "äöü"}, bytes(range(256)) * 2
    whole = tmp_path / "whole"
    with Journal(whole) as journal:
        journal.start(label, most=2000)
        journal.append("x", data)
        begun = whole.read_bytes()
        slot, first = journal._slots[0], journal._first
        journal.commit({"number": 0}, data)
        commit = journal._read(slot)
        assert commit is not None
        end = commit.end + len(_MARK)
    for size in (*range(slot + 100), *range(first, len(begun) + 1)):
        (tmp_path / "j").write_bytes(begun[:size])
        with Journal(tmp_path / "j") as journal:
            assert (journal.last, journal.lost) == (None, False), size
    content = whole.read_bytes()
    for cut in range(slot, commit.end):
        (tmp_path / "j").write_bytes(content[:cut] + bytes(end + 50 - cut) + content[end + 50 :])
        with Journal(tmp_path / "j") as journal:
            assert (journal.last, journal.lost) == (None, False), cut


def test_a_run_that_was_killed_before_its_first_commit_begins(tmp_path: Path) -> None:
    path = tmp_path / "r.h5"
    begin(path, 1, steps=STEPS, checkpoint=100.0)
    with Journal(journal_of(path)) as journal:
        assert (journal.last, journal.lost) == (None, False)
    journal_of(path).write_bytes(MAGIC)
    execute(TINY, RANK, STEPS, out=path, resume=True).close()
    assert Recording.open(path).steps == STEPS


def test_the_older_commit_counts_where_the_newer_one_is_torn(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.start({"of": "a test"}, most=100)
        for number in range(4):
            journal.append("x", bytes([number] * 10))
            journal.commit({"number": number}, bytes([number]))
        slot = journal._slots[3 % 2]
    data = bytearray((tmp_path / "j").read_bytes())
    data[slot + 30] ^= 1
    (tmp_path / "j").write_bytes(data)
    with Journal(tmp_path / "j") as journal:
        assert journal.last is not None
        assert (journal.last.label["number"], journal.last.data) == (2, b"\x02")
        assert [piece[0] for _, piece in journal.pieces()] == [0, 1, 2]


OTHERS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "links.d": (["links.d=2.5"], {}),
    "zones.right.c, seed": (["zones.1.c=0.21"], {"seed": 1}),
    "record": ([], {"record": "rollout"}),
    "links": ([], {"links": "sparse"}),
    "dual.alpha, dual.eta": (["dual.alpha=0.2", "dual.eta=0.4"], {}),
}


@pytest.mark.parametrize("differing", OTHERS)
@pytest.mark.parametrize("ended", [True, False])
def test_another_run_is_refused(killed: Path, differing: str, ended: bool) -> None:
    if ended:
        execute(TINY, RANK, STEPS, out=killed, resume=True).close()
    settings, options = OTHERS[differing]
    before = {file: file.read_bytes() for file in killed.parent.iterdir()}
    with pytest.raises(InputError, match=f"r.h5.*is of another run, these differ: {re.escape(differing)};"):
        execute(Scenario.load("tiny", settings), RANK, 2 * STEPS, out=killed, resume="auto", **options)
    assert {file: file.read_bytes() for file in killed.parent.iterdir()} == before


def test_another_policy_or_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paper, path = Scenario.load("paper"), tmp_path / "r.h5"
    execute(paper, Policy.load("paper"), 100, out=path).close()
    shown = re.escape(f"version_numpy ({np.__version__} there, 1.0 here)")
    monkeypatch.setattr("numpy.__version__", "1.0")
    with pytest.raises(InputError, match=f"is of another run, these differ: policy, {shown};"):
        execute(paper, RANK, 200, out=path, resume=True)
    with pytest.raises(InputError, match=f"other versions, these differ: {shown}; go on with those"):
        execute(paper, Policy.load("paper"), 200, out=path, resume=True)


def test_nothing_is_overwritten_unasked(tmp_path: Path, killed: Path) -> None:
    with pytest.raises(InputError, match=r"journal: continue it with resume='auto', or add force=True"):
        execute(TINY, RANK, STEPS, out=killed)
    assert journal_of(killed).exists()
    execute(TINY, RANK, 10, out=killed, force=True).close()
    assert Recording.open(killed).steps == 10
    assert [file.name for file in tmp_path.iterdir()] == ["r.h5"]


def test_what_was_to_be_replaced_is_replaced_in_the_end(tmp_path: Path) -> None:
    path, other = tmp_path / "r.h5", Scenario.load("tiny", ["links.d=2.5"])
    execute(other, RANK, 10, out=path).close()
    begin(path, 2, steps=STEPS, force=True, **OFTEN)
    assert Recording.open(path).scenario == other
    execute(TINY, RANK, STEPS, out=path, resume="auto").close()
    assert Recording.open(path).scenario == TINY


@pytest.mark.parametrize("there", [True, False])
def test_a_symbolic_link_is_followed(tmp_path: Path, there: bool) -> None:
    (tmp_path / "disk").mkdir()
    path, file = tmp_path / "r.h5", tmp_path / "disk" / "a.h5"
    path.symlink_to("disk/a.h5")
    if there:
        execute(TINY, RANK, 300, out=file).close()
    begin(path, 2, steps=STEPS, resume="auto", **OFTEN)
    assert journal_of(path) == journal_of(file)
    assert journal_of(file).exists()
    with Journal(journal_of(file)), pytest.raises(InputError, match="another process"):
        execute(TINY, RANK, STEPS, out=path, resume="auto")
    execute(TINY, RANK, STEPS, out=path, resume="auto").close()
    assert path.is_symlink()
    assert Recording.open(file).steps == STEPS
    assert sorted(left.name for left in tmp_path.rglob("*")) == ["a.h5", "disk", "r.h5"]


def test_a_recording_of_before_there_were_states_is_not_extended(tmp_path: Path) -> None:
    path = tmp_path / "first.h5"
    shutil.copy(FIRST, path)
    with h5py.File(path, "r+") as file:
        file.attrs.update(versions())
    with pytest.raises(InputError, match="cannot be continued"):
        execute(TINY, RANK, 400, seed=3, out=path, resume=True)
    execute(TINY, RANK, 200, seed=3, out=path, force=True).close()
    with h5py.File(path, "r+") as file:
        file.attrs["rollouts_done"] = 19
    with pytest.raises(InputError, match="cannot be continued: it was changed since it was written"):
        execute(TINY, RANK, 400, seed=3, out=path, resume=True)


@pytest.mark.parametrize("piece", [0, 2])
def test_a_damaged_recording_is_not_extended(tmp_path: Path, piece: int) -> None:
    """The full pieces are copied as they are, so it is looked whether they are whole; the rest is read."""
    path = tmp_path / "r.h5"
    execute(TINY, RANK, 250, out=path).close()
    with h5py.File(path) as file:
        stored = file["step/position"].id.get_chunk_info(piece)
    flip(path, stored.byte_offset + stored.size - 1)
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"r\.h5: is damaged: "):
        execute(TINY, RANK, 500, out=path, resume=True)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["r.h5"]


# --- commands ---


def test_the_command_continues(call: Call, whole: dict[str, str]) -> None:
    arguments, made = ("tiny", "--policy", "rank", "--steps"), Path("results/tiny-seed0.h5")
    made.parent.mkdir()
    begin(made, 2, steps=STEPS, **OFTEN)
    code, _, err = call(run, *arguments, str(STEPS), "--resume", "auto")
    assert (code, err) == (0, f"{made}: continues after step {15 * CHUNK}\n")
    assert kill.contents(made) == whole
    made.rename("whole.h5")
    for said in (f"whole.h5: continues after step {STEPS}\n", ""):
        code, _, err = call(run, *arguments, str(STEPS + 500), "--resume", "whole.h5")
        assert (code, err) == (0, said)
        assert Recording.open("whole.h5").steps == STEPS + 500
    for more, said in {
        ("--resume", "none.h5"): "--resume none.h5: nothing to continue",
        ("--resume", "whole.h5", "--out", "o.h5"): "so --out o.h5 cannot be another",
        ("--resume", "whole.h5", "--runs", "3"): "there is neither whole-seed0.h5 to whole-seed2.h5 nor",
        ("--resume", "whole.h5", "--force"): "--resume: goes on with what --force would forget",
        ("--resume", "whole.h5", "--set", "links.d=3"): "these differ: links.d;",
        ("--resume", "whole.h5"): f"--steps {STEPS}: whole.h5 holds {STEPS + 500} steps already",
        ("--checkpoint", "0"): "--checkpoint 0.0: must be more than 0 seconds",
    }.items():
        code, _, err = call(run, *arguments, str(STEPS), *more)
        assert code == 2
        assert said in err
