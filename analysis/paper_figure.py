"""What the figures of the paper share: a command that loads recordings, computes a table and draws it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from analysis.options import OUT, POLICIES, RUNS, Force, OneRecording, Out, Policies, Recordings, Run, Runs
from analysis.recordings import RADII, check_choice, labelled, load, obtain, run_paper
from analysis.style import free_stem, save, styled
from cmarlsim.policies.policy import Policy
from cmarlsim.recordings.recording import Recording
from cmarlsim.terminal.waiting import waiting


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
