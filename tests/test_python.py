"""What Python shows a user: help, completion, and objects in one line and in notebooks."""

from __future__ import annotations

import pydoc
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from trainings import QUICK

import cmarlsim
from cmarlsim import Policy, Recording, Scenario, execute, execute_batch, learn, tiled
from cmarlsim.errors import InputError
from cmarlsim.html import table
from cmarlsim.recordings.datasets import DATASETS
from cmarlsim.simulation import progress
from cmarlsim.training.recipe import RECIPES

TINY, RANK = Scenario.load("tiny"), Policy.load("rank")
SIZES = {"T": 50, "N": 2, "M": 3, "K": 5, "K + 1": 6, "2": 2}


def helped(thing: object) -> str:
    return pydoc.render_doc(thing, renderer=pydoc.plaintext)


def test_help_of_the_package_names_what_it_offers() -> None:
    text = helped(cmarlsim)
    for name in set(cmarlsim.__all__) - {"__version__"}:
        assert re.search(rf"^    {name} +\w+ \w+", text, re.MULTILINE), name


def test_completion_offers_the_public_names_alone() -> None:
    fresh = "import cmarlsim; print(*dir(cmarlsim))"
    offered = subprocess.run([sys.executable, "-c", fresh], capture_output=True, text=True, check=True)
    assert {name for name in offered.stdout.split() if not name.startswith("__")} == {
        name for name in cmarlsim.__all__ if not name.startswith("__")
    }
    assert all(hasattr(cmarlsim, name) for name in cmarlsim.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Scenarios'"):
        _ = cmarlsim.Scenarios


@pytest.mark.parametrize("name", DATASETS)
def test_every_dataset_is_documented_as_it_is(name: str) -> None:
    level = DATASETS[name].group
    run = execute(TINY, RANK, 50, record=level, links="sparse" if "link_" in name else "dense")
    text = getattr(Recording, name).__doc__
    found = re.search(r"(\w+) array \((.*?),?\), kept at level (.*?)[,;]", text)
    assert found is not None
    kind, shape, levels = found.groups()
    array = getattr(run, name)
    assert array.dtype == np.dtype(kind)
    assert array.shape == tuple(SIZES.get(size, len(array)) for size in shape.split(", "))
    assert level in levels.split(" or ")
    assert f" |  {name}\n |      {DATASETS[name].note[:40]}" in helped(Recording)


def test_a_recording_is_only_read() -> None:
    run = execute(TINY, RANK, 50)
    with pytest.raises(InputError, match="memory: lam cannot be set"):
        run.lam = np.zeros(3)


def test_one_line_says_what_it_is(tmp_path: Path) -> None:
    drawn = ["links.model=bernoulli", "links.p=0.3", "links.footprint=path"]
    assert [repr(Scenario.load("tiny", links)) for links in ([], drawn, ["links.model=never"])] == [
        "<Scenario tiny: 2 agents, 3 zones, T0 = 10, sight-or-disc d = 1 m>",
        "<Scenario tiny: 2 agents, 3 zones, T0 = 10, bernoulli p = 0.3>",
        "<Scenario tiny: 2 agents, 3 zones, T0 = 10, never>",
    ]
    assert str(TINY.at_range(2.5)).endswith("d = 2.5 m>")
    assert repr(RANK) == "<Policy rank: agent n takes its n-th largest multiplier>"
    assert repr(Policy.load("paper")) == (
        "<Policy for 5 agents, 6 zones, 12 tiles: networks of 256 hidden units>"
    )
    assert repr(TINY.floorplan) == "<FloorPlan tiny: 4 tiles, 4 waypoints, 3 edges>"
    run = execute(TINY, RANK, 20_000, 7, out=tmp_path / "r.h5", record="rollout")
    assert repr(run) == (
        f"<Recording {tmp_path}/r.h5: tiny, seed 7, 2,000 rollouts = 20,000 steps, level rollout>"
    )


def cells(html: str) -> list[list[str]]:
    return [re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in html.split("<tr")[1:]]


def test_notebooks_show_zones_with_escaped_names(tmp_path: Path) -> None:
    scenario = Scenario.load("tiny", ["zones.top.name=<b>top</b> & co", "name=<i>"])
    assert cells(scenario._repr_html_())[0] == ["zone", "c"]
    assert cells(scenario._repr_html_())[3] == ["&lt;b&gt;top&lt;/b&gt; &amp; co", f"{scenario.c[2]:.3g}"]
    assert "<i>" not in scenario._repr_html_()
    run = execute(scenario, RANK, 300, out=tmp_path / "r.h5")
    shown = cells(run._repr_html_())
    assert shown[0] == ["zone", "c", "satisfaction", "margin", "certified"]
    assert [float(row[3]) for row in shown[1:]] == pytest.approx(run.margin(), abs=1e-3)
    run.close()
    assert cells(run._repr_html_())[0] == ["zone", "c"]
    assert ["validation_margin", "0.319"] in cells(Policy.load("paper")._repr_html_())


def test_a_long_table_is_cut_off() -> None:
    rows = cells(table("x", {"number": range(100)}))
    assert (len(rows), rows[1], rows[7], rows[-1]) == (14, ["0"], ["..."], ["99"])
    assert len(cells(tiled(3, 2, N=4)._repr_html_())) == 14


def test_progress_on_a_terminal_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    show = progress.TextProgress("team", 4)
    show(1)
    show(3)
    err = capsys.readouterr().err
    assert (err.count("\r"), err.count("\n"), err.endswith("\n")) == (2, 1, True)


def test_progress_of_runs_goes_to_its_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    batch = [(TINY, RANK, seed) for seed in range(3)]
    shown, silent = (execute_batch(batch, 5000, progress=told) for told in (True, False))
    for one, other in zip(shown, silent, strict=True):
        assert (one.lam_last == other.lam_last).all()
    assert "3 runs: 100 %, 0:00:00 so far" in capsys.readouterr().err
    execute(TINY, RANK, 5000, progress=True)
    assert "tiny: 100 %, 0:00:00 so far" in capsys.readouterr().err


def test_names_are_loaded_on_first_use() -> None:
    """``import cmarlsim`` costs nothing: it imports neither NumPy nor Numba."""
    check = (
        "import sys, cmarlsim; print('numpy' in sys.modules, 'numba' in sys.modules, 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"] * 3


def test_progress_of_a_training_goes_to_its_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    recipe = RECIPES["paper"].model_copy(update=QUICK | {"pretrain_iterations": 30, "retrain_iterations": 2})
    shown = learn(TINY, 1, recipe=recipe, progress=True)
    assert "tiny: 100 %, " in capsys.readouterr().err
    assert learn(TINY, 1, recipe=recipe).sha256 == shown.sha256
