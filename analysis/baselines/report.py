"""The page about the ladder: tables, and sentences whose verdicts follow the data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from analysis.baselines.measure import capacity, changed
from analysis.baselines.partition import best_partition
from analysis.baselines.rungs import AIMING, BOUND, IDEAL, OURS, RIVAL
from analysis.baselines.tables import Results, after_events, band, smallest
from analysis.baselines.team import with_thresholds

KEPT_WITHIN = 0.02
"""A second reading of "keeps all zones": a contraction alpha > 0 leaves multipliers a little short."""


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


def listed(names: Iterable[str]) -> str:
    """Names as code, with commas."""
    return ", ".join(f"`{name}`" for name in names) or "none"


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; the first two columns are text, the others numbers."""
    lines = [header, ["---", "---", *["---:"] * (len(header) - 2)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def counted(value: float, digits: int = 0) -> str:
    """A number, or a dash where there is none."""
    return "–" if np.isnan(value) else f"{value:,.{digits}f}"


def ladder_table(results: Results) -> str:
    """All that is measured on the nominal case, a line a rung."""
    runs = smallest(results.zones)
    bands, means = band(runs), runs.groupby("rung", sort=False).mean(numeric_only=True)
    worst = runs.groupby("rung", sort=False)["idleness_worst"].max()
    satisfaction = results.zones.groupby(["rung", "zone"], sort=False)["satisfaction"].mean().unstack()
    names = [zone.name for zone in results.scenario.zones]
    header = [
        "rung",
        "what",
        "smallest margin",
        *(f"{zone.name} ≥ {zone.c:g}" for zone in results.scenario.zones),
    ]
    header += ["mean idleness", "worst", "m per step", "bits sent", "at least"]
    rows = []
    for rung in results.rungs:
        mean = means.loc[rung.name]
        row = [f"`{rung.name}`", rung.what, ranged(bands.loc[rung.name])]
        row += [f"{satisfaction.loc[rung.name, name]:.3f}" for name in names]
        row += [counted(mean["idleness_mean"]), counted(worst[rung.name]), f"{mean['metres']:.3f}"]
        rows.append([*row, counted(mean["bits_sent"], 1), counted(mean["bits_least"], 2)])
    blank = [""] * (len(names) + 5)
    rows.append(["`bound`", "no team can do better (linear program)", margin(results.bound), *blank])
    return markdown(header, rows)


def ladder_sentences(results: Results) -> list[str]:
    """Where the learned team wins on the nominal case, and where it does not."""
    bands = band(smallest(results.zones))
    ours, rival, aiming = bands.loc[OURS], bands.loc[RIVAL], bands.loc[AIMING]
    others = {name: verdict(ours, row) for name, row in bands.iterrows() if name not in (OURS, AIMING)}
    above, below, beside = (
        [str(name) for name, word in others.items() if word.startswith(start)]
        for start in ("more", "less", "neither")
    )
    share = aiming["mean"] / results.bound
    return [
        f"The learned team's smallest margin, {ranged(ours)}, is {verdict(ours, rival)} that of the best fixed "
        f"partition, {ranged(rival)}, which neither learns nor talks.",
        f"It is above: {listed(above)}. It is below: {listed(below)}. Ranges overlap with: {listed(beside)}.",
        f"Aiming higher by {results.tuned.gossip:.3f} (thresholds tightened by halving, on other seeds) gives it "
        f"{ranged(aiming)}: {verdict(aiming, ours)} without, {verdict(aiming, rival)} the partition, and "
        f"{share:.0%} of the linear program's bound {margin(results.bound)}. With one shared lambda "
        f"the same change, by {results.tuned.shared:.3f}, leads from {ranged(bands.loc[IDEAL])} to "
        f"{ranged(bands.loc['shared-tightened'])}.",
        _fixed_weights(bands.loc["frozen"]),
        _convergence(results),
    ]


def _fixed_weights(frozen: pd.Series) -> str:
    if frozen["max"] < 0:
        return f"Fixed weights fail in every run, as Section III says they must: {ranged(frozen)}."
    if frozen["min"] < 0:
        return f"Fixed weights fail in some runs and not in others: {ranged(frozen)}."
    return f"Fixed weights do not fail here, against Section III's argument: {ranged(frozen)}."


def _convergence(results: Results) -> str:
    change = smallest(results.zones).groupby("rung", sort=False)["lam_change"].mean()
    idle = smallest(results.zones).groupby("rung", sort=False)["idleness_worst"].mean()
    name = "primal-dual"
    slower = "slower" if change[name] < change[OURS] else "not slower"
    longer = "longer" if idle[name] > idle[OURS] else "no longer"
    return (
        f"With a decreasing step multipliers move {slower}: in the last quarter by {change[name]:.1%} of their "
        f"size a rollout, ours by {change[OURS]:.1%}; and zones wait {longer}: up to {idle[name]:,.0f} steps "
        f"(mean over runs), ours {idle[OURS]:,.0f}."
    )


def events_table(results: Results) -> str:
    """Smallest margins after each event, a line a rung."""
    after = after_events(results.events)
    rows = []
    for rung in results.rungs:
        row: list[str] = [f"`{rung.name}`", rung.what]
        mine = after[after["rung"] == rung.name]
        row.append(ranged(band(mine[mine["event"] == "thresholds"], "margin_before").loc[rung.name]))
        for event in ("thresholds", "death"):
            for column in ("margin_after", "margin_last_quarter"):
                row.append(ranged(band(mine[mine["event"] == event], column).loc[rung.name]))
            if event == "thresholds":
                row.append(counted(mine["informed"].mean()))
        rows.append(row)
    header = ["rung", "what", "before", "reversed: after", "last quarter", "all informed after (steps)"]
    return markdown([*header, "death: after", "last quarter"], rows)


def events_sentences(results: Results) -> list[str]:
    """Who copes with an event, and what re-planning would give."""
    after, scenario = after_events(results.events), results.scenario
    told = with_thresholds(scenario, changed(scenario))
    fewer = scenario.model_copy(
        update={"agents": scenario.agents.model_copy(update={"N": scenario.agents.N - 1})}
    )
    replanned = {"thresholds": best_partition(told, 200), "death": best_partition(fewer, 200)}
    names = {"thresholds": "thresholds are reversed", "death": "an agent dies"}
    sentences = []
    for event, text in names.items():
        bands = band(after[after["event"] == event], "margin_after")
        kept = [str(name) for name, row in bands.iterrows() if row["min"] >= 0]
        mean = [str(name) for name, row in bands.iterrows() if row["mean"] >= 0 > row["min"]]
        ours, rival = bands.loc[OURS], bands.loc[RIVAL]
        sentences.append(
            f"After {text}, ours keeps {ranged(ours)}, {verdict(ours, rival)} the fixed partition's "
            f"{ranged(rival)}. All zones are kept in every run by {listed(kept)}, and in the mean over runs by "
            f"{listed(mean)}. A dispatcher who knew and planned a new partition would have "
            f"{margin(replanned[event].margin)}."
        )
    return sentences


def capacity_table(results: Results) -> str:
    """Smallest margin of the worst run at every load, and the capacity."""
    table = results.capacity
    worst = table.groupby(["rung", "load"], sort=False)["margin"].min().unstack()
    strict, within = capacity(table), capacity(table, KEPT_WITHIN)
    what = {rung.name: rung.what for rung in results.rungs} | {BOUND: "linear program"}
    rows = [
        [
            f"`{name}`",
            what[name],
            f"{strict[name]:.2f}",
            f"{within[name]:.2f}",
            *(margin(x) for x in worst.loc[name]),
        ]
        for name in worst.index
    ]
    header = [
        "rung",
        "what",
        "capacity",
        f"within {KEPT_WITHIN:g}",
        *(f"{load:.2f}" for load in worst.columns),
    ]
    return markdown(header, rows)


def capacity_sentences(results: Results) -> list[str]:
    """Who carries the larger load."""
    loads = capacity(results.capacity)
    more = "more" if loads[OURS] > loads[RIVAL] else "less" if loads[OURS] < loads[RIVAL] else "as much"
    ahead = [str(name) for name in loads.index if loads[name] > loads[OURS] and name != BOUND]
    return [
        f"The learned team keeps all zones up to a load of {loads[OURS]:.2f}, the fixed partition up to "
        f"{loads[RIVAL]:.2f}: ours carries {more}. Ahead of ours: {listed(ahead)}."
    ]


def page(results: Results, picture: str) -> str:
    """The page in Markdown."""
    scenario, tuned = results.scenario, results.tuned
    frozen = ", ".join(f"{value:.2f}" for value in tuned.frozen)
    nominal, events = "\n".join(ladder_sentences(results)), "\n".join(events_sentences(results))
    return f"""# Baselines

Made by `python -m analysis.baselines`: scenario `{scenario.name}`, {results.steps:,} steps, {results.seeds} runs a
rung with the seeds 0 to {results.seeds - 1}; the same start places and draws for all. Margins are satisfaction minus c, the
smallest over zones; in parentheses the range over runs.

![Margins on the nominal case, after events, against waiting, and against the load]({picture})

## The nominal case

{nominal}

{ladder_table(results)}

Idleness: steps since a zone was last attended, its mean over steps and zones, and the worst of any zone in any run.
Metres and bits are per agent and step. Bits sent: eq. (17) as written, M bits for each earlier step of the rollout to
each neighbour at each step, or, for `consensus`, M multipliers of 64 bits. At least: one bit for each agent, zone and
step of which the agent knows at the end of a rollout that the zone was attended, without having been there. With one
shared lambda nothing is counted: it is an ideal. `frozen` keeps lambda at ({frozen}), the best that a search found.
`consensus`: Metropolis weights at every step; an agent counts its own visits N times, for the others' it does not see.

## Events at half time

Either the thresholds are reversed (red asks for what magenta asked for, and so on), and nobody is told: a zone's
threshold is posted in it, and the report of a visit carries it, so that an agent knows it from the first rollout at
whose end it knows of a visit. Or an agent dies: it attends nothing, talks to nobody and observes nothing any more, and
nobody is told; in the run with seed s it is agent s mod N. Margins are those of the steps after half time.

{events}

{events_table(results)}

## Capacity

Thresholds are scaled by a common factor (none above .95) until they add up to N - 1, where Theorem 1 ends. Capacity is
the largest load up to which every run keeps all zones. Plans are made anew for each load; policies, the frozen lambda
and the tightenings are those of the nominal case.

{capacity_sentences(results)[0]}

{capacity_table(results)}
"""
