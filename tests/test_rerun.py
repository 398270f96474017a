"""Recordings that are run again from what they say about themselves."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from commands import Outcome, outcome

from cmarlsim import Policy, Recording, Scenario, execute
from cmarlsim.errors import InputError
from cmarlsim.rerun import first_difference, policy_of, rerun
from cmarlsim.storage.provenance import versions

RECORDINGS = Path(__file__).parent / "recordings"
RANK = Policy.load("rank")
Call = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def many_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cmarlsim.simulation.execution._CHUNK_ROLLOUTS", 8)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return lambda *arguments: outcome(rerun, [str(argument) for argument in arguments], capsys)


@pytest.mark.parametrize(
    ("name", "steps"), [("first", "200 steps of tiny"), ("paper", "2,000 steps of paper")]
)
def test_recordings_of_the_first_format_still_come_out(call: Call, name: str, steps: str) -> None:
    """``first`` is of before recordings held their policy; ``paper`` holds it."""
    code, out, _ = call(RECORDINGS / f"{name}.h5")
    assert code == 0
    assert out.startswith(f"{RECORDINGS / name}.h5: {steps}, seed ")
    assert out.endswith(": identical\n")


@pytest.mark.parametrize("level", ["step", "rollout", "summary"])
@pytest.mark.parametrize("links", ["dense", "sparse"])
def test_what_was_recorded_is_what_the_run_gives(tmp_path: Path, level: str, links: str) -> None:
    scenario = Scenario.load("tiny", ["links.model=bernoulli", "links.p=0.2", "links.footprint=path"])
    path = tmp_path / "r.h5"
    with execute(scenario, RANK, 300, 5, out=path, record=level, links=links) as recording:
        assert first_difference(recording, policy_of(recording)) is None


CHANGES = {
    "step/position": ((1234, 3, 1), 1e-9),
    "step/tile": ((1999, 0), 1),
    "step/estimate": ((512, 4, 5), 1),
    "step/link_count": ((700,), 1),
    "step/link_pair": ((10, 1), 1),
    "rollout/lam": ((0, 1, 2), 0.5),
    "rollout/lam_ideal": ((19, 5), 1e-14),
    "rollout/reward_mean": ((7, 0), -1e-16),
}


@pytest.mark.parametrize("dataset", CHANGES)
def test_the_first_difference_is_found(tmp_path: Path, call: Call, dataset: str) -> None:
    place, change = CHANGES[dataset]
    path = tmp_path / "r.h5"
    execute(Scenario.load("paper"), RANK, 2000, out=path, links="sparse").close()
    with h5py.File(path, "r+") as file:
        before = file[dataset][place].item()
        file[dataset][place] = not before if file[dataset].dtype == bool else before + change
        after = file[dataset][place].item()
        file["step/reward"][-1] = ~file["step/reward"][-1]  # later, or in a dataset that comes later
    inside = f" at {list(place[1:])}" if len(place) > 1 else ""
    code, out, _ = call(path)
    assert code == 1
    assert out.endswith(
        f"differs in {dataset}, row {place[0]}{inside}: {after!r}, but the run gives {before!r}\n"
    )


def test_a_changed_summary_is_found(tmp_path: Path, call: Call) -> None:
    execute(Scenario.load("tiny"), RANK, 300, out=tmp_path / "r.h5", record="summary").close()
    with h5py.File(tmp_path / "r.h5", "r+") as file:
        file["summary/reward_count"][2] += 1
    code, out, _ = call(tmp_path / "r.h5")
    assert (code, "differs in summary/reward_count, row 2: " in out) == (1, True)


def test_other_versions_are_noted(tmp_path: Path, call: Call) -> None:
    path = shutil.copy(RECORDINGS / "first.h5", tmp_path / "r.h5")
    with h5py.File(path, "r+") as file:
        file.attrs.update(versions() | {"version_numba": "0.1"})
    code, _, err = call(path)
    assert code == 0
    assert err == f"note: version_numba = 0.1 in the file, {versions()['version_numba']} here\n"


def test_a_policy_that_the_file_does_not_hold_is_asked_for(tmp_path: Path, call: Call) -> None:
    path = shutil.copy(RECORDINGS / "paper.h5", tmp_path / "r.h5")
    with h5py.File(path, "r+") as file:
        del file["policy"]
    code, _, err = call(path)
    assert (code, err.rstrip().endswith("r.h5: does not hold its policy: name its file with --policy")) == (
        2,
        True,
    )
    assert call(path, "--policy", "paper")[0] == 0
    code, _, err = call(path, "--policy", "rank")
    assert (code, "rank: not the policy that" in err) == (2, True)
    with h5py.File(RECORDINGS / "paper.h5") as whole, h5py.File(path, "r+") as file:
        whole.copy("policy", file)
        file["policy/weights/b2"][0, 0] += 1
    code, _, err = call(path)
    assert (code, "r.h5: the policy stored in it is damaged: its numbers are not those" in err) == (2, True)
    with h5py.File(path, "r+") as file:
        file["policy/weights/b2"][0, 0] = np.nan
    with pytest.raises(InputError, match=r"the policy stored in it is damaged: some weights are not finite"):
        policy_of(Recording.open(path))
    assert call(path, "--policy", "paper")[0] == 0


@pytest.mark.parametrize("part", ["attributes", "step/position", "rollout/lam"])
def test_a_damaged_recording_is_told(tmp_path: Path, call: Call, part: str) -> None:
    path = tmp_path / "r.h5"
    execute(Scenario.load("tiny"), RANK, 300, out=path).close()
    data = bytearray(path.read_bytes())
    if part == "attributes":
        while (place := data.find(b"GCOL")) >= 0:  # where HDF5 keeps texts
            data[place] ^= 8
    else:
        with h5py.File(path) as file:
            stored = file[part].id.get_chunk_info(0)
        data[stored.byte_offset + stored.size - 1] ^= 8
    path.write_bytes(data)
    code, _, err = call(path)
    assert (code, f"error: {path}: is damaged: " in err) == (2, True)


def test_what_cannot_be_compared_is_refused(tmp_path: Path, call: Call) -> None:
    path = shutil.copy(RECORDINGS / "first.h5", tmp_path / "r.h5")
    with h5py.File(path, "r+") as file:
        tile = file["step/tile"][...]
        del file["step/tile"]
        file["step/tile"] = tile.astype("u1")
    code, _, err = call(path)
    assert (code, "step/tile is uint8" in err) == (2, True)
    assert call(tmp_path / "none.h5")[0] == 2
    for folder in (".", "/"):
        assert call(folder) == (2, "", f"error: {folder}: is a folder; name a file in it\n")
    with h5py.File(path, "r+") as file:
        file.attrs["rollouts_done"] = 0
    code, _, err = call(path)
    assert (code, "holds no whole rollout" in err) == (2, True)
