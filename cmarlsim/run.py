"""``python -m cmarlsim.run``: execute a trained team and show how it kept its promises."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cmarlsim.randomness import check_seed
from cmarlsim.recordings.datasets import check_record, choose_links
from cmarlsim.recordings.recording import Recording
from cmarlsim.report.run_picture import draw_runs
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import Run, whole_rollouts
from cmarlsim.storage.hdf5 import check_free
from cmarlsim.terminal.console import (
    STOPPED,
    Stop,
    command,
    compilation_announced,
    grouped,
    progress_bar,
    waiting,
)
from cmarlsim.terminal.parallel import RunJob, run_jobs
from cmarlsim.terminal.policy_choice import fitting_policy
from cmarlsim.terminal.run_files import Files, one_each
from cmarlsim.terminal.run_report import print_report


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
    loaded = Scenario.load(scenario, set_ or ())
    fitting = fitting_policy(policy, loaded, scenario)
    record, _, links = record.partition("-")
    links = links or "auto"
    check_record(record)
    check_seed(seed)
    check_seed(seed + runs - 1)
    rollouts = whole_rollouts(steps, loaded.dual.T0)
    steps = rollouts * loaded.dual.T0
    choose_links(loaded, steps, record, links)
    base = files.base(loaded.name, seed, runs)
    paths = one_each(base, seed, runs)
    picture = base.with_suffix(".png") if files.plot and record != "summary" else None
    for path in [*paths, *([picture] if picture else [])]:
        check_free(path, files.force or files.resume is not None, [Path(scenario), Path(policy)])
    with compilation_announced(), waiting(f"{loaded.name}: looking along all ways"):
        Run(loaded, fitting, seed).advance(0, keep_steps=False)  # so that several processes find it done
    jobs = [
        RunJob(loaded, fitting, steps, seed + i, path, record, links, files.writing(path))
        for i, path in enumerate(paths)
    ]
    return _run_and_report(jobs, f"{loaded.name}: running", rollouts * runs, picture)


def _run_and_report(jobs: Sequence[RunJob], label: str, rollouts: int, picture: Path | None) -> int:
    with Stop() as stop:
        with progress_bar(label, rollouts) as advance:

            def progress(done: int) -> bool:
                advance(done)
                return not stop.asked

            run_jobs(jobs, progress)
        recordings = [Recording.open(job.out) for job in jobs if job.out.exists()]
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


if __name__ == "__main__":
    command(run)
