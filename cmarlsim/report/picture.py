"""What pictures of runs share: colours and names of zones, satisfaction over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cmarlsim.recordings.recording import Recording
from cmarlsim.scenario import Scenario

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (
    *("#d62728", "#1f8a1f", "#1f5fb4", "#e06c00", "#0093a8", "#c2189e"),
    *("#7a4b2a", "#7f7f00", "#9a6fd0", "#555555", "#ff7f9f", "#66c24a"),
)
"""Colours of zones: red, green, blue, orange, cyan and magenta as in the paper's Fig. 3, dark enough for
print, and six more. Where there are more zones they are reused in turn, and zones have their numbers beside
them."""

LONGEST_NAME = 12
"""Most characters of a zone's name."""

CURVE_POINTS = 20_000
"""Most points of a curve over a run; more cannot be told apart."""

LABEL_DISTANCE = 0.055
"""Least distance between the labels of two curves, as a fraction of the axes' height."""


def colour(m: int) -> str:
    """Colour of zone m."""
    return COLOURS[m % len(COLOURS)]


def plain(text: str) -> str:
    """A user's text such that matplotlib does not take it for a formula."""
    return text.replace("$", r"\$")


def shortened(name: str, most: int) -> str:
    """A name of at most `most` characters."""
    return name if len(name) <= most else name[: most - 1] + "…"


def zone_names(scenario: Scenario) -> list[str]:
    """Names of the zones, plain, and so short that they still differ."""
    names = [zone.name for zone in scenario.zones]
    for shorten in (shortened, _without_middle):
        short = [shorten(name, LONGEST_NAME) for name in names]
        if len(set(short)) == len(names):
            return [plain(name) for name in short]
    return [plain(shortened(f"{m} {name}", LONGEST_NAME)) for m, name in enumerate(names)]


def _without_middle(name: str, most: int) -> str:
    """A name of at most `most` characters that begins and ends as it did."""
    return name if len(name) <= most else f"{name[: most // 2]}…{name[most // 2 + 1 - most :]}"


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
        axes.axhline(zone.c, color=colour(m), linestyle="--", linewidth=0.8)
    axes.set(ylabel="satisfaction (solid), threshold c (dashed)", xlim=(0, steps[-1]), ylim=(0, 1))
    mark_steps(axes)
    label_ends(axes, mean[-1], zone_names(recordings[0].scenario))


def mark_steps(axes: Axes, label: str = "step t") -> None:
    """Label the axis of time, with few ticks, so that large numbers of steps can be read."""
    axes.set_xlabel(label)
    axes.locator_params("x", nbins=4, integer=True)
    axes.xaxis.set_major_formatter("{x:,.0f}")


def label_ends(axes: Axes, ends: np.ndarray, names: Sequence[str]) -> None:
    """Write the name of each zone beside the end of its curve, from 0 to 1, and none over another."""
    for m, height in enumerate(spread(ends, LABEL_DISTANCE)):
        axes.annotate(
            names[m],
            (1.0, ends[m]),
            (1.04, height),
            xycoords="axes fraction",
            color=colour(m),
            verticalalignment="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour(m), "linewidth": 0.6, "shrinkA": 1, "shrinkB": 0},
        )


def spread(heights: np.ndarray, distance: float) -> np.ndarray:
    """Heights from 0 to 1, (n,), in the same order and moved so that neighbours are `distance` apart.

    Where they would not fit, they are as far apart as fits.
    """
    order = np.argsort(heights, kind="stable")
    steps = min(distance, 1 / max(len(heights) - 1, 1)) * np.arange(len(heights))
    result = np.empty(len(heights))
    result[order] = np.minimum(np.maximum.accumulate(heights[order] - steps), 1 - steps[-1]) + steps
    return result
