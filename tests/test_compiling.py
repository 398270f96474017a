"""Compiled code: never stale, announced by the commands when it has to be made, and else silent."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from commands import without_progress

from cmarlsim import Scenario
from cmarlsim.kernels.cache_folder import cache_folder
from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.world import Floats
from cmarlsim.terminal.console import compilation_announced
from cmarlsim.training import Training
from cmarlsim.training.recipe import Recipe

PACKAGE = Path(__file__).parent.parent / "cmarlsim"
ANNOUNCEMENT = re.compile(
    r"compiling kernels that are not there yet, about a minute \.\.\.\n\.\.\. compiled in \d+\.\d s\n"
)

CALLEE = """
from cmarlsim.kernels.compiling import kernel

@kernel
def callee(x):
    return x + {added}
"""
CALLER = """
from cmarlsim.kernels.callee import callee
from cmarlsim.kernels.compiling import kernel

@kernel
def caller(x):
    return callee(x)
"""
BEYOND = """
import numpy as np
from cmarlsim.kernels.compiling import kernel

@kernel
def beyond(values):
    return values[len(values)]

try:
    print(beyond(np.ones(4)[:3]))
except IndexError as error:
    print(error)
"""
ASK = """
from cmarlsim.kernels.caller import caller
print(caller(1), sum(caller.stats.cache_hits.values()))
"""


def python(*arguments: str, cwd: Path, package: Path = PACKAGE, **settings: str) -> tuple[str, str]:
    """Output and errors of a Python with caches of its own, below `cwd`."""
    environment = (
        os.environ | {"PYTHONPATH": str(package.parent), "NUMBA_CACHE_DIR": str(cwd / "cache")} | settings
    )
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout, done.stderr


@pytest.mark.compiled
def test_a_changed_callee_is_never_answered_from_the_cache(tmp_path: Path) -> None:
    package = tmp_path / "cmarlsim"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "kernels/caller.py").write_text(CALLER)
    answers = []
    for added in (1, 1, 2, 1):
        (package / "kernels/callee.py").write_text(CALLEE.format(added=added))
        answers.append(python("-c", ASK, cwd=tmp_path, package=package)[0])
    assert answers == ["2 0\n", "2 1\n", "3 0\n", "2 1\n"]


@pytest.mark.compiled
def test_bounds_are_checked_where_numba_is_asked_to_whatever_the_cache_has(tmp_path: Path) -> None:
    (tmp_path / "beyond.py").write_text(BEYOND)
    answers = [
        python("beyond.py", cwd=tmp_path, NUMBA_BOUNDSCHECK=asked)[0] for asked in ("0", "1", "1", "0")
    ]
    assert answers == ["1.0\n", *["index is out of bounds\n"] * 2, "1.0\n"]


@pytest.mark.compiled
def test_a_kernel_that_allocates_does_not_compile() -> None:
    @kernel
    def allocating(x: float) -> float:
        buffer = np.empty(3)
        buffer[1] = x
        return float(buffer[1])

    @kernel
    def borrowing(buffer: Floats, x: float) -> float:
        buffer[1] = x
        return float(buffer[1:][0])

    assert borrowing(np.empty(3), 2.0) == 2.0
    with pytest.raises(numba.core.errors.TypingError, match=r"No implementation of function .*empty"):
        allocating(2.0)


@pytest.mark.compiled
def test_compiling_is_announced_once(capsys: pytest.CaptureFixture[str]) -> None:
    @kernel
    def inner(x: float) -> float:
        return 2.0 * x

    @kernel
    def outer(x: float) -> float:
        return inner(x) + 1.0

    with compilation_announced():
        assert (outer(1.0), outer(1)) == (3.0, 3.0)
    assert ANNOUNCEMENT.fullmatch(capsys.readouterr().err)
    with compilation_announced():
        assert outer(2.0) == 5.0
    assert outer(True) == 3.0  # compiled for one more type, and nobody asked to be told
    assert capsys.readouterr() == ("", "")


@pytest.mark.compiled
def test_commands_announce_what_the_cache_does_not_have(tmp_path: Path) -> None:
    """Their cache lacks one kernel each; to compile all of them would take a minute."""
    short = ("--hyper", "pretrain_iterations=2", "--hyper", "loop_iterations=2", "--force")
    train = ("-m", "cmarlsim.train", "tiny", *short)
    run = ("-m", "cmarlsim.run", "tiny", "--policy", "rank", "--steps", "20", "--runs", "2", "--no-plot")
    Training(Scenario.load("tiny"), 0, Recipe()).prepare()
    cache = shutil.copytree(cache_folder(), tmp_path / "cache" / cache_folder().name)
    for command, missing in ((run, "places.find_places"), (train, "visits.gather")):
        for index in cache.rglob(f"{missing}-*.nbi"):
            index.unlink()
        first, second = (without_progress(python(*command, cwd=tmp_path)[1]) for _ in range(2))
        assert ANNOUNCEMENT.fullmatch(first)
        assert second == ""
