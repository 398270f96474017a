"""Settings of the whole suite."""

from collections.abc import Callable
from pathlib import Path

import cases
import numba
import pytest
from commands import Call, Outcome, outcome
from hypothesis import HealthCheck, settings

from cmarlsim.building import places

settings.register_profile(
    "suite",
    derandomize=True,
    deadline=None,
    max_examples=200 if cases.COMPILED and not numba.config.BOUNDSCHECK else 20,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")

if not cases.COMPILED:
    places.MOST_PLACES = 600  # the paper's plan has 592; which are near takes the square of it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not cases.COMPILED:
        skip = pytest.mark.skip(reason="NUMBA_DISABLE_JIT=1: takes too long in plain Python")
        for item in items:
            if item.get_closest_marker("compiled"):
                item.add_marker(skip)


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command in an empty folder: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()

    def call(function: Callable[..., int], *arguments: str) -> Outcome:
        return outcome(function, arguments, capsys)

    return call
