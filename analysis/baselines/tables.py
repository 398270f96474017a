"""Tidy tables, summed up."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from analysis.baselines.bound import upper_bound
from analysis.baselines.partition import best_partition
from analysis.baselines.rungs import Rung, Tuned
from cmarlsim.scenario import Scenario

DWELLS = (10, 20, 50, 100, 200, 500, 1000)
WAITS = (20, 25, 30, 35, 40, 50, 100, 1000, 10_000)


class Results(NamedTuple):
    """All that was measured."""

    scenario: Scenario
    steps: int
    seeds: int
    rungs: list[Rung]
    tuned: Tuned
    bound: float
    zones: pd.DataFrame  # `measure.ladder_rows`
    events: pd.DataFrame  # `measure.event_rows`
    capacity: pd.DataFrame  # `measure.capacity_rows`
    frontier: pd.DataFrame  # `frontier`


def smallest(zones: pd.DataFrame) -> pd.DataFrame:
    """A row a run: the smallest margin, mean and worst idleness over zones, and the team's columns."""
    columns = {
        "margin": "min",
        "idleness_mean": "mean",
        "idleness_worst": "max",
        "metres": "first",
        "bits_sent": "first",
        "bits_least": "first",
        "lam_change": "first",
    }
    return zones.groupby(["rung", "seed"], sort=False).agg(columns).reset_index()


def band(runs: pd.DataFrame, column: str = "margin", by: str | list[str] = "rung") -> pd.DataFrame:
    """Columns min, mean and max over the runs of each rung."""
    return runs.groupby(by, sort=False)[column].agg(["min", "mean", "max"])


def after_events(events: pd.DataFrame) -> pd.DataFrame:
    """A row an event and run: smallest margins before, after, and in the last quarter; `informed`."""
    columns = {
        "margin_before": "min",
        "margin_after": "min",
        "margin_last_quarter": "min",
        "informed": "first",
    }
    return events.groupby(["event", "rung", "seed"], sort=False).agg(columns).reset_index()


def frontier(scenario: Scenario, steps: int) -> pd.DataFrame:
    """Margin against the longest time for which a zone is left alone: of fixed partitions, and the bound."""
    rows = []
    for longest in DWELLS:
        best = best_partition(scenario, longest)
        rows.append(
            {"curve": "partition", "dwell": longest, "idleness": best.idleness, "margin": best.margin}
        )
    for wait in WAITS:
        rows.append({"curve": "bound", "idleness": wait, "margin": upper_bound(scenario, steps, wait)})
    return pd.DataFrame(rows)
