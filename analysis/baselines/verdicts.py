"""What the ladder says, in sentences whose words follow the data."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from analysis.baselines.measure import SHAPES, capacity, changed
from analysis.baselines.partition import best_partition
from analysis.baselines.rungs import AIMED, BOUND, IDEAL, OURS, RIVAL, TIGHTENED
from analysis.baselines.tables import Results, after_events, band, smallest
from analysis.baselines.team import with_thresholds

DWELL = 200
"""Longest dwell time of the partition that somebody would plan anew after an event."""


def verdict(mine: pd.Series, other: pd.Series) -> str:
    """How the margins of one rung, as min, mean and max over runs, are to those of another."""
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
    """Where the learned team wins on the nominal case, and where it does not."""
    runs = smallest(results.zones)
    bands = band(runs)
    words = {name: verdict(bands.loc[OURS], row) for name, row in bands.iterrows()}
    del words[OURS], words[OURS + TIGHTENED]
    above, below, beside = (
        [name for name, word in words.items() if word.startswith(start)]
        for start in ("more", "less", "neither")
    )
    return [
        f"The learned team's smallest margin is {ranged(bands.loc[OURS])}. That is {words[RIVAL]} the best "
        f"fixed partition's {ranged(bands.loc[RIVAL])}, which neither learns nor talks.",
        f"The learned team is above {listed(above)}; below {listed(below)}. Its range overlaps with that of "
        f"{listed(beside)}.",
        *tightening(results, bands),
        fixed_weights(bands.loc["frozen"]),
        convergence(runs),
    ]


def tightening(results: Results, bands: pd.DataFrame) -> list[str]:
    """What aiming higher gives, and how near that comes to the partition and to the bound."""
    ours, better, rival = bands.loc[OURS], bands.loc[OURS + TIGHTENED], bands.loc[RIVAL]
    others = ", ".join(
        f"`{name}` from {margin(bands.loc[name, 'mean'])} to {margin(bands.loc[name + TIGHTENED, 'mean'])}"
        for name in AIMED
        if name != OURS
    )
    return [
        f"Aiming higher by {results.tuned.aims[OURS]:.3f}, found by halving on other seeds, the learned team "
        f"keeps {ranged(better)}: {verdict(better, ours)} without, {verdict(better, rival)} the partition, "
        f"and {better['mean'] / results.bound:.0%} of {margin(results.bound)}, the linear program's bound.",
        f"Aiming higher moves {others}.",
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
    mean = runs.groupby("rung", sort=False)[["lam_change", "idleness_worst"]].mean()
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
    for event, text in {"thresholds": "the thresholds are reversed", "death": "an agent dies"}.items():
        bands = band(after[after["event"] == event], "margin_after")
        always = [name for name, row in bands.iterrows() if row["min"] >= 0]
        mostly = [name for name, row in bands.iterrows() if row["mean"] >= 0 > row["min"]]
        ours, rival = bands.loc[OURS], bands.loc[RIVAL]
        sentences.append(
            f"After {text}, the learned team's smallest margin is {ranged(ours)}, {verdict(ours, rival)} the "
            f"fixed partition's {ranged(rival)}. Zones are kept in every run by {listed(always)}; in the "
            f"mean over runs, not in every run, by {listed(mostly)}. Somebody who was told, and planned a "
            f"new partition with dwell times up to {DWELL}, would have {margin(planned[event].margin)}."
        )
    return sentences


def loads(results: Results) -> list[str]:
    """Who carries the larger load."""
    sentences = []
    for shape in SHAPES:
        carried = capacity(results.capacity, shape)
        ours, rival = carried[OURS], carried[RIVAL]
        more = "more" if ours > rival else "less" if ours < rival else "as much"
        ahead = [name for name in carried.index if carried[name] > ours and name != BOUND]
        ideal = carried[IDEAL + TIGHTENED]
        sentences.append(
            f"With {shape} thresholds the learned team keeps all zones up to a load of {ours:.2f}, the fixed "
            f"partition up to {rival:.2f}: the learned team carries {more}. With one shared lambda, aiming "
            f"higher, it is {ideal:.2f}. Ahead of the learned team: {listed(ahead)}."
        )
    return sentences
