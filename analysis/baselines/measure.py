"""Runs of the baselines, as tidy tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.baselines.bound import upper_bound
from analysis.baselines.catalogue import BOUND, Baseline, Sends
from analysis.baselines.metrics import bits_sent, distance, idleness, lam_change
from analysis.baselines.ruled_run import RuledRun
from cmarlsim.kernels.world import Bools, Floats
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import chunk_size

EVENTS = {"thresholds": "the thresholds are reversed", "death": "an agent dies"}
MOST = 0.95
"""Largest threshold that scaling leads to."""


def possible_events(scenario: Scenario) -> Mapping[str, str]:
    """Those of `EVENTS` that can be in a scenario: an agent that is alone does not die."""
    if scenario.agents.N > 1:
        return EVENTS
    return {event: text for event, text in EVENTS.items() if event != "death"}


def nominal_runs(baseline: Baseline, scenario: Scenario, steps: int, seeds: Sequence[int]) -> pd.DataFrame:
    """A row for each run and zone; the last three columns are the team's, and the same in all rows of a run.

    Metres and bits are per agent and step; for bits see `bits_sent`, for multipliers `lam_change`.
    """
    N, tables = scenario.agents.N, []
    for seed in seeds:
        ruled = baseline.start(scenario, steps, seed)
        seen = _watched(ruled, scenario, baseline.sends, steps // scenario.dual.T0)
        idle, satisfaction = idleness(seen.reward), seen.reward.mean(axis=0)
        columns = {
            "baseline": baseline.name,
            "seed": seed,
            "zone": [zone.name for zone in scenario.zones],
            "c": scenario.c,
            "satisfaction": satisfaction,
            "margin": satisfaction - scenario.c,
            "idleness_mean": idle.mean(axis=0),
            "idleness_worst": idle.max(axis=0),
            "metres": seen.metres / (steps * N),
            "bits_sent": seen.bits / (steps * N),
            "lam_change": lam_change(seen.lam),
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


class Watched(NamedTuple):
    """What is kept of a run."""

    reward: Bools  # (T, M)
    lam: Floats  # (K, N, M)
    metres: float  # of all agents together
    bits: float


def _watched(ruled: RuledRun, scenario: Scenario, sends: Sends, rollouts: int) -> Watched:
    """Play so many rollouts, a few at a time, for steps take memory."""
    reward, lam, metres, bits = [], [], 0.0, 0.0
    last = np.empty((0, scenario.agents.N, 2))
    size = chunk_size(scenario, keep_steps=True)
    for first in range(0, rollouts, size):
        chunk = ruled.play(min(size, rollouts - first), keep_steps=True)
        metres += distance(np.concatenate([last, chunk.position])).sum()
        bits += bits_sent(sends, chunk, scenario)
        last = chunk.position[-1:].copy()
        reward.append(chunk.reward)
        lam.append(chunk.lam)
    return Watched(np.concatenate(reward), np.concatenate(lam), metres, bits)


def changed(scenario: Scenario) -> Floats:
    """Thresholds after half time, (M,): in reverse, so that the least wanted zone becomes the most wanted."""
    return scenario.c[::-1].copy()


def event_runs(baseline: Baseline, scenario: Scenario, steps: int, seeds: Sequence[int]) -> pd.DataFrame:
    """A row for each event, run and zone: margins before half time, after it, and in the last quarter.

    At half time the thresholds are reversed and nobody is told (`RuledRun.post`), or an agent dies
    (`Run.lose`): in the run with seed s, agent s mod N. `informed` is the step, counted from half time, from
    which on all agents know the new thresholds.
    """
    T0, tables = scenario.dual.T0, []
    quarter = steps // T0 // 4
    for seed in seeds:
        for event in possible_events(scenario):
            c = changed(scenario) if event == "thresholds" else scenario.c
            ruled, informed = baseline.start(scenario, steps, seed), np.nan
            before = ruled.play(2 * quarter).reward_mean
            if event == "thresholds":
                ruled.post(c)
            else:
                ruled.run.lose(seed % scenario.agents.N)
            after = np.empty_like(before)
            for k in range(2 * quarter):
                after[k] = ruled.play(1).reward_mean[0]
                if np.isnan(informed) and ruled.informed:
                    informed = (k + 1) * T0
            columns = {
                "event": event,
                "baseline": baseline.name,
                "seed": seed,
                "zone": [zone.name for zone in scenario.zones],
                "c_after": c,
                "margin_before": [rewards.mean() for rewards in before.T] - scenario.c,
                "margin_after": after.mean(axis=0) - c,
                "margin_last_quarter": after[quarter:].mean(axis=0) - c,
                "informed": informed,
            }
            tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def scaled(c: Floats, load: float) -> Floats:
    """Thresholds that add up to `load`: c times a common factor; none above `MOST`, or above max c."""
    most = max(MOST, c.max())
    if not c.any():
        return equal(c, load)
    low, high = 0.0, load / c[c > 0].min()
    for _ in range(100):
        factor = (low + high) / 2
        low, high = (factor, high) if np.minimum(factor * c, most).sum() < load else (low, factor)
    return np.minimum(high * c, most)


def equal(c: Floats, load: float) -> Floats:
    """The same threshold for every zone, `load` together."""
    return np.full_like(c, load / len(c))


SHAPES = {"scaled": scaled, "equal": equal}
"""How thresholds (M,) are made to add up to a load."""


def loads_of(scenario: Scenario, points: int = 6) -> Floats:
    """Loads from that of the scenario up to N - 1, where Theorem 1 ends, or to what zones can ask for."""
    load, most = float(scenario.c.sum()), MOST * scenario.M
    return np.unique(np.linspace(load, max(load, min(scenario.agents.N - 1, most)), points))


def loaded(scenario: Scenario) -> Iterator[tuple[str, float, Scenario]]:
    """Shape, load, and the scenario with such thresholds."""
    for shape, thresholds in SHAPES.items():
        for load in loads_of(scenario):
            yield shape, load, scenario.with_thresholds(thresholds(scenario.c, load))


def capacity_runs(baseline: Baseline, scenario: Scenario, steps: int, seeds: Sequence[int]) -> pd.DataFrame:
    """A row for each shape of the thresholds, load and run: the smallest margin.

    Plans are made anew for every load; what was tuned stays as it was.
    """
    rows = []
    for shape, load, other in loaded(scenario):
        for seed in seeds:
            chunk = baseline.start(other, steps, seed).play(steps // other.dual.T0)
            margin = (chunk.reward_mean.mean(axis=0) - other.c).min()
            rows.append((baseline.name, shape, load, seed, margin))
    return pd.DataFrame(rows, columns=["baseline", "shape", "load", "seed", "margin"])


def bound_runs(scenario: Scenario) -> pd.DataFrame:
    """The upper bound, in the form of `capacity_runs`."""
    rows = [(BOUND, shape, load, 0, upper_bound(other)) for shape, load, other in loaded(scenario)]
    return pd.DataFrame(rows, columns=["baseline", "shape", "load", "seed", "margin"])


def worst_margins(table: pd.DataFrame, shape: str) -> pd.DataFrame:
    """Smallest margin of the worst run: a row a baseline, a column a load."""
    chosen = table[table["shape"] == shape]
    return chosen.groupby(["baseline", "load"], sort=False)["margin"].min().unstack()


def capacity(table: pd.DataFrame, shape: str) -> pd.Series:
    """The largest load up to which every run of a baseline keeps all zones, linear between the loads tried.

    Zero for a baseline that does not even keep them at the first load.
    """
    worst = worst_margins(table, shape)
    return worst.apply(lambda row: _first_zero(row.index.to_numpy(), row.to_numpy()), axis=1)


def _first_zero(load: Floats, margin: Floats) -> float:
    """Load at which the margin first crosses zero; the last one if it never does."""
    fails = np.flatnonzero(margin < 0)
    if not len(fails):
        return float(load[-1])
    i = fails[0]
    if i == 0:
        return 0.0
    share = margin[i - 1] / (margin[i - 1] - margin[i])
    return float(load[i - 1] + share * (load[i] - load[i - 1]))
