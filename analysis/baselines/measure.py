"""Runs of the rungs, as tidy tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.baselines.bound import upper_bound
from analysis.baselines.metrics import averaging_bits, distance, idleness, literal_bits, news_bits
from analysis.baselines.rungs import BOUND, Rung
from analysis.baselines.team import with_thresholds
from cmarlsim.kernels.scene import Chunk
from cmarlsim.kernels.world import Floats
from cmarlsim.scenario import Scenario

Row = dict[str, Any]

MOST = 0.95
"""Largest threshold that scaling leads to."""


def bits_sent(rung: Rung, chunk: Chunk, scenario: Scenario) -> tuple[float, float]:
    """Bits that the team sends as its protocol is written, and the fewest with the same effect; or NaN."""
    if rung.sends == "nothing":
        return 0.0, 0.0
    if rung.sends == "multipliers":
        return averaging_bits(chunk, scenario.M), np.nan
    if rung.sends == "observations":
        return literal_bits(chunk, scenario.dual.T0, scenario.M), news_bits(chunk, scenario)
    return np.nan, np.nan


def restlessness(chunk: Chunk) -> float:
    """How much multipliers move from a rollout to the next, in the last quarter, beside their own size.

    Mean over agents of sum |lam_k+1 - lam_k| / sum lam_k; 0 where all multipliers are 0.
    """
    lam = chunk.lam[-(len(chunk.lam) // 4 + 1) :]
    moved = np.abs(np.diff(lam, axis=0)).sum(axis=(0, 2))
    size = lam[:-1].sum(axis=(0, 2))
    return float(np.mean(np.divide(moved, size, out=np.zeros_like(moved), where=size > 0)))


def ladder_rows(rung: Rung, scenario: Scenario, steps: int, seeds: Iterable[int]) -> Iterator[Row]:
    """A row for each run and zone; the last four columns are the team's, and the same in all rows of a run.

    Metres and bits are per agent and step; for bits see `bits_sent`, for multipliers `restlessness`.
    """
    start, T0, N = rung.prepare(scenario, steps), scenario.dual.T0, scenario.agents.N
    for seed in seeds:
        chunk = start(seed).play(steps // T0, keep_steps=True)
        idle, satisfaction = idleness(chunk.reward), chunk.reward.mean(axis=0)
        sent, least = (bits / (steps * N) for bits in bits_sent(rung, chunk, scenario))
        moved, restless = distance(chunk.position).sum() / (steps * N), restlessness(chunk)
        for m, zone in enumerate(scenario.zones):
            yield {
                "rung": rung.name,
                "seed": seed,
                "zone": zone.name,
                "c": zone.c,
                "satisfaction": satisfaction[m],
                "margin": satisfaction[m] - zone.c,
                "idleness_mean": idle[:, m].mean(),
                "idleness_worst": idle[:, m].max(),
                "metres": moved,
                "bits_sent": sent,
                "bits_least": least,
                "lam_change": restless,
            }


def changed(scenario: Scenario) -> Floats:
    """Thresholds after half time, (M,): in reverse, so that the least wanted zone becomes the most wanted."""
    return scenario.c[::-1].copy()


def event_rows(rung: Rung, scenario: Scenario, steps: int, seeds: Iterable[int]) -> Iterator[Row]:
    """A row for each event, run and zone: margins before half time, after it, and in the last quarter.

    At half time the thresholds are reversed and nobody is told (`Team.post`), or an agent dies (`Run.lose`):
    in the run with seed s, agent s mod N. `informed` is the step, counted from half time, from which on all
    agents aim for the new thresholds.
    """
    start, T0 = rung.prepare(scenario, steps), scenario.dual.T0
    quarter = steps // T0 // 4
    new = with_thresholds(scenario, changed(scenario))
    for seed in seeds:
        for event in ("thresholds", "death"):
            team = start(seed)
            before = team.play(2 * quarter).reward_mean
            if event == "thresholds":
                team.post(new.c)
            else:
                team.run.lose(seed % scenario.agents.N)
            after, informed = [], np.nan
            for k in range(2 * quarter):
                after.append(team.play(1).reward_mean[0])
                if event == "thresholds" and np.isnan(informed) and team.informed:
                    informed = (k + 1) * T0
            c = new.c if event == "thresholds" else scenario.c
            for m, zone in enumerate(scenario.zones):
                yield {
                    "event": event,
                    "rung": rung.name,
                    "seed": seed,
                    "zone": zone.name,
                    "c_after": c[m],
                    "margin_before": before[:, m].mean() - zone.c,
                    "margin_after": np.mean(after, axis=0)[m] - c[m],
                    "margin_last_quarter": np.mean(after[quarter:], axis=0)[m] - c[m],
                    "informed": informed,
                }


def scaled(c: Floats, load: float) -> Floats:
    """Thresholds that add up to `load`: c times a common factor; where that exceeds `MOST`, `MOST`."""
    low, high = 0.0, load / c[c > 0].min()
    for _ in range(100):
        factor = (low + high) / 2
        low, high = (factor, high) if np.minimum(factor * c, MOST).sum() < load else (low, factor)
    return np.minimum(high * c, MOST)


def equal(c: Floats, load: float) -> Floats:
    """The same threshold for every zone, `load` together."""
    return np.full_like(c, load / len(c))


SHAPES = {"scaled": scaled, "equal": equal}
"""How thresholds (M,) are made to add up to a load."""


def loads_of(scenario: Scenario, points: int = 6) -> Floats:
    """Loads from that of the scenario up to N - 1, where Theorem 1 ends."""
    return np.linspace(scenario.c.sum(), max(scenario.c.sum(), scenario.agents.N - 1), points)


def worlds(scenario: Scenario) -> Iterator[tuple[str, float, Scenario]]:
    """Shape, load, and the scenario with such thresholds."""
    for shape, thresholds in SHAPES.items():
        for load in loads_of(scenario):
            yield shape, load, with_thresholds(scenario, thresholds(scenario.c, load))


def capacity_rows(rung: Rung, scenario: Scenario, steps: int, seeds: Sequence[int]) -> Iterator[Row]:
    """A row for each shape of the thresholds, load and run: the smallest margin.

    Plans are made anew for every load; what was tuned stays as it was.
    """
    for shape, load, world in worlds(scenario):
        start = rung.prepare(world, steps)
        for seed in seeds:
            satisfaction = start(seed).play(steps // scenario.dual.T0).reward_mean.mean(axis=0)
            margin = (satisfaction - world.c).min()
            yield {"rung": rung.name, "shape": shape, "load": load, "seed": seed, "margin": margin}


def bound_rows(scenario: Scenario, steps: int) -> Iterator[Row]:
    """The linear program's bound, in the form of `capacity_rows`."""
    for shape, load, world in worlds(scenario):
        bound = upper_bound(world, steps)
        yield {"rung": BOUND, "shape": shape, "load": load, "seed": 0, "margin": bound}


def worst_margins(table: pd.DataFrame, shape: str) -> pd.DataFrame:
    """Smallest margin of the worst run: a row a rung, a column a load."""
    chosen = table[table["shape"] == shape]
    return chosen.groupby(["rung", "load"], sort=False)["margin"].min().unstack()


def capacity(table: pd.DataFrame, shape: str, tolerance: float = 0.0) -> pd.Series:
    """The largest load up to which every run of each rung keeps all zones, linear between the loads tried.

    A zone counts as kept with a margin of at least -`tolerance`. Zero for a rung that does not even keep them
    at the first load.
    """
    worst = worst_margins(table, shape)
    return worst.apply(lambda row: _first_zero(row.index.to_numpy(), row.to_numpy() + tolerance), axis=1)


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
