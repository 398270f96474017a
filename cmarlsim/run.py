"""``python -m cmarlsim.run``: execute a trained team and show how it kept its promises."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cmarlsim.errors import InputError
from cmarlsim.randomness import check_seed
from cmarlsim.recordings.datasets import check_record, choose_links
from cmarlsim.recordings.recorder import CHECKPOINT_SECONDS, Resume
from cmarlsim.recordings.recording import Recording
from cmarlsim.report.picture import draw_runs
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import Run, whole_rollouts
from cmarlsim.simulation.runs import Writing, check_writing
from cmarlsim.storage.hdf5 import check_free
from cmarlsim.storage.journal import journal_of
from cmarlsim.terminal.console import (
    STOPPED,
    Stop,
    command,
    compilation_announced,
    grouped,
    progress_bar,
    waiting,
)
from cmarlsim.terminal.parallel import Task, run_tasks
from cmarlsim.terminal.run_report import print_report
from cmarlsim.terminal.teams import fitting_policy

AUTO = Path("auto")


@dataclass(frozen=True)
class Files:
    """Options that say which files are written, and how."""

    out: Annotated[
        Path | None,
        typer.Option(
            help="HDF5 file to record in; with several runs, '-seedN' joins its name. "
            "[default: a free name in results/]",
            show_default=False,
        ),
    ] = None
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|auto",
            help="Continue the run recorded in FILE, ended or killed; auto: in --out, if there is one.",
        ),
    ] = None
    checkpoint: Annotated[
        float, typer.Option(help="Seconds of work that may be lost when the run is killed.")
    ] = CHECKPOINT_SECONDS
    plot: Annotated[bool, typer.Option(help="Draw a picture beside the recording.")] = True

    def writing(self, path: Path) -> Writing:
        """How the recording `path` is written; of several runs, some may not have begun."""
        begun = self.resume != AUTO and (path.exists() or journal_of(path).exists())
        resume: Resume = (begun or "auto") if self.resume else False
        return {"force": self.force, "resume": resume, "checkpoint": self.checkpoint}

    def base(self, name: str, seed: int, runs: int) -> Path:
        """The recording's name, before seeds join it.

        Raises
        ------
        InputError
            If the options contradict each other, or there is nothing to resume.
        """
        if self.resume and self.force:
            raise InputError("--resume: goes on with what --force would forget; leave out one of them")
        if not self.checkpoint > 0:
            raise InputError(f"--checkpoint {self.checkpoint:g}: must be more than 0 seconds")
        if self.resume in (None, AUTO):
            base = self.out or _free(name, seed, runs, resume=self.resume == AUTO)
        elif self.out not in (None, self.resume):
            raise InputError(
                f"--resume {self.resume}: continues that file, so --out {self.out} cannot be another"
            )
        else:
            base = self.resume
            _check_any_begun(base, _one_each(base, seed, runs))
        check_writing(base, **self.writing(base))
        return base


@grouped
def run(
    files: Files,
    scenario: Annotated[str, typer.Argument(help="A scenario's TOML file, or a shipped name.")] = "paper",
    policy: Annotated[
        str, typer.Option(help="A policy's HDF5 file, a shipped name, or 'rank' (no training needed).")
    ] = "paper",
    steps: Annotated[
        int | None, typer.Option(help="Length of a run, whole rollouts. [default: 40000]", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the (first) run.")] = 0,
    runs: Annotated[int, typer.Option(min=1, help="Runs with the seeds SEED, SEED + 1, ...")] = 1,
    record: Annotated[
        str,
        typer.Option(
            help="How much to keep: step (or step-dense, step-sparse, as to links), rollout, summary."
        ),
    ] = "step",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a scenario key: links.d=4, zones.red.c=0.2."),
    ] = None,
) -> int:
    """Run Algorithm 2: a team patrols a floor plan, gossips, and updates its multipliers."""
    world = Scenario.load(scenario, set_ or ())
    team = fitting_policy(policy, scenario, world)
    record, _, links = record.partition("-")
    check_record(record)
    check_seed(seed)
    check_seed(seed + runs - 1)
    rollouts = whole_rollouts(steps, world.dual.T0)
    choose_links(world, rollouts * world.dual.T0, record, links or "auto")
    base = files.base(world.name, seed, runs)
    paths = _one_each(base, seed, runs)
    picture = base.with_suffix(".png") if files.plot and record != "summary" else None
    for path in [*paths, *([picture] if picture else [])]:
        check_free(path, files.force or files.resume is not None, [Path(scenario), Path(policy)])
    with compilation_announced(), waiting(f"{world.name}: looking along all ways"):
        Run(world, team, seed).advance(0, keep_steps=False)  # here, so that several processes find it done
    steps, links = rollouts * world.dual.T0, links or "auto"
    tasks = [
        Task(world, team, steps, seed + i, path, record, links, files.writing(path))
        for i, path in enumerate(paths)
    ]
    return _run_and_report(tasks, f"{world.name}: running", rollouts * runs, picture)


def _run_and_report(tasks: Sequence[Task], label: str, rollouts: int, picture: Path | None) -> int:
    with Stop() as stop:
        with progress_bar(label, rollouts) as advance:

            def progress(done: int) -> bool:
                advance(done)
                return not stop.asked

            run_tasks(tasks, progress)
        recordings = [Recording.open(task.out) for task in tasks if task.out.exists()]
        if picture:
            draw_runs(recordings, picture)
        print_report(recordings)
        if picture:
            print(f"picture:   {picture}")
    if stop.asked:
        print(
            "stopped early: the recordings hold what was run so far and are valid; --resume auto goes on",
            file=sys.stderr,
        )
        return STOPPED
    return 0


def _check_any_begun(base: Path, paths: Sequence[Path]) -> None:
    """Raise InputError if there is nothing of any of the files that `base` stands for."""
    if not any(path.exists() or journal_of(path).exists() for path in paths):
        names = " to ".join(dict.fromkeys(path.name for path in (paths[0], paths[-1])))
        looked_for = f"{base.parent / names} nor a journal of one" if len(paths) > 1 else "it nor its journal"
        raise InputError(f"--resume {base}: nothing to continue: there is neither {looked_for}")


def _one_each(base: Path, seed: int, runs: int) -> list[Path]:
    """One file a run: `base` itself, or with the seed in its name."""
    if not base.name or base.is_dir() or base.suffix == ".png":
        raise InputError(f"--out {base}: must name an HDF5 file, such as run.h5")
    if runs == 1:
        return [base]
    return [base.with_name(f"{base.stem}-seed{seed + i}{base.suffix}") for i in range(runs)]


def _free(name: str, seed: int, runs: int, resume: bool) -> Path:
    """The first name in results/ under which nothing exists yet; to resume, the first name."""
    safe = re.sub(r"[^\w.-]+", "-", name).strip(".-") or "run"
    stem = f"{safe}-seed{seed}" if runs == 1 else safe
    for number in itertools.count(1):
        base = Path("results") / (f"{stem}.h5" if number == 1 else f"{stem}-{number}.h5")
        paths = _one_each(base, seed, runs)
        taken = [base.with_suffix(".png"), *paths, *(journal_of(path) for path in paths)]
        if resume or not any(path.exists() for path in taken):
            return base
    raise AssertionError("unreachable")


if __name__ == "__main__":
    command(run)
