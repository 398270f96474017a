"""Sweeps: what a file expands to, what a folder holds, and that no kill, damage or executor changes a bit."""

from __future__ import annotations

import io
import math
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from copy import copy
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from uuid import uuid4

import h5py
import pandas as pd
import pytest
from commands import Call

from cmarlsim import InputError, Policy, Recording, Scenario, execute, sweeps
from cmarlsim.errors import ArgumentError, DamagedError
from cmarlsim.sweep import collect, element, plan, run, status
from cmarlsim.sweeps import batches, plan_sweep, run_sweep, running
from cmarlsim.sweeps.batches import Worker
from cmarlsim.sweeps.collecting import recordings_in
from cmarlsim.sweeps.locks import holder, lock, lock_of
from cmarlsim.sweeps.manifest import NAME, Manifest
from cmarlsim.sweeps.processes import Workers
from cmarlsim.sweeps.results import Census, read, recording_of, results_of

ROOT = Path(__file__).parent.parent
HEAD = 'name = "s"\nscenario = "tiny"\npolicy = "rank"\nsteps = 200\n'
GRID = HEAD + "[grid]\nlinks.d = [0.1, 1.0]\nseed = { first = 3, count = 3 }\n"
RECORDED = GRID.replace("steps = 200", 'record = "rollout"\nsteps = 500')


def planned(folder: Path, text: str = GRID, name: str = "out", batch: int | None = 2) -> Path:
    """The folder of a planned sweep."""
    (folder / "s.toml").write_text(text, encoding="utf-8")
    plan_sweep(folder / "s.toml", folder / name, batch=batch)
    return folder / name


def work_through(out: Path) -> None:
    worker = Worker(out)
    for batch in range(worker.manifest.batches):
        worker.batch(batch)


def check_same(out: Path, calm: Path) -> None:
    """Two sweeps have the same table, bit for bit, and the same recordings."""
    pd.testing.assert_frame_equal(sweeps.collect(out), sweeps.collect(calm), check_exact=True)
    for path in (calm / "recordings").iterdir():
        assert (out / "recordings" / path.name).read_bytes() == path.read_bytes()
    assert len(list((out / "recordings").iterdir())) == len(list((calm / "recordings").iterdir()))


def settings(text: str, folder: Path) -> list[dict[str, object]]:
    """What tasks a sweep file expands to."""
    manifest = Manifest.load(planned(folder, HEAD + text, name=uuid4().hex))
    return [manifest.settings(task) for task in range(len(manifest.tasks))]


def test_grid_zip_and_list_multiply_and_the_last_axis_is_the_fastest(tmp_path: Path) -> None:
    grid = "[grid]\nlinks.d = [1, 2]\n'zones.left.c' = [0.1, 0.2]\nseed = { count = 2 }\n"
    assert settings(grid, tmp_path) == [
        {"links.d": d, "zones.left.c": c, "seed": seed} for d, c, seed in product((1, 2), (0.1, 0.2), (0, 1))
    ]
    text = "[[list]]\nagents.N = 2\n[[list]]\nagents.N = 3\n[grid]\nseed = [7, 9]\n"
    found = settings(text + "[zip]\ndual.eta = [0.1, 0.2]\ndual.alpha = [0.5, 0.6]\n", tmp_path)
    assert found == [
        {"agents.N": N, "dual.eta": eta, "dual.alpha": alpha, "seed": seed}
        for N, (eta, alpha), seed in product((2, 3), ((0.1, 0.5), (0.2, 0.6)), (7, 9))
    ]


