"""Runs that end early, however it happens, and go on: the file is that of a run that never stopped."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from commands import outcome

import cmarlsim.journal
from cmarlsim import Policy, Recording, Scenario, execute
from cmarlsim.errors import InputError
from cmarlsim.journal import Journal, journal_of
from cmarlsim.run import run

RANK = Policy.load("rank")
TINY = Scenario.load("tiny")
STEPS = 6000
FORMS = [("step", "dense"), ("step", "sparse"), ("rollout", "auto"), ("summary", "auto")]
OFTEN: dict[str, Any] = {"checkpoint": 1e-9}


def contents(path: Path) -> dict[str, bytes]:
    """All that a file says: datasets and attributes, as bytes."""
    found: dict[str, bytes] = {}

    def note(name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = str((item.dtype, item.shape)).encode() + item[...].tobytes()
        for key, value in item.attrs.items():
            if key not in ("DIMENSION_LIST", "REFERENCE_LIST"):  # addresses in the file
                found[f"{name}@{key}"] = str(value).encode()

    with h5py.File(path) as file:
        note("", file)
        file.visititems(note)
    return found


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
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cmarlsim.execution._CHUNK_ROLLOUTS", 64)


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
    assert contents(path) == contents(tmp_path / "whole.h5")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["r.h5", "whole.h5"]


SCENARIOS = {
    "drawn links": ["links.model=bernoulli", "links.p=0.3", "links.footprint=complete"],
    "all linked": ["links.model=always"],
}


@pytest.mark.parametrize("case", SCENARIOS)
def test_links_go_on_from_those_there_were(tmp_path: Path, case: str) -> None:
    scenario = Scenario.load("tiny", SCENARIOS[case])
    options: dict[str, Any] = {"steps": 2000, "links": "sparse"}
    execute(scenario, RANK, out=tmp_path / "whole.h5", **options).close()
    begin(tmp_path / "r.h5", 2, scenario, **options, **OFTEN)
    execute(scenario, RANK, out=tmp_path / "r.h5", resume=True, **options).close()
    assert contents(tmp_path / "r.h5") == contents(tmp_path / "whole.h5")


@pytest.mark.parametrize(("level", "links"), FORMS)
def test_a_recording_can_be_extended(tmp_path: Path, level: str, links: str) -> None:
    options: dict[str, Any] = {"record": level, "links": links}
    path = tmp_path / "r.h5"
    for steps in (10, 650, 5000, STEPS):
        execute(TINY, RANK, steps, out=path, resume="auto", **options).close()
        assert Recording.open(path).steps == steps
    execute(TINY, RANK, STEPS, out=tmp_path / "whole.h5", **options).close()
    assert contents(path) == contents(tmp_path / "whole.h5")
    before = path.stat()
    execute(TINY, RANK, STEPS, out=path, resume="auto", **options).close()
    assert os.path.samestat(path.stat(), before)
    with pytest.raises(InputError, match=r"holds 6000 steps already, more than --steps 5000"):
        execute(TINY, RANK, 5000, out=path, resume="auto", **options)


def test_an_extension_that_is_killed_leaves_the_older_file(tmp_path: Path) -> None:
    path = tmp_path / "r.h5"
    execute(TINY, RANK, 2000, out=path).close()
    before = path.read_bytes()
    begin(path, 3, steps=STEPS, resume=True, **OFTEN)
    assert path.read_bytes() == before
    execute(TINY, RANK, STEPS, out=path, resume=True).close()
    execute(TINY, RANK, STEPS, out=tmp_path / "whole.h5").close()
    assert contents(path) == contents(tmp_path / "whole.h5")
