"""Recordings as tables of pandas and data sets of xarray."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from cmarlsim import InputError, Policy, Recording, Scenario, execute
from cmarlsim.recordings.datasets import DATASETS

PAPER, RANK = Scenario.load("paper"), Policy.load("rank")
ZONES = ["red", "green", "blue", "orange", "cyan", "magenta"]
K, T0, N, M = 7, 100, 5, 6


@pytest.fixture(scope="module")
def run() -> Recording:
    return execute(PAPER, RANK, K * T0, 3)


def test_margins_and_multipliers_over_time_in_one_line(run: Recording) -> None:
    frame = run.to_frame()
    assert frame.index.name == "t"
    assert frame.index.to_list() == [(k + 1) * T0 for k in range(K)]
    assert frame.columns.names == ["quantity", "m"]
    assert list(frame["margin"].columns) == ZONES
    assert np.array_equal(frame["margin"], run.margin("rollout"))
    assert np.allclose(frame["satisfaction"].iloc[-1], run.satisfaction(), rtol=0, atol=1e-12)
    assert np.array_equal(frame["reward_mean"], run.reward_mean)
    assert np.array_equal(frame["lam_ideal"], run.lam_ideal[1:])  # after t steps; row 0 is before the first


def test_multipliers_of_every_agent_have_names(run: Recording) -> None:
    frame = run.to_frame("lam")
    assert frame.columns.names == ["n", "m"]
    assert frame.index.to_list() == [k * T0 for k in range(K + 1)]
    for n in range(N):
        for m, zone in enumerate(ZONES):
            assert np.array_equal(frame[n, zone], run.lam[:, n, m])
    assert np.array_equal(frame.xs("cyan", axis=1, level="m"), run.lam[:, :, 4])


@pytest.mark.parametrize("name", ["position", "tile", "action", "link", "reward", "estimate"])
def test_rows_of_steps_are_numbered_by_step(run: Recording, name: str) -> None:
    frame, array = run.to_frame(name), run.read(name)
    assert (frame.index.name, frame.index.to_list()) == ("t", list(range(K * T0)))
    assert list(frame.columns.names) == list(DATASETS[name].axes[1:])
    assert np.array_equal(frame.to_numpy().reshape(array.shape), array)


def test_sparse_links_and_summaries_have_tables_too() -> None:
    sparse = execute(PAPER, RANK, T0, links="sparse")
    assert np.array_equal(sparse.to_frame("link_count")["link_count"], sparse.link_count)
    assert sparse.to_frame("link_pair").shape == sparse.link_pair.shape
    summary = execute(PAPER, RANK, T0, record="summary")
    assert summary.to_frame("reward_count").loc["cyan", "reward_count"] == summary.reward_count[4]
    assert summary.to_frame("lam_last").shape == (N, M)
    assert set(summary.to_xarray().data_vars) == {"c", "reward_count", "lam_mean", "lam_last"}
    with pytest.raises(InputError, match="recorded at level 'summary', which keeps no 'reward_mean'"):
        summary.to_frame()


def test_a_name_that_is_none_is_told_with_the_nearest(run: Recording) -> None:
    with pytest.raises(InputError, match=r"name = 'margins': must be one of .*; did you mean 'margin'\?"):
        run.to_frame("margins")


def test_xarray_has_names_steps_and_metres(tmp_path: Path, run: Recording) -> None:
    data = run.to_xarray()
    assert data.margin.dims == ("k", "m")
    assert list(data.m.to_numpy()) == ZONES
    assert data.steps.to_numpy().tolist() == [(k + 1) * T0 for k in range(K)]
    assert data.position.attrs["units"] == "m"
    assert data.position.sel(axis="y", n=2, t=150).item() == run.position[150, 2, 1]
    assert np.array_equal(data.lam.sel(m="blue", n=1), run.lam[:, 1, 2])
    assert np.array_equal(data.margin, run.margin("rollout"))
    assert np.array_equal(data.c, PAPER.c)
    assert (data.attrs["scenario"], data.attrs["seed"], data.attrs["T0"]) == ("paper", 3, T0)
    for name in run.names:
        assert data[name].dims == DATASETS[name].axes
        assert np.array_equal(data[name], run.read(name)), name


def test_without_xarray_one_line_says_how_to_get_it(run: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(InputError, match=r"needs xarray, which pip install 'cmarlsim\[xarray\]' installs"):
        run.to_xarray()


def test_a_run_without_a_rollout_has_empty_tables() -> None:
    run = execute(PAPER, RANK, T0, progress=lambda done: False)
    run.rollouts_done = 0
    assert run.to_frame().shape == (0, 4 * M)
    assert run.to_xarray().sizes["t"] == 0
