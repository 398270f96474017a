"""``python -m tests.fuzz``: try hostile cases for a while, and say which of them fail."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import count, islice
from multiprocessing.connection import Connection, wait
from pathlib import Path
from random import Random

if __name__ == "__main__":
    for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[_variable] = "1"  # threads do not survive a fork
    os.environ["MPLBACKEND"] = "Agg"

from .specimens import Specimens
from .trial import KINDS, Trial, kind_of, pattern, try_apart, try_case

TELL_SECONDS = 30.0


def main(arguments: list[str] | None = None) -> int:
    """Try cases as asked; returns 1 if any failed."""
    options = _options(arguments)
    folder = Path(tempfile.mkdtemp(prefix="cmarlsim-fuzz-"))
    print(f"seed {options.seed}; {folder}", flush=True)
    try:
        good = Specimens(folder / "good")
        _in_silence(good.make, folder / "specimens.log")
        if options.case is not None:
            trial = try_case(options.case, good, folder / "case")
            print(_described(trial), f"files: {folder / 'case'}", sep="\n")
            return int(bool(trial.faults))
        trials = _tried(options, good, folder)
    finally:
        if options.case is None:
            shutil.rmtree(folder, ignore_errors=True)
    return _reported(trials)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("--hours", type=float, default=0.0)
    parser.add_argument("--minutes", type=float, default=0.0, help="how long; 2 minutes if nothing is said")
    parser.add_argument("--cases", type=int, help="how many, however long that takes")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6, help="of all cases")
    parser.add_argument("--only", choices=KINDS, help="cases of one kind")
    parser.add_argument("--case", type=int, metavar="SEED", help="one case again; its files are kept")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args(arguments)
    minutes = options.minutes + 60 * options.hours
    options.seconds = float("inf") if options.cases and not minutes else 60 * (minutes or 2)
    return options


def _in_silence(make: Callable[[], None], log: Path) -> None:
    """Call `make` with its output in a file."""
    streams = [os.dup(number) for number in (1, 2)]
    with log.open("w") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        try:
            make()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, stream in zip((1, 2), streams, strict=True):
                os.dup2(stream, number)


def seeds(seed: int, only: str | None = None) -> Iterator[int]:
    """Seeds of cases, perhaps of one kind only."""
    drawn = Random(seed)
    for _ in count():
        case = drawn.randrange(10**12)
        if only in (None, kind_of(case)):
            yield case


def _tried(options: argparse.Namespace, good: Specimens, folder: Path) -> list[Trial]:
    """Try cases in several processes until the time is over."""
    context = multiprocessing.get_context("fork")
    began = told = time.monotonic()

    def work(number: int, trials: Connection) -> None:
        for seed in islice(seeds(options.seed, options.only), number, options.cases, options.workers):
            if time.monotonic() - began > options.seconds:
                break
            trials.send(try_apart(seed, good, folder / f"worker-{number}"))

    processes, working = [], list[Connection]()
    for number in range(options.workers):
        reader, writer = context.Pipe(duplex=False)
        processes.append(context.Process(target=work, args=(number, writer)))
        processes[-1].start()
        writer.close()
        working.append(reader)
    trials: list[Trial] = []
    while working:
        ready = wait(working, TELL_SECONDS)
        for reader in [each for each in working if each in ready]:
            try:
                trials.append(reader.recv())
            except EOFError:
                working.remove(reader)
        if time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            failed = sum(bool(trial.faults) for trial in trials)
            print(f"{told - began:.0f} s: {len(trials):,} cases, {failed:,} failed", flush=True)
    for process in processes:
        process.join()
        if process.exitcode:
            raise RuntimeError(f"a process of the fuzzer itself ended with {process.exitcode}")
    took = time.monotonic() - began
    print(f"{len(trials):,} cases in {took:.0f} s, {len(trials) / took:.0f} a second")
    return trials


def _described(trial: Trial) -> str:
    lines = [f"{trial.kind}: {trial.story}", *(f"$ {line:.600}" for line in trial.lines)]
    return "\n".join(
        [*lines, f"exit codes: {trial.codes}", *(f"fault: {fault:.600}" for fault in trial.faults)]
    )


def _reported(trials: list[Trial]) -> int:
    """Print a table by kind, and for each sort of failure how to repeat one; returns the exit code."""
    print(f"{'kind':10}{'cases':>8}{'accepted':>10}{'refused':>9}{'failed':>8}")
    for kind in KINDS:
        mine = [trial for trial in trials if trial.kind == kind]
        accepted = sum(trial.codes[-1:] == (0,) for trial in mine)
        refused = sum(trial.codes[-1:] == (2,) for trial in mine)
        failed = sum(bool(trial.faults) for trial in mine)
        print(f"{kind:10}{len(mine):8,}{accepted:10,}{refused:9,}{failed:8,}")
    sorts: Counter[str] = Counter()
    examples: defaultdict[str, list[Trial]] = defaultdict(list)
    for trial in trials:
        for sort in {pattern(fault) for fault in trial.faults}:
            sorts[sort] += 1
            examples[sort].append(trial)
    for sort, times in sorts.most_common():
        trial = min(examples[sort], key=lambda trial: len(trial.story) + len(str(trial.commands)))
        print(f"\n{times} x {sort}\n{_described(trial)}\nagain: python -m tests.fuzz --case {trial.seed}")
    return int(bool(sorts))


if __name__ == "__main__":
    sys.exit(main())
