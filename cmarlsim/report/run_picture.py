"""The picture of a run: where agents were, satisfaction against the thresholds, and the multipliers.

Up to `MOST_NAMES` zones have curves with their names; more zones are the rows of maps. A recording at level
``summary`` knows nothing of time: then means over the run are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cmarlsim.kernels.world import Floats
from cmarlsim.recordings.recording import Recording
from cmarlsim.report.building import Paper
from cmarlsim.report.picture import (
    colour,
    draw_satisfaction,
    mark_steps,
    plain,
    satisfaction_band,
    shortened,
    zone_names,
)
from cmarlsim.report.placing import keep_on_page, place_labels
from cmarlsim.report.plan import MOST_NAMES, draw_plan, margin_shades
from cmarlsim.storage.files import published

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MOST_LINES = 12
"""Up to so many agents have a line each; of more there is a band from the smallest to the largest."""

MOST_TICKED = 6
"""Up to so many zones have room for more than two ticks at their multipliers."""

MOST_TIMES = 400
"""Most points of a curve of multipliers; of longer runs each is a mean over some rollouts."""

WIDTH, DPI = 7.16, 300
"""Inches of the picture, as wide as two columns of print, and pixels an inch."""

LOWEST, HIGHEST, HIGHEST_OF_MANY, LOWER_HALF = 1.7, 3.6, 5.5, 3.1
"""Inches from bottom to top that the plan of few zones or of many may take, and that the rest takes."""

LONGEST_TITLE = 30
"""Most characters of a scenario's name."""

STYLE: Any = {
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
}