def test_a_latin_hypercube_has_one_sample_in_every_piece(tmp_path: Path) -> None:
    text = (
        "[latin]\nsamples = 8\nseed = 1\n[latin.ranges]\nlinks.d = { low = 1, high = 5 }\n"
        'dual.alpha = { low = 0.001, high = 0.1, scale = "log" }\n'
    )
    found = settings(text, tmp_path)
    assert settings(text, tmp_path) == found != settings(text.replace("seed = 1", "seed = 2"), tmp_path)
    pieces = [
        sorted(int(8 * (float(str(row["links.d"])) - 1) / 4) for row in found),
        sorted(int(8 * (math.log10(float(str(row["dual.alpha"]))) + 3) / 2) for row in found),
    ]
    assert pieces == [list(range(8))] * 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[grid]\nlinks.dd = [1]\n", "links.dd = 1): its scenario: unknown key links.dd; did you mean 'd'?"),
        ("[grid]\nlink.d = [1]\n", "unknown key 'link.d'; did you mean 'links.d'?"),
        ("[grid]\nseeds = [1]\n", "unknown key 'seeds'; did you mean 'seed'?"),
        ("[grdi]\nlinks.d = [1]\n", "unknown key grdi; did you mean 'grid'?"),
        ("[grid]\nzones.lfet.c = [0.1]\n", "did you mean 'left'?"),
        ("[set]\nlinks.e = 1\n", "unknown key links.e"),
        ("[set]\nlinks.d = 1\n[grid]\nlinks.d = [1, 2]\n", "set: links.d: is an axis as well"),
        ("[set]\nseed = 1\n", "set: seed: is no key of a scenario"),
        ("[grid]\nlinks.d = [1, -2]\n", "task 1 (links.d = -2): its scenario: links.d = -2"),
        ("[grid]\nlinks.d = 1\n", "links.d = 1: must be a list of values"),
        ("[grid]\nlinks.d = []\n", "must be a list of values"),
        ("[grid]\nlinks.d = [1, 2, 1]\n", "links.d = 1 stands there twice"),
        ("[grid]\nseed = [1]\n[zip]\nseed = [2]\n", "the axis 'seed' stands in 2 places"),
        ("[zip]\nseed = [2]\nlinks.d = [1, 2]\n", "same length, but seed has 1, links.d has 2"),
        ("[[list]]\nseed = 2\n[[list]]\nlinks.d = 2\n", "list[1]: must have the same keys as list[0]"),
        ("[grid]\nseed = [1.5]\n", "seed = 1.5: must be a whole number"),
        ("[grid]\nsteps = [205]\n", "205: must be whole rollouts of T0 = 10"),
        ("[grid]\npolicy = ['papr']\n", "no policies of that name are shipped"),
        ("[grid]\npolicy = ['paper']\n", "the policy is for N = 5"),
        ("[latin]\nsamples = 2\nranges.links.d = [1, 2]\n", "latin, ranges, links.d: "),
        (
            "[latin]\nsamples = 2\nranges.links.d = { low = 2, high = 1 }\n",
            "low = 2 must be less than high = 1",
        ),
        ("[grid]\nseed = { count = 101 }\nlinks.d = { low = 1 }\n", "must be a list of values"),
        (
            "[grid]\nseed = { count = 9999999999 }\n",
            "seed: count = 9999999999: should be less than or equal to 1000000",
        ),
        (
            "[grid]\nseed = { count = 5001 }\nsteps = [10, 20]\n",
            "s.toml: 5,001 x 2 = 10,002 tasks, more than 10,000: add --yes",
        ),
        (
            "[grid]\nseed = { count = 1000 }\nsteps = [1000000000, 1000000010]\n",
            "s.toml: its tasks would take about ",
        ),
        ("[grid]\nsteps = [1000000000010]\n", "1000000000010: must be at most 1,000,000,000,000"),
        ("[latin]\nsamples = 1000000\nranges.links.d = { low = 1, high = 2 }\n", "1,000,000 tasks, more"),
    ],
)
def test_what_cannot_be_swept_is_named(call: Call, text: str, message: str) -> None:
    Path("s.toml").write_text(HEAD + text, encoding="utf-8")
    code, out, err = call(plan, "s.toml", "out")
    assert (code, out) == (2, "")
    assert message in err
    assert not Path("out").exists()


def test_a_large_grid_is_allowed_when_asked_for(call: Call) -> None:
    Path("s.toml").write_text(HEAD + "[grid]\nseed = { count = 10_001 }\n")
    assert call(plan, "s.toml", "out", "--yes")[0] == 0
    assert len(Manifest.load(Path("out")).tasks) == 10_001


