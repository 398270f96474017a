"""Tidy tables, summed up."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from analysis.baselines.catalogue import OURS, RULE, Baseline, Tuned, dwell_times
from cmarlsim.scenario import Scenario


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

    @property
    def names(self) -> list[str]:
        """Names of the baselines."""
        return [baseline.name for baseline in self.baselines]

    @property
    def team(self) -> str:
        """The team that the others are set beside: the trained one, or else that of Lemma 1's rule."""
        return OURS if OURS in self.names else RULE

    @property
    def partition(self) -> str:
        """The partition with the longer dwell times."""
        return f"partition-{max(dwell_times(self.scenario))}"


def smallest(zones: pd.DataFrame) -> pd.DataFrame:
    """A row a run: the smallest margin, mean and worst idleness over zones, and the team's columns."""
    first = dict.fromkeys(("metres", "bits_sent", "lam_change"), "first")
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
