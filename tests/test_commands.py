"""The commands as a user sees them: tables, files, one-line errors, and stopping."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT, Call, lasting, started

from cmarlsim import Policy, Recording, Scenario, execute
from cmarlsim.report.run_picture import draw_runs
from cmarlsim.run import run
from cmarlsim.storage.journal import journal_of
from cmarlsim.train import train
from cmarlsim.training import Training
from cmarlsim.training.checkpoint import save
from cmarlsim.training.recipe import RECIPES, Recipe, stages

RANK = Policy.load("rank")
TINY = ("tiny", "--policy", "rank", "--no-plot")


@pytest.fixture(scope="module", autouse=True)
def kernels() -> None:
    """Have the kernels compiled before, so that commands need not say that they do it."""
    Training(Scenario.load("tiny"), 0, Recipe()).prepare()


def test_a_run_prints_its_margins_and_writes_its_files(call: Call) -> None:
    code, out, err = call(run, "tiny", "--policy", "rank", "--steps", "500", "--seed", "2")
    assert (code, err) == (0, "")
    with Recording.open("results/tiny-seed2.h5") as recording:
        assert recording.steps == 500
        smallest = recording.margin().argmin()
        zone = recording.scenario.zones[smallest].name
        assert f"smallest margin: {recording.margin()[smallest]:+.3f} (zone {zone}, seed 2)" in out
        for zone, satisfaction in zip(recording.scenario.zones, recording.satisfaction(), strict=True):
            row = next(line for line in out.splitlines() if line.startswith(f"│ {zone.name} "))
            assert f"{satisfaction:.3f}" in row
    assert Path("results/tiny-seed2.png").read_bytes().startswith(b"\x89PNG")


def test_a_second_default_run_takes_another_name(call: Call) -> None:
    for _ in range(2):
        call(run, *TINY, "--steps", "10")
    assert sorted(path.name for path in Path("results").iterdir()) == ["tiny-seed0-2.h5", "tiny-seed0.h5"]


def test_several_runs_are_the_single_ones(call: Call) -> None:
    code, out, _ = call(run, "tiny", "--policy", "rank", "--steps", "300", "--runs", "3", "--out", "r.h5")
    assert code == 0
    assert "3 runs" in out
    for seed in range(3):
        alone = execute(Scenario.load("tiny"), Policy.load("rank"), 300, seed=seed)
        with Recording.open(f"r-seed{seed}.h5") as recording:
            assert np.array_equal(recording.position, alone.position)
            assert np.array_equal(recording.lam, alone.lam)
    assert Path("r.png").exists()


@pytest.mark.parametrize(
    ("record", "sparse"), [("step", False), ("step-sparse", True), ("step-dense", False)]
)
def test_links_are_kept_as_the_record_says(call: Call, record: str, sparse: bool) -> None:
    assert call(run, *TINY, "--steps", "500", "--out", "r.h5", "--record", record)[0] == 0
    with Recording.open("r.h5") as recording:
        assert recording.sparse == sparse
        assert (recording.links() == execute(Scenario.load("tiny"), RANK, 500).link).all()


def test_settings_reach_the_recording(call: Call) -> None:
    call(run, *TINY, "--steps", "10", "--set", "dual.alpha=.25", "--out", "r.h5")
    assert Recording.open("r.h5").scenario.dual.alpha == 0.25


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["nowhere"], ["nowhere: no such file", "hospital, office, paper, school, tiny"]),
        (["--policy", "nowhere"], ["nowhere: no such file"]),
        (["tiny"], ["N = 5, M = 6 and 12 tiles", "N = 2, M = 3 and 4 tiles", "cmarlsim.train tiny"]),
        (["tiny", "--steps", "25"], ["--steps 25", "T0 = 10", "20 or 30"]),
        (["tiny", "--steps", "0"], ["--steps 0", "for example 10"]),
        (["tiny", "--seed", "-1"], ["--seed -1"]),
        (["tiny", "--runs", "0"], ["--runs"]),
        (["tiny", "--record", "all"], ["--record all", "step, step-dense, step-sparse, rollout, summary"]),
        (["tiny", "--record", "step-thin"], ["--record step-thin", "step-dense, step-sparse"]),
        (["tiny", "--record", "rollout-sparse"], ["--record rollout-sparse", "step-dense, step-sparse"]),
        (
            ["tiny", "--policy", "rank", "--set", "agents.N=2000", "--record", "step-dense"],
            ["links of N = 2000 agents", "40000 steps are 160 GB", "--record step-sparse"],
        ),
        (
            ["tiny", "--policy", "rank", "--set", "agents.N=65535", "--set", "dual.T0=100000"],
            ["N = 65535", "T0 = 100000", "lower dual.T0 or agents.N"],
        ),
        (
            ["tiny", "--policy", "rank", "--set", "agents.N=65535", "--record", "summary"],
            ["N = 65535", "tables need", "lower agents.N"],
        ),
        (["tiny", "--out", "."], ["--out .", "is a folder"]),
        (["tiny", "--resume", "."], ["--resume .", "is a folder"]),
        (["tiny", "--resume", "/", "--runs", "2"], ["--resume /", "is a folder"]),
        (["tiny", "--out", "x.png"], ["--out x.png", "HDF5 file"]),
        (["tiny", "--out", "taken.h5"], ["--out taken.h5", "--force"]),
        (["tiny", "--out", "/proc/nowhere/r.h5"], ["--out /proc/nowhere/r.h5"]),
        (["tiny", "--out", "taken.h5/x.h5"], ["--out taken.h5/x.h5", "taken.h5 is not a folder"]),
        (["tiny", "--set", "dual.alpha=2"], ["dual.alpha = 2"]),
        (["tiny", "--seed", str(2**63)], ["--seed 9223372036854775808", "less than 2**63"]),
        (["tiny", "--set", "dual.T0=1000000000000000000"], ["dual.T0", "1000000"]),
        (["~nobody-of-that-name/x"], ["~nobody-of-that-name/x", "not a usable path"]),
        (["x" * 5000], ["not a usable path"]),
        (["tiny", "--nonsense"], ["--nonsense"]),
        (["--policy", "taken.h5"], ["taken.h5: not a readable HDF5 file"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(call: Call, arguments: list[str], parts: list[str]) -> None:
    Path("taken.h5").write_text("precious")
    policy = [] if "--policy" in arguments or arguments == ["tiny"] else ["--policy", "rank"]
    code, out, err = call(run, *arguments, *policy)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    for part in parts:
        assert part in err
    assert Path("taken.h5").read_text() == "precious"


QUICK = {
    "hidden": 16,
    "episodes": 8,
    "pretrain_iterations": 20,
    "loop_iterations": 10,
    "loop_runs": 12,
    "teams": 2,
    "validation_rollouts": 10,
}


def hyper(changes: Mapping[str, object]) -> list[str]:
    """Hyperparameters as options."""
    return [part for key, value in changes.items() for part in ("--hyper", f"{key}={value}")]


def test_training_refuses_what_it_does_not_know(call: Call) -> None:
    code, _, err = call(train, "tiny", "--hyper", "hiden=3")
    assert code == 2
    assert err == "error: --hyper: unknown key hiden; did you mean 'hidden'?\n"
    assert call(train, "tiny", "--hyper", "hidden")[0] == 2
    code, _, err = call(train, "tiny", "--recipe", "loops")
    assert code == 2
    assert err == "error: --recipe loops: must be one of loop, paper; did you mean 'loop'?\n"
    code, _, err = call(train, "tiny", "--hyper", "ranges=[0.5,-1]")
    assert (code, err[:31]) == (2, "error: --hyper: ranges[1] = -1:")
    code, _, err = call(train, "tiny", "--hyper", "loop_runs=5")
    assert (code, err) == (2, "error: --hyper: loop_runs = 5: must be 6 or more, as many as ranges\n")
    for out in ("", ".", "/"):
        code, _, err = call(train, "tiny", "--out", out)
        assert code == 2
        assert "is a folder; name a file in it" in err


@pytest.mark.compiled
def test_recipes_and_ranges_reach_the_training(call: Call) -> None:
    for name, changes in (("loop", {"ranges": [0.5, 1.0]}), ("paper", {"loop_iterations": 0})):
        arguments = ["--out", f"{name}.h5", "--recipe", name, *hyper(QUICK | changes)]
        code, out, err = call(train, "tiny", *arguments)
        assert (code, err) == (0, "")
        policy = Policy.load(f"{name}.h5")
        recipe = RECIPES[name].model_copy(update=QUICK | changes)
        iterations = sum(stage.iterations for stage in stages(recipe, 2)) * 2
        assert f"training tiny: {iterations} iterations, seed 0" in out
        assert policy.training["iterations_done"] == iterations
        assert policy.training["recipe_ranges"] == str(list(recipe.ranges))
        assert policy.training["recipe_retrain_sweeps"] == recipe.retrain_sweeps
        assert policy.encoding is not None
        assert policy.encoding.lam_roots == recipe.lam_roots
        assert f"worst range: {policy.training['validation_margin']:+.3f}" in out


def test_progress_of_a_training_has_a_margin_as_soon_as_there_is_one(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []

    @contextmanager
    def noted(label: str, total: int) -> Iterator[Callable[[int, str], None]]:
        yield lambda count, note: notes.append(note)

    monkeypatch.setattr("cmarlsim.train.progress_bar", noted)
    assert call(train, "tiny", "--out", "p.h5", *hyper(QUICK | {"pretrain_iterations": 200}))[0] == 0
    assert notes[0] == "pre-training"
    assert re.fullmatch(r"done, best margin [+-]\d\.\d{3}", notes[-1])


@pytest.mark.parametrize("rate", ["pretrain_rate", "loop_rate"])
def test_a_diverged_training_leaves_its_last_good_parameters(call: Call, rate: str) -> None:
    code, _, err = call(train, "tiny", "--out", "p.h5", *hyper(QUICK | {rate: 1e35}))
    assert code == 2
    where = {"pretrain_rate": "pre-training", "loop_rate": "in the loop"}[rate]
    assert err.startswith(f"error: training diverged ({where}, iteration ")
    assert err.endswith("lower the rates; the last good parameters are in p.h5\n")
    assert err.count("\n") == 1
    assert sorted(path.name for path in Path().iterdir()) == ["p.h5"]
    assert execute(Scenario.load("tiny"), Policy.load("p.h5"), 100).reward.shape == (100, 3)


@pytest.mark.parametrize("name", ["[/]", "[red]", "$x_$", "../../outside", "/abs"])
def test_names_are_text_and_nothing_else(call: Call, name: str) -> None:
    names = ("--set", f"name={name}", "--set", f"zones.top.name={name}")
    code, out, _ = call(run, "tiny", "--policy", "rank", "--steps", "20", *names)
    assert code == 0
    assert f"│ {name} " in out
    assert len(list(Path("results").iterdir())) == 2
    assert [path.name for path in Path().iterdir()] == ["results"]


def test_an_input_is_never_an_output(call: Call) -> None:
    scenario = (ROOT / "data/scenarios/tiny.toml").read_text()
    Path("my.toml").write_text(scenario)
    code, _, err = call(run, "my.toml", "--policy", "rank", "--out", "my.toml", "--force")
    assert code == 2
    assert "is an input" in err
    assert Path("my.toml").read_text() == scenario


def test_a_finished_checkpoint_only_needs_publishing(call: Call) -> None:
    training = Training(Scenario.load("tiny"), 0, RECIPES["loop"].model_copy(update=QUICK))
    while not training.finished:
        training.advance(10)
    save(training, Path("p.h5.checkpoint"))
    code, out, _ = call(train, "tiny", "--out", "p.h5", *hyper(QUICK))
    assert code == 0
    assert "policy: p.h5" in out
    assert Policy.load("p.h5").sha256 == training.policy().sha256
    code, out, err = call(train, "tiny", "--out", "p.h5", *hyper(QUICK))
    assert (code, err) == (0, "p.h5: is there already, made by this training\n")
    assert "policy: p.h5" in out


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.05)


def started_for_ever(folder: Path, runs: int, *more: str) -> tuple[subprocess.Popen[str], list[Path]]:
    """Runs that have begun to record, each into a file of its own."""
    endless = ("--steps", "1000000000", "--runs", str(runs), "--record", "rollout", "--out", "r.h5")
    process = started(folder, "cmarlsim.run", *TINY, *endless, *more)
    paths = [folder / ("r.h5" if runs == 1 else f"r-seed{seed}.h5") for seed in range(runs)]
    wait_for(lambda: all(journal_of(path).exists() and journal_of(path).stat().st_size for path in paths))
    return process, paths


@pytest.mark.compiled
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("runs", [1, 2])
def test_a_stopped_run_leaves_valid_files(tmp_path: Path, number: signal.Signals, runs: int) -> None:
    process, paths = started_for_ever(tmp_path, runs)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "smallest margin" in out
    assert lasting(err) == (
        "stopped early: the recordings hold what was run so far and are valid; --resume auto goes on\n"
    )
    for path in paths:
        with Recording.open(path) as recording:
            assert 0 < recording.steps < 1_000_000_000
            assert len(recording.lam) == recording.rollouts_done + 1


def test_a_run_that_is_stopped_when_all_is_done_is_complete(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM comes while the picture is drawn; the same command again finds nothing left to run."""

    def interrupted(recordings: Sequence[Recording], path: Path) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        draw_runs(recordings, path)

    monkeypatch.setattr("cmarlsim.run.draw_runs", interrupted)
    arguments = ("tiny", "--policy", "rank", "--steps", "100", "--runs", "2", "--out", "r.h5")
    for _ in range(2):
        code, out, err = call(run, *arguments, "--resume", "auto")
        assert (code, err) == (0, "")
        assert "picture:   r.png" in out
        assert sorted(path.name for path in Path().iterdir()) == ["r-seed0.h5", "r-seed1.h5", "r.png"]