def draw_runs(recordings: Sequence[Recording], path: Path) -> None:
    """Write the picture of runs of one scenario, recorded at one level, as a PNG file.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    import matplotlib

    with matplotlib.rc_context(STYLE), published(path) as scratch:
        run_figure(recordings).savefig(scratch, format="png", dpi=DPI)


def run_figure(recordings: Sequence[Recording]) -> Figure:
    """The figure of runs of one scenario: the floor plan on top, satisfaction and multipliers below.

    Satisfaction is that of all runs, positions and multipliers are those of the first one.
    """
    from matplotlib.figure import Figure

    scenario = recordings[0].scenario
    highest = HIGHEST if scenario.M <= MOST_NAMES else HIGHEST_OF_MANY
    paper = Paper(scenario, WIDTH, highest)
    across, up = paper.size
    heights = float(np.clip(WIDTH * up / across, LOWEST, highest)), LOWER_HALF
    figure = Figure((WIDTH, sum(heights)), layout="constrained")
    figure.suptitle(headline(recordings), fontsize="large")
    halves: Any = figure.subfigures(2, 1, height_ratios=heights)
    top, bottom = halves
    plan = top.subplots()
    labels = draw_plan(plan, recordings, paper)
    if recordings[0].level == "summary":
        draw_means(bottom, recordings)
    elif scenario.M <= MOST_NAMES:
        left, right = bottom.subfigures(1, 2)
        axes = left.subplots()
        draw_satisfaction(axes, recordings)
        axes.set_title("satisfaction over time")
        draw_multipliers(right, recordings[0])
    else:
        draw_maps(bottom, recordings)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    keep_on_page(plan)
    place_labels(plan, labels)
    return figure


def headline(recordings: Sequence[Recording]) -> str:
    """What was run, in a line."""
    first, scenario = recordings[0], recordings[0].scenario
    team = f"{scenario.agents.N} agents, {scenario.M} zones, links {scenario.links.model}"
    seeds = f"seed {first.seed}"
    if len(recordings) > 1:
        seeds = f"seeds {first.seed} to {recordings[-1].seed} (positions and multipliers: {first.seed})"
    return f"{plain(shortened(scenario.name, LONGEST_TITLE))}: {team}; {first.steps:,} steps, {seeds}"


def draw_multipliers(figure: SubFigure, recording: Recording) -> None:
    """Draw for each zone the local multipliers over time, eq. (18), and the ideal ones, eq. (16)."""
    scenario = recording.scenario
    lines = scenario.agents.N <= MOST_LINES
    steps, ideal = over_time(recording, "lam_ideal")
    _, local = over_time(recording, "lam", None if lines else spans)
    panels, names = np.atleast_1d(figure.subplots(scenario.M, 1, sharex=True)), zone_names(scenario)
    for m, axes in enumerate(panels):
        axes.plot(steps, ideal[:, m], color="black", linewidth=1.6, linestyle="--", zorder=3)
        axes.text(1.01 * recording.steps, ideal[-1, m], "ideal", va="center")
        if lines:
            axes.plot(steps, local[:, :, m], color=colour(m), linewidth=0.6)
        else:
            axes.fill_between(steps, local[:, 0, m], local[:, 2, m], color=colour(m), alpha=0.3, linewidth=0)
            axes.plot(steps, local[:, 1, m], color=colour(m), linewidth=0.7)
        axes.set_ylabel(names[m], color=colour(m), rotation=0, ha="right", va="center")
        top = max(local[..., m].max(), ideal[:, m].max()) or 1.0
        axes.set(xlim=(0, recording.steps), ylim=(-0.25 * top, 1.1 * top))
        if scenario.M > MOST_TICKED:
            axes.set_yticks([0.0, float(f"{0.9 * top:.1g}")])
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_title(f"multipliers: {'each line is one agent' if lines else 'range of agents and mean'}")
    mark_steps(panels[-1], time_label(recording))


def draw_maps(figure: SubFigure, recordings: Sequence[Recording]) -> None:
    """Draw many zones: a row for each, with time from left to right."""
    recording = recordings[0]
    _, (_, mean, _) = satisfaction_band(recordings)
    _, ideal = over_time(recording, "lam_ideal")
    _, local = over_time(recording, "lam", spans)
    panels = figure.subplots(1, 3, sharey=True)
    shades = margin_shades()
    looks = {"cmap": "magma_r", "vmin": 0.0, "vmax": max(ideal.max(), local[:, 1].max()) or 1.0}
    draw_map(panels[0], recording, mean - recording.scenario.c, cmap=shades.cmap, norm=shades.norm)
    draw_map(panels[1], recording, local[:, 1], **looks)
    multipliers = draw_map(panels[2], recording, ideal, **looks)
    titles = ("margin so far (colours as above)", "local multipliers, mean of agents", "ideal multipliers")
    for axes, title in zip(panels, titles, strict=True):
        axes.set_title(title)
        mark_steps(axes, "step t" if axes is panels[0] else time_label(recording))
    panels[0].set_ylabel("zone m")
    figure.colorbar(multipliers, ax=panels[1:].tolist(), label="multiplier")


def draw_map(axes: Axes, recording: Recording, values: Floats, **looks: Any) -> Any:
    """Draw values over the time of a run, (n, M), as a picture with a row for each zone, the first on top."""
    extent = (0, recording.steps, values.shape[1] - 0.5, -0.5)
    return axes.imshow(values.T, aspect="auto", extent=extent, interpolation="nearest", **looks)


def draw_means(figure: SubFigure, recordings: Sequence[Recording]) -> None:
    """Draw for each zone satisfaction against its threshold, and the mean multipliers of agents."""
    scenario = recordings[0].scenario
    zones = np.arange(scenario.M)
    satisfaction = np.array([recording.satisfaction() for recording in recordings])
    upper, lower = figure.subplots(2, 1, sharex=True)
    upper.hlines(scenario.c, zones - 0.4, zones + 0.4, color="black", linewidth=1)
    upper.set(ylim=(0, 1.05), title="satisfaction in each run (dots), thresholds c (lines)")
    lower.set(title="multipliers: mean over the run of each agent")
    for axes, values in ((upper, satisfaction), (lower, recordings[0].rows("summary/lam_mean"))):
        for m in range(scenario.M):
            axes.plot(np.full(len(values), m), values[:, m], "o", color=colour(m), markersize=2.5, alpha=0.6)
    lower.set(xlim=(-0.6, scenario.M - 0.4), ylim=(0, None), xlabel="zone m")
    if scenario.M <= MOST_NAMES:
        lower.set_xticks(zones, zone_names(scenario))


def time_label(recording: Recording) -> str:
    """Label of the time of multipliers, with the number of rollouts of which a point is the mean."""
    rollouts = rollouts_a_point(recording)
    return "step t" if rollouts == 1 else f"step t (means over {rollouts} rollouts)"


def rollouts_a_point(recording: Recording) -> int:
    """Rollouts of which a point of `over_time` is the mean."""
    return max(1, -(-recording.rollouts_done // MOST_TIMES))


def over_time(
    recording: Recording, name: str, reduce: Callable[[Floats], Floats] | None = None
) -> tuple[np.ndarray, Floats]:
    """Multipliers over time, at most `MOST_TIMES` means over as many rollouts, read in blocks.

    Parameters
    ----------
    name
        ``lam`` or ``lam_ideal``.
    reduce
        Applied to the multipliers of rollouts, (n, ...), to keep less of them.

    Returns
    -------
    (n,) array
        The step at which the first rollout of each mean begins.
    (n, ...) array
        Means of the multipliers in force, as `reduce` leaves them.
    """
    rollouts, size = recording.rollouts_done, rollouts_a_point(recording)
    starts, k, sums = np.arange(0, rollouts, size), 0, np.zeros(0)
    for block in recording.blocks(name, rollouts):
        values = reduce(block) if reduce else block
        if k == 0:
            sums = np.zeros((len(starts), *values.shape[1:]))
        np.add.at(sums, np.arange(k, k + len(block)) // size, values)
        k += len(block)
    counts = np.minimum(size, rollouts - starts)
    return starts * recording.scenario.dual.T0, (sums.T / counts).T


def spans(lam: Floats) -> Floats:
    """Smallest, mean and largest over agents of multipliers (n, N, M), as (n, 3, M)."""
    return np.stack([lam.min(axis=1), lam.mean(axis=1), lam.max(axis=1)], axis=1)
