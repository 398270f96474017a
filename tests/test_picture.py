"""The picture of a run shows what was recorded, and everything in it stays on the page."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from commands import Call
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from PIL import Image

from cmarlsim import Policy, Recording, Scenario, execute, tiled
from cmarlsim.report import run_picture
from cmarlsim.report.picture import COLOURS, spread
from cmarlsim.report.plan import SHADED, margin_shades
from cmarlsim.report.run_picture import STYLE, over_time, run_figure, spans
from cmarlsim.run import run
from cmarlsim.terminal.run_report import print_report

RANK = Policy.load("rank")
TEAM = Scenario.load("tiny", ["agents.N=4", "zones.top.name=$t^p$ and a long name"])
CAMPUS = tiled(3, 2, N=20)


def team_run(level: str = "step", seed: int = 3, steps: int = 300) -> Recording:
    return execute(TEAM, RANK, steps, seed=seed, record=level)


def campus_run(level: str) -> Recording:
    return execute(CAMPUS, RANK, 4000, record=level)


def drawn(*recordings: Recording) -> Figure:
    with matplotlib.rc_context(STYLE):
        figure = run_figure(recordings)
        FigureCanvasAgg(figure).draw()
    return figure


def axes_titled(figure: Figure, start: str) -> int:
    return next(i for i, axes in enumerate(figure.axes) if axes.get_title().startswith(start))


@pytest.mark.parametrize("level", ["step", "rollout"])
def test_multipliers_of_every_agent_stand_beside_the_ideal_ones(level: str) -> None:
    recording = team_run(level)
    figure = drawn(recording)
    first, K, T0 = axes_titled(figure, "multipliers"), recording.rollouts_done, TEAM.dual.T0
    for m, axes in enumerate(figure.axes[first : first + 3]):
        ideal, *local = axes.get_lines()
        assert (ideal.get_color(), ideal.get_linestyle()) == ("black", "--")
        assert ideal.get_zorder() > max(line.get_zorder() for line in local)
        assert axes.transLimits.transform((0, 0))[1] > 0.15  # ideal ones that stay 0 are not on the frame
        assert np.array_equal(ideal.get_ydata(), recording.lam_ideal[:K, m])
        for n, line in enumerate(local):
            assert np.array_equal(line.get_xdata(), np.arange(K) * T0)
            assert np.array_equal(line.get_ydata(), recording.lam[:K, n, m])
            assert line.get_color() == COLOURS[m]
        assert len(local) == 4
        assert axes.get_ylim()[1] > recording.lam[:, :, m].max()


def test_of_many_agents_the_range_of_multipliers_is_drawn() -> None:
    recording = execute(Scenario.load("tiny", ["agents.N=13"]), RANK, 300)
    figure = drawn(recording)
    axes = figure.axes[axes_titled(figure, "multipliers: range of agents")]
    (band,), (_, mean) = axes.collections, axes.get_lines()
    lam = recording.lam[:-1, :, 0]
    corners = band.get_paths()[0].vertices
    assert corners[:, 1].max() == lam.max()
    assert np.allclose(mean.get_ydata(), lam.mean(axis=1), rtol=0, atol=1e-15)


def test_satisfaction_is_drawn_with_its_thresholds_and_the_names_of_zones() -> None:
    runs = [team_run("rollout", seed) for seed in range(3)]
    figure = drawn(*runs)
    axes = figure.axes[axes_titled(figure, "satisfaction")]
    curves, thresholds = axes.get_lines()[::2], axes.get_lines()[1::2]
    mean = np.mean([recording.satisfaction("rollout") for recording in runs], axis=0)
    for m in range(3):
        assert np.allclose(curves[m].get_ydata(), mean[:, m], rtol=0, atol=1e-12)
        assert set(thresholds[m].get_ydata()) == {TEAM.c[m]}
    assert [text.get_text() for text in axes.texts] == ["left", "right", r"\$t^p\$ and a…"]
    assert [text.get_color() for text in axes.texts] == list(COLOURS[:3])


def test_every_colour_bar_has_a_label_and_steps_have_separators() -> None:
    for scenario in (TEAM, CAMPUS):
        figure = drawn(execute(scenario, RANK, 4000, record="step"))
        bars = [axes for axes in figure.axes if axes.get_label() == "<colorbar>"]
        assert all(axes.get_ylabel() for axes in bars)
        assert len(bars) == (1 if scenario is TEAM else 2)
        timed = [axes for axes in figure.axes if axes.get_xlabel().startswith("step t")]
        assert timed
        assert all("4,000" in [label.get_text() for label in axes.get_xticklabels()] for axes in timed)


def test_the_table_has_the_numbers_of_the_picture(capsys: pytest.CaptureFixture[str]) -> None:
    for recording in (campus_run("summary"), team_run("summary")):
        print_report([recording])
        rows = [line.strip("│ ").split() for line in capsys.readouterr().out.splitlines() if line[:1] == "│"]
        names = [zone.name for zone in recording.scenario.zones]
        numbered = recording.scenario is CAMPUS
        assert [row[0] for row in rows] == (
            [str(m) for m in range(36)] if numbered else [n.split()[0] for n in names]
        )
        assert not numbered or [row[2] for row in rows] == names


def test_where_agents_were_adds_up() -> None:
    recording = team_run()
    dots = drawn(recording).axes[0].collections[-1]
    places, counts = np.unique(recording.position.reshape(-1, 2).round(3), axis=0, return_counts=True)
    shown = dict(zip(map(tuple, dots.get_offsets().tolist()), dots.get_array().tolist(), strict=True))
    share = 100 * counts / counts.sum()
    assert shown == pytest.approx(dict(zip(map(tuple, places.tolist()), share.tolist(), strict=True)))


def test_many_zones_are_numbered_in_the_colours_of_their_margins_and_are_rows_of_maps() -> None:
    recording = campus_run("rollout")
    figure = drawn(recording)
    margins, local, ideal = (
        figure.axes[axes_titled(figure, title)].get_images()[0]
        for title in ("margin", "local multipliers", "ideal multipliers")
    )
    assert np.allclose(margins.get_array(), recording.margin("rollout").T, rtol=0, atol=1e-12)
    assert np.allclose(local.get_array(), recording.lam[:-1].mean(axis=1).T, rtol=0, atol=1e-12)
    assert np.array_equal(ideal.get_array(), recording.lam_ideal[:-1].T)
    assert local.get_clim() == ideal.get_clim()
    plan = figure.axes[0]
    assert [text.get_text() for text in plan.texts] == [str(m) for m in range(36)]
    (zones,) = (each for each in plan.collections if each.get_zorder() == SHADED)
    shades = margin_shades()
    for m, (center, margin) in enumerate(zip(CAMPUS.zone_centers, recording.margin(), strict=True)):
        assert zones.get_paths()[m].vertices[:-1].mean(axis=0) == pytest.approx(center)
        assert tuple(zones.get_facecolor()[m]) == to_rgba(shades.to_rgba(margin))
        assert margins.cmap(margins.norm(margin)) == shades.to_rgba(margin)


@pytest.mark.parametrize("scenario", [TEAM, CAMPUS])
def test_without_time_means_are_drawn(scenario: Scenario) -> None:
    whole, sums = (execute(scenario, RANK, 4000, record=level) for level in ("rollout", "summary"))
    figure = drawn(sums)
    above, below = (axes_titled(figure, title) for title in ("satisfaction", "multipliers"))
    for m in range(scenario.M):
        assert figure.axes[above].get_lines()[m].get_ydata().tolist() == [whole.satisfaction()[m]]
        shown = figure.axes[below].get_lines()[m]
        assert np.allclose(shown.get_ydata(), whole.lam[:-1, :, m].mean(axis=0), rtol=0, atol=1e-12)
        assert set(shown.get_xdata()) == {m}
    lines = figure.axes[above].collections[0].get_segments()
    assert [line[0, 1] for line in lines] == list(scenario.c)


@pytest.mark.parametrize("record", ["step", "rollout", "summary"])
@pytest.mark.parametrize("scenario", [TEAM, CAMPUS, Scenario.load("paper"), Scenario.load("tiny")])
def test_all_that_is_written_stays_on_the_page(scenario: Scenario, record: str) -> None:
    figure = drawn(execute(scenario, RANK, 2000, record=record))
    width, height = figure.get_size_inches()
    assert (width, 4 < height < 8) == (run_picture.WIDTH, True)
    written = figure.get_tightbbox()
    assert written.x0 >= 0
    assert written.y0 >= 0
    assert written.x1 <= width
    assert written.y1 <= height
    plan = figure.axes[0].get_window_extent()
    assert plan.width > 0.55 * figure.bbox.width or plan.height > 0.3 * figure.bbox.height


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0, 0.1))
def test_labels_of_curves_keep_their_order_and_their_distance(ends: list[float], distance: float) -> None:
    heights = spread(np.array(ends), distance)
    order = np.argsort(ends, kind="stable")
    assert (np.diff(heights[order]) >= distance - 1e-12).all()
    assert heights.min() >= -1e-12
    assert heights.max() <= 1 + 1e-12


def test_labels_that_fit_stay_beside_their_curves() -> None:
    ends = np.array([0.9, 0.2, 0.5, 0.52])
    assert spread(ends, 0.05) == pytest.approx([0.9, 0.2, 0.5, 0.55])
    assert spread(np.array([1.0, 0.99]), 0.05) == pytest.approx([1.0, 0.95])


def test_more_labels_than_fit_share_what_there_is() -> None:
    assert np.allclose(spread(np.full(5, 0.5), 0.9), np.linspace(0, 1, 5))


@pytest.mark.parametrize(("most", "size"), [(400, 1), (30, 1), (7, 5), (4, 8), (1, 30)])
def test_points_of_long_runs_are_means_over_rollouts(
    monkeypatch: pytest.MonkeyPatch, most: int, size: int
) -> None:
    recording = team_run("rollout")
    monkeypatch.setattr(run_picture, "MOST_TIMES", most)
    monkeypatch.setattr("cmarlsim.recordings.recording._BLOCK_BYTES", 900)
    K = recording.rollouts_done
    assert K == 30
    parts = [recording.lam[k : min(k + size, K)] for k in range(0, K, size)]
    steps, local = over_time(recording, "lam")
    assert steps.tolist() == [k * TEAM.dual.T0 for k in range(0, K, size)]
    assert np.allclose(local, [part.mean(axis=0) for part in parts], rtol=0, atol=1e-12)
    _, reduced = over_time(recording, "lam", spans)
    lowest = [part.min(axis=1).mean(axis=0) for part in parts]
    assert np.allclose(reduced[:, 0], lowest, rtol=0, atol=1e-12)


@pytest.mark.parametrize("level", ["step", "rollout", "summary"])
def test_the_command_draws_every_level_in_print_quality(call: Call, level: str) -> None:
    arguments = ["tiny", "--policy", "rank", "--steps", "500", "--record", level, "--runs", "2"]
    code, out, err = call(run, *arguments, "--out", "r.h5")
    assert (code, err) == (0, "")
    assert "picture:   r.png" in out
    with Image.open(Path("r.png")) as picture:
        assert picture.width == 7.16 * 300
        assert round(picture.info["dpi"][0]) == 300
