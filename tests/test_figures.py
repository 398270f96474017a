"""The figures' numbers against plain computations, what is drawn against the numbers, and the files."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import FillBetweenPolyCollection, LineCollection
from matplotlib.figure import Figure

from analysis import figure3a, figure3bf, figure4, figure5a, figure5b
from analysis.style import free_stem, new_figure, save
from cmarlsim import InputError, Policy, Recording, Scenario, execute, execute_batch
from cmarlsim.report.picture import colour

RANK = Policy.load("rank")
PAPER, TINY = Scenario.load("paper"), Scenario.load("tiny")


@pytest.fixture(scope="module")
def run() -> Recording:
    return execute(PAPER, RANK, 1200, seed=3)


@pytest.fixture(scope="module")
def several() -> list[Recording]:
    return execute_batch([(TINY, RANK, seed) for seed in range(3)], 70, record="step")


def test_figure_4_has_the_band_over_runs(several: list[Recording]) -> None:
    table = figure4.tabulate(several)
    assert len(table) == 3 * 7
    for line in table.to_dict("records"):
        m = [zone.name for zone in TINY.zones].index(line["zone"])
        means = [sum(recording.reward[: line["step"], m]) / line["step"] for recording in several]
        assert (line["low"], line["high"]) == pytest.approx((min(means), max(means)), abs=1e-12)
        assert line["mean"] == pytest.approx(sum(means) / 3, abs=1e-12)
        assert line["c"] == TINY.zones[m].c
    assert table["step"].tolist() == 3 * list(range(10, 80, 10))
    assert (table["low"] < table["high"]).any()


def test_figure_4_draws_its_table(several: list[Recording]) -> None:
    table = figure4.tabulate(several)
    axes = figure4.draw(table).axes[0]
    bands = [band for band in axes.collections if isinstance(band, FillBetweenPolyCollection)]
    for m, (zone, mine) in enumerate(table.groupby("zone", sort=False)):
        curve, threshold = axes.lines[2 * m : 2 * m + 2]
        assert (curve.get_label(), curve.get_color()) == (zone, colour(m))
        assert np.allclose(curve.get_xydata(), mine[["step", "mean"]])
        assert set(threshold.get_ydata()) == set(mine["c"])
        border = bands[m].get_paths()[0].vertices
        for column in ("low", "high"):
            assert {(x, y) for x, y in mine[["step", column]].to_numpy()} <= {(x, y) for x, y in border}


def test_figure_3a_shows_places_of_the_run(run: Recording) -> None:
    table, position = figure3a.tabulate(run), run.position
    for line in table.to_dict("records"):
        assert (line["x"], line["y"]) == tuple(position[int(line["step"]), int(line["agent"])])
    walks = []
    for first in range(0, 1200, 300):
        spell = position[first : first + 300].tolist()
        walks.append(min(sum(math.dist(spell[t][n], spell[t + 1][n]) for t in range(299)) for n in range(5)))
    first = 300 * walks.index(max(walks))
    assert sorted(set(table["step"])) == list(range(first, first + 300))
    assert len(set(np.round(walks, 6))) > 1


def test_figure_3a_takes_the_spell_in_which_nobody_stands_for_long() -> None:
    run = execute(PAPER, RANK, 900, seed=3)
    position = run.file["step/position"]
    position[:] = 5.0
    position[0:300, 0, 0] = np.arange(300)  # one agent walks far, the others not at all
    position[300:600, :, 0] = np.arange(300)[:, None] / 10
    position[600:900, :4, 0] = np.arange(300)[:, None]
    assert figure3a.tabulate(run)["step"].min() == 300


def test_figure_3a_draws_the_plan_and_every_agent(run: Recording) -> None:
    table = figure3a.tabulate(run)
    axes = figure3a.draw(table, PAPER).axes[0]
    paths = {line.get_label(): line.get_xydata() for line in axes.lines if line.get_marker() != "None"}
    assert list(paths) == [f"agent {n}" for n in range(5)]
    for n in range(5):
        mine = table.loc[table["agent"] == n, ["x", "y"]].to_numpy()
        aside = paths[f"agent {n}"] - mine
        assert np.ptp(aside, axis=0).max() < 1e-9
        assert np.abs(aside).max() < 0.5
    lines = [each for each in axes.collections if isinstance(each, LineCollection)]
    (black,) = (each for each in lines if each.get_color().tolist() == [[0, 0, 0, 1]])
    drawn = [segment.tolist() for segment in black.get_segments()]
    assert drawn == [[list(point) for point in wall.points] for wall in PAPER.floorplan.walls]
    assert {text.get_text() for text in axes.texts} == {zone.name for zone in PAPER.zones}


def test_figure_3bf_counts_steps_in_bins(run: Recording) -> None:
    table = figure3bf.tabulate(run)
    plain: dict[tuple[int, float, float], int] = {}
    for step in run.position:
        for n, place in enumerate(step):
            x, y = (math.floor(Fraction(float(z)).limit_denominator(10**6) * 4) / 4 for z in place)
            plain[n, x, y] = plain.get((n, x, y), 0) + 1
    found = {(line["agent"], line["x"], line["y"]): line["steps"] for line in table.to_dict("records")}
    assert found == plain
    assert (9.0 * 4) % 1 == 0  # zone centres lie on borders of bins
    assert (6.0, 9.0) in {(x, y) for _, x, y in plain}


def test_figure_3bf_draws_120_x_56_bins(run: Recording) -> None:
    table = figure3bf.tabulate(run)
    figure = figure3bf.draw(table, PAPER)
    panels = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in panels] == [f"agent {n}" for n in range(5)]
    for n, axes in enumerate(panels):
        image = axes.images[0].get_array()
        assert image.shape == (56, 120)
        assert image.sum() == 1200
        for line in table[table["agent"] == n].to_dict("records"):
            assert image[round(line["y"] * 4), round(line["x"] * 4)] == line["steps"]
        assert image.count() == (table["agent"] == n).sum()
        assert axes.images[0].get_extent() == [0, 30, 0, 14]
        assert axes.images[0].norm.vmin == 1
        assert axes.images[0].norm.vmax == table["steps"].max()


def test_a_place_at_the_edge_of_the_box_is_in_the_last_bin() -> None:
    left, bottom, right, top = figure3bf.grid(TINY)
    boxes = [tile.rectangle for tile in TINY.floorplan.tiles]
    assert (left, bottom) == tuple(math.floor(min(0, *(box[i] for box in boxes))) for i in (0, 1))
    assert (right, top) == tuple(math.ceil(max(box[i] for box in boxes)) for i in (2, 3))
    run = execute(TINY, RANK, 50)
    run.file["step/position"][:] = [right, top]
    table = figure3bf.tabulate(run)
    assert set(table["x"]) == {right - 0.25}
    assert set(table["y"]) == {top - 0.25}


def test_a_place_on_a_border_of_bins_is_in_the_upper_one_whatever_was_rounded() -> None:
    run = execute(TINY, RANK, 30)
    run.file["step/position"][:10] = [1.0, 0.5]
    run.file["step/position"][10:20] = [1.0 - 1e-12, 0.5 - 1e-12]
    run.file["step/position"][20:] = [1.0 + 1e-12, 0.5 + 1e-12]
    table = figure3bf.tabulate(run)
    assert table[["x", "y", "steps"]].to_numpy().tolist() == [[1.0, 0.5, 30]] * 2


@pytest.mark.parametrize("links", ["dense", "sparse"])
def test_figure_5a_counts_links(links: str) -> None:
    runs = [execute(PAPER, RANK, 300, seed, links=links) for seed in (0, 4)]
    table = figure5a.tabulate(runs)
    assert len(table) == 2 * 20
    for recording in runs:
        linked = recording.links()
        for line in table[table["seed"] == recording.seed].to_dict("records"):
            count = sum(bool(step[line["agent"], line["other"]]) for step in linked)
            assert line["frequency"] == pytest.approx(count / 300)
    assert 0 < table["frequency"].mean() < 1


def test_figure_5a_draws_the_mean_and_leaves_white_what_never_is() -> None:
    pairs = [(n, other) for n in range(3) for other in range(3) if n != other]
    frequency = {(0, 1): (0.2, 0.4), (0, 2): (0.0, 0.0), (1, 2): (0.5, 1.0)}
    rows = [
        {"seed": seed, "agent": n, "other": other, "frequency": frequency[min(n, other), max(n, other)][seed]}
        for seed in (0, 1)
        for n, other in pairs
    ]
    axes = figure5a.draw(pd.DataFrame(rows)).axes[0]
    image = axes.images[0].get_array()
    assert image.mask.tolist() == [[True, False, True], [False, True, False], [True, False, True]]
    assert image[0, 1] == pytest.approx(0.3)
    assert image[2, 1] == pytest.approx(0.75)
    assert sorted(text.get_text() for text in axes.texts) == ["0.30", "0.30", "0.75", "0.75"]


def test_figure_5b_counts_neighbours_in_the_last_thousand_steps(run: Recording) -> None:
    table, linked = figure5b.tabulate(run), run.links()
    assert len(table) == 1000 * 5
    for line in table.to_dict("records"):
        assert line["neighbours"] == sum(linked[line["step"]][line["agent"]].tolist())
    assert sorted(set(table["step"])) == list(range(200, 1200))
    for n, axes in enumerate(figure5b.draw(table, PAPER).axes):
        assert np.array_equal(axes.lines[0].get_ydata(), table.loc[table["agent"] == n, "neighbours"])
    short = figure5b.tabulate(execute(TINY, RANK, 40))
    assert sorted(set(short["step"])) == list(range(40))


def picture() -> tuple[Figure, pd.DataFrame]:
    figure = new_figure(2, 1)
    figure.subplots().plot([1, 2], [3, 4])
    return figure, pd.DataFrame({"x": [1, 2], "y": [0.1, 1 / 3]})


def test_a_figure_is_saved_as_three_files_always_the_same(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save(*picture(), free_stem(tmp_path / "new folder", name, force=False))
    for suffix, begin in ((".png", b"\x89PNG"), (".pdf", b"%PDF"), (".csv", b"x,y\n1,0.1\n2,0.333333\n")):
        one, two = (
            (tmp_path / "new folder" / name).with_suffix(suffix).read_bytes() for name in ("one", "two")
        )
        assert one == two
        assert one.startswith(begin)
    assert b"CreationDate" not in (tmp_path / "new folder" / "one.pdf").read_bytes()


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".csv"])
def test_an_existing_file_is_kept_unless_forced(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"figure{suffix}").write_text("precious")
    with pytest.raises(InputError, match="force=True"):
        free_stem(tmp_path, "figure", force=False)
    assert free_stem(tmp_path, "figure", force=True) == tmp_path / "figure"
    with pytest.raises(InputError, match="is not a folder; name one"):
        free_stem(tmp_path / f"figure{suffix}", "figure", force=True)
