"""``python -m cmarlsim.sweep``: many runs from one file, on all cores or on a Slurm cluster."""

from __future__ import annotations

import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from time import sleep
from typing import Annotated

import typer

from cmarlsim.errors import InputError, nearest, one_line
from cmarlsim.storage.files import real
from cmarlsim.storage.outputs import check_free
from cmarlsim.sweeps.axes import MOST_TASKS, MOST_TASKS_EVER
from cmarlsim.sweeps.batches import Worker
from cmarlsim.sweeps.collecting import collect as collected
from cmarlsim.sweeps.collecting import default_kind, write_hdf5, write_table
from cmarlsim.sweeps.manifest import NAME, Manifest
from cmarlsim.sweeps.planning import plan_sweep
from cmarlsim.sweeps.results import Census
from cmarlsim.sweeps.running import MOST_AT_ONCE, ready_to_run, run_sweep
from cmarlsim.sweeps.slurm import AGAIN, Arrays, element_here
from cmarlsim.sweeps.status import status_lines
from cmarlsim.terminal.console import compilation_announced, grouped, interruptible, progress_bar, start
from cmarlsim.terminal.interrupt import STOPPED, Stop

ENGINES = ("local", "slurm")

MOST_FAILED = 100
"""Largest exit code of ``run``: so many tasks failed, or more."""

_POLL_SECONDS = 2.0

Out = Annotated[Path, typer.Argument(help="The sweep's folder.")]


def plan(
    sweep: Annotated[str, typer.Argument(help="A sweep's TOML file, or a shipped name.")],
    out: Annotated[Path, typer.Argument(help="Folder for the sweep; it is made.")],
    yes: Annotated[
        bool, typer.Option("--yes", help=f"Allow more than {MOST_TASKS:,} tasks, or a day's work.")
    ] = False,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_TASKS_EVER,
            help="Tasks whose results are in one file. [default: about a second's worth]",
        ),
    ] = None,
) -> int:
    """Expand a sweep into numbered tasks and check every one of them."""
    with compilation_announced(), progress_bar(f"{sweep}: checking", None) as advance:
        manifest = plan_sweep(sweep, out, yes=yes, batch=batch, progress=advance)
    print(f"{manifest.name}: {len(manifest.tasks):,} tasks in {manifest.batches:,} batches")
    print(f"axes: {', '.join(manifest.keys) or 'none'}")
    print(f"next: cmarlsim sweep run {quote(str(out))}")
    return 0


@dataclass(frozen=True)
class SlurmOptions:
    """Options of ``run`` that go with the engine ``slurm`` only."""

    partition: Annotated[str | None, typer.Option(help="slurm: where to run.")] = None
    account: Annotated[str | None, typer.Option(help="slurm: who pays.")] = None
    time: Annotated[str, typer.Option(help="slurm: time limit of an element.")] = "01:00:00"
    memory: Annotated[str, typer.Option(help="slurm: memory of an element.")] = "2G"
    tasks_per_element: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_TASKS_EVER,
            help="slurm: tasks of an element, as whole batches. [default: 1/100 of all]",
        ),
    ] = None
    wait: Annotated[bool, typer.Option("--wait", help="slurm: return when all elements have ended.")] = False

    def check(self, engine: str) -> None:
        """Raise InputError unless the engine is known, and Slurm where anything was asked of it."""
        if engine not in ENGINES:
            problem = f"must be one of {', '.join(ENGINES)}{nearest(engine, ENGINES)}"
            raise InputError(f"--engine {one_line(engine, 80)}: {problem}")
        asked = [name for name, value in vars(self).items() if value != getattr(SlurmOptions, name)]
        if asked and engine != "slurm":
            raise InputError(f"--{asked[0].replace('_', '-')}: goes with --engine slurm only")


@grouped
def run(
    slurm: SlurmOptions,
    out: Out,
    engine: Annotated[
        str, typer.Option(help="local: processes on this machine; slurm: a job array of a cluster.")
    ] = "local",
    max_parallel: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_AT_ONCE,
            help="Processes or elements at once. [default: one for each core, or no limit]",
        ),
    ] = None,
) -> int:
    """Run what is not done yet. The exit code is the number of tasks that failed, 100 at most."""
    slurm.check(engine)
    worker = Worker(out)
    with compilation_announced():
        worker.prepare()
    with Stop() as stop:
        ended = True
        if engine == "slurm":
            ended = _run_on_slurm(Arrays(out), slurm, max_parallel, stop)
        else:
            _run_here(worker.manifest, out, max_parallel, stop)
    census = Census.of(out, worker.manifest, deep=False)
    if not ended:
        return STOPPED if stop.asked else 0
    return _outcome(out, worker.manifest, census, stop)


def _run_here(manifest: Manifest, out: Path, workers: int | None, stop: Stop) -> None:
    """Run what is open in processes of this machine."""
    with progress_bar(f"{manifest.name}: running", len(manifest.tasks)) as advance:

        def progress(tasks: int) -> bool:
            advance(tasks)
            return not stop.asked

        run_sweep(out, workers=workers, progress=progress)


