"""What the baselines show, in sentences that follow the data."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from analysis.baselines.catalogue import OURS, TIGHTENED, dwell_times
from analysis.baselines.measure import changed, possible_events
from analysis.baselines.partition import best_partition
from analysis.baselines.tables import Results, after_events, band, smallest
from cmarlsim.scenario import Scenario


def compared(mine: pd.Series, other: pd.Series) -> int:
    """1 where one baseline's range over runs (min, mean, max) is above another's, -1 where below, else 0."""
    return int(mine["min"] > other["max"]) - int(mine["max"] < other["min"])


def margin(value: float) -> str:
    """A margin as it stands in text."""
    return f"{value:+.3f}"


def ranged(row: pd.Series) -> str:
    """Mean and range over runs."""
    return f"{margin(row['mean'])} ({margin(row['min'])} to {margin(row['max'])})"


def listed(names: Iterable[object]) -> str:
    """Names as code, with commas."""
    return ", ".join(f"`{name}`" for name in names) or "none"


def called(results: Results) -> str:
    """What sentences call the team that the others are set beside."""
    return "the learned team" if results.team == OURS else f"`{results.team}`"


def nominal(results: Results) -> list[str]:
    """Where the learned team is ahead on the nominal case, and what changes it."""
    bands = band(smallest(results.zones))
    ours = bands.loc[results.team]
    others = bands.drop([results.team, results.team + TIGHTENED], errors="ignore")
    above, level, below = (
        listed(name for name, row in others.iterrows() if compared(ours, row) == word) for word in (1, 0, -1)
    )
    team = called(results)
    sentence = f"{team[0].upper()}{team[1:]} is above {above}; below {below}."
    overlaps = f"Its range overlaps with that of {level}."
    return [f"{sentence} {overlaps}", *(trained(results, bands) if results.team == OURS else [])]


def trained(results: Results, bands: pd.DataFrame) -> list[str]:
    """What tightening, fixed weights and a decreasing step change for the trained team."""
    tightened, frozen = bands.loc[OURS + TIGHTENED], bands.loc["frozen"]
    failing = "every run" if frozen["max"] < 0 else "some runs" if frozen["min"] < 0 else "no run"
    mean = smallest(results.zones).groupby("baseline")[["lam_change", "idleness_worst"]].mean()
    moved, waited = mean["lam_change"], mean["idleness_worst"]
    return [
        f"With thresholds tightened by {results.tuned.tightening[OURS]:.3f}, found by halving on other "
        f"seeds, it keeps {ranged(tightened)}, {tightened['mean'] / results.bound:.0%} of the bound.",
        f"Fixed weights, which must fail by Section III, fail in {failing}: {ranged(frozen)}.",
        "In the last quarter multipliers with a decreasing step move by "
        f"{moved['primal-dual']:.1%} of their size a rollout, ours by {moved[OURS]:.1%}; zones wait up to "
        f"{waited['primal-dual']:,.0f} steps (mean over runs), ours {waited[OURS]:,.0f}.",
    ]


def events(results: Results) -> list[str]:
    """Who copes with an event, and what planning anew would give."""
    after, scenario = after_events(results.events), results.scenario
    dwell, sentences = max(dwell_times(scenario)), []
    for event, text in possible_events(scenario).items():
        bands = band(after[event], "margin_after")
        always = listed(bands.index[bands["min"] >= 0])
        planned = best_partition(told(scenario, event), dwell)
        sentences.append(
            f"After {text}, zones are kept in every run by {always}. Somebody who was told, and planned a "
            f"new partition with dwell times up to {dwell}, would have "
            f"{margin(min(each.margin for each in planned))}."
        )
    return sentences


def told(scenario: Scenario, event: str) -> Scenario:
    """The scenario as it is after an event."""
    if event == "thresholds":
        return scenario.with_thresholds(changed(scenario))
    agents = scenario.agents.model_copy(update={"N": scenario.agents.N - 1})
    return scenario.model_copy(update={"agents": agents})
