"""Pictures with few and with many zones: no label lies over another, and all is on the page."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations
from typing import Any

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from schools import school

from cmarlsim import Policy, Recording, Scenario, execute, tiled
from cmarlsim.report.building import Paper
from cmarlsim.report.canvas import Canvas
from cmarlsim.report.moments import largest_multiplier, moments
from cmarlsim.report.picture import COLOURS, LONGEST_NAME, colour, zone_names
from cmarlsim.report.placing import placed
from cmarlsim.report.run_picture import STYLE, run_figure

BUILDINGS = {
    "paper": lambda: Scenario.load("paper"),
    "6 zones": lambda: school(3, 2, long_names=True),
    "8 zones": lambda: school(8, long_names=True),
    "12 zones": lambda: school(6, 2, long_names=True, agents=5),
    "24 zones": lambda: school(12, 2, long_names=True),
    "24 discs": lambda: tiled(2, 2, N=20),
    "100 zones": lambda: school(25, 4, long_names=True),
    "102 discs": lambda: tiled(1, 17, N=60),
}


@cache
def recorded(building: str, level: str) -> Recording:
    scenario = BUILDINGS[building]()
    T0 = scenario.dual.T0
    return execute(scenario, Policy.load("rank"), max(1, 1000 // T0) * T0, record=level)


def texts(artist: Any) -> Iterator[Text]:
    """All that is written, and of axes the labels of those ticks that are seen."""
    for child in artist.get_children():
        if not child.get_visible():
            continue
        if isinstance(child, Axis):
            ticks = [label for tick in child._update_ticks() for label in (tick.label1, tick.label2)]
            yield from (text for text in (*ticks, child.label) if text.get_visible())
        elif isinstance(child, Text):
            yield child
        else:
            yield from texts(child)


def check(figure: Figure) -> list[str]:
    """Assert that labels do not overlap and that all is on the page; what is written."""
    written = [text for text in dict.fromkeys(texts(figure)) if text.get_text().strip()]
    boxes = [Text.get_window_extent(text) for text in written]  # of annotations without their lines
    for (one, box), (other, other_box) in combinations(zip(written, boxes, strict=True), 2):
        across = min(box.x1, other_box.x1) - max(box.x0, other_box.x0)
        up = min(box.y1, other_box.y1) - max(box.y0, other_box.y0)
        if across > 0.5 and up > 0.5 and not in_parallel(one, other):
            raise AssertionError(f"{one.get_text()!r} lies over {other.get_text()!r}")
    width, height = figure.bbox.size
    for text, box in zip(written, boxes, strict=True):
        assert min(box.x0, box.y0) > -0.5, text
        assert (box.x1, box.y1) < (width + 0.5, height + 0.5), text
    for axes in figure.axes:
        box = axes.get_tightbbox()
        assert box is not None
        assert min(box.x0, box.y0) > -0.5, axes
        assert box.x1 < width + 0.5, axes
        assert box.y1 < height + 0.5, axes
    return [text.get_text() for text in written]


def in_parallel(one: Text, other: Text) -> bool:
    """Whether two slanted texts, whose boxes overlap, run beside each other."""
    slope = np.deg2rad(one.get_rotation())
    if one.get_rotation() != other.get_rotation() or one.get_rotation() % 90 == 0:
        return False
    x, y = (text.get_transform().transform(text.get_position()) for text in (one, other))
    apart = x - y
    return bool(abs(apart @ (-np.sin(slope), np.cos(slope))) > one.get_fontsize() * one.get_figure().dpi / 72)


@pytest.mark.parametrize("level", ["step", "rollout", "summary"])
@pytest.mark.parametrize("building", BUILDINGS)
def test_pictures_of_runs_can_be_read(building: str, level: str) -> None:
    with matplotlib.rc_context(STYLE):
        figure = run_figure([recorded(building, level)])
        FigureCanvasAgg(figure).draw()
        written = check(figure)
    scenario = recorded(building, level).scenario
    named = zone_names(scenario) if scenario.M <= 8 else [str(m) for m in range(scenario.M)]
    assert set(named) <= {text.get_text() for text in figure.axes[0].texts}
    assert len([text for text in written if "floor with" in text]) == len(scenario.floorplan.levels)


@pytest.mark.parametrize("building", BUILDINGS)
def test_films_can_be_read(building: str) -> None:
    recording = recorded(building, "step")
    steps = range(40, 42)
    canvas = Canvas(recording.scenario, largest_multiplier(recording, steps))
    for moment in moments(recording, steps):
        canvas.draw(moment)
    check(canvas.plan.axes.figure.figure)
    M = recording.scenario.M
    numbers, outlines = canvas.plan.zones.get_offsets(), canvas.plan.paper.outlines()
    assert len(numbers) == (M if len(COLOURS) < M else 0)
    pixels = canvas.plan.axes.transData.transform
    for number, outline in zip(numbers, outlines, strict=False):
        middle = (outline.min(axis=0) + outline.max(axis=0)) / 2
        assert np.abs(pixels(number) - pixels(middle)).max() < 20


def test_labels_that_overlap_are_found() -> None:
    """What `check` says of a figure that cannot be read."""
    figure = Figure()
    FigureCanvasAgg(figure)
    figure.text(0.5, 0.5, "one")
    figure.text(0.9, 0.2, "two")
    assert check(figure) == ["one", "two"]
    figure.text(0.51, 0.5, "three")
    with pytest.raises(AssertionError, match="'one' lies over 'three'"):
        check(figure)
    figure.texts[-1].set_position((0.95, 0.9))
    figure.texts[-1].set_text("far too long a text")
    with pytest.raises(AssertionError, match="far too long"):
        check(figure)


def test_colours_differ() -> None:
    from matplotlib.colors import to_rgb

    assert len({colour(m) for m in range(len(COLOURS))}) == len(COLOURS) == 12
    for one, other in combinations(COLOURS, 2):
        assert np.linalg.norm(np.subtract(to_rgb(one), to_rgb(other))) > 0.2, (one, other)


def test_names_stay_different_when_they_are_short() -> None:
    paper = Scenario.load("paper")

    def short(*names: str) -> list[str]:
        zones = [zone.model_dump() | {"name": name} for zone, name in zip(paper.zones, names, strict=False)]
        return zone_names(Scenario.model_validate(paper.model_dump() | {"zones": zones}))

    assert short("a", "a long name indeed") == ["a", "a long name…"]
    assert short("laboratory no 11", "laboratory no 12") == ["labora…no 11", "labora…no 12"]
    both = short("laboratory 1 is in the north", "laboratory 2 is in the north")
    assert len(set(both)) == 2
    assert max(map(len, both)) <= LONGEST_NAME


@st.composite
def things(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    count = draw(st.integers(1, 30))
    corner = np.array(draw(st.lists(st.tuples(*[st.floats(0, 960)] * 2), min_size=count, max_size=count)))
    width = np.array(draw(st.lists(st.tuples(*[st.floats(0, 40)] * 2), min_size=count, max_size=count)))
    lengths = draw(st.lists(st.floats(5, 60), min_size=count, max_size=count))
    sizes = np.array([(length, 10.0) for length in lengths])
    return np.hstack([corner, corner + width]), sizes


@given(things(), st.booleans())
def test_labels_find_places_of_their_own(drawn: tuple[np.ndarray, np.ndarray], inside: bool) -> None:
    boxes, sizes = drawn
    centers = placed(boxes, sizes, np.full(len(boxes), inside), np.array([0, 0, 1000, 1000]))
    low, high = centers - sizes / 2, centers + sizes / 2
    assert low.min() >= -1e-9
    assert high.max() <= 1000 + 1e-9
    for a, b in combinations(range(len(boxes)), 2):
        assert (np.minimum(high[a], high[b]) - np.maximum(low[a], low[b])).min() < 1e-9


def test_levels_are_arranged_where_that_makes_them_larger() -> None:
    scenario = school(25, 4)
    paper, points = Paper(scenario, 7.0, 5.0), scenario.floorplan.waypoint_positions()
    assert paper.arranged
    assert paper.scale > 2 * 72 * 7.0 / np.ptp(points[:, 0])
    moved, level = paper.moved(points), scenario.floorplan.waypoint_levels()
    corners = []
    for each in range(4):
        shift = (moved - points)[level == each]
        assert np.ptp(shift, axis=0) == pytest.approx(0, abs=1e-9)
        x_min, y_min, x_max, y_max = scenario.floorplan.levels[each].rectangle
        corners.append(np.array([x_min, y_min, x_max, y_max]) + np.tile(shift[0], 2))
    for one, other in combinations(corners, 2):
        assert (np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])).min() < 0
    size = np.max(corners, axis=0)[2:] - np.min(corners, axis=0)[:2]
    assert (size <= paper.size + 1e-9).all()
    plain = Paper(school(3, 2), 7.0, 5.0)
    assert not plain.arranged
    assert np.array_equal(plain.moved(points), points)
