"""The figures of the paper, and what their commands share: load recordings, compute a table, draw it.

A new figure is a module with `tabulate` and `draw` that ends as the others do, and an entry in `FIGURES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from analysis import figure3a, figure3bf, figure4, figure5a, figure5b, figure5c
from analysis.options import OUT, POLICIES, RUNS, Force, OneRecording, Out, Policies, Recordings, Run, Runs
from analysis.recordings import RADII, check_choice, labelled, load, obtain, run_paper
from analysis.style import free_stem, save, styled
from cmarlsim.policies.policy import Policy
from cmarlsim.recordings.recording import Recording
from cmarlsim.terminal.console import command, waiting


class PaperFigure(NamedTuple):
    """A figure: what it needs, how its table is computed, and how that is drawn.

    With ``needs="one run"``, `tabulate` has a recording and `draw` the table and the run's scenario; with
    ``"runs"`` and ``"ranges"``, recordings and the table alone. Ranges are runs of several policies at
    several d; there `tabulate` has the policies by their labels as well. The docstring of `draw` is the help
    of the figure's command. What `summary` makes of the table, the command prints.
    """

    name: str
    needs: Literal["one run", "runs", "ranges"]
    level: str
    tabulate: Callable[..., pd.DataFrame]
    draw: Callable[..., Figure]
    summary: Callable[[pd.DataFrame], pd.DataFrame] | None = None

    def make(
        self, recordings: Sequence[Recording], policies: Mapping[str, Policy], stem: Path
    ) -> pd.DataFrame:
        """Save the figure of recordings as ``stem.png``, ``stem.pdf``, ``stem.csv``, and return its table.

        Raises
        ------
        InputError
            If the recordings do not suit the figure, or a file cannot be written.
        """
        with waiting(f"{self.name}: computing"):
            if self.needs == "one run":
                table = self.tabulate(recordings[0])
                picture = styled(self.draw)(table, recordings[0].scenario)
            else:
                known = [policies] if self.needs == "ranges" else []
                table = self.tabulate(recordings, *known)
                picture = styled(self.draw)(table)
        save(picture, table, stem)
        return table


FIGURES = (
    PaperFigure("figure3a", "one run", "step", figure3a.tabulate, figure3a.draw),
    PaperFigure("figure3bf", "one run", "step", figure3bf.tabulate, figure3bf.draw),
    PaperFigure("figure4", "runs", "rollout", figure4.tabulate, figure4.draw, figure4.margins),
    PaperFigure("figure5a", "runs", "step", figure5a.tabulate, figure5a.draw),
    PaperFigure("figure5b", "one run", "step", figure5b.tabulate, figure5b.draw),
    PaperFigure("figure5c", "ranges", "rollout", figure5c.tabulate, figure5c.draw, figure5c.margins),
)


def command_of(figure: PaperFigure) -> Callable[..., int]:
    """The command of a figure, with options for the recordings that it needs."""

    def show(recordings: Sequence[Recording], policies: Mapping[str, Policy], stem: Path) -> int:
        table = figure.make(recordings, policies, stem)
        if figure.summary:
            print(figure.summary(table).round(3).to_string())
        return 0

    def one_run(
        recording: OneRecording = None, run: Run = False, out: Out = OUT, force: Force = False
    ) -> int:
        stem = free_stem(out, figure.name, force)
        return show(obtain([recording] if recording else None, run, figure.level, 1), {}, stem)

    def several(
        recordings: Recordings = None,
        run: Run = False,
        runs: Runs = RUNS,
        out: Out = OUT,
        force: Force = False,
    ) -> int:
        stem = free_stem(out, figure.name, force)
        return show(obtain(recordings, run, figure.level, runs), {}, stem)

    def ranges(
        recordings: Recordings = None,
        run: Run = False,
        policy: Policies = POLICIES,
        runs: Runs = RUNS,
        out: Out = OUT,
        force: Force = False,
    ) -> int:
        stem = free_stem(out, figure.name, force)
        check_choice(recordings, run)
        policies = labelled(policy)
        if recordings:
            found = load(recordings, figure.level, may_differ=("links.d", "policy"))
        else:
            found = run_paper(policies, RADII, runs, figure.level)
        return show(found, policies, stem)

    commands: dict[str, Callable[..., int]] = {"one run": one_run, "runs": several, "ranges": ranges}
    chosen = commands[figure.needs]
    chosen.__name__, chosen.__doc__ = figure.name, figure.draw.__doc__
    return chosen


def main(name: str) -> None:
    """Run the command of a figure."""
    command(next(command_of(figure) for figure in FIGURES if figure.name == name))