def test_a_folder_belongs_to_one_sweep(call: Call) -> None:
    Path("s.toml").write_text(GRID)
    assert call(plan, "s.toml", "out")[0] == call(plan, "s.toml", "out")[0] == 0
    Path("s.toml").write_text(GRID.replace("0.1", "0.2").replace("steps = 200", "steps = 300"))
    code, _, err = call(plan, "s.toml", "out")
    assert (code, err) == (
        2,
        "error: out: belongs to another sweep, these differ: steps, tasks; choose another folder\n",
    )
    Path("mine").mkdir()
    Path("mine/thesis.txt").touch()
    assert "mine: is not empty (it holds thesis.txt)" in call(plan, "s.toml", "mine")[2]
    assert "holds no sweep; plan one" in call(run, "mine")[2]
    Path("site").mkdir()
    Path("site/manifest.json").write_text("{}")
    assert "site: is not empty (it holds manifest.json)" in call(plan, "s.toml", "site")[2]


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-999])])
def test_planning_again_puts_a_policy_back(
    call: Call, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    out = planned(tmp_path, 'name = "s"\npolicy = "paper"\nsteps = 100\n[grid]\nseed = { count = 3 }\n')
    work_through(out)
    (path,) = (out / "policies").iterdir()
    before = path.read_bytes()
    damage(path)
    code, said, err = call(run, "out")
    assert (code, said, err.count("\n")) == (2, "", 1)
    assert path.name in err
    assert "plan the same sweep into it again, which keeps its results and puts it back" in err
    assert call(plan, "s.toml", "out", "--batch", "2")[0] == 0
    assert path.read_bytes() == before
    assert call(run, "out") == (0, "s: 3 of 3 tasks done\n", "")


@pytest.mark.parametrize(
    "damage",
    [
        Path.unlink,
        lambda path: path.write_bytes(path.read_bytes()[:-999]),
        lambda path: path.write_text(path.read_text().replace('"seed": 0', '"seed": 1')),
    ],
)
def test_planning_again_puts_a_manifest_back(
    call: Call, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    path = planned(tmp_path, batch=3) / NAME
    work_through(path.parent)
    before, results = path.read_bytes(), results_of(path.parent, 1).read_bytes()
    (path.parent / "table.csv").touch()
    damage(path)
    err = call(run, "out")[2]
    assert ("its checksum is wrong" if path.exists() else "its manifest is lost") in err
    assert "plan the same sweep into it again, which keeps its results" in err
    code, _, err = call(plan, "s.toml", "out", "--batch", "2")
    assert code == 2
    assert "out: holds results of a sweep that is not this one: its file, a policy, its batch size or" in err
    assert call(plan, "s.toml", "out", "--batch", "3")[0] == 0
    assert path.read_bytes() == before
    assert call(run, "out") == (0, "s: 6 of 6 tasks done\n", "")
    assert results_of(path.parent, 1).read_bytes() == results


def test_what_to_type_next_can_be_typed(call: Call, tmp_path: Path) -> None:
    Path("s.toml").write_text(GRID)
    said = call(plan, "s.toml", "sp ace o'ut")[1]
    command = said.splitlines()[-1].removeprefix("next: cmarlsim ")
    assert shlex.split(command) == ["sweep", "run", "sp ace o'ut"]
    assert shlex.split(call(collect, "sp ace o'ut")[2].partition("cmarlsim ")[2])[-1] == "sp ace o'ut"


def test_other_versions_are_refused(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned(tmp_path)
    monkeypatch.setattr("numpy.__version__", "1.2.3")
    code, _, err = call(run, "out")
    assert code == 2
    assert "other versions, which may give other numbers: numpy is 1.2.3 here" in err


def test_tasks_are_the_runs_that_execute_makes(tmp_path: Path) -> None:
    text = (
        GRID.replace("steps", 'record = "rollout"\nsteps')
        + "[set]\ndual.alpha = 0.03\n[zip]\nsteps = [100]\n"
    )
    out = planned(tmp_path, text)
    work_through(out)
    rows = sweeps.collect(out).set_index(["links.d", "seed", "zone"])
    assert len(rows) == 2 * 3 * 3
    for number, (d, seed) in enumerate(product((0.1, 1.0), (3, 4, 5))):
        scenario = Scenario.load("tiny", [f"links.d={d}", "dual.alpha=0.03"])
        alone = execute(scenario, Policy.load("rank"), 100, seed, record="rollout")
        with Recording.open(recordings_in(out)[number]) as swept:
            assert swept.lam.tobytes() == alone.lam.tobytes()
        for m, zone in enumerate(scenario.zones):
            found = rows.loc[(d, seed, zone.name)]
            assert found["task"] == number
            assert (found["satisfaction"], found["c"]) == (alone.satisfaction()[m], zone.c)
            assert found["margin"] == alone.margin()[m]
            assert found["certified"] == alone.certificate()[:, m].max()


def test_batches_and_processes_change_nothing(call: Call, tmp_path: Path) -> None:
    work_through(planned(tmp_path, name="one", batch=6))
    planned(tmp_path, name="two", batch=1)
    code, text, err = call(run, "two", "--max-parallel", "2")
    assert (code, text, err) == (0, "s: 6 of 6 tasks done\n", "")
    pd.testing.assert_frame_equal(sweeps.collect("one"), sweeps.collect("two"), check_exact=True)
    assert call(run, "two") == (0, "s: 6 of 6 tasks done\n", "")
    assert call(status, "two")[1] == "s: 6 tasks: 6 done, 0 running, 0 failed, 0 waiting\n"
    assert not list(Path("two/locks").iterdir())


def test_a_collection_is_a_table_and_a_file(call: Call, tmp_path: Path) -> None:
    out = planned(tmp_path, GRID.replace("steps", 'record = "rollout"\nsteps'))
    assert (
        "6 of 6 tasks are not done, the first is task 0 (links.d = 0.1, seed = 3)" in call(collect, "out")[2]
    )
    Worker(out).batch(1)
    assert call(collect, "out", "--partial", "--table", "t.csv")[1] == "2 of 6 tasks, 6 rows: t.csv\n"
    work_through(out)
    assert "exists already" in call(collect, "out", "--table", "t.csv")[2]
    assert call(collect, "out", "--table", "t.csv", "--force", "--hdf5", "t.h5")[0] == 0
    assert "must end in .parquet or .csv" in call(collect, "out", "--table", "t.txt")[2]
    pd.testing.assert_frame_equal(pd.read_csv("t.csv"), sweeps.collect(out), check_exact=True)
    with h5py.File("t.h5") as file, Recording.open(recording_of(out, 4)) as recording:
        assert (file["table/margin"][...] == sweeps.collect(out)["margin"]).all()
        assert list(file["table/zone"].asstr()[:3]) == ["left", "right", "top"]
        assert (file["recording/000004/rollout/lam"][...] == recording.lam).all()
        assert file["recording/000004"].attrs["seed"] == 4


def test_axes_of_lists_and_of_several_types_can_be_written(call: Call, tmp_path: Path) -> None:
    links = "[set]\nlinks.model = 'bernoulli'\n"
    named, listed = (
        "[[list]]\nlinks.footprint = 'path'\nlinks.p = 1\n",
        "[[list]]\nlinks.footprint = [[0, 1]]\n",
    )
    out = planned(tmp_path, f"{HEAD}{links}{named}{listed}links.p = 0.5\n")
    work_through(out)
    rows = sweeps.collect(out)[["links.footprint", "links.p"]].drop_duplicates()
    assert rows.to_numpy().tolist() == [["path", 1.0], ["[[0, 1]]", 0.5]]
    assert call(collect, "out", "--table", "t.csv", "--hdf5", "t.h5")[0] == 0


@pytest.mark.parametrize("what", ["flipped", "cut", "empty", "foreign"])
def test_damaged_results_are_found_and_made_again(call: Call, tmp_path: Path, what: str) -> None:
    out = planned(tmp_path)
    work_through(out)
    before, path = sweeps.collect(out), results_of(out, 1)
    data = path.read_bytes()
    other = results_of(out, 2).read_bytes()
    path.write_bytes(
        {"flipped": data.replace(b"0.", b"1.", 1), "cut": data[:-90], "empty": b"", "foreign": other}[what]
    )
    with pytest.raises(DamagedError):
        read(out, Manifest.load(out), 1)
    assert f"damaged, `run` does it again: {path}" in call(status, str(out))[1]
    assert "2 of 6 tasks are not done" in call(collect, str(out))[2]
    work_through(out)
    pd.testing.assert_frame_equal(sweeps.collect(out), before, check_exact=True)
    assert path.read_bytes().splitlines()[0] == data.splitlines()[0]


def test_damaged_recordings_are_named_and_made_again(call: Call, tmp_path: Path) -> None:
    planned(tmp_path, GRID.replace("steps", 'record = "step"\nsteps'))
    out = Path("out")
    work_through(out)
    damaged, missing = recording_of(out, 3), recording_of(out, 4)
    before = [damaged.read_bytes(), missing.read_bytes()]
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    missing.unlink()
    census = Census.of(out, Manifest.load(out))
    assert (set(census.done), census.open_batches) == ({0, 1, 2, 5}, [1, 2])
    code, _, err = call(collect, "out")
    assert code == 2
    assert f"2 of 6 tasks are not done, the first is task 3 (links.d = 1.0, seed = 3); {damaged}: is" in err
    assert f"{missing}: is missing; this does them: cmarlsim sweep run out\n" in err
    told = [f"warning: {damaged}: is damaged; `run` does it again"]
    told += [f"warning: {missing}: is missing; `run` does it again"]
    assert call(collect, "out", "--partial", "--table", "t.csv")[2].splitlines() == told
    said = call(status, "out")[1]
    assert "5 done" in said  # one damaged recording is there, and is not read
    assert "recordings were looked for, not read" in said
    assert f"damaged, `run` does it again: {missing}: is missing" in said
    assert call(run, "out", "--max-parallel", "1")[2].splitlines() == told
    assert call(run, "out", "--max-parallel", "1")[2] == ""
    assert [damaged.read_bytes(), missing.read_bytes()] == before


def test_failing_tasks_stop_nobody_and_are_counted(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = planned(tmp_path)

    def fail(scenario: Scenario, policy: Policy, steps: int, seed: int, **options: object) -> Recording:
        if seed == 4:
            raise ValueError("the seed is 4")
        return execute(scenario, policy, steps, seed, record="summary")

    with monkeypatch.context() as patched:
        patched.setattr(batches, "execute", fail)
        work_through(out)
        census = Census.of(out, Manifest.load(out))
        assert sorted(census.failed) == [1, 4]
        assert len(census.done) == 4
        text = call(status, "out")[1]
        assert text.startswith("s: 6 tasks: 4 done, 0 running, 2 failed, 0 waiting\n")
        assert "failed: task 4 (links.d = 1.0, seed = 4)\n" in text
        assert "    ValueError: the seed is 4\n" in text
        assert "task 1 (links.d = 0.1, seed = 4): ValueError: the seed is 4" in call(collect, "out")[2]
        monkeypatch.setattr("cmarlsim.sweep._run_here", lambda *_: work_through(out))
        code, text, _ = call(run, "out")
        assert code == 2
        assert "2 tasks failed; running the sweep again tries them again" in text
    assert call(run, "out") == (0, "s: 6 of 6 tasks done\n", "")


def in_a_fork(function: Callable[[], object]) -> None:
    """Call a function in a process of its own, which may die of it."""
    pid = os.fork()
    if pid == 0:
        function()
        os._exit(0)
    os.waitpid(pid, 0)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_task_that_kills_its_process_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(scenario: Scenario, policy: Policy, steps: int, seed: int, **options: object) -> Recording:
        if seed == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(scenario, policy, steps, seed, record="summary")

    out = planned(tmp_path, batch=3)
    worker = Worker(out)
    with monkeypatch.context() as patched:
        patched.setattr(batches, "execute", die)
        for deaths in range(batches.MOST_DEATHS):
            assert not results_of(out, 0).exists(), deaths
            in_a_fork(lambda: worker.batch(0))
            assert lock_of(out, 0).exists()
        assert worker.batch(0) == 3
    results = read(out, worker.manifest, 0)
    assert [result.reason is None for result in results.values()] == [True, False, True]
    assert results[1].reason == (
        f"its process ended before it did (killed, or out of memory), {batches.MOST_DEATHS} times"
    )
    assert not lock_of(out, 0).exists()
    worker.batch(0, retry=False)
    assert read(out, worker.manifest, 0)[1].reason == results[1].reason
    worker.batch(0)
    assert read(out, worker.manifest, 0)[1].reason is None


def test_a_stop_ends_though_all_processes_were_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.11 forgets what is waited for, if processes end while their executor has cancelled futures."""
    out = planned(tmp_path, GRID.replace("count = 3", "count = 40"), batch=1)
    pools: list[Workers] = []

    class Watched(Workers):
        def __init__(self, count: int) -> None:
            super().__init__(count)
            pools.append(self)

    def kill_and_stop(tasks: int) -> bool:
        for process in (pools[-1]._processes or {}).values() if pools and tasks else ():
            os.kill(process.pid, signal.SIGTERM)
        return not (pools and tasks)

    monkeypatch.setattr(running, "Workers", Watched)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(60)
    try:
        census = run_sweep(out, workers=2, progress=kill_and_stop)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert 0 < len(census.done) < len(Manifest.load(out).tasks)


def begun(out: Path) -> None:
    """Run one chunk: a worker is asked to stop before the task, for what is there, and after every chunk."""
    asked: list[None] = []
    Worker(out, lambda: asked.append(None) or len(asked) == 3).batch(0)


def test_a_stopped_task_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cmarlsim.simulation.execution._CHUNK_ROLLOUTS", 10)
    out, calm = (planned(tmp_path, RECORDED, name, batch=6) for name in ("out", "calm"))
    work_through(calm)
    for done in (20, 30, 40):
        begun(out)
        with Recording.open(out / "recordings" / "000000.h5") as recording:
            assert recording.rollouts_done == done
    work_through(out)
    check_same(out, calm)
    assert {path.name for path in (out / "recordings").iterdir()} == {f"{i:06d}.h5" for i in range(6)}


def inside(data: bytes) -> bytes:
    """A recording with a bit flipped in the multipliers."""
    with h5py.File(io.BytesIO(data)) as file:
        chunk = file["rollout/lam"].id.get_chunk_info(0)
    middle = chunk.byte_offset + chunk.size // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:900], lambda data: b"?" + data[1:], inside]
)
def test_a_damaged_part_is_told_and_begun_anew(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[bytes], bytes],
) -> None:
    monkeypatch.setattr("cmarlsim.simulation.execution._CHUNK_ROLLOUTS", 10)
    out, calm = (planned(tmp_path, RECORDED, name, batch=6) for name in ("out", "calm"))
    Worker(calm).batch(0)
    begun(out)
    part = out / "recordings" / "000000.h5"
    part.write_bytes(damage(part.read_bytes()))
    Worker(out).batch(0)
    assert [record.message.split(": ")[1] for record in caplog.records] == [str(part)]
    assert "removed, its task begins anew" in caplog.text
    assert part.read_bytes() == recording_of(calm, 0).read_bytes()


def test_results_are_published_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, seen = planned(tmp_path, batch=6), []
    worker = Worker(out)

    def run_one(*given: Any, **options: Any) -> Recording:
        seen.append(len(read(out, worker.manifest, 0)))
        return execute(*given, **options)

    monkeypatch.setattr(batches, "execute", run_one)
    monkeypatch.setattr(batches, "PUBLISH_SECONDS", 0.0)
    worker.batch(0)
    assert seen == [0, 1, 2, 3, 4, 5]


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_lock_is_held_by_one_and_falls_to_others_when_its_holder_dies(tmp_path: Path) -> None:
    path = tmp_path / "0.lock"

    def hold_and_die() -> None:
        with lock(path) as mine:
            assert mine is not None
            mine.note(task=3)
            os.kill(os.getpid(), signal.SIGKILL)

    with lock(path) as mine:
        assert mine is not None
        assert holder(path) == mine.left == {}
        with lock(path) as second:
            assert second is None
        mine.note(task=2)
        assert (holder(path) or {})["pid"] == os.getpid()
    assert holder(path) is None
    assert not path.exists()
    in_a_fork(hold_and_die)
    assert holder(path) is None
    with lock(path) as mine:
        assert mine is not None
        assert mine.left["task"] == 3
    assert not path.exists()


def test_without_locks_work_is_done_twice_at_worst(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    out, calm = (planned(tmp_path, name=name) for name in ("out", "calm"))
    work_through(calm)
    monkeypatch.setattr("fcntl.flock", none)
    with lock(lock_of(out, 0)):
        assert Worker(out).batch(0) == 2
    work_through(out)
    check_same(out, calm)


def test_what_others_run_is_waited_for(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three batches two are held: the holder of one does it, that of the other ends before it did."""
    out, calm = planned(tmp_path), planned(tmp_path, name="calm")
    work_through(calm)
    monkeypatch.setattr(running, "POLL_SECONDS", 0.2)
    holders = [lock(lock_of(out, batch)) for batch in range(2)]
    for each in holders:
        held = each.__enter__()
        assert held is not None
        held.note(task=0)
    seen: list[int] = []

    def progress(tasks: int) -> None:
        seen.append(len(Census.of(out, manifest).done))
        if len(seen) == 10:
            said = call(status, "out")[1]
            assert said.startswith("s: 6 tasks: 2 done, 4 running, 0 failed, 0 waiting\n")
            assert f"running: tasks 0 to 1, process {os.getpid()} on " in said
            results_of(out, 0).write_bytes(results_of(calm, 0).read_bytes())
        if len(seen) in (10, 20):
            holders.pop(0).__exit__(None, None, None)
        counts.append(tasks)

    manifest, counts = Manifest.load(out), list[int]()
    with ThreadPoolExecutor(2) as executor:
        assert len(run_sweep(out, executor, progress=progress).done) == sum(counts) == 6
    assert (seen[9], seen[10], seen[19], seen[-1]) == (2, 4, 4, 6)
    check_same(out, calm)


def test_waiting_for_others_can_be_stopped(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(note: object) -> str:
        os.kill(os.getpid(), signal.SIGINT)
        return "process 7"

    out = planned(tmp_path, batch=6)
    monkeypatch.setattr(running, "process_in", interrupted)
    with lock(lock_of(out, 0)):
        code, _, err = call(run, "out", "--max-parallel", "1")
    assert code == 130
    assert "waiting for what process 7 runs; Ctrl-C ends the wait\n" in err
    assert "stopped; the same command runs the rest: cmarlsim sweep run out\n" in err


@pytest.mark.compiled
@pytest.mark.parametrize(
    "executor",
    [lambda: ThreadPoolExecutor(3), lambda: ProcessPoolExecutor(2, get_context("spawn"))],
)
def test_any_executor_runs_a_sweep(tmp_path: Path, executor: Callable[[], Executor]) -> None:
    text = RECORDED.replace("count = 3", "count = 6")
    out, calm = (planned(tmp_path, text, name, batch) for name, batch in (("out", 1), ("calm", 6)))
    work_through(calm)
    counts, again = list[int](), list[int]()
    with executor() as given:
        stopped = run_sweep(out, given, progress=lambda tasks: counts.append(tasks) or sum(counts) < 2)
        assert sum(counts) == 2
        assert len(stopped.done) < 12
        assert len(run_sweep(out, given, progress=again.append).done) == sum(again) == 12
    check_same(out, calm)


def test_what_an_executor_raises_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    out = planned(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    full_disk = pytest.raises(InputError, match=r"\.jsonl: cannot be written: No space left on device")
    with ThreadPoolExecutor(1) as executor, full_disk:
        run_sweep(out, executor)
    monkeypatch.undo()
    assert [path.name for path in (out / "results").iterdir()] == []
    assert len(run_sweep(out, workers=1).done) == 6
    error = copy(ArgumentError("steps", 5, "must be 10"))  # as from another process
    assert (str(error), error.problem) == ("steps = 5: must be 10", "must be 10")


def test_an_element_runs_its_batches(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = planned(tmp_path)
    (out / "slurm" / "ticket.json").write_text("[[0], [1, 2]]")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "1")
    assert call(element, "out", "ticket")[0] == 0
    assert Census.of(out, Manifest.load(out)).open_batches == [0]
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    assert "ticket.json: has no element 2" in call(element, "out", "ticket")[2]


def test_without_slurm_one_line_says_so(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert call(run, "out", "--engine", "slurm") == (
        2,
        "",
        "error: squeue: there is no such program here; is Slurm installed?\n",
    )
    assert "must be one of local, slurm; did you mean 'slurm'?" in call(run, "out", "--engine", "slum")[2]
    assert "--wait: goes with --engine slurm only" in call(run, "out", "--wait")[2]


def test_a_wait_for_the_queue_that_was_stopped_says_so(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: object) -> bool:
        os.kill(os.getpid(), signal.SIGINT)
        return False

    planned(tmp_path)
    monkeypatch.setattr("cmarlsim.sweep._run_on_slurm", interrupted)
    assert call(run, "out", "--engine", "slurm", "--wait")[0] == 130
    monkeypatch.setattr("cmarlsim.sweep._run_on_slurm", lambda *given: False)
    assert call(run, "out", "--engine", "slurm")[0] == 0


def test_a_queue_that_lost_tasks_is_no_success(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Slurm of three small scripts: it takes jobs and forgets them."""
    planned(tmp_path)
    for name, says in [("squeue", ""), ("sbatch", "7")]:
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\necho '{says}'\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    code, text, _ = call(run, "out", "--engine", "slurm", "--tasks-per-element", "3", "--wait")
    assert code == 6
    assert "job array 7: 2 elements, 3 batches\n" in text
    assert "6 tasks have no result though all that ran them has ended" in text
    scripts = [path.read_text() for path in Path("out/slurm").glob("*.sbatch")]
    assert "#SBATCH --array=0-1\n" in scripts[0]
    assert all(f"{name}=1" in scripts[0] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"))
    assert subprocess.run(["bash", "-n"], input=scripts[0], text=True, check=False).returncode == 0


@pytest.mark.compiled
def test_kills_change_nothing(tmp_path: Path) -> None:
    """Two runs at once, of which one is killed with its workers orphaned, and a worker of the other."""
    text = GRID.replace("200", "600_000")
    work_through(planned(tmp_path, text, "calm"))
    out = planned(tmp_path, text)
    command = [sys.executable, "-m", "cmarlsim.sweep", "run", str(out), "--max-parallel", "1"]
    first, second = (subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) for _ in range(2))
    killed: set[int] = set()
    ending = time.monotonic() + 60
    while len(killed) < 2 and time.monotonic() < ending:
        for path in (out / "locks").glob("*.lock"):
            pid = (holder(path) or {}).get("pid")
            if pid and pid not in killed:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
        time.sleep(0.02)
    first.kill()
    first.wait()
    assert second.wait(60) == 0
    assert subprocess.run(command, cwd=ROOT, check=False, timeout=60).returncode == 0
    assert len(killed) == 2
    check_same(out, tmp_path / "calm")


@pytest.mark.compiled
def test_ctrl_c_ends_a_run_within_a_chunk(tmp_path: Path) -> None:
    out = planned(tmp_path, GRID.replace("200", "2_000_000_000"), batch=1)
    command = [sys.executable, "-m", "cmarlsim.sweep", "run", str(out), "--max-parallel", "2"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, process_group=0) as process:
        ending = time.monotonic() + 120
        while sum(map(bool, map(holder, (out / "locks").iterdir()))) < 2 and time.monotonic() < ending:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        said = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert "stopped; the same command runs the rest" in said
    assert "Traceback" not in said
    assert not list((out / "locks").iterdir())
    assert all(recording_of(out, task).exists() for task in range(2))


def test_what_the_killed_have_left_is_removed(call: Call, tmp_path: Path) -> None:
    out = planned(tmp_path)
    work_through(out)
    old, new = (out / "recordings" / f".00000{i}.h5.x.tmp" for i in range(2))
    for path in (old, new):
        path.touch()
    os.utime(old, (0, time.time() - 4000))
    assert call(run, "out")[0] == 0
    assert list((out / "recordings").iterdir()) == [new]


def test_sweeps_that_are_shipped_or_shown_are_what_they_say(tmp_path: Path) -> None:
    figure = plan_sweep("figure5c", tmp_path / "figure5c")
    assert (len(figure.tasks), figure.keys, figure.record) == (30, ("links.d", "seed"), "rollout")
    assert {row[0] for row in figure.tasks} == {1, 2, 3, 4, 5, 6}
    assert len(plan_sweep("short", tmp_path / "short").tasks) == 10_000
    page = (ROOT / "docs" / "sweeps.md").read_text(encoding="utf-8")
    (tmp_path / "radio.toml").write_text(page.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    assert len(plan_sweep(tmp_path / "radio.toml", tmp_path / "radio").tasks) == 4800
    assert "= 4,800 tasks" in page
