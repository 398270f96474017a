"""What the baselines show, in sentences whose words follow the data."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from analysis.baselines.catalogue import BOTH_WAYS, BOUND, IDEAL, OURS, PARTITION, TIGHTENED
from analysis.baselines.measure import EVENTS, SHAPES, capacity, changed
from analysis.baselines.partition import best_partition
from analysis.baselines.ruled_run import with_thresholds
from analysis.baselines.tables import Results, after_events, band, smallest

DWELL = 200
"""Longest dwell time of the partition that somebody would plan anew after an event."""


def compared(mine: pd.Series, other: pd.Series) -> str:
    """How one baseline's range over runs (min, mean, max) is to another's: said where they do not overlap."""
    if mine["min"] > other["max"]:
        return "more than"
    if mine["max"] < other["min"]:
        return "less than"
    return "neither clearly more nor less than"


def margin(value: float) -> str:
    """A margin as it stands in text."""
    return f"{value:+.3f}"


def ranged(row: pd.Series) -> str:
    """Mean and range over runs."""
    return f"{margin(row['mean'])} ({margin(row['min'])} to {margin(row['max'])})"


def listed(names: Iterable[object]) -> str:
    """Names as code, with commas."""
    return ", ".join(f"`{name}`" for name in names) or "none"


def nominal(results: Results) -> list[str]:
    """Where the learned team is ahead on the nominal case, and where it is not."""
    runs = smallest(results.zones)
    bands = band(runs)
    words = {name: compared(bands.loc[OURS], row) for name, row in bands.iterrows()}
    del words[OURS], words[OURS + TIGHTENED]
    above, below, beside = (
        [name for name, word in words.items() if word.startswith(start)]
        for start in ("more", "less", "neither")
    )
    return [
        f"The learned team's smallest margin is {ranged(bands.loc[OURS])}. That is {words[PARTITION]} the "
        f"best fixed partition's {ranged(bands.loc[PARTITION])}, which neither learns nor talks.",
        f"The learned team is above {listed(above)}; below {listed(below)}. Its range overlaps with that of "
        f"{listed(beside)}.",
        *tightening(results, bands),
        fixed_weights(bands.loc["frozen"]),
        convergence(runs),
    ]


def tightening(results: Results, bands: pd.DataFrame) -> list[str]:
    """What tightened thresholds give, and how near that comes to the partition and to the bound."""
    ours, better, partition = bands.loc[OURS], bands.loc[OURS + TIGHTENED], bands.loc[PARTITION]
    others = ", ".join(
        f"`{name}` from {margin(bands.loc[name, 'mean'])} to {margin(bands.loc[name + TIGHTENED, 'mean'])}"
        for name in BOTH_WAYS
        if name != OURS
    )
    return [
        f"With thresholds tightened by {results.tuned.tightening[OURS]:.3f}, found by halving on other "
        f"seeds, the learned team keeps {ranged(better)}: {compared(better, ours)} without, "
        f"{compared(better, partition)} the partition, and {better['mean'] / results.bound:.0%} of "
        f"{margin(results.bound)}, the linear program's bound.",
        f"Tightened thresholds move {others}.",
    ]


def fixed_weights(frozen: pd.Series) -> str:
    """Whether fixed-weight regularisation fails."""
    if frozen["max"] < 0:
        return f"Fixed weights fail in every run, as Section III says they must: {ranged(frozen)}."
    if frozen["min"] < 0:
        return f"Fixed weights fail in some runs and not in others: {ranged(frozen)}."
    return f"Fixed weights do not fail here, against Section III's argument: {ranged(frozen)}."


def convergence(runs: pd.DataFrame) -> str:
    """Whether the multipliers of standard primal-dual settle, and what becomes of the zones."""
    mean = runs.groupby("baseline", sort=False)[["lam_change", "idleness_worst"]].mean()
    theirs, ours = mean.loc["primal-dual"], mean.loc[OURS]
    slower = "less" if theirs["lam_change"] < ours["lam_change"] else "no less"
    longer = "longer" if theirs["idleness_worst"] > ours["idleness_worst"] else "no longer"
    return (
        f"With a decreasing step multipliers move {slower}: in the last quarter {theirs['lam_change']:.1%} "
        f"of their size a rollout, ours {ours['lam_change']:.1%}. And zones wait {longer}: up to "
        f"{theirs['idleness_worst']:,.0f} steps (mean over runs), ours {ours['idleness_worst']:,.0f}."
    )


def events(results: Results) -> list[str]:
    """Who copes with an event, and what planning anew would give."""
    after, scenario = after_events(results.events), results.scenario
    agents = scenario.agents.model_copy(update={"N": scenario.agents.N - 1})
    planned = {
        "thresholds": best_partition(with_thresholds(scenario, changed(scenario)), DWELL),
        "death": best_partition(scenario.model_copy(update={"agents": agents}), DWELL),
    }
    sentences = []
    for event, text in EVENTS.items():
        bands = band(after[event], "margin_after")
        always = [name for name, row in bands.iterrows() if row["min"] >= 0]
        mostly = [name for name, row in bands.iterrows() if row["mean"] >= 0 > row["min"]]
        ours, partition = bands.loc[OURS], bands.loc[PARTITION]
        sentences.append(
            f"After {text}, the learned team's smallest margin is {ranged(ours)}, "
            f"{compared(ours, partition)} the fixed partition's {ranged(partition)}. Zones are kept in every "
            f"run by {listed(always)}; in the mean over runs, not in every run, by {listed(mostly)}. "
            f"Somebody who was told, and planned a new partition with dwell times up to {DWELL}, would have "
            f"{margin(planned[event].margin)}."
        )
    return sentences


def loads(results: Results) -> list[str]:
    """Who carries the larger load."""
    sentences = []
    for shape in SHAPES:
        carried = capacity(results.capacity, shape)
        ours, partition = carried[OURS], carried[PARTITION]
        more = "more" if ours > partition else "less" if ours < partition else "as much"
        ahead = [name for name in carried.index if carried[name] > ours and name != BOUND]
        ideal = carried[IDEAL + TIGHTENED]
        sentences.append(
            f"With {shape} thresholds the learned team keeps all zones up to a load of {ours:.2f}, the fixed "
            f"partition up to {partition:.2f}: the learned team carries {more}. With one shared lambda and "
            f"tightened thresholds, it is {ideal:.2f}. Ahead of the learned team: {listed(ahead)}."
        )
    return sentences