@pytest.mark.compiled
def test_runs_that_were_killed_go_on(tmp_path: Path) -> None:
    process, paths = started_for_ever(tmp_path, 2)
    process.kill()
    process.communicate()
    sizes = [journal_of(path).stat().st_size for path in paths]
    process, _ = started_for_ever(tmp_path, 2, "--resume", "auto")
    wait_for(
        lambda: all(journal_of(path).stat().st_size > size for path, size in zip(paths, sizes, strict=True))
    )
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[0].count("recording: ") == 2


@pytest.mark.compiled
def test_a_stopped_training_continues(call: Call, tmp_path: Path) -> None:
    quick = hyper(QUICK | {"episodes": 64, "pretrain_iterations": 1000, "loop_iterations": 1000})
    process = started(tmp_path, "cmarlsim.train", "tiny", "--out", "p.h5", *quick)
    assert process.stdout is not None
    assert process.stdout.readline() == "training tiny: 4,000 iterations, seed 0\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert lasting(err) == "stopped; the same command continues from p.h5.checkpoint\n"
    assert not (tmp_path / "p.h5").exists()
    for out in ("p.h5", "whole.h5"):
        assert call(train, "tiny", "--out", out, *quick)[0] == 0
    assert not (tmp_path / "p.h5.checkpoint").exists()
    resumed, whole = Policy.load(tmp_path / "p.h5"), Policy.load(tmp_path / "whole.h5")
    assert resumed.training["iterations_done"] == 4000
    assert resumed.sha256 == whole.sha256


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    arguments = [*TINY, "--steps", "10", "--out", "r.h5"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cmarlsim.run", *arguments],
            cwd=tmp_path,
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (2, "error: output: No space left on device\n")
    assert Recording.open(tmp_path / "r.h5").steps == 10
