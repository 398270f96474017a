"""``python -m analysis.figure5c RECORDINGS``: the paper's Fig. 5c, the smallest margin against the range d.

One band over runs for each policy, and beside it what explains it, by `analysis.mismatch`: how far
multipliers are from the ideal ones, what that changes in what agents do, and what it costs. Recordings must
be of level ``rollout``; they may differ in policy, links.d and seed only. Five runs of the paper's scenario
for each policy and each d = 1 .. 6, in memory::

    python -m analysis.figure5c --run --policy "trained in the loop=paper" --policy "mine=results/mine.h5"

A sweep's folder stands for its recordings; ``data/sweeps/figure5c.toml`` is the sweep of the paper's figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.mismatch import mismatch
from analysis.paper_figure import PaperFigure, command_of
from analysis.recordings import label_of
from analysis.style import DOUBLE, new_figure
from cmarlsim.errors import InputError
from cmarlsim.policies.policy import Policy
from cmarlsim.recordings.recording import Recording
from cmarlsim.report.picture import plain
from cmarlsim.terminal.console import command

_LOOKS = (("#1f5fb4", "o", "-"), ("#b2182b", "s", "--"), ("#1f8a1f", "^", "-."), ("#6a3d9a", "D", ":"))
"""Colour, marker and line of the policies, in turn."""

_PANELS = {
    "smallest_margin": "smallest margin\n$\\mathrm{min}_m$ (satisfaction $-\\ c)_m$",
    "multiplier_error": "multiplier error\nmean of $\\mathrm{max}_m |\\lambda^n_k - \\lambda_k|_m$",
    "policy_change": "change of policy\nmean total variation",
    "mean_slope": "slope: mean and largest\nchange of policy / error",
    "value_L": "L of Assumption 2\n$\\|V_P - V_R\\|$ / largest error",
    "value_loss": "loss of value\nmean of $\\lambda_k^T (V_P - V_R) / \\|\\lambda_k\\|_1$",
}


def check_links(recordings: Sequence[Recording]) -> None:
    """Raise InputError unless links depend on a range d."""
    for recording in recordings:
        links = recording.scenario.links
        if links.model != "sight-or-disc":
            raise InputError(
                f"{recording.path}: links.model = '{links.model}': "
                "the figure needs 'sight-or-disc', with a range d"
            )


def tabulate(recordings: Sequence[Recording], policies: Mapping[str, Policy]) -> pd.DataFrame:
    """One row a run, ordered by policy, d and seed.

    Columns: policy, d, seed, ``smallest_margin`` (over zones, at the end of the run), the zone that has it,
    and what `mismatch` measures.

    Raises
    ------
    InputError
        If a recording has links without a range, or was made with none of `policies`.
    """
    check_links(recordings)
    labels = list(policies)

    def order(recording: Recording) -> tuple[int, float | None, int]:
        label = label_of(recording, policies)
        return labels.index(label), recording.scenario.links.d, recording.seed

    rows = []
    for recording in sorted(recordings, key=order):
        label, margin = label_of(recording, policies), recording.margin()
        row: dict[str, Any] = {"policy": label, "d": recording.scenario.links.d, "seed": recording.seed}
        row |= {"smallest_margin": margin.min(), "zone": recording.scenario.zones[margin.argmin()].name}
        rows.append(row | mismatch(recording, policies[label]))
    return pd.DataFrame(rows)


def draw_band(axes: Axes, table: pd.DataFrame, column: str) -> None:
    """Draw a column against d for each policy: the mean over runs in a band from smallest to largest."""
    for i, (label, mine) in enumerate(table.groupby("policy", sort=False)):
        colour, marker, line = _LOOKS[i % len(_LOOKS)]
        band = mine.groupby("d")[column].agg(["min", "mean", "max"])
        axes.fill_between(band.index, band["min"], band["max"], color=colour, alpha=0.25, linewidth=0)
        look: dict[str, Any] = {"color": colour, "marker": marker, "linestyle": line, "markersize": 3}
        axes.plot(band.index, band["mean"], label=plain(str(label)), **look)


def draw(table: pd.DataFrame) -> Figure:
    """Draw the smallest margin against the range d, with bands over runs, and what explains it."""
    figure = new_figure(DOUBLE, 4.2)
    panels = dict(zip(_PANELS, figure.subplots(2, 3, sharex=True).ravel(), strict=True))
    for column, axes in panels.items():
        draw_band(axes, table, column)
        axes.set_ylabel(_PANELS[column])
        axes.grid(linewidth=0.3, color="0.85")
        axes.set_xticks(sorted(table["d"].unique()))
    for column in ("smallest_margin", "value_loss"):
        panels[column].axhline(0, color="black", linewidth=0.6)
    for column in ("multiplier_error", "policy_change", "value_L"):
        panels[column].set_ylim(bottom=0)
    draw_band(panels["mean_slope"], table, "largest_slope")
    panels["mean_slope"].set_yscale("log")
    figure.supxlabel("range d (m)", fontsize=8)
    handles, labels = panels["smallest_margin"].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return figure


def margins(table: pd.DataFrame) -> pd.DataFrame:
    """Smallest, mean and largest of the smallest margins over runs, for each policy and range."""
    return table.groupby(["policy", "d"], sort=False)["smallest_margin"].agg(["min", "mean", "max"])


FIGURE = PaperFigure("figure5c", "ranges", "rollout", tabulate, draw, margins)

if __name__ == "__main__":
    command(command_of(FIGURE))
