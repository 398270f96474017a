"""What lies where a command reads or writes: anything but a regular file is named, and stays as it was."""

from __future__ import annotations

import gzip
import importlib
import os
import shutil
import signal
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from commands import Call

from cmarlsim import InputError, Policy, Recording, Scenario, execute, learn
from cmarlsim.advise import advise
from cmarlsim.footprints import traces
from cmarlsim.footprints.files import load_footprint
from cmarlsim.replay import replay
from cmarlsim.report.run_picture import draw_runs
from cmarlsim.rerun import rerun
from cmarlsim.run import run
from cmarlsim.simulation.execution import Run
from cmarlsim.storage import hdf5, outputs
from cmarlsim.storage.files import MOST_BYTES, published, read_text, settle, write_whole
from cmarlsim.storage.journal import Journal
from cmarlsim.storage.outputs import check_free, take_name
from cmarlsim.sweep import collect, element, plan, status
from cmarlsim.sweep import run as run_sweep
from cmarlsim.sweeps.batches import Worker
from cmarlsim.sweeps.collecting import write_table
from cmarlsim.sweeps.locks import holder
from cmarlsim.sweeps.planning import plan_sweep
from cmarlsim.train import train
from cmarlsim.training import Training

TINY, RANK = Scenario.load("tiny"), Policy.load("rank")
SWEEP = (
    'name = "s"\nscenario = "tiny"\npolicy = "rank"\nsteps = 100\nrecord = "rollout"\n[grid]\nseed = [0, 1]\n'
)
SECONDS = 20

Put = Callable[[Path], object]
Command = Callable[..., int]


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))  # as /dev/null
    except PermissionError:
        pytest.skip("may not make a device")


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def link_to_a_pipe(path: Path) -> None:
    target = path.with_name(f"{path.name}.pipe")
    os.mkfifo(target)
    path.symlink_to(target.name)


def folder(path: Path) -> None:
    path.mkdir()


KINDS: dict[str, Put] = {
    "is a named pipe": pipe,
    "is a device": device,
    "is a socket": unix_socket,
    "is a loop of symbolic links": loop,
    "is a named pipe; it must be a regular file": link_to_a_pipe,
    "is a folder": folder,
}


def analysis(module: str, name: str | None = None) -> Command:
    """The command of a script."""
    found = importlib.import_module(f"analysis.{module}")
    if hasattr(found, "FIGURE"):
        return importlib.import_module("analysis.paper_figure").command_of(found.FIGURE)
    command: Command = getattr(found, name or module)
    return command


