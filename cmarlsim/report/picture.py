"""The picture of a run: where the team was, and satisfaction over time against the thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cmarlsim.recordings.recording import Recording
from cmarlsim.scenario import Scenario

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#d62728", "#1f8a1f", "#1f5fb4", "#e06c00", "#0093a8", "#c2189e")
"""Of zones: red, green, blue, orange, cyan and magenta as in the paper's Fig. 3, dark enough for print.
Reused in turn where there are more."""

OCCUPATION_STEPS = 40_000
"""Length of a run in the paper; of longer ones the end is drawn."""


CURVE_POINTS = 20_000
"""Of a curve over a run; more cannot be told apart."""


def colour(m: int) -> str:
    """Colour of zone m."""
    return COLOURS[m % len(COLOURS)]


def plain(text: str) -> str:
    """A user's text such that matplotlib does not take it for a formula."""
    return text.replace("$", r"\$")


def draw_floorplan(axes: Axes, scenario: Scenario) -> None:
    """Draw tiles, walls, waypoint edges and zones, in metres."""
    from matplotlib.patches import Circle, Rectangle

    plan = scenario.floorplan
    for tile in plan.tiles:
        x, y, right, top = tile.rectangle
        axes.add_patch(Rectangle((x, y), right - x, top - y, facecolor="0.93", edgecolor="white"))
    points = plan.waypoint_positions()
    for u, v in plan.edge_indices():
        axes.plot(*points[[u, v]].T, color="0.75", linewidth=0.8, linestyle=":")
    for m, zone in enumerate(scenario.zones):
        axes.add_patch(Circle(zone.center, zone.radius, color=colour(m), alpha=0.35))
    draw_walls(axes, scenario)
    axes.set_xlabel("x (m)")
    axes.set_ylabel("y (m)")


def draw_walls(axes: Axes, scenario: Scenario, width: float = 1.5) -> None:
    """Draw the walls, `width` points wide, and the zones' borders, to scale."""
    from matplotlib.patches import Circle

    for wall in scenario.floorplan.walls:
        axes.plot(*np.array(wall.points).T, color="black", linewidth=width)
    for m, zone in enumerate(scenario.zones):
        axes.add_patch(Circle(zone.center, zone.radius, fill=False, edgecolor=colour(m), linewidth=width / 2))
    axes.set_aspect("equal")


def draw_occupation(axes: Axes, recording: Recording) -> None:
    """Draw how often each position was held during the last steps, all agents together."""
    from matplotlib.colors import LogNorm

    points = recording.read("position", -OCCUPATION_STEPS).round(3)
    points = points.view(np.complex128).ravel()  # x + iy: one number a point sorts ten times faster
    places, counts = np.unique(points, return_counts=True)
    order = np.argsort(counts)
    percent = 100 * counts[order] / len(points)
    x, y = places[order].real, places[order].imag
    shades = LogNorm(min(1.0, percent.min()), 100.0)
    dots = axes.scatter(x, y, c=percent, s=6, cmap="viridis", norm=shades, zorder=3)
    bar = axes.figure.colorbar(dots, ax=axes, label="share of agent-steps", shrink=0.6, format="{x:g} %")
    bar.minorticks_off()


def satisfaction_band(recordings: Sequence[Recording]) -> tuple[np.ndarray, np.ndarray]:
    """Satisfaction over time in runs of one scenario.

    Returns
    -------
    (K,) array
        Steps so far, after each rollout of the shortest run; of a long one after some, the last included.
    (3, K, M) array
        Smallest, mean and largest satisfaction over the runs.
    """
    shortest = min(recording.rollouts_done for recording in recordings)
    stride = max(1, -(-shortest // CURVE_POINTS))
    curves = np.array([_satisfaction_after(recording, shortest, stride) for recording in recordings])
    steps = np.arange((shortest - 1) % stride + 1, shortest + 1, stride) * recordings[0].scenario.dual.T0
    return steps, np.array([curves.min(axis=0), curves.mean(axis=0), curves.max(axis=0)])


def _satisfaction_after(recording: Recording, rollouts: int, stride: int) -> np.ndarray:
    """Satisfaction after every `stride`-th rollout, the last of which is `rollouts`."""
    so_far, k = np.zeros((1, recording.scenario.M)), np.arange(0)
    shown = [so_far[:0]]
    for block in recording.blocks("reward_mean", rollouts):
        so_far = np.cumsum(np.concatenate([so_far[-1:], block]), axis=0)[1:]
        k = np.arange(len(block)) + (k[-1] + 1 if len(k) else 1)
        chosen = (rollouts - k) % stride == 0
        shown.append(so_far[chosen] / k[chosen, None])
    return np.concatenate(shown)


def draw_satisfaction(axes: Axes, recordings: Sequence[Recording]) -> None:
    """Draw satisfaction over time with the band over runs, and the thresholds, as in the paper's Fig. 4."""
    steps, (low, mean, high) = satisfaction_band(recordings)
    for m, zone in enumerate(recordings[0].scenario.zones):
        if len(recordings) > 1:
            axes.fill_between(steps, low[:, m], high[:, m], color=colour(m), alpha=0.3, linewidth=0)
        axes.plot(steps, mean[:, m], color=colour(m), label=plain(zone.name))
        axes.axhline(zone.c, color=colour(m), linestyle="--", linewidth=1)
    axes.set_xlabel("step t")
    axes.set_ylabel("satisfaction (solid), threshold c (dashed)")
    axes.set_xlim(0, steps[-1])
    axes.set_ylim(0, 1)
    axes.legend(title="zone", loc="upper left", bbox_to_anchor=(1.0, 1.0))


def draw_runs(recordings: Sequence[Recording], path: Path) -> None:
    """Write the picture of runs of one scenario, recorded at level ``step`` or ``rollout``, as a PNG file."""
    from matplotlib.figure import Figure

    scenario = recordings[0].scenario
    figure = Figure(figsize=(15, 5), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    draw_floorplan(left, scenario)
    if recordings[0].level == "step":
        draw_occupation(left, recordings[0])
    draw_satisfaction(right, recordings)
    seeds = ", ".join(str(recording.seed) for recording in recordings)
    team = f"{scenario.agents.N} agents, {scenario.M} zones, links {scenario.links.model}"
    left.set_title(f"{plain(scenario.name)}: {team}")
    right.set_title(f"satisfaction over time, seed {seeds}")
    figure.savefig(path, dpi=110)
