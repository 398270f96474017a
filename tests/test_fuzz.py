"""The fuzzer: the same seed gives the same cases, and whatever must not happen is found where it does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from commands import ROOT
from fuzz import damage, trial
from fuzz.__main__ import seeds
from fuzz.case import Case
from fuzz.children import Ended, forked
from fuzz.oracle import changes, faults, made_in_vain, snapshot
from fuzz.specimens import Specimens
from fuzz.trial import KINDS, kind_of, pattern, try_case

from cmarlsim import rerun

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Specimens:
    folder = tmp_path_factory.mktemp("fuzz")
    specimens = Specimens(folder / "good")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        ended = forked(specimens.make, folder / "notes", 200)
    assert ended.code == 0, ended.err
    return specimens


def made(seed: int, good: Specimens, folder: Path) -> tuple[object, ...]:
    """All that a case is: its story, its commands and its files."""
    folder.mkdir()
    os.chdir(folder)
    case = KINDS[kind_of(seed)][0](Random(f"case {seed}"), good)
    return case.story, case.commands, snapshot(Path())


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_makes_the_same_case(
    kind: str, good: Specimens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    some = list(islice(seeds(1, kind), 1 if kind == "cache" else 12))
    assert some == list(islice(seeds(1, kind), len(some))) != list(islice(seeds(2, kind), len(some)))
    one, again = ([made(seed, good, tmp_path / f"{i}-{seed}") for seed in some] for i in range(2))
    assert [case[:2] for case in one] == [case[:2] for case in again]
    for (*_, files), (*_, same) in zip(one, again, strict=True):
        assert files.keys() == same.keys()
        assert kind in ("hdf5", "paths") or files == same  # HDF5 writes times, links name their folder


def test_every_kind_of_case_is_accepted_and_refused() -> None:
    """A hundred cases: none defeats the fuzzer, and neither all nor none of a kind are good input."""
    words = [sys.executable, "-m", "tests.fuzz", "--seed", "3", "--cases", "100", "--workers", "1"]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode in (0, 1), ended.stderr
    assert "the fuzzer itself" not in ended.stdout
    rows = re.findall(r"^(\w+) +(\d+) +(\d+) +(\d+) +(\d+)$", ended.stdout, re.MULTILINE)
    assert [row[0] for row in rows] == [*KINDS]
    assert sum(int(row[1]) for row in rows) == 100
    assert all(int(cases) > 5 and int(refused) > 0 for kind, cases, _, refused, _ in rows if kind != "cache")
    assert sum(int(accepted) > 0 for _, _, accepted, _, _ in rows) >= 3


# --- what a command must not do ---


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def raise_an_error() -> None:
    raise KeyError("lam")


def say(text: str, code: int = 0) -> Callable[[], None]:
    def action() -> None:
        print(text, file=sys.stderr)
        sys.exit(code)

    return action


def write_outside() -> None:
    Path("../outside.txt").write_text("x")


def leave_a_temporary_file() -> None:
    import tempfile

    os.close(tempfile.mkstemp(prefix="left")[0])


@pytest.mark.parametrize(
    ("action", "fault"),
    [
        (crash, "ended by SIGSEGV: nothing was said"),
        (raise_an_error, "traceback: KeyError: 'lam'"),
        (lambda: time.sleep(60), "takes more than 20 s"),
        (say("error: a\nerror: b", 2), "exit code 2 with 2 lines of error"),
        (say("something is wrong", 2), "exit code 2 with 0 lines of error"),
        (say("error: no\nand more", 2), "stderr has another line: and more"),
        (say(f"error: {'x' * 3000}", 2), "a line of 3,007 characters"),
        (say("warning: " + "x" * 3000), "a line of 3,009 characters"),
        (say("", 7), "exit code 7"),
        (write_outside, "writes outside its folder: open "),
        (leave_a_temporary_file, "leaves behind a temporary file: left"),
    ],
)
def test_what_a_command_must_not_do_is_found(
    action: Callable[[], None], fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    ended = forked(action, tmp_path / "notes", 5)
    assert any(fault in found for found in faults(["run"], ended)), list(faults(["run"], ended))


@pytest.mark.parametrize(
    ("code", "err"),
    [
        (0, ""),
        (1, ""),
        (2, "error: no"),
        (2, "warning: x\nnote: y\nerror: no"),
        (130, "stopped: no film was written"),
    ],
)
def test_what_a_command_may_do_is_no_fault(code: int, err: str) -> None:
    assert not list(faults(["rerun"], Ended(code, "", 1.0, 2**20, "", err)))


def test_a_sweep_may_end_with_the_number_of_its_failures() -> None:
    ended = Ended(7, "", 1.0, 2**20, "", "")
    assert not list(faults(["sweep", "run", "x"], ended))
    assert list(faults(["run"], ended))


def test_check_may_list_errors_on_stdout() -> None:
    listed = Ended(2, "", 1.0, 2**20, "  1 error floorplan: no\nx.toml: 1 error\n", "")
    assert not list(faults(["check"], listed))
    assert list(faults(["run"], listed))
    assert list(faults(["check"], Ended(2, "", 1.0, 2**20, "", "")))


def test_files_of_an_import_that_fails_are_found() -> None:
    assert [*made_in_vain(["import", "x"], {"out.toml"})] == ["fails, and makes out.toml"]
    assert not [*made_in_vain(["import", "x"], ())]
    assert not [*made_in_vain(["check", "x"], {"x-check.png"})]


def test_too_much_memory_is_found() -> None:
    assert [*faults(["run"], Ended(0, "", 1.0, 2**31, "", ""))] == ["takes 2.0 GiB of memory"]


def test_files_that_change_go_or_are_left_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("input", "gone", "out.h5"):
        Path(name).write_text("x")
    os.mkfifo("out-pipe")
    os.symlink("out-loop", "out-loop")
    before = snapshot(Path())
    assert not list(changes(Case("", []), before, snapshot(Path())))
    Path("input").write_text("y")
    Path("out.h5").write_text("y")
    for name in ("gone", "out-pipe", "out-loop"):
        Path(name).unlink()
    for name in ("out-pipe", ".out.h5.tmp", "new", "out.csv"):
        Path(name).write_text("x")
    assert sorted(changes(Case("", []), before, snapshot(Path()))) == [
        "changes an input: input",
        "changes what is no file: out-pipe",
        "leaves behind .out.h5.tmp",
        "makes new",
        "removes an input: gone",
        "removes what is no file: out-loop",
    ]


def test_faults_that_are_alike_have_one_pattern() -> None:
    one = "traceback: KeyError: 'lam' in rollout.h5, row 12"
    assert (
        pattern(one) == pattern("traceback: KeyError: 'x' in step-dense.h5, row 7") != pattern("exit code 2")
    )
    assert pattern("a line of 2,600 characters: error: x") == pattern("a line of 9,999 characters: note: y")
    started = time.monotonic()
    pattern("stderr has another line: " + "1, " * 10**5)
    assert time.monotonic() - started < 1


# --- planted defects ---


def plant_crash(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rerun, "first_difference", lambda *_: crash())


def plant_exception(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rerun, "first_difference", lambda *_: raise_an_error())


def plant_hang(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(trial, "forked", lambda action, notes: forked(action, notes, 2))
    patch.setattr(rerun, "first_difference", lambda *_: time.sleep(60))


def plant_belief(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rerun, "first_difference", lambda *_: None)


def plant_litter(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rerun, "first_difference", lambda *_: Path(".left.tmp").touch())


@pytest.mark.parametrize(
    ("plant", "fault"),
    [
        (plant_crash, "ended by SIGSEGV"),
        (plant_exception, "traceback: KeyError"),
        (plant_hang, "takes more than"),
        (plant_belief, "wrong result: rollout.h5 differs in"),
        (plant_litter, "leaves behind .left.tmp"),
    ],
)
def test_a_planted_defect_is_found(
    plant: Callable[[pytest.MonkeyPatch], None],
    fault: str,
    good: Specimens,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def case(random: Random, good: Specimens) -> Case:
        good.copy("rollout.h5", "step-dense.h5")
        return damage.reading("", victim, random, good)

    victim = damage.Victim("rollout.h5", (), ([["rerun", "rollout.h5"]],), {"rollout.h5": "summary.h5"})
    monkeypatch.setattr(trial, "KINDS", {"rerun": (case, 1)})
    plant(monkeypatch)
    found = try_case(1, good, tmp_path / "case").faults
    assert any(each.startswith(fault) for each in found), found
