"""Sweeps on a real Slurm: elements are killed and pushed aside, and the table is that of one process."""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cluster import Cluster, missing
from commands import outcome

from cmarlsim.sweep import collect, run, status
from cmarlsim.sweeps import plan_sweep, run_sweep
from cmarlsim.sweeps.locks import holder, lock_of

SWEEP = """
name = "slurm"
policy = "rank"
steps = 10_000_000
[grid]
links.d = [2.0, 5.0]
seed = { count = 3 }
"""

pytestmark = pytest.mark.compiled


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    why = missing()
    if why and os.environ.get("CMARLSIM_SLURM") == "required":
        pytest.fail(f"Slurm is required here: {why}")
    if why:
        pytest.skip(why)
    root = Path(tempfile.mkdtemp(prefix="slurm"))
    with Cluster(root) as cluster:
        for name, value in cluster.environment.items():
            monkeypatch.setenv(name, value)
        yield cluster
    shutil.rmtree(root)


def test_elements_killed_and_pushed_aside_change_no_bit(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.toml").write_text(SWEEP)
    out, calm = tmp_path / "100 %j", tmp_path / "calm"
    for folder in (out, calm):
        plan_sweep(tmp_path / "s.toml", folder, batch=1)
    options = "--engine slurm --partition main --tasks-per-element 3 --time 10"
    submit = [str(out), *options.split()]
    capsys.readouterr()
    code, said, _ = outcome(run, submit, capsys)
    assert code == 0
    assert re.fullmatch(r"job array (\d+): 2 elements, 6 batches\n", said)
    array = said.split()[2].rstrip(":")

    def process_of(element: int) -> int | None:
        """The process of an element, which has three of the six batches."""
        notes = [holder(lock_of(out, 3 * element + i)) for i in range(3)]
        return next((note["pid"] for note in notes if note), None)

    caught: dict[int, int] = {}
    deadline = time.monotonic() + 120
    while len(caught) < 2 and time.monotonic() < deadline:
        for index, number in enumerate((signal.SIGKILL, signal.SIGSTOP)):
            pid = process_of(index)
            if pid and index not in caught:
                os.kill(pid, number)  # the stopped one has to wait until it is pushed aside
                caught[index] = pid
        time.sleep(0.02)
    node = cluster.call("squeue", "-h", "-o", "%N", "-j", f"{array}_1")
    cluster.call("sbatch", "-p", "urgent", "-w", node, "-o", "/dev/null", "--wrap", "sleep 1")
    while "RUNNING" in cluster.call("squeue", "-h", "-o", "%T", "-j", f"{array}_1"):
        time.sleep(0.1)
    with suppress(ProcessLookupError):  # Slurm has woken it
        os.kill(caught[1], signal.SIGCONT)
    assert "nothing to submit" in outcome(run, submit, capsys)[1]
    assert "elements in the queue: " in outcome(status, [str(out)], capsys)[1]
    while cluster.call("squeue", "-h") and time.monotonic() < deadline:
        cluster.hurry()
        time.sleep(0.5)
    assert outcome(run, submit, capsys)[:2] == (
        0,
        "nothing to submit: what is not done is in the queue already, or all is done\n"
        "slurm: 6 of 6 tasks done\n",
    )
    for index in range(2):
        job = cluster.call("scontrol", "show", "job", f"{array}_{index}")
        assert "JobState=COMPLETED" in job
        assert "Restarts=1" in job
    assert {path.name for path in (out / "slurm").glob("*.log")} == {
        f"{array}_{index}.log" for index in range(2)
    }
    run_sweep(calm, workers=1)
    for folder in (out, calm):
        assert outcome(collect, [str(folder), "--table", f"{folder}.csv"], capsys)[0] == 0
    assert out.with_suffix(".csv").read_bytes() == calm.with_suffix(".csv").read_bytes()
