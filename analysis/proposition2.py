"""``python -m analysis.proposition2``: when news arrives, against Proposition 2 and closer bounds.

For every footprint and p: P(R = r) by lag, from the exact chain (up to 10 agents) and from simulation, for
one observer and an agent as far away as any. Writes ``proposition2.csv`` (by lag), a figure, and the verdicts
as ``proposition2.md`` and ``proposition2-claims.csv``. Footprints of your own::

    python -m analysis.proposition2 --footprint mine.graphml --footprint grid:2x5 --p 0.2
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from matplotlib.figure import Figure

from analysis import markdown
from analysis.delays import OCCUPANCY, by_lag, claims, measure
from analysis.markdown import counted
from analysis.options import OUT, Force, Out
from analysis.settings import FOOTPRINTS
from analysis.style import DOUBLE, SHADES, free_stem, new_figure, save, save_table, styled
from cmarlsim.bounds.verdicts import FAILS, HOLDS, ROUNDING
from cmarlsim.errors import InputError
from cmarlsim.footprints.files import load_footprint
from cmarlsim.footprints.footprint import Footprint
from cmarlsim.report.picture import plain
from cmarlsim.scenario.tables import LEAST_P
from cmarlsim.storage.files import file_at, write_whole
from cmarlsim.storage.outputs import check_free
from cmarlsim.terminal.console import command, compilation_announced, progress_bar
from cmarlsim.terminal.numbers import MOST_SEED, within

NAME = "proposition2"
PROBABILITIES = (0.01, 0.05, 0.2, 0.6)

EQUALITY = "equality"
"""Verdict in tables for people where a bound holds and is met at every lag."""


def variants(spec: str, probabilities: list[float], seed: int) -> list[Footprint]:
    """Load a footprint with each of the probabilities; with its own if it is a file and none is asked for."""
    if not probabilities and file_at(Path(spec)):
        return [load_footprint(spec)]
    return [load_footprint(spec, p, seed) for p in probabilities or PROBABILITIES]


@styled
def draw(table: pd.DataFrame) -> Figure:
    """Draw by how much P(R = r) and closer bounds exceed Proposition 2's right-hand side."""
    groups = list(table.groupby("footprint", sort=False))
    columns = min(len(groups), 4)
    rows = -(-len(groups) // columns)
    figure = new_figure(DOUBLE, 0.7 + 1.7 * rows)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for panel in panels[len(groups) :]:
        panel.remove()
    values = sorted(table["p"].unique())
    for panel, (name, mine) in zip(panels, groups, strict=False):
        for p, curve in mine.groupby("p"):
            x, known = curve["lag"] * p, curve["exact"].fillna(curve["simulated"])
            colour = SHADES((values.index(p) + 0.5) / len(values))
            panel.plot(x, known - curve["bound"], color=colour, label=f"p = {p:g}")
            panel.plot(x, curve["paths"] - curve["bound"], color=colour, linestyle="--", linewidth=0.7)
            panel.plot(x, curve["simulated"] - curve["bound"], ".", color=colour, markersize=2)
        panel.axhline(0, color="black", linewidth=0.6)
        panel.set_title(f"{plain(Path(str(name)).name)}\n$d_G$ = {mine['d_G'].iloc[0]}")
        panel.grid(linewidth=0.3, color="0.85")
    panels[0].plot([], [], color="0.4", linestyle="--", linewidth=0.7, label="bound by disjoint paths")
    panels[0].plot([], [], ".", color="0.4", markersize=2, label="simulated")
    looks = {line.get_label(): line for panel in figure.axes for line in panel.get_lines()}
    shown = {str(label): line for label, line in looks.items() if not str(label).startswith("_")}
    figure.supxlabel("lag times p", fontsize=8)
    figure.supylabel("above P(BN$(d_G, p) \\leq$ lag)", fontsize=8)
    figure.legend(shown.values(), shown.keys(), loc="outside upper center", ncols=min(len(shown), 6))
    return figure


def tabulated(verdicts: pd.DataFrame) -> str:
    """One line a footprint and p: verdicts on all variants, those of a simulation in italics."""
    variants = list(verdicts["variant"].unique())
    lines = []
    for (name, diameter, p), mine in verdicts.groupby(["footprint", "d_G", "p"], sort=False):
        cells = dict(zip(mine["variant"], map(_cell, mine.to_dict("records")), strict=True))
        head = [Path(str(name)).name, str(diameter), f"{p:.3g}"]
        lines.append([*head, *(cells.get(variant, "") for variant in variants)])
    return markdown.table(["footprint", "d_G", "p", *variants], lines)


def _cell(row: dict[Hashable, Any]) -> str:
    """The verdict, with the number of lags at which it fails, or the largest distance where it holds."""
    text = str(row["verdict"])
    if text == FAILS:
        text += f" at {row['failing']} of {row['lags']} lags, by up to {row['measured']:.3g}"
    elif text == HOLDS:
        text = f"{text}, {row['slack']:.3f}" if row["slack"] > ROUNDING else EQUALITY
    return text if row["method"] == "exact" else f"*{text}*"


def summary(verdicts: pd.DataFrame) -> str:
    """One line a variant: in how many cases it came out how."""
    equal = (verdicts["verdict"] == HOLDS) & (verdicts["slack"] <= ROUNDING)
    words = verdicts["verdict"].mask(equal, EQUALITY)
    lines = []
    for variant, mine in verdicts.assign(word=words).groupby("variant", sort=False):
        lines.append(f"{variant}: {counted(mine['word'])}; largest slack {mine['slack'].max():.3f}")
    return "\n".join(lines)


def judge(
    footprint: list[str], p: list[float], repetitions: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, float]:
    """Curves by lag, verdicts, and the largest error of a simulated curve.

    Raises
    ------
    InputError
        If a footprint or a probability is impossible.
    """
    cases = [case for spec in footprint or FOOTPRINTS for case in variants(spec, p, seed)]
    single = [case.name for case in cases if case.N < 2]
    if single:
        raise InputError(f"footprint '{single[0]}': has one agent only, there is no gossip")
    found = []
    with compilation_announced(), progress_bar(NAME, len(cases)) as advance:
        for case in cases:
            delays = measure(case, repetitions, seed)
            found.append((by_lag(delays), claims(delays), delays.error))
            advance(1)
    tables, verdicts, errors = zip(*found, strict=True)
    return pd.concat(tables, ignore_index=True), pd.concat(verdicts, ignore_index=True), max(errors)


def explained(repetitions: int, error: float) -> str:
    """What the table of verdicts is about, for its head."""
    return (
        "P(R = r) by lag against bounds, for one observer and an agent as far away as any; `every pair` is "
        f"for the worst of all, `many observers` for all agents observing with probability {OCCUPANCY:g}. "
        f"Numbers are the largest distance from the bound. A curve simulated {repetitions:,} times is off by "
        f"at most {error:.2g} at all lags at once, but for one in a hundred.\n\n"
    )


def proposition2(
    footprint: Annotated[
        list[str] | None,
        typer.Option(
            help="GraphML, edge list, k7 trace, recording, or a name such as grid:3x3; may be repeated.",
            show_default=", ".join(FOOTPRINTS),
        ),
    ] = None,
    p: Annotated[
        list[float] | None,
        typer.Option(
            callback=within(LEAST_P, 1.0),
            help="Edge probability, of all edges, instead of a file's own; may be repeated.",
            show_default=", ".join(map(str, PROBABILITIES)),
        ),
    ] = None,
    repetitions: Annotated[
        int, typer.Option(min=100, max=10**8, help="Repetitions of each simulation.")
    ] = 100_000,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Seed of the draws.")] = 0,
    out: Out = OUT,
    force: Force = False,
) -> int:
    """Set P(R = r) by lag beside Proposition 2, as printed and corrected, and beside closer bounds."""
    stem = free_stem(out, NAME, force, (".png", ".pdf", ".csv", ".md"))
    check_free(out / f"{NAME}-claims.csv", force)
    table, verdicts, error = judge(footprint or [], p or [], repetitions, seed)
    save(draw(table), table, stem)
    save_table(verdicts, out / f"{NAME}-claims.csv")
    text = explained(repetitions, error) + tabulated(verdicts)
    write_whole(stem.with_suffix(".md"), text.encode())
    print(f"{stem}.md, {NAME}-claims.csv")
    replaced = [spec for spec in footprint or [] if p and Path(spec).is_file()]
    if replaced:
        print(f"--p replaces the edge probabilities of {', '.join(replaced)}")
    print(summary(verdicts))
    return 0


if __name__ == "__main__":
    command(proposition2)
