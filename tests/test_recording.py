"""Recordings: the contract's layout, and that a program that knows none of the code can check one."""

from __future__ import annotations

import tomllib
from pathlib import Path

import h5py
import kill
import naive
import numpy as np
import pytest

from cmarlsim import Policy, Recording, Scenario, execute
from cmarlsim.errors import DamagedError, InputError, LockedError
from cmarlsim.recordings.recorder import Recorder
from cmarlsim.report.picture import satisfaction_band
from cmarlsim.simulation.execution import Run

RANK = Policy.load("rank")
CONTRACT = {
    "step/position": ("f8", "T N 2"),
    "step/tile": ("u2", "T N"),
    "step/action": ("u2", "T N"),
    "step/link": ("?", "T N N"),
    "step/reward": ("?", "T M"),
    "step/estimate": ("?", "T N M"),
    "rollout/lam": ("f8", "K+1 N M"),
    "rollout/lam_ideal": ("f8", "K+1 M"),
    "rollout/reward_mean": ("f8", "K M"),
}


def record(path: Path, name: str = "paper", level: str = "step", chunk: int | None = None) -> Path:
    scenario = Scenario.load(name)
    recorder, run = Recorder(path, scenario, RANK, 3, level, force=True), Run(scenario, RANK, 3)
    for rows in run.chunks(6, level == "step", chunk):
        recorder.append(rows, run.state())
    recorder.finish().close()
    return path


def test_layout_is_the_contract(tmp_path: Path) -> None:
    sizes = {"T": 600, "N": 5, "M": 6, "K": 6, "K+1": 7, "2": 2}
    with h5py.File(record(tmp_path / "r.h5")) as file:
        for name, (kind, shape) in CONTRACT.items():
            assert file[name].dtype == np.dtype(kind), name
            assert file[name].shape == tuple(sizes[size] for size in shape.split()), name
            assert all(len(dimension) == 1 for dimension in file[name].dims), name
        for key in ("format", "scenario", "floorplan", "seed", "policy_sha256", "version_numba"):
            assert key in file.attrs
        assert file.attrs["rollouts_done"] == 6


def test_an_outsider_can_recompute_it(tmp_path: Path) -> None:
    with h5py.File(record(tmp_path / "r.h5")) as file:
        scenario = tomllib.loads(file.attrs["scenario"])
        walls = naive.wall_segments(tomllib.loads(file.attrs["floorplan"]))
        data = {name.split("/")[1]: file[name][...] for name in CONTRACT}
    T0, dual = scenario["dual"]["T0"], scenario["dual"]
    c = np.array([zone["c"] for zone in scenario["zones"]])
    inside = np.array([[naive.zones_of(scenario, place) for place in step] for step in data["position"]])
    assert np.array_equal(data["reward"], inside.any(axis=1))
    links = np.array([naive.links(scenario, walls, step) for step in data["position"]])
    assert np.array_equal(data["link"], links)
    for k in range(6):
        rows = slice(k * T0, (k + 1) * T0)
        assert np.array_equal(data["estimate"][rows], naive.gossip_literal(inside[rows], links[rows]))
        assert np.allclose(data["reward_mean"][k], data["reward"][rows].mean(axis=0), rtol=0, atol=1e-15)
        ideal = naive.dual_update(data["lam_ideal"][k], data["reward"][rows], c, dual["alpha"], dual["eta"])
        assert np.allclose(data["lam_ideal"][k + 1], ideal, rtol=0, atol=1e-12)
        for n, lam in enumerate(data["lam"][k]):
            own = naive.dual_update(lam, data["estimate"][rows, n], c, dual["alpha"], dual["eta"])
            assert np.allclose(data["lam"][k + 1, n], own, rtol=0, atol=1e-12)


@pytest.mark.parametrize("level", ["step", "rollout", "summary"])
def test_the_chunk_size_leaves_no_trace(tmp_path: Path, level: str) -> None:
    whole, *others = (
        kill.contents(record(tmp_path / f"{chunk}.h5", level=level, chunk=chunk)) for chunk in (6, 1, 4)
    )
    assert others == [whole, whole]


def test_levels_agree(tmp_path: Path) -> None:
    paths = {level: record(tmp_path / f"{level}.h5", level=level) for level in ("step", "rollout", "summary")}
    step, rollout, summary = (Recording.open(path) for path in paths.values())
    assert np.array_equal(step.lam, rollout.lam)
    for other in (rollout, summary):
        assert np.array_equal(step.satisfaction(), other.satisfaction())
        assert np.allclose(step.certificate(), other.certificate(), rtol=0, atol=1e-15)
    assert (step.certificate() <= step.satisfaction() + 1e-12).all()
    assert np.array_equal(step.satisfaction(), step.reward.mean(axis=0))
    assert np.allclose(step.satisfaction("step")[-1], step.satisfaction(), rtol=0, atol=1e-15)
    assert np.allclose(step.satisfaction("step")[99::100], step.satisfaction("rollout"), rtol=0, atol=1e-12)
    assert np.array_equal(step.margin(), step.satisfaction() - step.scenario.c)
    with pytest.raises(InputError, match="record='step'"):
        _ = rollout.position
    with pytest.raises(InputError, match="record='rollout'"):
        _ = summary.lam


