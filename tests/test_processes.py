"""Workers whose parent is killed end soon and without a word, whatever they are doing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing import util
from pathlib import Path

import pytest
from commands import ROOT

from cmarlsim.sweeps.processes import Workers

PARENT = """
import ctypes, os, sys, time
from pathlib import Path
from numba.core import event
from cmarlsim.sweeps.processes import Workers, stopping

def here(pid):
    Path("begun").touch()

def idle():
    here(os.getpid())

def chunks():
    here(os.getpid())
    while not stopping():
        time.sleep(0.01)
    Path("whole").touch()

def compiling():
    with event.trigger_event("numba:compile"):
        here(os.getpid())
        mutex = ctypes.create_string_buffer(64)
        for _ in range(2):  # which the second time waits for itself
            ctypes.CDLL(None).pthread_mutex_lock(mutex)

if __name__ == "__main__":
    if sys.argv[2] == "stop":
        with Workers(1) as workers:
            future = workers.submit(globals()[sys.argv[1]])
            while not Path("begun").exists():
                time.sleep(0.01)
            workers.stop()
        print("ended", flush=True)
    else:
        workers = Workers(2)
        futures = [workers.submit(globals()[sys.argv[1]]) for _ in range(2)]
        print("begun", flush=True)
        time.sleep(60)
"""


def parent(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    (folder / "parent.py").write_text(PARENT)
    return subprocess.Popen(
        [sys.executable, "parent.py", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("job", "seconds"),
    [("idle", 0.0), ("idle", 0.1), ("idle", 0.4), ("idle", None), ("chunks", None), ("compiling", None)],
)
def test_workers_end_with_their_parent_in_silence(tmp_path: Path, job: str, seconds: float | None) -> None:
    """Killed when it has begun them and after some seconds, or when a job has begun too."""
    process = parent(tmp_path, job, "go on")
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    if seconds is None:
        wait_for((tmp_path / "begun").exists)
    else:
        time.sleep(seconds)
    process.kill()
    killed = time.monotonic()
    assert process.communicate(timeout=60) == ("", "")  # the last that has these streams has ended
    assert time.monotonic() - killed < 30
    if job == "chunks":
        assert (tmp_path / "whole").exists()


@pytest.mark.parametrize("job", ["chunks", "compiling"])
def test_jobs_that_are_told_to_stop_do_though_they_compile(tmp_path: Path, job: str) -> None:
    assert parent(tmp_path, job, "stop").communicate(timeout=60) == ("ended\n", "")


def wait_for(true: Callable[[], bool]) -> None:
    ending = time.monotonic() + 60
    while not true() and time.monotonic() < ending:
        time.sleep(0.01)


def test_a_worker_begins_when_what_it_reads_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parent may be killed the moment it has begun."""
    found, begin = [], util.spawnv_passfds

    def begin_and_be_killed(path: bytes, command: Sequence[str], passed: Sequence[int]) -> int:
        if "--multiprocessing-fork" not in command:
            return begin(path, command, passed)
        found.append(os.read(passed[-2], 100_000))
        raise OSError("killed")

    monkeypatch.setattr(util, "spawnv_passfds", begin_and_be_killed)
    with pytest.raises(OSError, match="killed"), Workers(1) as workers:
        workers.submit(abs, 1)
    assert b"_process_worker" in found[0]
