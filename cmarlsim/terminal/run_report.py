"""The table that a run prints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cmarlsim.recordings.recording import Recording
from cmarlsim.report.plan import MOST_NAMES

MOST_ROWS = 1000
"""Zones in the table: where there are more, those with the smallest margins."""


def band(values: np.ndarray) -> str:
    """One number, or smallest and largest over the runs."""
    low, high = f"{values.min():+.3f}", f"{values.max():+.3f}"
    return low if len(values) == 1 else f"{low} .. {high}"


def print_report(recordings: Sequence[Recording]) -> None:
    """Print satisfaction, margin and certificate of every zone, the smallest margin, and the files.

    Zones have numbers where the picture has them in place of names.

    The certificate is the best that any agent can give from its own multipliers: a proven lower bound on the
    satisfaction of this very run.
    """
    scenario = recordings[0].scenario
    satisfaction = np.array([recording.satisfaction() for recording in recordings])
    margin = satisfaction - scenario.c
    certificate = np.array([recording.certificate().max(axis=0) for recording in recordings])
    runs = "" if len(recordings) == 1 else f" x {len(recordings)} runs (smallest .. largest)"
    steps = " or ".join(f"{steps:,}" for steps in sorted({recording.steps for recording in recordings}))
    table = Table(title=f"{escape(scenario.name)}: {steps} steps{runs}")
    numbers = [str(m) for m in range(scenario.M)] if scenario.M > MOST_NAMES else []
    if numbers:
        table.add_column("m", justify="right")
    for heading in ("zone", "c", "satisfaction", "margin", "certified satisfaction"):
        table.add_column(heading, justify="left" if heading == "zone" else "right")
    shown = np.sort(np.argsort(margin.min(axis=0), kind="stable")[:MOST_ROWS])
    for m, zone in ((m, scenario.zones[m]) for m in shown.tolist()):
        kept = "green" if (margin[:, m] >= 0).all() else "red"
        table.add_row(
            *numbers[m : m + 1],
            escape(zone.name),
            f"{zone.c:g}",
            band(satisfaction[:, m]).replace("+", ""),
            f"[{kept}]{band(margin[:, m])}[/]",
            band(certificate[:, m]).replace("+", ""),
        )
    Console(emoji=False).print(table)
    if len(shown) < scenario.M:
        print(f"the {len(shown):,} zones with the smallest margins, of {scenario.M:,}")
    worst = np.unravel_index(margin.argmin(), margin.shape)
    name, seed = scenario.zones[worst[1]].name, recordings[worst[0]].seed
    print(f"smallest margin: {margin.min():+.3f} (zone {name}, seed {seed})")
    for recording in recordings:
        print(f"recording: {recording.path}")
