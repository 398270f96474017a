"""The page about the baselines: findings and tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from analysis.baselines import findings
from analysis.baselines.catalogue import BOUND, OURS, PARTITION
from analysis.baselines.findings import compared, margin, ranged
from analysis.baselines.measure import MOST, SHAPES, capacity, worst_margins
from analysis.baselines.metrics import REAL_BITS
from analysis.baselines.tables import Results, after_events, band, smallest
from analysis.markdown import table


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
    """The learned team beside the best fixed partition, on everything that is measured."""
    runs, after = smallest(results.zones), after_events(results.events)
    measures = {
        "smallest margin": (band(runs), "{:+.3f}", 1),
        "after the thresholds are reversed": (band(after["thresholds"], "margin_after"), "{:+.3f}", 1),
        "after an agent died": (band(after["death"], "margin_after"), "{:+.3f}", 1),
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
        ours, partition = column.loc[OURS], column.loc[PARTITION]
        who = ("neither", "the learned team", "the partition")[sign * compared(ours, partition)]
        rows.append([what, who, form.format(ours["mean"]), form.format(partition["mean"])])
    return markdown(["means over runs", "ahead", f"`{OURS}`", f"`{PARTITION}`"], rows, text=2)


def nominal_table(results: Results) -> str:
    """All that is measured on the nominal case, a line a baseline."""
    runs, zones = smallest(results.zones), results.scenario.zones
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
    """Smallest margins before and after each event, a line a baseline."""
    after = after_events(results.events)
    columns = [
        band(after["thresholds"], "margin_before"),
        band(after["thresholds"], "margin_after"),
        band(after["thresholds"], "margin_last_quarter"),
        band(after["death"], "margin_after"),
        band(after["death"], "margin_last_quarter"),
    ]
    informed = after["thresholds"].groupby("baseline")["informed"].mean()
    rows = []
    for baseline in results.baselines:
        margins = [ranged(column.loc[baseline.name]) for column in columns]
        rows.append([f"`{baseline.name}`", *margins, counted(informed[baseline.name])])
    header = ["baseline", "before", "reversed", "its last quarter", "death", "its last quarter"]
    return markdown([*header, "informed after"], rows)


def capacity_table(results: Results, shape: str) -> str:
    """Smallest margin of the worst run at every load, and the capacity."""
    worst = worst_margins(results.capacity, shape)
    carried = capacity(results.capacity, shape)
    rows = [[f"`{name}`", f"{carried[name]:.2f}", *map(margin, row)] for name, row in worst.iterrows()]
    return markdown(["baseline", "capacity", *(f"{load:.2f}" for load in worst.columns)], rows)


def page(results: Results, picture: str) -> str:
    """The page in Markdown; `picture` is the path of the picture from there."""
    capacities = "\n\n".join(
        f"### {shape.capitalize()} thresholds\n\n{capacity_table(results, shape)}" for shape in SHAPES
    )
    frozen = ", ".join(f"{value:.2f}" for value in results.tuned.frozen)
    return f"""# Baselines

Made by `python -m analysis.baselines`: scenario `{results.scenario.name}`, {results.steps:,} steps,
{results.seeds} runs a baseline, seeds 0 to {results.seeds - 1}; all have the same start places and draws.
A margin is satisfaction minus the threshold c, and of the zones the smallest counts. Beside a mean over runs
stands the range in parentheses; a team is ahead of another where ranges do not overlap. No team can do better
than the bound {margin(results.bound)}, the least of 1 - max c and (N - sum c) / M.

![Margins on the nominal case, after events, against waiting, and against the load]({picture})

## In short

{partition_table(results)}

## The nominal case

{bullets(findings.nominal(results))}

{nominal_table(results)}

- Idleness: steps since a zone was last attended; the mean over steps and zones, and the worst of all.
- Metres and bits are per agent and step.
- Bits sent: eq. (17) as written, M bits for each earlier step of the rollout to each neighbour at each step.
  For `consensus`, M multipliers of {REAL_BITS} bits to each neighbour at each step.
- With one shared lambda no bits are counted: how it is shared is left open.
- `consensus`: Metropolis weights at every step. An agent sees only its own visits and counts them N times, so
  that the mean multiplier moves as if all visits were known.
- `frozen`: lambda = ({frozen}), the best that a search found on other seeds.
- `primal-dual`: alpha = 0, with gossip.

## Events at half time

The thresholds are reversed (the first zone asks for what the last one asked for, and so on), and nobody is
told: a zone's threshold is posted in it, and the report of a visit carries it. So an agent keeps it from
the first rollout at whose end it knows of a visit, its own or one that it heard of. Or an agent dies: it
attends nothing, talks to nobody and observes nothing any more, and nobody is told; in the run with seed s it
is agent s mod N. Margins are those over the steps after half time, and over the last quarter of the run;
"informed" says after how many steps all agents know the new thresholds (mean over the runs where they do).

{bullets(findings.events(results))}

{events_table(results)}

## Capacity

The load is the sum of the thresholds. It rises to N - 1, where Theorem 1 ends, in two shapes: `scaled`
multiplies all thresholds by one factor (none above {MOST:g}), `equal` gives every zone the same. Capacity is
the largest load up to which the worst run keeps all zones. Plans are made anew for each load; policies, the
frozen lambda and the tightening are those of the nominal case.

{capacities}
"""
