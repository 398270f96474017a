"""``python -m analysis.paper [RECORDINGS]``: all figures, and what Section V says against what we find.

Without recordings it runs the paper's scenario itself, in memory: five runs with every policy at d = 5 m, and
at each d = 1 .. 6. Recordings of the scenario `paper` may differ in policy, links.d and seed. Those at
d = 5 m must be of level ``step``: with the first policy they make Fig. 3a to 5b, and with each policy the
table of Section V's claims. All together make Fig. 5c. Of recordings of another scenario, which differ in the
seed alone, only Fig. 3a to 5b are made: what Section V says and its ranges of d are the paper's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markdown import Markdown

from analysis import markdown
from analysis.figures import FIGURES
from analysis.options import POLICIES, RUNS, Force, Out, Policies, Recordings, Runs
from analysis.recordings import RADII, RADIUS, check_level, label_of, labelled, load, run_paper
from analysis.section5 import check_ranges, check_runs
from analysis.style import free_stem, save_table
from cmarlsim.errors import InputError
from cmarlsim.policies.policy import Policy
from cmarlsim.recordings.differences import scenario_differences, shown
from cmarlsim.recordings.recording import Recording
from cmarlsim.scenario import Scenario
from cmarlsim.storage.files import write_whole
from cmarlsim.terminal.console import command

NAME = "section5"


def read(paths: Sequence[Path], policies: Mapping[str, Policy]) -> tuple[list[Recording], list[Recording]]:
    """Recordings at d = 5 m, and all.

    Raises
    ------
    InputError
        If none is at d = 5 m with the first policy, or one of those at d = 5 m is not of level ``step``.
    """
    recordings = load(paths, "rollout", may_differ=("links.d", "policy"))
    main = [recording for recording in recordings if recording.scenario.links.d == RADIUS]
    for recording in main:
        check_level(recording, "step")
    first = next(iter(policies))
    if first not in [label_of(recording, policies) for recording in main]:
        raise InputError(
            f"links.d = {RADIUS:g}: no recording has it with the policy '{first}'; most figures need that"
        )
    return main, recordings


def differing(path: Path) -> list[str]:
    """Keys in which a recording's scenario, or that of the first one in a folder, is not the paper's."""
    first = load([path], "summary", may_differ=("links.d", "policy"))[0]
    keys = scenario_differences(Scenario.load("paper"), first.scenario)
    return [key for key in keys if key != "links.d"]


def elsewhere(recordings: Sequence[Recording], stems: Mapping[str, Path]) -> int:
    """Make the figures that a scenario other than the paper's can have, and say which it cannot."""
    for figure in FIGURES:
        if figure.needs == "ranges":
            continue
        try:
            figure.make(recordings, {}, stems[figure.name])
        except InputError as error:
            print(f"{figure.name} is left out: {error}")
    return 0


def found(line: Mapping[str, Any]) -> str:
    """The number that was found, or the smallest and the largest over runs."""
    low, high = f"{line['lowest']:.3g}", f"{line['highest']:.3g}"
    return low if low == high else f"{low} .. {high}"


def beside(table: pd.DataFrame) -> str:
    """The table for readers: what the paper says, the criterion, and for each policy what was found."""
    policies, lines = table["policy"].unique(), []
    for (claim, criterion), mine in table.groupby(["paper", "criterion"], sort=False):
        cells = {line["policy"]: f"{found(line)}: {line['verdict']}" for line in mine.to_dict("records")}
        lines.append([claim, criterion, *(cells.get(policy, "") for policy in policies)])
    return markdown.table(["the paper says", "criterion", *policies], lines)


def paper(
    recordings: Recordings = None,
    policy: Policies = POLICIES,
    runs: Runs = RUNS,
    out: Out = Path("results/paper"),
    force: Force = False,
) -> int:
    """Make all figures and the table of Section V's claims, of the scenario `paper`.

    Runs what it needs if no recordings are given. Of another scenario makes the figures that are not about
    ranges of d.
    """
    stems = {figure.name: free_stem(out, figure.name, force) for figure in FIGURES}
    section5 = free_stem(out, NAME, force, (".csv", ".md"))
    if recordings and (keys := differing(recordings[0])):
        print(f"not the paper's scenario, differs in: {shown(keys)}; so figure5c and {NAME} are left out")
        return elsewhere(load(recordings, "step"), stems)
    policies = labelled(policy)
    if recordings:
        main, ranges = read(recordings, policies)
    else:
        main = run_paper(policies, [RADIUS], runs, "step")
        ranges = run_paper(policies, RADII, runs, "rollout")
    teams: dict[str, list[Recording]] = {label: [] for label in policies}
    for recording in main:
        teams[label_of(recording, policies)].append(recording)
    first = next(iter(teams.values()))
    made = {
        figure.name: figure.make(ranges if figure.needs == "ranges" else first, policies, stems[figure.name])
        for figure in FIGURES
    }
    tables = [check_runs(mine, label) for label, mine in teams.items() if mine]
    table = pd.concat([*tables, check_ranges(made["figure5c"])], ignore_index=True)
    save_table(table, section5.with_suffix(".csv"))
    text = beside(table)
    write_whole(section5.with_suffix(".md"), text.encode())
    Console().print(Markdown(f"# Section V\n\n{text}"))
    print(f"{section5}.csv, .md")
    return 0


if __name__ == "__main__":
    command(paper)
