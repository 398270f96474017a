"""``python -m cmarlsim.run``: execute a trained team and show how it kept its promises."""

from __future__ import annotations

import os
import resource
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import typer

from cmarlsim.api import execute
from cmarlsim.errors import InputError
from cmarlsim.limits import free_bytes
from cmarlsim.randomness import check_seed
from cmarlsim.recordings.datasets import choose_links
from cmarlsim.recordings.recording import Recording
from cmarlsim.report.run_picture import draw_runs
from cmarlsim.scenario import Scenario, files_of
from cmarlsim.simulation.execution import Run, whole_rollouts
from cmarlsim.simulation.progress import Progress
from cmarlsim.simulation.work import LARGE_BYTES, Work, is_little, work_of_a_step
from cmarlsim.storage.files import file_at
from cmarlsim.storage.journal import journal_of
from cmarlsim.storage.outputs import check_free
from cmarlsim.terminal.console import command, compilation_announced, grouped, progress_bar
from cmarlsim.terminal.interrupt import STOPPED, Stop
from cmarlsim.terminal.policy_choice import fitting_policy
from cmarlsim.terminal.run_files import Files, one_each
from cmarlsim.terminal.run_report import print_report
from cmarlsim.terminal.waiting import waiting

RECORDS = ("step", "step-dense", "step-sparse", "rollout", "summary")
"""Levels of recording, at level step with the form that links are kept in."""

MANY_RUNS, MOST_RUNS = 1000, 10_000
"""So many runs need a yes, and so many a sweep."""

MOST_DRAWN = 5000
"""Zones in a picture: more would take minutes, and be smaller than its dots."""

_OTHER_FILES = 100
"""Files that a process may have open besides its recordings."""

OneRun = Callable[[int, Progress], None]
"""Makes one of several runs, by its number, and calls what it is given after every chunk."""


@grouped
def run(
    files: Files,
    scenario: Annotated[str, typer.Argument(help="A scenario's TOML file, or a shipped name.")] = "paper",
    policy: Annotated[
        str,
        typer.Option(
            help="A policy's HDF5 file, a shipped name, or 'rank' (untrained, fits every scenario)."
        ),
    ] = "paper",
    steps: Annotated[
        int | None, typer.Option(help="Length of a run, whole rollouts. [default: 40000]", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the (first) run.")] = 0,
    runs: Annotated[
        int, typer.Option(min=1, max=MOST_RUNS, help="Runs with the seeds SEED, SEED + 1, ...")
    ] = 1,
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
    yes: Annotated[
        bool,
        typer.Option("--yes", help=f"Allow more than a day, {LARGE_BYTES / 1e9:g} GB or {MANY_RUNS:,} runs."),
    ] = False,
) -> int:
    """Run Algorithm 2: a team patrols a floor plan, gossips, and updates its multipliers."""
    if record not in RECORDS:
        raise InputError(f"--record {record}: must be one of {', '.join(RECORDS)}")
    loaded = Scenario.load(scenario, set_ or ())
    fitting = fitting_policy(policy, loaded, scenario)
    level, _, form = record.partition("-")
    links = form or "auto"
    check_seed(seed)
    check_seed(seed + runs - 1)
    rollouts = whole_rollouts(steps, loaded.dual.T0)
    steps = rollouts * loaded.dual.T0
    if runs > MANY_RUNS and not yes:
        raise InputError(f"--runs {runs}: more than {MANY_RUNS:,}: add --yes to allow that")
    paths, picture = _outputs(files, loaded, seed, runs, [*files_of(scenario, set_ or ()), Path(policy)])
    with compilation_announced(), waiting(f"{loaded.name}: looking along all ways"):
        Run(loaded, fitting, seed).advance(0, keep_steps=False)  # so that several threads find it done
        sparse = choose_links(loaded, steps, level, links)
        if not is_little(loaded, steps * runs, level, sparse):
            each = work_of_a_step(loaded, fitting, level, sparse)
            what = f"{steps:,} steps" + f" x {runs:,} runs" * (runs > 1)
            _check_work(each, steps, paths, what, files.resume is not None, yes)

    def one(i: int, progress: Progress) -> None:
        kept: Any = {"record": level, "links": links, "progress": progress} | files.writing(paths[i])
        execute(loaded, fitting, steps, seed + i, out=paths[i], **kept).close()

    return _run_and_report(one, paths, f"{loaded.name}: running", rollouts * runs, picture)


def _outputs(
    files: Files, scenario: Scenario, seed: int, runs: int, inputs: Sequence[Path]
) -> tuple[list[Path], Path | None]:
    """The recordings' paths and that of the picture, which may be written; InputError if one may not."""
    base = files.base(scenario.name, seed, runs)
    paths = one_each(base, seed, runs)
    picture = base.with_suffix(".png") if files.plot and scenario.M <= MOST_DRAWN else None
    _allow_open(runs + _OTHER_FILES)
    for path in [*paths, *([picture] if picture else [])]:
        file_at(journal_of(path), follow=False)
        check_free(path, files.force or files.resume is not None, inputs)
    if files.plot and picture is None:
        print(f"no picture: it shows {MOST_DRAWN:,} zones at most", file=sys.stderr)
    return paths, picture


def _check_work(each: Work, steps: int, paths: Sequence[Path], what: str, resume: bool, yes: bool) -> None:
    """Raise InputError if runs of so many steps, `each` of which takes that, are too much, or not meant.

    Journals lie beside the files that are made of them, as many at once as there are runs at once.
    """
    at_once = min(len(paths), len(os.sched_getaffinity(0)))
    left = [*map(journal_of, paths), *(2 * [*paths] if resume else [])]
    there = sum(path.stat().st_size for path in left if path.exists())
    needed = max(each.bytes * steps * (len(paths) + at_once) - there, 0.0)
    work = Work(each.seconds * steps * len(paths) / at_once, needed)
    work.check(what, free_bytes(paths[0]), yes)


def _allow_open(files: int) -> None:
    """Let this process have so many files open at once; InputError if it cannot."""
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files > limit:
        if most != resource.RLIM_INFINITY and files > most:
            raise InputError(f"--runs: a process may have {most:,} files open here, and {files:,} are needed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))


def _run_and_report(
    one: OneRun, paths: Sequence[Path], label: str, rollouts: int, picture: Path | None
) -> int:
    """Make runs, one a file, and report them; `rollouts` are those of all."""
    with Stop() as stop:
        with progress_bar(label, rollouts) as advance:
            done = _run_at_once(one, len(paths), advance, stop)
        stop.heed_ctrl_c()
        recordings = [Recording.open(path) for path in paths if path.exists()]
        if picture:
            draw_runs(recordings, picture)
        print_report(recordings)
        if picture:
            print(f"picture:   {picture}")
    if done < rollouts:
        print(
            "stopped early: the recordings hold what was run so far and are valid; --resume auto goes on",
            file=sys.stderr,
        )
        return STOPPED
    return 0


def _run_at_once(one: OneRun, runs: int, advance: Callable[[int], object], stop: Stop) -> int:
    """Make runs, each in a thread; told to stop, they end at their next chunk. Returns the rollouts done."""
    turn, done = threading.Lock(), 0

    def progress(more: int) -> bool:
        nonlocal done
        with turn:
            advance(more)
            done += more
        return not stop.asked

    def begin(i: int) -> None:
        if not stop.asked:
            one(i, progress)

    with ThreadPoolExecutor(min(runs, len(os.sched_getaffinity(0)))) as pool:
        for future in [pool.submit(begin, i) for i in range(runs)]:
            future.result()
    return done


if __name__ == "__main__":
    command(run)
