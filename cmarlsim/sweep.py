"""``python -m cmarlsim.sweep``: many runs from one file, on all cores or on a Slurm cluster."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from cmarlsim.console import STOPPED, Stop, compilation_announced, interruptible, progress_bar, start
from cmarlsim.errors import InputError, nearest
from cmarlsim.hdf5 import check_free
from cmarlsim.sweeps.axes import MOST_TASKS
from cmarlsim.sweeps.collecting import default_kind, gather, write_hdf5, write_table
from cmarlsim.sweeps.local import Local, Totals
from cmarlsim.sweeps.manifest import Manifest
from cmarlsim.sweeps.planning import plan as plan_sweep
from cmarlsim.sweeps.profile import profile_lines
from cmarlsim.sweeps.results import Census
from cmarlsim.sweeps.status import Status
from cmarlsim.sweeps.work import Worker

MOST_FAILED = 100
"""Largest exit code of ``run``: so many tasks failed, or more."""

Out = Annotated[Path, typer.Argument(help="The sweep's folder.")]


def plan(
    sweep: Annotated[str, typer.Argument(help="A sweep's TOML file, or a shipped name.")],
    out: Annotated[Path, typer.Argument(help="Folder for the sweep; it is made.")],
    yes: Annotated[bool, typer.Option("--yes", help=f"Allow more than {MOST_TASKS:,} tasks.")] = False,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Tasks whose results are in one file. [default: about a second's worth]",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Expand a sweep into numbered tasks and check every one of them."""
    with progress_bar(f"{sweep}: checking", None) as advance:
        manifest = plan_sweep(sweep, out, yes=yes, batch=batch, progress=advance)
    print(f"{manifest.name}: {len(manifest.tasks):,} tasks in {manifest.batches:,} batches")
    print(f"axes: {', '.join(manifest.keys) or 'none'}")
    print(f"next: cmarlsim sweep run {out}")
    return 0


def run(
    out: Out,
    engine: Annotated[str, typer.Option(help="local: processes on this machine; slurm: a job array.")] = "local",
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="local: processes. [default: one for each core]", show_default=False),
    ] = None,
    profile: Annotated[bool, typer.Option("--profile", help="Print where the time went.")] = False,
) -> int:
    """Run what is not done yet. The exit code is the number of tasks that failed, 100 at most."""
    if engine not in ("local", "slurm"):
        raise InputError(f"--engine {engine}: must be local or slurm{nearest(engine, ('local', 'slurm'))}")
    manifest = Manifest.load(out)
    manifest.check_versions(out)
    census = Census.of(out, manifest)
    for message in census.damaged:
        print(f"warning: {message}; its tasks are run again", file=sys.stderr)
    started, todo = time.perf_counter(), len(manifest.tasks) - len(census.done)
    with Stop() as stop:
        totals = _run_local(out, manifest, census, workers, stop) if census.open_batches else Totals()
    census = Census.of(out, manifest, deep=False)
    _print_outcome(manifest, census, totals)
    if profile:
        print("\n".join(profile_lines(totals, time.perf_counter() - started)))
    if stop.asked and len(census.done) < len(manifest.tasks):
        print(f"stopped; the same command runs the rest: cmarlsim sweep run {out}", file=sys.stderr)
        return STOPPED
    return min(len(census.failed), MOST_FAILED)


def _run_local(out: Path, manifest: Manifest, census: Census, workers: int | None, stop: Stop) -> Totals:
    with compilation_announced():
        compiling = Worker(out).prepare()  # here, so that several processes find it done
    total = len(manifest.tasks)
    with progress_bar(f"{manifest.name}: running", total) as advance:
        advance(len(census.done))

        def progress(done: int) -> bool:
            advance(done)
            return not stop.asked

        totals = Local(out, workers).run(census.open_batches, progress)
    totals.seconds["compile"] += compiling
    return totals


def _print_outcome(manifest: Manifest, census: Census, totals: Totals) -> None:
    done, total = len(census.done), len(manifest.tasks)
    print(f"{manifest.name}: {totals.done:,} tasks run now, {done:,} of {total:,} done")
    if totals.locked:
        print(f"{len(totals.locked):,} batches are being run by others and were left to them")
    for result in list(census.failed.values())[:5]:
        print(f"failed: {manifest.label(result.task)}: {(result.reason or '').splitlines()[-1]}")
    if census.failed:
        print(f"{len(census.failed):,} tasks failed; running the sweep again tries them again")


def status(out: Out) -> int:
    """Say what is done, running, failed and waiting, and when all will be done."""
    print("\n".join(Status.of(out).lines()))
    return 0


def collect(
    out: Out,
    table: Annotated[
        Path | None,
        typer.Option(
            help="File for the table, .parquet or .csv. [default: table.parquet in the sweep's folder, or "
            "table.csv without pyarrow]",
            show_default=False,
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
    for file in [path, *([hdf5] if hdf5 else [])]:
        check_free(file, force or file == path != table)
    rows = gather(out, manifest, partial)
    write_table(rows, path)
    print(f"{rows['task'].nunique():,} of {len(manifest.tasks):,} tasks, {len(rows):,} rows: {path}")
    if hdf5:
        write_hdf5(out, manifest, rows, hdf5)
        print(f"HDF5: {hdf5}")
    return 0


def application() -> typer.Typer:
    """The commands of a sweep."""
    app = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True
    )
    for function in (plan, run, status, collect):
        app.command()(interruptible(function))
    return app


if __name__ == "__main__":
    start(application())
