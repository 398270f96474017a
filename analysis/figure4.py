"""``python -m analysis.figure4 RECORDINGS``: the paper's Fig. 4, constraint satisfaction over time.

Five runs of the paper's scenario and its figure::

    python -m cmarlsim.run --runs 5 --record rollout --out results/team.h5
    python -m analysis.figure4 results/team-seed*.h5

or in one go ``python -m analysis.figure4 --run``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from analysis.options import OUT, RUNS, Force, Out, Recordings, Run, Runs
from analysis.recordings import obtain
from analysis.style import DOUBLE, free_stem, new_figure, save, styled
from cmarlsim.recordings.recording import Recording
from cmarlsim.report.picture import draw_satisfaction, satisfaction_band
from cmarlsim.terminal.console import command

NAME, LEVEL = "figure4", "rollout"


def tabulate(recordings: Sequence[Recording]) -> pd.DataFrame:
    """One row a zone and rollout: zone, c, step, and the lowest, mean and highest satisfaction over runs."""
    steps, band = satisfaction_band(recordings)
    zones = recordings[0].scenario.zones
    parts = [
        pd.DataFrame({"zone": zone.name, "c": zone.c, "step": steps, "low": low, "mean": mean, "high": high})
        for zone, (low, mean, high) in zip(zones, band.transpose(2, 0, 1), strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


@styled
def draw(recordings: Sequence[Recording]) -> Figure:
    """Draw a band over runs and the threshold for every zone."""
    figure = new_figure(DOUBLE, 3.2)
    draw_satisfaction(figure.subplots(), recordings)
    return figure


def make(recordings: Sequence[Recording], stem: Path) -> None:
    """Draw the figure of runs of one scenario and save it under `stem`."""
    save(draw(recordings), tabulate(recordings), stem)


def figure4(
    recordings: Recordings = None, run: Run = False, runs: Runs = RUNS, out: Out = OUT, force: Force = False
) -> int:
    """Draw constraint satisfaction over time with the band over runs, and say the smallest margins."""
    stem = free_stem(out, NAME, force)
    found = obtain(recordings, run, LEVEL, runs)
    make(found, stem)
    margins = pd.DataFrame([recording.margin() for recording in found])
    margins.columns = pd.Index([zone.name for zone in found[0].scenario.zones], name="zone")
    print(margins.agg(["min", "mean", "max"]).T.round(3).to_string())
    return 0


if __name__ == "__main__":
    command(figure4)
