"""Tidy tables, summed up."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from analysis.baselines.bound import upper_bound
from analysis.baselines.catalogue import Baseline, Tuned
from analysis.baselines.partition import best_partition
from cmarlsim.scenario import Scenario

DWELLS = (10, 20, 50, 100, 200, 500, 1000)
WAITS = (20, 25, 30, 35, 40, 50, 100, 1000, 10_000)


class Results(NamedTuple):
    """All that was measured."""

    scenario: Scenario
    steps: int
    seeds: int
    baselines: list[Baseline]
    tuned: Tuned
    bound: float
    zones: pd.DataFrame  # `measure.nominal_runs`
    events: pd.DataFrame  # `measure.event_runs`
    capacity: pd.DataFrame  # `measure.capacity_runs`
    frontier: pd.DataFrame  # `frontier`


def smallest(zones: pd.DataFrame) -> pd.DataFrame:
    """A row a run: the smallest margin, mean and worst idleness over zones, and the team's columns."""
    first = dict.fromkeys(("metres", "bits_sent", "bits_least", "lam_change"), "first")
    columns = {"margin": "min", "idleness_mean": "mean", "idleness_worst": "max"} | first
    return zones.groupby(["baseline", "seed"], sort=False).agg(columns).reset_index()


def band(runs: pd.DataFrame, column: str = "margin") -> pd.DataFrame:
    """Columns min, mean and max over the runs of each baseline."""
    return runs.groupby("baseline", sort=False)[column].agg(["min", "mean", "max"])


def after_events(events: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """For each event a row a run: smallest margins before, after, and in the last quarter; `informed`."""
    margins = dict.fromkeys(("margin_before", "margin_after", "margin_last_quarter"), "min")
    runs = events.groupby(["event", "baseline", "seed"], sort=False).agg(margins | {"informed": "first"})
    return {str(event): mine.reset_index() for event, mine in runs.groupby("event", sort=False)}


def frontier(scenario: Scenario, steps: int) -> pd.DataFrame:
    """Margin against the longest time for which a zone is left alone: of fixed partitions, and the bound."""
    best = {longest: best_partition(scenario, longest) for longest in DWELLS}
    rows = [("partition", longest, each.idleness, each.margin) for longest, each in best.items()]
    bounds = [("bound", None, wait, upper_bound(scenario, steps, wait)) for wait in WAITS]
    return pd.DataFrame([*rows, *bounds], columns=["curve", "dwell", "idleness", "margin"])