def test_a_long_run_is_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with execute(Scenario.load("tiny"), RANK, 230, out=tmp_path / "r.h5", record="rollout") as run:
        whole, running, certificate = run.satisfaction(), run.satisfaction("rollout"), run.certificate()
        steps, (low, _, _) = satisfaction_band([run])
        assert np.array_equal(low, running)
        monkeypatch.setattr("cmarlsim.recordings.recording._BLOCK_BYTES", 150)
        monkeypatch.setattr("cmarlsim.report.picture.CURVE_POINTS", 6)
        assert np.array_equal(run.satisfaction(), whole)
        assert np.allclose(run.certificate(), certificate, rtol=0, atol=1e-15)
        steps, (low, mean, high) = satisfaction_band([run])
        assert steps.tolist() == [30, 70, 110, 150, 190, 230]
        assert np.array_equal(low, running[2::4])
        assert np.array_equal(low, mean)
        assert np.array_equal(low, high)


def test_what_lies_behind_rollouts_done_is_not_shown(tmp_path: Path) -> None:
    path = record(tmp_path / "r.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["rollouts_done"] = 4
    with Recording.open(path) as recording:
        assert recording.steps == 400
        assert len(recording.position) == 400
        assert len(recording.lam) == 5
        assert len(recording.reward_mean) == 4


def test_memory_and_file_hold_the_same(tmp_path: Path) -> None:
    scenario = Scenario.load("tiny")
    on_disk = execute(scenario, RANK, 200, seed=1, out=tmp_path / "r.h5")
    in_memory = execute(scenario, RANK, 200, seed=1)
    assert np.array_equal(on_disk.position, in_memory.position)
    assert np.array_equal(on_disk.lam, in_memory.lam)


def test_a_long_recording_stays_small(tmp_path: Path) -> None:
    execute(Scenario.load("paper"), Policy.load("paper"), 4000, out=tmp_path / "r.h5").close()
    assert (tmp_path / "r.h5").stat().st_size < 2e6


def test_an_existing_file_is_kept_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "r.h5"
    path.write_text("precious")
    scenario = Scenario.load("tiny")
    with pytest.raises(InputError, match="force=True"):
        execute(scenario, RANK, 10, out=path)
    assert path.read_text() == "precious"
    execute(scenario, RANK, 10, out=path, force=True).close()
    assert Recording.open(path).steps == 10


def test_a_run_that_fails_at_once_leaves_the_old_file(tmp_path: Path) -> None:
    path, scenario = tmp_path / "r.h5", Scenario.load("tiny")
    execute(scenario, RANK, 50, out=path).close()
    before = path.read_bytes()

    def fails(rollouts: int) -> bool:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        execute(scenario, RANK, 10, out=path, force=True, progress=fails)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["r.h5"]


def test_a_file_in_use_is_not_replaced(tmp_path: Path) -> None:
    path, run = tmp_path / "r.h5", Run(Scenario.load("tiny"), RANK, 0)
    first = Recorder(path, run.scenario, RANK, 0, "step")
    first.append(run.advance(2, keep_steps=True), run.state())
    with pytest.raises(LockedError, match="another process runs into this file"):
        execute(run.scenario, RANK, 10, out=path, force=True)
    first.append(run.advance(2, keep_steps=True), run.state())
    assert first.finish().steps == 40
    assert [file.name for file in tmp_path.iterdir()] == ["r.h5"]


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    path, run = tmp_path / "r.h5", Run(Scenario.load("tiny"), RANK, 0)
    recorder = Recorder(path, run.scenario, RANK, 0, "step")
    recorder.append(run.advance(1, keep_steps=True), run.state())
    path.write_text("precious")
    with pytest.raises(InputError, match=r"exists already.*first 1 rollouts are in .*r\.h5\.journal"):
        recorder.finish()
    recorder.discard()
    assert path.read_text() == "precious"
    path.unlink()
    assert execute(run.scenario, RANK, 20, out=path, resume=True).steps == 20


BROKEN = {
    "no seed": lambda file: file.attrs.__delitem__("seed"),
    "text for a seed": lambda file: file.attrs.__setitem__("seed", "one"),
    "no TOML": lambda file: file.attrs.__setitem__("scenario", "["),
    "numbers for TOML": lambda file: file.attrs.__setitem__("floorplan", 3.0),
    "more rollouts than rows": lambda file: file.attrs.__setitem__("rollouts_done", 7),
    "fewer than none": lambda file: file.attrs.__setitem__("rollouts_done", -1),
    "numbers for a format": lambda file: file.attrs.__setitem__("format", np.zeros(2)),
    "no positions": lambda file: file.__delitem__("step/position"),
    "unknown level": lambda file: file.attrs.__setitem__("record", "all"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_recordings_are_refused(tmp_path: Path, case: str) -> None:
    with h5py.File(record(tmp_path / "r.h5"), "r+") as file:
        BROKEN[case](file)
    with pytest.raises(InputError, match=r"r\.h5: "):
        Recording.open(tmp_path / "r.h5")


def test_a_truncated_recording_is_damaged(tmp_path: Path) -> None:
    path = record(tmp_path / "r.h5")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DamagedError, match="truncated or foreign"):
        Recording.open(path)
