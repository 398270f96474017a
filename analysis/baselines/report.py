"""The page about the baselines: findings and tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from analysis.baselines import findings
from analysis.baselines.bound import overlapping
from analysis.baselines.catalogue import BOUND, TRAINED
from analysis.baselines.findings import called, compared, margin, ranged
from analysis.baselines.matching import AIM
from analysis.baselines.measure import MOST, SHAPES, capacity, worst_margins
from analysis.baselines.metrics import REAL_BITS
from analysis.baselines.tables import Results, after_events, band, smallest
from analysis.markdown import table

MOST_COLUMNS = 12
"""Zones that have a column each in the table of the nominal case."""


DEATH = """Or an agent dies: it attends nothing, talks to nobody and observes nothing any more, and nobody is
told, but for the `oracle`; in the run with seed s it is agent s mod N."""
NO_DEATH = "The only agent does not die."

BOUNDED = {
    False: "the least of 1 - max c and (N - sum c) / M",
    True: "by a linear program: agents may share their time among all places, and zones that overlap are "
    "attended together",
}
"""Where the bound comes from, where zones overlap and where they do not."""


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]], text: int = 1) -> str:
    """A Markdown table; the first columns are text, the others numbers."""
    return table(header, rows, text).rstrip()


def counted(value: float, digits: int = 0) -> str:
    """A number, or nothing where there is none."""
    return "" if np.isnan(value) else f"{value:,.{digits}f}"


def bullets(sentences: Iterable[str]) -> str:
    """A Markdown list."""
    return "\n".join(f"- {sentence}" for sentence in sentences)


def partition_table(results: Results) -> str:
    """The team beside the best fixed partition, on everything that is measured."""
    runs, after = smallest(results.zones), after_events(results.events)
    measures = {"smallest margin": (band(runs), "{:+.3f}", 1)}
    for event, what in (("thresholds", "the thresholds are reversed"), ("death", "an agent died")):
        if event in after:
            measures[f"after {what}"] = (band(after[event], "margin_after"), "{:+.3f}", 1)
    measures |= {
        "worst idleness (steps)": (band(runs, "idleness_worst"), "{:,.0f}", -1),
        "metres per agent and step": (band(runs, "metres"), "{:.3f}", -1),
        "bits per agent and step": (band(runs, "bits_sent"), "{:.1f}", -1),
    }
    for shape in SHAPES:
        loads = capacity(results.capacity, shape)
        column = pd.DataFrame({"min": loads, "mean": loads, "max": loads})
        measures[f"capacity, {shape} thresholds"] = (column, "{:.2f}", 1)
    rows = []
    for what, (column, form, sign) in measures.items():
        ours, partition = column.loc[results.team], column.loc[results.partition]
        who = ("neither", called(results), "the partition")[sign * compared(ours, partition)]
        rows.append([what, who, form.format(ours["mean"]), form.format(partition["mean"])])
    header = ["means over runs", "ahead", f"`{results.team}`", f"`{results.partition}`"]
    return markdown(header, rows, text=2)


def nominal_table(results: Results) -> str:
    """All that is measured on the nominal case, a line a baseline; satisfaction where zones are few."""
    runs, zones = smallest(results.zones), results.scenario.zones
    if len(zones) > MOST_COLUMNS:
        zones = ()
    bands, means = band(runs), runs.groupby("baseline", sort=False).mean(numeric_only=True)
    worst = runs.groupby("baseline", sort=False)["idleness_worst"].max()
    satisfaction = results.zones.groupby(["baseline", "zone"], sort=False)["satisfaction"].mean().unstack()
    rows = []
    for baseline in results.baselines:
        mean = means.loc[baseline.name]
        row = [f"`{baseline.name}`", baseline.what, ranged(bands.loc[baseline.name])]
        row += [f"{satisfaction.loc[baseline.name, zone.name]:.3f}" for zone in zones]
        row += [counted(mean["idleness_mean"]), counted(worst[baseline.name]), f"{mean['metres']:.3f}"]
        rows.append([*row, counted(mean["bits_sent"], 1)])
    blank = [""] * (len(zones) + 4)
    rows.append([f"`{BOUND}`", "no team can do better", margin(results.bound), *blank])
    required = [f"{zone.name} ≥ {zone.c:g}" for zone in zones]
    measured = ["mean idleness", "worst", "metres", "bits sent"]
    return markdown(["baseline", "what", "smallest margin", *required, *measured], rows, text=2)


def events_table(results: Results) -> str:
    """Smallest margins before and after each event that can be, a line a baseline."""
    after = after_events(results.events)
    columns = {"before": band(after["thresholds"], "margin_before")}
    for event, name in (("thresholds", "reversed"), ("death", "death")):
        if event in after:
            columns[name] = band(after[event], "margin_after")
            columns[f"{name}, last quarter"] = band(after[event], "margin_last_quarter")
    informed = after["thresholds"].groupby("baseline")["informed"].mean()
    rows = []
    for baseline in results.baselines:
        margins = [ranged(column.loc[baseline.name]) for column in columns.values()]
        rows.append([f"`{baseline.name}`", *margins, counted(informed[baseline.name])])
    return markdown(["baseline", *columns, "informed after"], rows)


def capacity_table(results: Results, shape: str) -> str:
    """Smallest margin of the worst run at every load, and the capacity."""
    worst = worst_margins(results.capacity, shape)
    carried = capacity(results.capacity, shape)
    rows = [[f"`{name}`", f"{carried[name]:.2f}", *map(margin, row)] for name, row in worst.iterrows()]
    return markdown(["baseline", "capacity", *(f"{load:.2f}" for load in worst.columns)], rows)


def page(results: Results, picture: str) -> str:
    """The page in Markdown; `picture` is the path of the picture from there."""
    scenario = results.scenario
    capacities = "\n\n".join(
        f"### {shape.capitalize()} thresholds\n\n{capacity_table(results, shape)}" for shape in SHAPES
    )
    missing = f"\n{left_out(results)}\n" if left_out(results) else ""
    return f"""# Baselines

