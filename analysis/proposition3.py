"""``python -m analysis.proposition3``: errors of multipliers over rollouts, against Proposition 3.

For agents at the nodes of footprints, with one value after the other changed, for stars on which the max
norm leaves (22) behind, and for the patrol with its line-of-sight links: the mean error and its band, in each
zone, in the max norm and over all agents, with and without the projection [.]_+, against (22), its transient
form and bounds that hold. Writes ``proposition3.csv``, a figure, and the verdicts as ``proposition3.md``.
Cases or recordings (level ``step``) of your own::

    python -m analysis.proposition3 --case "footprint=star:51 M=50 p=0.1 alpha=0.9 T0=200"
    python -m analysis.proposition3 results/team-seed*.h5
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.markdown import counted, number
from analysis.markdown import table as tabled
from analysis.multipliers import NORMS, TRANSIENT, MeasuredErrors, from_recordings, rows, simulate
from analysis.options import MOST_RUNS, OUT, Force, Out, Recordings
from analysis.recordings import load, run_paper
from analysis.settings import SWEEPS, Setting
from analysis.style import DOUBLE, free_stem, new_figure, save, styled
from cmarlsim.bounds.verdicts import CORRECTED, PRINTED, PROVEN
from cmarlsim.errors import InputError
from cmarlsim.policies.policy import Policy
from cmarlsim.report.picture import plain
from cmarlsim.storage.files import write_whole
from cmarlsim.terminal.console import command, compilation_announced, progress_bar
from cmarlsim.terminal.numbers import MOST_SEED

NAME = "proposition3"
RADII = (1.0, 5.0)
"""Ranges d of the patrol, in metres."""

LEAST_RATIO = 0.1
"""Ratios that are smaller are drawn as if they were this large."""

LABELS = {PRINTED: "(22)", TRANSIENT: "(22), transient", CORRECTED: "corrected"}
"""Bounds in figures, by form."""

KEYS = ["group", "footprint", "M", "p", "alpha", "eta", "T0", "c", "occupancy"]
"""What tells a case from others in that table."""

SHOWN = {
    (NORMS[0], PRINTED): ("#1f5fb4", "o"),
    (NORMS[1], PRINTED): ("#b2182b", "s"),
    (NORMS[1], CORRECTED): ("#2a7f3f", "^"),
}
"""Colour and marker of a norm and a bound, whose ratio is drawn."""

JUDGED = [(norm, form) for norm in NORMS for form in (PRINTED, CORRECTED)]
"""Norms and forms in the table of verdicts for people."""


def final(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of every case after its last rollout."""
    return table[table["k"] == table.groupby("case")["k"].transform("max")]


def chosen(table: pd.DataFrame) -> list[int]:
    """Cases whose errors are drawn over rollouts: the first, the model's farthest above (22), the last."""
    model = final(table)[final(table)["basis"] == PROVEN]
    beyond = model[(model["norm"] == NORMS[1]) & (model["form"] == PRINTED) & model["projection"]]
    farthest = beyond.sort_values("ratio")["case"].tail(1)
    ends = table["case"].iloc[[0, -1]]
    return list(dict.fromkeys([int(ends.iloc[0]), *map(int, farthest), int(ends.iloc[1])]))


def _draw_case(axes: Axes, mine: pd.DataFrame) -> None:
    """Error in the max norm over rollouts, with its band, and bounds on it."""
    first = mine.iloc[0]
    for projection, colour, label in ((True, "#b2182b", "measured"), (False, "0.45", "without [.]$_+$")):
        curve = mine[(mine["projection"] == projection) & (mine["form"] == TRANSIENT)]
        axes.fill_between(
            curve["k"], curve["band_low"], curve["band_high"], color=colour, alpha=0.2, linewidth=0
        )
        axes.plot(curve["k"], curve["measured"], color=colour, marker="o", markersize=2.5, label=label)
    for form, style in ((PRINTED, "k:"), (TRANSIENT, "k-"), (CORRECTED, "g--")):
        curve = mine[mine["projection"] & (mine["form"] == form)]
        axes.plot(curve["k"], curve["bound"], style, linewidth=0.9, label=LABELS[form])
    name = first["group"] if first["footprint"] == "estimated" else Path(str(first["footprint"])).name
    values = f"M = {first['M']}, p = {first['p']:.2g}, $\\alpha$ = {first['alpha']:g}"
    axes.set_title(f"{plain(str(name))}\n{values}")
    axes.set(xscale="log", xlabel="rollouts k")
    axes.set_xticks(mine["k"].unique(), [str(k) for k in mine["k"].unique()])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.grid(linewidth=0.3, color="0.85")


def _draw_ratios(axes: Axes, last: pd.DataFrame) -> None:
    """Measured error by bound in every case: with projection filled, without it hollow."""
    for shift, ((norm, form), (colour, marker)) in zip((-0.25, 0, 0.25), SHOWN.items(), strict=True):
        for projection, face in ((True, colour), (False, "none")):
            mine = last[(last["norm"] == norm) & (last["form"] == form) & (last["projection"] == projection)]
            label = f"{norm} by {LABELS[form]}" if projection else None
            axes.plot(
                mine["case"] + shift,
                mine["ratio"].clip(lower=LEAST_RATIO),
                marker,
                color=colour,
                markerfacecolor=face,
                markersize=3.5,
                linewidth=0,
                markeredgewidth=0.7,
                label=label,
            )
    axes.plot(
        [], [], "o", color="0.4", markerfacecolor="none", markersize=3.5, label="hollow: without [.]$_+$"
    )
    axes.axhline(1, color="black", linewidth=0.7)
    middle = last.groupby("group", sort=False)["case"].agg(["min", "max"])
    for border in middle["max"].iloc[:-1]:
        axes.axvline(border + 0.5, color="0.85", linewidth=0.6)
    axes.set_xticks(middle.mean(axis=1), [str(group) for group in middle.index], rotation=30, ha="right")
    axes.set(yscale="log", ylabel="measured by bound")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0.2)


