"""``python -m analysis.figure4 RECORDINGS``: the paper's Fig. 4, constraint satisfaction over time.

Five runs of the paper's scenario and its figure::

    python -m cmarlsim.run --runs 5 --record rollout --out results/team.h5
    python -m analysis.figure4 results/team-seed*.h5

or in one go ``python -m analysis.figure4 --run``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analysis.paper_figure import PaperFigure, command_of
from analysis.style import DOUBLE, new_figure
from cmarlsim.recordings.recording import Recording
from cmarlsim.report.picture import COLOURS, LONGEST_NAME, colour, plain, satisfaction_band, shortened
from cmarlsim.terminal.console import command

COLUMNS = 5
"""Of the legend, where zones are many."""


def tabulate(recordings: Sequence[Recording]) -> pd.DataFrame:
    """One row a zone and rollout: zone, c, step, and the lowest, mean and highest satisfaction over runs."""
    steps, band = satisfaction_band(recordings)
    zones = recordings[0].scenario.zones
    parts = [
        pd.DataFrame({"zone": zone.name, "c": zone.c, "step": steps, "low": low, "mean": mean, "high": high})
        for zone, (low, mean, high) in zip(zones, band.transpose(2, 0, 1), strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def draw(table: pd.DataFrame) -> Figure:
    """Draw satisfaction over time with a band over runs, and the threshold, for every zone."""
    zones = table["zone"].nunique()
    many = zones > len(COLOURS)
    figure = new_figure(DOUBLE, 3.2 + (0.16 * math.ceil(zones / COLUMNS) if many else 0.0))
    axes = figure.subplots()
    for m, (zone, mine) in enumerate(table.groupby("zone", sort=False)):
        axes.fill_between(mine["step"], mine["low"], mine["high"], color=colour(m), alpha=0.3, linewidth=0)
        name = plain(shortened(str(zone), LONGEST_NAME) if many else str(zone))
        axes.plot(mine["step"], mine["mean"], color=colour(m), linestyle=line(m), label=name)
        axes.axhline(mine["c"].iloc[0], color=colour(m), linestyle="--", linewidth=1)
    axes.set_xlabel("step t")
    axes.set_ylabel("satisfaction (solid), threshold c (dashed)")
    axes.set_xlim(0, table["step"].max())
    axes.set_ylim(0, 1)
    if many:
        figure.legend(title="zone", loc="outside lower center", ncols=COLUMNS, handlelength=4)
    else:
        axes.legend(title="zone", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def line(m: int) -> Any:
    """Line style of zone m: solid, and of more zones than colours, longer and longer dashes."""
    times = m // len(COLOURS)
    return (0, (1 + 2 * (times - 1), 1.5)) if times else "-"


def margins(table: pd.DataFrame) -> pd.DataFrame:
    """Smallest, mean and largest margin of each zone over runs, at the end."""
    last = table.groupby("zone", sort=False).last()
    return last[["low", "mean", "high"]].sub(last["c"], axis=0).set_axis(["min", "mean", "max"], axis=1)


FIGURE = PaperFigure("figure4", "runs", "rollout", tabulate, draw, margins)

if __name__ == "__main__":
    command(command_of(FIGURE))
