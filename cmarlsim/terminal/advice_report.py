"""Advice in plain words and tables."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cmarlsim.advice.changes import IN_VAIN, SETTINGS
from cmarlsim.advice.counsel import Advice
from cmarlsim.advice.statements import ESTIMATED, Change, Statement, number

MOST_ZONES = 30
"""Rows of the table of zones: those with the smallest margins."""

DIGITS = 3
WIDTH = 140
"""Columns where there is no terminal."""

COLOUR = {"holds": "green", "met": "green", "fails": "red", "impossible": "red", "vacuous": "yellow"}

NAMES = {
    "feasibility": "eq. (24)",
    "feasibility_corrected": "eq. (24) corrected",
    "news": "news in time",
    "equation_25": "eq. (25)",
    "equation_25_corrected": "eq. (25) corrected",
}
"""Of requirements, in a sentence."""

RATIOS = (
    "eq. (25) needs an L of Assumption 2, and none exists, for the policy sees multipliers by their ratios "
    "alone, so that what it does changes between multipliers as near to each other as one likes"
)

PER_ZONE = {
    "promised": "promised, if (26)",
    "promised_corrected": "promised, if (26)",
    "satisfaction": "satisfaction",
    "margin": "margin",
    "certified": "certified",
    "error_zone": "error by (22)",
    "error_zone_closer": "closer bound",
    "error_measured": "error",
}
"""Columns of the table of zones."""


def print_advice(advice: Advice) -> None:
    """Print answers, the table of zones, all other statements, and the changes that would help."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    for answer in answers(advice):
        console.print(escape(answer), highlight=False)
    console.print(_zones(advice))
    console.print(_statements(advice))
    console.print(_changes(advice))
    for note in _notes(advice.changes):
        console.print(f"  {escape(note)}", highlight=False)
    console.print(
        "proven: a theorem, or arithmetic, about this scenario; corrected: a theorem of ours where the "
        "paper's is not true or loose; assumed: as printed, Assumptions 1 and 2 granted; estimated: rests on "
        "numbers measured in the run; measured: what happened, no promise. vacuous, or a bound in brackets: "
        "true, but it promises nothing. lambda: counted in multipliers. A change in brackets: see the notes. "
        "When one setting changes, L and what gossip rests on are taken to stay, but for d.",
        style="dim",
        highlight=False,
    )


def answers(advice: Advice) -> list[str]:
    """Three or four sentences: what is promised, what happened, what would help."""
    scenario, found = advice.scenario, [f"{advice.scenario.name}, policy {advice.policy}:"]
    found.append(f"In theory: {_theory(advice)}")
    margins = advice.of("margin")
    if margins:
        least = min(margins, key=lambda margin: margin.value or 0.0)
        lost = [str(margin.zone) for margin in margins if margin.verdict == "fails"]
        kept = f"{_some(lost)} not kept" if lost else f"all {scenario.M} zones kept"
        found.append(
            f"In practice: in a run of {advice.steps:,} steps {kept}; "
            f"smallest margin {least.value:+.3f} (zone {least.zone}). {_certified(advice)}"
        )
    else:
        found.append("In practice: nothing was run, for this is too large to try in seconds; see --steps.")
    found.append(f"To fall short by {advice.question.target:g} at most: {_help(advice)}")
    return found


def _theory(advice: Advice) -> str:
    """What Theorem 1 promises."""
    if advice.of("slack")[0].verdict == "fails":
        return "Theorem 1 promises nothing, for the thresholds ask for too much of so few agents."
    L = advice.of("L_corrected")[0]
    if advice.lacks_L:
        return f"Theorem 1 promises nothing, whatever the settings: {RATIOS}."
    source = " as given" if advice.question.L is not None else " on average along the run, an estimate"
    if L.verdict == "vacuous":
        bears = "for no L" if not L.value else f"only for an L of {L.value:.3g} or less"
        has = "" if L.limit is None or not L.value else f", and it is {L.limit:.3g}{source}"
        why = f" ({L.words})" if not L.value else ""
        return f"Theorem 1 promises nothing as things are: eq. (25), corrected, holds {bears}{has}{why}."
    promised = advice.of("promised_corrected")
    none = [str(each.zone) for each in promised if each.verdict == "vacuous"]
    error = advice.of("feasibility_error_corrected")[0].value
    if len(none) == len(promised):
        return f"Theorem 1 promises nothing: it allows an error of {number(error)}, more than any threshold."
    condition = "if training was perfect (Assumption 1 with epsilon = beta = 0)"
    if L.verdict == "undecided":
        condition += f" and eq. (25) holds, which cannot be said here ({L.words})"
    elif L.value is not None:
        condition += f" and L is {number(L.value)} or less (it is {number(L.limit)}{source})"
    left = f"; nothing for {_some(none)}" if none else ""
    said = f"{condition}, Theorem 1 promises satisfaction within {number(error)} of thresholds{left}."
    broken = [
        str(each.zone)
        for each, kept in zip(promised, advice.of("satisfaction"), strict=False)
        if each.verdict == "holds" and (kept.value or 0.0) < (each.value or 0.0)
    ]
    if broken:
        return (
            f"Theorem 1 is not to be relied on: {said.removesuffix('.')}, but the run had less in "
            f"{_some(broken)}, so that not all of this is true, or the run was too short."
        )
    return said + _doubt(advice)


def _certified(advice: Advice) -> str:
    """What the agents' own multipliers prove of the run."""
    found = advice.of("certified")
    none = [str(each.zone) for each in found if (each.value or 0.0) <= 0]
    off = [(each.limit or 0.0) - (each.value or 0.0) for each in found if str(each.zone) not in none]
    if not off:
        return "Nothing is proven by the local certificates of so short a run."
    left = f"; nothing for {_some(none)}" if none else ""
    within = math.ceil(max(off) * 1000) / 1000
    return f"Proven, of this run alone, by local certificates: c - {within:.3f} or more in each zone{left}."