def _run_on_slurm(arrays: Arrays, slurm: SlurmOptions, at_once: int | None, stop: Stop) -> bool:
    """Submit what is open and not in the queue; returns whether all elements have ended."""
    batches = ready_to_run(arrays.out)[1].open_batches
    directives = {name: getattr(slurm, name) for name in ("partition", "account", "time")}
    directives["mem"] = slurm.memory
    submitted = arrays.submit(batches, directives, slurm.tasks_per_element, at_once) if batches else None
    if submitted:
        array, elements, count = submitted
        print(f"job array {array}: {elements:,} elements, {count:,} batches", flush=True)
    else:
        print("nothing to submit: what is not done is in the queue already, or all is done", flush=True)
    while slurm.wait and not stop.asked and arrays.alive():
        sleep(_POLL_SECONDS)
    return not arrays.alive()


def _outcome(out: Path, manifest: Manifest, census: Census, stop: Stop) -> int:
    """Say what came of a sweep; returns the exit code."""
    print(f"{manifest.name}: {len(census.done):,} of {len(manifest.tasks):,} tasks done")
    for result in list(census.failed.values())[:5]:
        print(f"failed: {manifest.label(result.task)}: {result.why}")
    if census.failed:
        print(f"{len(census.failed):,} tasks failed; running the sweep again tries them again")
    if stop.asked and len(census.done) < len(manifest.tasks):
        rest = f"cmarlsim sweep run {quote(str(out))}"
        print(f"stopped; the same command runs the rest: {rest}", file=sys.stderr)
        return STOPPED
    lost = len(manifest.tasks) - len(census.done) - len(census.failed)
    if lost:
        print(f"{lost:,} tasks have no result though all that ran them has ended: see {out}/slurm/*.log")
    return min(len(census.failed) + lost, MOST_FAILED)


def element(
    out: Out, ticket: Annotated[str, typer.Argument(help="What the job array was submitted under.")]
) -> int:
    """Run the batches of one element of a job array, in this process; Slurm calls this."""
    index, restarts = element_here()
    batches = Arrays(out).batches(ticket, index)
    warnings.simplefilter("ignore")  # `plan` has shown them
    with Stop() as stop:
        worker = Worker(out, stop=lambda: stop.asked)
        worker.manifest.check_versions(out)
        worker.sources.check_policies()
        worker.prepare()
        for batch in batches:
            while (results := worker.batch(batch, retry=not restarts)) is None and not stop.asked:
                sleep(_POLL_SECONDS)
            print(f"batch {batch}: {results or 0} results", flush=True)
            if stop.asked:
                return AGAIN
    return 0


def status(out: Out) -> int:
    """Say what is done, running, failed and waiting."""
    print("\n".join(status_lines(out)))
    arrays = Arrays(out)
    if arrays.any():
        try:
            states = arrays.alive()
        except InputError as error:
            print(f"warning: the queue is not known: {error}", file=sys.stderr)
        else:
            print(
                f"elements in the queue: {', '.join(f'{n} {name}' for name, n in states.items()) or 'none'}"
            )
    return 0


def collect(
    out: Out,
    table: Annotated[
        Path | None,
        typer.Option(
            help="File for the table, .parquet or .csv. [default: table.parquet in the sweep's folder, or "
            "table.csv without pyarrow]"
        ),
    ] = None,
    hdf5: Annotated[
        Path | None, typer.Option(help="Also gather the table and all recordings in this HDF5 file.")
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Leave out tasks that are not done.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
) -> int:
    """Gather all results in one table with a row for every task and zone."""
    manifest = Manifest.load(out)
    path = table or out / f"table{default_kind()}"
    if hdf5 and os.path.abspath(real(hdf5)) == os.path.abspath(real(path)):
        raise InputError(f"--hdf5 {hdf5}: is the file of the table; choose another name")
    for file in [path, *([hdf5] if hdf5 else [])]:
        check_free(file, force or file == path != table, [out / NAME])
    rows = collected(out, partial)
    write_table(rows, path)
    print(f"{rows['task'].nunique():,} of {len(manifest.tasks):,} tasks, {len(rows):,} rows: {path}")
    if hdf5:
        write_hdf5(out, rows, hdf5)
        print(f"HDF5: {hdf5}")
    return 0


def application() -> typer.Typer:
    """The commands of a sweep."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

    @app.callback(invoke_without_command=True)
    def usage(context: typer.Context) -> None:
        """Many runs from one file, on all cores or on Slurm."""
        if context.invoked_subcommand is None:
            print(context.get_help())

    for function in (plan, run, status, collect):
        app.command()(interruptible(function))
    app.command(hidden=True)(interruptible(element))
    return app


if __name__ == "__main__":
    start(application())