Made by `python -m analysis.baselines`: scenario `{scenario.name}`, {results.steps:,} steps,
{results.seeds} runs a baseline, seeds 0 to {results.seeds - 1}; all have the same start places and draws.
A margin is satisfaction minus the threshold c, and of the zones the smallest counts. Beside a mean over runs
stands the range in parentheses; a team is ahead of another where ranges do not overlap. No team can do better
than the bound {margin(results.bound)}, {BOUNDED[overlapping(scenario)]}.
{missing}
![Margins on the nominal case, after events, against waiting, and against the load]({picture})

## In short

{partition_table(results)}

## The nominal case

{bullets(findings.nominal(results))}

{nominal_table(results)}

{bullets(notes(results))}

## Events at half time

{events_text(results)}

{bullets(findings.events(results))}

{events_table(results)}

## Capacity

The load is the sum of the thresholds. It rises to N - 1, where Theorem 1 ends, in two shapes: `scaled`
multiplies all thresholds by one factor (none above {max(MOST, scenario.c.max()):g}), `equal` gives every zone
the same. Capacity is
the largest load up to which the worst run keeps all zones. Plans are made anew for each load; policies, the
frozen lambda and the tightening are those of the nominal case.

{capacities}
"""


def left_out(results: Results) -> str:
    """Which baselines are missing, and why; nothing if none is."""
    missing = [name for name in TRAINED if name not in results.names]
    if not missing:
        return ""
    return (
        f"Left out for want of policies that were trained for this scenario: {findings.listed(missing)}; "
        "`--policy` names one trained with gossip."
    )


def notes(results: Results) -> Iterable[str]:
    """What the columns and baselines of the nominal table mean."""
    yield "Idleness: steps since a zone was last attended; the mean over steps and zones, and the worst."
    yield "Metres and bits are per agent and step."
    yield "Bits sent: eq. (17) as written, M bits for each earlier step of the rollout to each neighbour."
    yield "With one shared lambda no bits are counted: how it is shared is left open."
    if "consensus" in results.names:
        yield (
            f"`consensus`: M multipliers of {REAL_BITS} bits to each neighbour at each step, averaged with "
            "Metropolis weights. An agent sees only its own visits and counts them N times, so that the mean "
            "multiplier moves as if all visits were known."
        )
    if "frozen" in results.names:
        frozen = ", ".join(f"{value:.2f}" for value in results.tuned.frozen)
        yield f"`frozen`: lambda = ({frozen}), the best that a search found on other seeds."
        yield "`primal-dual`: alpha = 0, with gossip."
    yield (
        "`oracle`: the N zones with the largest multipliers, one for each agent, with the least travel. It "
        f"knows the true multipliers and who lives, and aims at {AIM:.0%} of what arithmetic allows above c."
    )
    yield (
        "`schedule`: all agents imagine the same run of the oracle, from other start places, and by a common "
        "clock each plays its part, whatever happens."
    )


def events_text(results: Results) -> str:
    """What happens at half time, and what is measured."""
    death = "death" in results.events["event"].to_numpy()
    return (
        "The thresholds are reversed (the first zone asks for what the last one asked for, and so on), and\n"
        "nobody is told: a zone's threshold is posted in it, and the report of a visit carries it. So an\n"
        "agent keeps it from the first rollout at whose end it knows of a visit, its own or heard of.\n"
        f"{DEATH if death else NO_DEATH}\n"
        'Margins are those over the steps after half time, and over the last quarter of the run; "informed"\n'
        "says after how many steps all agents know the new thresholds (mean over the runs where they do)."
    )