@pytest.fixture(autouse=True)
def nothing_waits() -> Iterator[None]:
    """Whoever opens a pipe waits for ever."""

    def too_long(*_: object) -> None:
        raise AssertionError(f"was not done after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def nothing_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be written is said before any work is done."""

    def work(*_: object, **__: object) -> None:
        raise AssertionError("computed, and only then looked where it goes")

    monkeypatch.setattr(Run, "advance", work)
    monkeypatch.setattr(Training, "advance", work)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording, and a sweep that was run."""
    path = tmp_path_factory.mktemp("made")
    execute(TINY, RANK, 100, out=path / "run.h5").close()
    (path / "sweep.toml").write_text(SWEEP)
    plan_sweep(path / "sweep.toml", path / "sweep")
    Worker(path / "sweep").batch(0)
    return path


def refused(outcome: tuple[int, str, str], *parts: str) -> None:
    code, _, err = outcome
    assert code == 2, err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert all(part in err for part in parts), err


# --- inputs ---

FIGURES = ("figure3a", "figure3bf", "figure4", "figure5a", "figure5b", "figure5c")
INPUTS: dict[str, tuple[Any, ...]] = {
    "run SCENARIO": (run, "x.toml"),
    "run --policy": (run, "tiny", "--policy", "x.h5"),
    "run --resume": (run, "tiny", "--policy", "rank", "--resume", "x.h5"),
    "run SCENARIO with a floor plan": (run, "with-plan.toml", "--policy", "rank"),
    "train SCENARIO": (train, "x.toml"),
    "replay RUN": (replay, "x.h5"),
    "rerun RUN": (rerun, "x.h5"),
    "rerun --policy": (rerun, "run.h5", "--policy", "x.h5"),
    "advise SCENARIO": (advise, "x.toml"),
    "advise --policy": (advise, "tiny", "--policy", "x.h5"),
    "sweep plan SWEEP": (plan, "x.toml", "new"),
    "sweep plan, its scenario": (plan, "of-scenario.toml", "new"),
    "sweep plan, its policy": (plan, "of-policy.toml", "new"),
    "sweep run OUT": (run_sweep, "x.toml"),
    "sweep status OUT": (status, "x.toml"),
    "sweep collect OUT": (collect, "x.toml"),
    "sweep element OUT": (element, "x.toml", "0"),
    "proposition1 SCENARIO": (analysis("proposition1"), "x.toml"),
    "proposition2 --footprint": (analysis("proposition2"), "--footprint", "x.txt"),
    "proposition2 --footprint, GraphML": (analysis("proposition2"), "--footprint", "x.graphml"),
    "proposition2 --footprint, trace": (analysis("proposition2"), "--footprint", "x.k7.gz"),
    "proposition2 --footprint, recording": (analysis("proposition2"), "--footprint", "x.h5"),
    "proposition3 RECORDINGS": (analysis("proposition3"), "x.h5"),
    "proposition3 --case": (analysis("proposition3"), "--case", "footprint=x.txt"),
    "theorem1 SCENARIO": (analysis("theorem1.__main__", "theorem1"), "x.toml"),
    "theorem1 --policy": (analysis("theorem1.__main__", "theorem1"), "--policy", "x.h5"),
    "claims --from": (analysis("claims.__main__", "claims"), "--from", "tables"),
    "links RECORDINGS": (analysis("links.__main__", "links"), "x.h5"),
    "links --policy": (analysis("links.__main__", "links"), "run.h5", "--policy", "mine=x.h5"),
    "paper RECORDINGS": (analysis("paper"), "x.h5"),
    "paper --policy": (analysis("paper"), "--policy", "x.h5"),
    "radio TRACE": (analysis("radio"), "x.k7"),
    **{f"{name} RECORDINGS": (analysis(name), "x.h5") for name in FIGURES},
}

NAMES = ("x.toml", "x.h5", "x.txt", "x.k7", "x.k7.gz", "x.graphml", "tables/proposition1.csv")


def prepare(made: Path) -> None:
    """Files of the working folder that are as they should be."""
    Path("run.h5").write_bytes((made / "run.h5").read_bytes())
    Path("with-plan.toml").write_text(TINY.to_toml("x.toml"))
    Path("of-scenario.toml").write_text(SWEEP.replace('"tiny"', '"x.toml"'))
    Path("of-policy.toml").write_text(SWEEP.replace('"rank"', '"x.h5"'))
    Path("sweep.toml").write_text(SWEEP)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", INPUTS)
def test_inputs_are_regular_files(
    call: Call, made: Path, nothing_computed: None, case: str, kind: str
) -> None:
    prepare(made)
    Path("tables").mkdir()
    for name in NAMES:
        KINDS[kind](Path(name))
    function, *arguments = INPUTS[case]
    if kind == "is a folder" and case.endswith(("RECORDINGS", "OUT")):
        kind = "holds no sweep"
    elif case.endswith("OUT") and "loop" not in kind:
        kind = "x.toml is not a folder"
    refused(call(function, *arguments), kind)


# --- outputs ---

TINY_RUN = (run, "tiny", "--policy", "rank", "--steps", "100", "--out", "x.h5")
OUTPUTS: dict[str, tuple[Command, tuple[str, ...], tuple[str, ...]]] = {
    "run": (TINY_RUN[0], (*TINY_RUN[1:], "--force"), ("x.h5", "x.png", "x.h5.journal")),
    "run --runs": (
        TINY_RUN[0],
        (*TINY_RUN[1:], "--force", "--runs", "2"),
        ("x-seed1.h5", "x-seed1.h5.journal"),
    ),
    "run --resume": (TINY_RUN[0], (*TINY_RUN[1:], "--resume", "auto"), ("x.h5", "x.png", "x.h5.journal")),
    "train": (train, ("tiny", "--out", "x.h5", "--force"), ("x.h5", "x.h5.checkpoint")),
    "replay": (replay, ("run.h5", "--out", "x.gif", "--force"), ("x.gif",)),
    "replay without --out": (replay, ("run.h5", "--force"), ("run.gif",)),
    "sweep plan": (plan, ("sweep.toml", "out"), ("out/manifest.json",)),
    "sweep run": (run_sweep, ("out",), ("out/results/000000.jsonl", "out/locks/000000.lock")),
    "sweep status": (status, ("out",), ("out/results/000000.jsonl", "out/locks/000000.lock")),
    "sweep collect": (collect, ("out", "--table", "out/table.csv", "--force"), ("out/table.csv",)),
    "sweep collect --hdf5": (collect, ("out", "--hdf5", "x.h5", "--force"), ("x.h5",)),
    "sweep collect, results": (collect, ("out",), ("out/results/000000.jsonl", "out/manifest.json")),
    "sweep element": (element, ("out", "ticket"), ("out/slurm/ticket.json",)),
}

FIGURE, PAGE = (".png", ".pdf", ".csv"), (".csv", ".md")
SCRIPTS: dict[str, tuple[Command, tuple[str, ...]]] = {
    "proposition1": (analysis("proposition1"), PAGE),
    "proposition2": (analysis("proposition2"), (*FIGURE, ".md", "-claims.csv")),
    "proposition3": (analysis("proposition3"), (*FIGURE, ".md")),
    "theorem1": (
        analysis("theorem1.__main__", "theorem1"),
        (*PAGE, *(f"-{part}{end}" for part in ("lemmas", "trajectories") for end in FIGURE)),
    ),
    "ablation": (analysis("ablation"), PAGE),
    "baselines": (
        analysis("baselines.__main__", "baselines"),
        (".md", ".png", ".pdf", "-zones.csv", "-events.csv", "-capacity.csv"),
    ),
    "claims": (analysis("claims.__main__", "claims"), PAGE),
    "links": (analysis("links.__main__", "links"), (*FIGURE, ".md", "-pairs.csv", "-costs.csv")),
    "section5": (analysis("paper"), PAGE),
    "radio": (analysis("radio"), FIGURE),
    **{name: (analysis(name), FIGURE) for name in FIGURES},
}
for name, (function, endings) in SCRIPTS.items():
    options = ("trace.k7",) * (name == "radio") + ("--out", "out", "--force")
    OUTPUTS[name] = function, options, tuple(f"out/{name}{end}" for end in endings)
OUTPUTS["claims, tables"] = (
    SCRIPTS["claims"][0],
    ("--out", "out", "--force"),
    tuple(
        f"out/figures/{name}.csv"
        for name in ("proposition1", "proposition2-claims", "proposition3", "theorem1")
    ),
)
OUTPUTS["paper, figures"] = SCRIPTS["section5"][0], ("--out", "out", "--force"), ("out/figure5c.pdf",)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("case", "path"), [(case, path) for case in OUTPUTS for path in OUTPUTS[case][2]])
def test_outputs_replace_regular_files_only(
    call: Call, made: Path, nothing_computed: None, case: str, path: str, kind: str
) -> None:
    prepare(made)
    function, arguments, _ = OUTPUTS[case]
    if case.startswith("sweep"):
        shutil.copytree(made / "sweep", "out")
    place = Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    KINDS[kind](place)
    before = os.lstat(place)
    own = place.suffix in (".journal", ".lock")  # no user names these: not even a link is followed
    refused(call(function, *arguments), place.name, "is a" if own and place.is_symlink() else kind)
    after = os.lstat(place)
    assert (after.st_mode, after.st_ino) == (before.st_mode, before.st_ino)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "is a folder"])
@pytest.mark.parametrize("case", [case for case in OUTPUTS if "out" in OUTPUTS[case][1]])
def test_folders_for_outputs_are_folders(
    call: Call, made: Path, nothing_computed: None, case: str, kind: str
) -> None:
    prepare(made)
    function, arguments, _ = OUTPUTS[case]
    KINDS[kind](Path("out"))
    refused(call(function, *arguments), "out")
    Path("out").unlink()
    Path("out").write_text("precious")
    refused(call(function, *arguments), "out")
    assert Path("out").read_text() == "precious"


@pytest.mark.parametrize("kind", ["is a named pipe", "is a loop of symbolic links"])
def test_a_recording_of_a_sweep_is_no_pipe(call: Call, made: Path, kind: str) -> None:
    shutil.copytree(made / "sweep", "out")
    place = Path("out/recordings/000000.h5")
    place.unlink()
    KINDS[kind](place)
    code, out, _ = call(run_sweep, "out", "--max-parallel", "1")
    assert code == 1
    assert f"failed: task 0 (seed = 0): {Path.cwd() / place}: {kind}" in out
    assert not place.is_file()


# --- from Python ---


def taken(path: Path) -> None:
    path.with_name("scratch").write_text("new")
    take_name(path.with_name("scratch"), path, force=True)


def settled(path: Path) -> None:
    path.with_name("scratch").write_text("new")
    settle(path.with_name("scratch"), path)


def written(path: Path) -> None:
    with published(path) as scratch:
        scratch.write_text("new")


def written_as_hdf5(path: Path) -> None:
    with hdf5.published(path) as file:
        file["x"] = 1


def saved_plan(path: Path) -> None:
    TINY.save(path.with_name(path.name.removesuffix("-plan.toml") + ".toml"))


WRITERS: dict[str, tuple[str, Put]] = {
    "write_whole": ("x", lambda path: write_whole(path, b"new")),
    "published": ("x", written),
    "settle": ("x", settled),
    "hdf5.published": ("x.h5", written_as_hdf5),
    "take_name": ("x", taken),
    "check_free": ("x", lambda path: check_free(path, force=True)),
    "locked": ("x", outputs.locked),
    "Journal": ("x.journal", Journal),
    "Scenario.save": ("x.toml", TINY.save),
    "Scenario.save, its plan": ("x-plan.toml", saved_plan),
    "Policy.save": ("x.h5", lambda path: Policy.load("paper").save(path)),
    "execute": ("x.h5", lambda path: execute(TINY, RANK, 100, out=path, force=True)),
    "execute, its journal": ("x.h5.journal", lambda path: execute(TINY, RANK, 100, out=path.with_suffix(""))),
    "learn": ("x.h5", lambda path: learn(TINY, out=path, force=True)),
    "learn, its checkpoint": ("x.h5.checkpoint", lambda path: learn(TINY, out=path.with_suffix(""))),
    "draw_runs": ("x.png", lambda path: draw_runs([execute(TINY, RANK, 100)], path)),
    "write_table": ("x.csv", lambda path: write_table(pd.DataFrame({"a": [1]}), path)),
    "plan_sweep": ("x", lambda path: plan_sweep("short", path / "below")),
}
READERS: dict[str, tuple[str, Put]] = {
    "Scenario.load": ("x.toml", Scenario.load),
    "Policy.load": ("x.h5", Policy.load),
    "Recording.open": ("x.h5", Recording.open),
    "plan_sweep": ("x.toml", lambda path: plan_sweep(path, path.with_name("new"))),
    "read_k7": ("x.k7", traces.read_k7),
    "load_footprint": ("x", lambda path: load_footprint(str(path))),
    "read_text": ("x", read_text),
    "holder": ("x", holder),
    "open_readable": ("x", lambda path: hdf5.open_readable(path, "f")),
}
USES = {**WRITERS, **{f"{name} (reads)": use for name, use in READERS.items()}}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("use", USES)
def test_python_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: str, kind: str) -> None:
    monkeypatch.chdir(tmp_path)
    name, function = USES[use]
    if use == "plan_sweep" and kind == "is a folder":
        pytest.skip("takes a folder")
    KINDS[kind](tmp_path / name)
    before = os.lstat(name)
    with pytest.raises(InputError) as caught:
        function(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    after = os.lstat(name)
    assert (after.st_mode, after.st_ino) == (before.st_mode, before.st_ino)
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".tmp"]


NAMES_THAT_CANNOT_BE = (
    "x" * 300,
    "a\0b",
    "run.h5/x",
    "run.h5/../x",
    os.fsdecode(b"\xff"),
    "new/..",
    "..",
    "/",
    ".",
    "",
)


TAKES_FILES: dict[str, tuple[Any, ...]] = {
    "run": (run,),
    "run --out": (run, "tiny", "--policy", "rank", "--out"),
    "run --resume": (run, "tiny", "--policy", "rank", "--resume"),
    "train": (train,),
    "train --out": (train, "tiny", "--out"),
    "replay": (replay,),
    "rerun": (rerun,),
    "advise": (advise,),
    "sweep plan": (plan,),
    "sweep plan OUT": (plan, "sweep.toml"),
    "sweep run": (run_sweep,),
    "sweep status": (status,),
    "sweep collect": (collect,),
    "sweep collect --table": (collect, "out", "--table"),
    "sweep collect --hdf5": (collect, "out", "--hdf5"),
    "sweep element": (element, "out"),
    "radio": (analysis("radio"),),
    "figure4": (analysis("figure4"),),
    "links --policy": (analysis("links.__main__", "links"), "--run", "--policy"),
    "proposition2": (analysis("proposition2"), "--footprint"),
}


@pytest.mark.parametrize("name", NAMES_THAT_CANNOT_BE, ids=ascii)
@pytest.mark.parametrize("case", TAKES_FILES)
def test_names_that_cannot_be(call: Call, made: Path, nothing_computed: None, case: str, name: str) -> None:
    prepare(made)
    shutil.copytree(made / "sweep", "out")
    sys.stderr.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # as it is outside of tests
    function, *arguments = TAKES_FILES[case]
    refused(call(function, *arguments, name))


def test_inputs_have_a_largest_size(tmp_path: Path) -> None:
    large, packed = tmp_path / "large.toml", tmp_path / "bomb.k7.gz"
    with large.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with gzip.open(packed, "wb", compresslevel=1) as file:
        for _ in range(MOST_BYTES // 2**20 + 1):
            file.write(bytes(2**20))
    with pytest.raises(InputError, match=r"large\.toml: has 268,435,457 bytes, more than the 10,000,000"):
        Scenario.load(large)
    with pytest.raises(InputError, match=r"bomb\.k7\.gz: holds more than the 268,435,456 bytes"):
        traces.read_k7(packed)
    large.write_bytes(bytes(8))
    assert read_text(large, most=8) == "\0" * 8
    with pytest.raises(InputError, match="has 8 bytes, more than the 7"):
        read_text(large, most=7)


def test_what_may_not_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.h5"
    path.write_bytes(b"")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read everything
    for function in (Recording.open, Policy.load, Scenario.load):
        with pytest.raises(InputError, match=r"x\.h5: permission denied"):
            function(path)


def test_links_that_lead_nowhere_are_filled(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.symlink_to("deep/y.toml")
    check_free(path, force=False)
    TINY.save(path)
    assert path.is_symlink()
    assert (tmp_path / "deep/y.toml").is_file()
    assert Scenario.load(path) == TINY
    with pytest.raises(InputError, match="exists already"):
        check_free(path, force=False)


def test_a_file_of_another_kind_hides_nothing_that_is_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("tiny", "paper"):
        pipe(tmp_path / name)
    assert Scenario.load("tiny") == TINY
    assert Policy.load("paper").networks is not None


def test_the_policy_does_not_replace_its_scenario(call: Call) -> None:
    TINY.save("my.toml")
    before = Path("my.toml").read_bytes()
    refused(call(train, "my.toml", "--out", "my.toml", "--force"), "--out my.toml: is an input of this run")
    for command, options in ((run, ("--policy", "rank")), (train, ())):
        words = ("my.toml", "--out", "my-plan.toml", "--force", *options)
        refused(call(command, *words), "--out my-plan.toml: is an input of this run")
    assert Path("my.toml").read_bytes() == before


def test_a_table_and_its_collection_are_two_files(call: Call, made: Path) -> None:
    shutil.copytree(made / "sweep", "out")
    outcome = call(collect, "out", "--partial", "--table", "x.csv", "--hdf5", "./x.csv")
    refused(outcome, "--hdf5 x.csv: is the file of the table")
    assert not Path("x.csv").exists()


def test_scratch_files_follow_no_links(tmp_path: Path) -> None:
    precious, scratch = tmp_path / "precious", tmp_path / ".x.h5.tmp"
    precious.write_text("precious")
    scratch.symlink_to("precious")
    with pytest.raises(InputError, match=r"\.x\.h5\.tmp: is a symbolic link"):
        execute(TINY, RANK, 100, out=tmp_path / "x.h5")
    assert precious.read_text() == "precious"
    scratch.unlink()
    execute(TINY, RANK, 100, out=tmp_path / "x.h5", resume=True).close()