def _doubt(advice: Advice) -> str:
    """That a promise rests on estimates, and whether the run bears them out."""
    if advice.of("p")[0].basis != ESTIMATED or advice.of("p")[0].verdict == "undecided":
        return ""
    refuted = any(line.verdict == "fails" for line in advice.of("lateness_measured"))
    found = "refutes their estimate" if refuted else "bears out their estimate"
    return f" That is for independent links, which these are not: the run {found}."


def _help(advice: Advice) -> str:
    """Which single changes meet which requirement."""
    parts = []
    for requirement in advice.requirements:
        mine = [change for change in advice.changes if change.requirement == requirement]
        useful = [f"{change.setting} = {safely(change)}" for change in mine if change.verdict == "change"]
        if useful:
            verdict = f"needs {' or '.join(useful)}"
        elif mine[0].verdict == "undecided":
            verdict = f"cannot be said ({mine[0].words})"
        elif any(change.words == IN_VAIN for change in mine):
            verdict = "cannot hold, for no L exists"
        else:
            verdict = "is met" if mine[0].verdict == "met" else "is in reach of no single change"
        parts.append(f"{NAMES[requirement]} {verdict}")
    return "; ".join(parts) + "."


def _some(names: list[str], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def safely(change: Change) -> str:
    """What is needed with `DIGITS` digits, rounded away from the present value, so that it still suffices."""
    assert change.needed is not None
    if change.setting == "T0":
        return f"{change.needed:.0f}"
    exact = Decimal(change.needed)
    up = change.now is None or change.needed >= change.now
    place = Decimal(1).scaleb(exact.adjusted() - DIGITS + 1) if exact else Decimal(1)
    rounded = float(exact.quantize(place, ROUND_CEILING if up else ROUND_FLOOR))
    return f"{rounded:g}"


def _verdict(word: str | None) -> str:
    return "" if word is None else f"[{COLOUR.get(word, 'default')}]{word}[/]"


def _zones(advice: Advice) -> Table:
    """Promise and practice side by side, one row a zone."""
    zones, columns = advice.scenario.zones, {key: advice.of(key) for key in PER_ZONE}
    order = list(range(len(zones)))
    title = "zones: what is promised, and what a run showed"
    if len(zones) > MOST_ZONES:
        by = columns["margin"] or columns["promised_corrected"]
        order = sorted(order, key=lambda m: by[m].value or 0.0)[:MOST_ZONES]
        title += f" (the {MOST_ZONES} with the least of {len(zones)})"
    table = Table(title=title)
    table.add_column("zone")
    table.add_column("c", justify="right")
    shown = {key: column for key, column in columns.items() if column}
    for key, column in shown.items():
        unit = "\nlambda" if column[0].unit == "lambda" else ""
        table.add_column(f"{PER_ZONE[key]}\n{column[0].basis}{unit}", justify="right", overflow="fold")
    for m in order:
        cells = [_cell(column[m]) for column in shown.values()]
        table.add_row(escape(zones[m].name), f"{zones[m].c:g}", *cells)
    return table


def _cell(statement: Statement) -> str:
    if statement.verdict == "vacuous":
        return (
            "[yellow]nothing[/]"
            if statement.key in ("promised", "promised_corrected")
            else f"[yellow]({number(statement.value)})[/]"
        )
    value = statement.value
    text = number(value) if statement.unit == "lambda" or value is None else f"{value:.3f}"
    if statement.key == "margin" and value is not None:
        return f"[{'green' if value >= 0 else 'red'}]{value:+.3f}[/]"
    return text


def _statements(advice: Advice) -> Table:
    """All statements that are not about one zone."""
    table = Table(title="all together")
    for heading in ("what", "value", "beside", "", "basis", "in words"):
        table.add_column(heading, justify="right" if heading in ("value", "beside") else "left")
    for line in advice.statements:
        if line.zone is None:
            beside = "" if line.limit is None else number(line.limit)
            unit = f" {line.unit}" if line.unit in ("steps", "rollouts") else ""
            table.add_row(
                line.quantity,
                number(line.value) + unit,
                beside,
                _verdict(line.verdict),
                line.basis,
                escape(line.words),
            )
    return table


def _changes(advice: Advice) -> Table:
    """Smallest change of each setting, by requirement."""
    first = {change.setting: change for change in advice.changes}
    bases = {change.requirement: change.basis for change in advice.changes if change.setting == "alpha"}
    table = Table(title="the smallest change of one setting that meets ...")
    table.add_column("setting")
    table.add_column("now", justify="right")
    for key, words in advice.requirements.items():
        table.add_column(f"{words}\n{bases[key]}", justify="right", overflow="fold")
    for setting in SETTINGS:
        mine = [change for change in advice.changes if change.setting == setting]
        table.add_row(setting, number(first[setting].now), *map(_needed, mine))
    return table


def _needed(change: Change) -> str:
    if change.verdict in ("change", "formal"):
        return safely(change) if change.verdict == "change" else f"[yellow]({safely(change)})[/]"
    return {"met": "[green]met[/]", "undecided": "?"}.get(change.verdict, "[red]no[/]")


def _notes(changes: list[Change]) -> list[str]:
    """Why some changes are none, or what must be known about them, each once."""
    notes: dict[str, dict[str, None]] = {}
    for change in changes:
        if change.words:
            notes.setdefault(change.words, {})[change.setting] = None
    return [f"{', '.join(settings)}: {words}" for words, settings in notes.items()]