@styled
def draw(table: pd.DataFrame) -> Figure:
    """Draw errors over rollouts in chosen cases, and below the ratios to the bounds in all."""
    figure = new_figure(DOUBLE, 4.6)
    above, below = figure.subfigures(2, 1, height_ratios=(1.1, 1), squeeze=False)[:, 0]
    cases = chosen(table)
    panels = above.subplots(1, len(cases), squeeze=False)[0]
    for axes, case in zip(panels, cases, strict=True):
        _draw_case(axes, table[(table["case"] == case) & (table["norm"] == NORMS[1])])
    panels[0].set_ylabel("error, max norm")
    handles, labels = panels[0].get_legend_handles_labels()
    above.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    _draw_ratios(below.subplots(), final(table))
    return figure


def tabulated(table: pd.DataFrame) -> str:
    """One line a case: verdicts after the last rollout, the ratio, and in brackets that without [.]_+."""
    heads = [*KEYS, "k", *(f"{norm}: {LABELS[form]}" for norm, form in JUDGED)]
    lines = []
    for _, mine in final(table).groupby("case"):
        first = mine.iloc[0]
        cells = [Path(str(first[key])).name if key == "footprint" else number(first[key]) for key in KEYS]
        found = mine.set_index(["norm", "form", "projection"])
        cells.append(str(first["k"]))
        for norm, form in JUDGED:
            if (norm, form, True) in found.index:
                with_it, without = found.loc[(norm, form, True)], found.loc[(norm, form, False)]
                cells.append(f"{with_it['verdict']}, {with_it['ratio']:.2f} ({without['ratio']:.2f})")
            else:
                cells.append("some agents followed")
        lines.append(cells)
    return tabled(heads, lines)


def summary(table: pd.DataFrame) -> str:
    """One line a claim and form: in how many rows it came out how, for the model and apart from it."""
    lines = []
    for (claim, form), mine in table.groupby(["claim", "form"], sort=False):
        model = mine["basis"] == PROVEN
        groups = {"model": mine[model], "estimated": mine[~model]}
        parts = [f"{name}: {counted(some['verdict'])}" for name, some in groups.items() if len(some)]
        lines.append(f"{claim}, {form}: {'; '.join(parts)}; largest ratio {mine['ratio'].max():.3f}")
    return "\n".join(lines)


def collect(settings: list[tuple[str, Setting]], patrols: list[MeasuredErrors], seed: int) -> pd.DataFrame:
    """Rows of all cases, numbered by the column ``case``."""
    found = []
    with compilation_announced(), progress_bar(NAME, len(settings)) as advance:
        for group, setting in settings:
            found.append(rows(simulate(group, setting, seed)))
            advance(1)
    found += [rows(patrol) for patrol in patrols]
    return pd.concat([part.assign(case=case) for case, part in enumerate(found)], ignore_index=True)


def proposition3(
    recordings: Recordings = None,
    case: Annotated[
        list[str] | None,
        typer.Option(
            help="KEY=VALUE words: footprint (name or file), p, M, occupancy, c, alpha, eta, T0, rollouts, "
            "repetitions; may be repeated. A p replaces the file's.",
            show_default="one value after the other changed",
        ),
    ] = None,
    runs: Annotated[int, typer.Option(min=4, max=MOST_RUNS, help="Runs of the patrol, for each range.")] = 20,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Seed of the draws on footprints.")] = 0,
    out: Out = OUT,
    force: Force = False,
) -> int:
    """Set errors of multipliers beside Proposition 3, as printed and corrected."""
    stem = free_stem(out, NAME, force, (".png", ".pdf", ".csv", ".md"))
    settings = [("asked for", Setting.read(text)) for text in case or []]
    patrols = []
    if recordings:
        recorded = load(recordings, "step")
        if len(recorded) < 4:
            raise InputError(f"{recordings[0]}: give four runs or more: fewer have no interval")
        patrols = from_recordings("recorded runs", recorded)
    if not (settings or recordings):
        settings = [(group, setting) for group, several in SWEEPS.items() for setting in several]
        for d in RADII:
            patrols += from_recordings(
                f"patrol, d = {d:g} m", run_paper({"paper": Policy.load("paper")}, [d], runs, "step")
            )
    table = collect(settings, patrols, seed)
    save(draw(table), table, stem)
    text = (
        "Errors of multipliers after k rollouts. Where agents, zones and repetitions are many, only some "
        "agents are followed, which says nothing of all: with fewer repetitions all are. In a cell: the "
        "verdict, the measured mean by the bound, in brackets the same without the projection [.]_+. A "
        "bound is vacuous if no error can exceed it. `patrol` and `recorded runs` are not of the paper's "
        "model: d_G and p are estimated, first as the least p of the pairs for which (22) promises most, "
        "then as the mean p of all that ever met.\n\n" + tabulated(table)
    )
    write_whole(stem.with_suffix(".md"), text.encode())
    print(f"{stem}.md")
    print(summary(table))
    return 0


if __name__ == "__main__":
    command(proposition3)
