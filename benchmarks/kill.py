"""``python benchmarks/kill.py [SEED]``: interrupt runs and trainings, let them go on, compare hashes.

Processes are killed at every one of their file operations, which they leave half done; at random moments;
and their files are not allowed to grow beyond random sizes, as on a full disk. Then they are run to the end,
and the file must say, bit for bit, what that of a run says that was never interrupted.
"""

from __future__ import annotations

import hashlib
import itertools
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from cmarlsim import Policy, Scenario, execute, learn
from cmarlsim.errors import InputError
from cmarlsim.storage.journal import Journal, journal_of
from cmarlsim.training.recipe import RECIPES

FORMS = [("step", "dense"), ("step", "sparse"), ("rollout", "auto"), ("summary", "auto")]
OFTEN = 1e-9
KILLS = 60
LONGEST = 100.0


def contents(path: Path) -> dict[str, str]:
    """All that a file says: a hash of each dataset and each attribute."""
    found: dict[str, str] = {}

    def note(name: str, item: h5py.HLObject) -> None:
        said = {f"{name}@{key}": str(value).encode() for key, value in item.attrs.items()}
        if isinstance(item, h5py.Dataset):
            said[name] = str((item.dtype, item.shape)).encode() + item[...].tobytes()
        for key, value in said.items():
            if not key.endswith(("@DIMENSION_LIST", "@REFERENCE_LIST")):  # addresses in the file
                found[key] = hashlib.sha256(value).hexdigest()

    with h5py.File(path) as file:
        note("", file)
        file.visititems(note)
    return found


class Doomed:
    """File operations of a process that does not survive one; of what it writes then, half is there."""

    NAMES = ("pwrite", "fsync", "ftruncate", "replace", "link", "unlink")

    def __init__(self, survived: int) -> None:
        self.left, self.real = survived, {name: getattr(os, name) for name in self.NAMES}
        for name in self.NAMES:
            setattr(os, name, lambda *arguments, name=name: self._do(name, *arguments))

    def _do(self, name: str, *arguments: Any) -> Any:
        if self.left == 0:
            if name == "pwrite":
                file, data, place = arguments
                self.real[name](file, data[: len(data) // 2], place)
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1
        return self.real[name](*arguments)


def survived(work: Callable[[], object], operations: int | None = None, seconds: float | None = None) -> bool:
    """Whether `work`, in a process of its own, ends before it is killed.

    Raises
    ------
    RuntimeError
        If it fails in another way.
    """

    def doomed() -> None:
        if operations is not None:
            Doomed(operations)
        work()

    process = multiprocessing.get_context("fork").Process(target=doomed)
    process.start()
    process.join(LONGEST if seconds is None else seconds)
    hangs = seconds is None and process.is_alive()
    process.kill()
    process.join()
    if hangs or process.exitcode not in (0, -signal.SIGKILL):
        raise RuntimeError("hangs" if hangs else f"exit code {process.exitcode}")
    return process.exitcode == 0


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process may grow beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Interrupted:
    """Work that is interrupted and goes on, and what its file must say at the end.

    Parameters
    ----------
    folder
        Where to work.
    work
        Writes a file, or goes on with it.
    """

    def __init__(self, folder: Path, work: Callable[[Path], object]) -> None:
        self.path, self._work = folder / "r.h5", work
        work(folder / "whole.h5")
        self.whole = contents(folder / "whole.h5")
        self.valid = [self.whole]

    def go(self) -> None:
        """Work, or go on."""
        self._work(self.path)

    def check_now(self) -> None:
        """Make sure that a reader finds nothing or one of the `valid` files, and no damaged journal."""
        if self.path.exists() and contents(self.path) not in self.valid:
            raise AssertionError(f"{self.path}: not what it should be after a kill")
        if journal_of(self.path).exists():
            copy = Path(shutil.copy(journal_of(self.path), self.path.with_name("copy")))
            with Journal(copy) as journal:
                if journal.lost:
                    raise AssertionError(f"{journal_of(self.path)}: is taken for damaged after a kill")
            copy.unlink(missing_ok=True)

    def finish(self) -> None:
        """Go on to the end, compare, and clear up."""
        self.go()
        if contents(self.path) != self.whole:
            raise AssertionError(f"{self.path}: not the file of an uninterrupted run")
        for file in self.path.parent.iterdir():
            if file.name not in ("r.h5", "whole.h5", "older.h5"):
                raise AssertionError(f"{file}: was left behind")
        self.path.unlink()


def recording(folder: Path, steps: int, level: str, links: str, checkpoint: float) -> Interrupted:
    """A run of the plan `tiny`."""
    scenario, policy = Scenario.load("tiny"), Policy.load("rank")
    options: dict[str, Any] = {"steps": steps, "record": level, "links": links, "checkpoint": checkpoint}
    return Interrupted(
        folder, lambda path: execute(scenario, policy, out=path, resume="auto", **options).close()
    )


def training(folder: Path) -> Interrupted:
    """A training on the plan `tiny`, of two teams and both kinds of stages."""
    small = {"hidden": 8, "episodes": 8, "pretrain_iterations": 12, "loop_iterations": 8, "loop_runs": 12}
    recipe = RECIPES["loop"].model_copy(update=small | {"teams": 2, "validation_rollouts": 10})

    def work(path: Path) -> None:
        if not path.exists() or path.with_name(f"{path.name}.checkpoint").exists():
            learn(Scenario.load("tiny"), recipe=recipe, out=path, checkpoint=OFTEN)

    return Interrupted(folder, work)


def at_every_operation(work: Interrupted, older: Path | None = None, stride: int = 1) -> int:
    """Kill at each file operation, or each `stride`-th, and a second time soon after; how often that was.

    With `older`, that file is there before.
    """
    work.valid = [work.whole] if older is None else [work.whole, contents(older)]
    for operations in itertools.count(0, stride):
        if older is not None:
            shutil.copy(older, work.path)
        if survived(work.go, operations):
            work.path.unlink()
            return operations // stride
        work.check_now()
        survived(work.go, 7)
        work.check_now()
        work.finish()
    raise AssertionError("unreachable")


def at_random_moments(work: Interrupted, kills: int, longest: float, generator: random.Random) -> int:
    """Kill at random moments, so often, in as many runs as that takes; how many runs."""
    for runs in itertools.count(1):
        while not work.path.exists() and kills > 0:
            kills -= not survived(work.go, seconds=generator.uniform(0, longest))
            work.check_now()
        work.finish()
        if kills == 0:
            return runs
    raise AssertionError("unreachable")


def at_random_sizes(work: Interrupted, times: int, generator: random.Random) -> int:
    """Let files not grow beyond random sizes; how often that ended a run."""
    most = os.path.getsize(work.path.parent / "whole.h5")
    refused = 0
    for _ in range(times):
        try:
            with largest_file(generator.randrange(most)):
                work.go()
        except InputError:
            refused += 1
        work.check_now()
        work.finish()
    return refused


def main() -> None:
    """Do it all, and print what was done."""
    generator = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    for level, links in FORMS:
        with tempfile.TemporaryDirectory() as folder:
            work = recording(Path(folder), 2000, level, links, OFTEN)
            older = Path(folder) / "older.h5"
            execute(
                Scenario.load("tiny"), Policy.load("rank"), 640, out=older, record=level, links=links
            ).close()
            kills = at_every_operation(work), at_every_operation(work, older)
            print(f"{level} {links}: killed at {kills[0]} file operations, and {kills[1]} of an extension")
        with tempfile.TemporaryDirectory() as folder:
            work = recording(Path(folder), 100_000 if level == "step" else 1_000_000, level, links, 0.01)
            runs = at_random_moments(work, KILLS, 0.2, generator)
            print(f"{level} {links}: killed at {KILLS} random moments, in {runs} runs")
            refused = at_random_sizes(work, KILLS, generator)
            print(f"{level} {links}: {refused} of {KILLS} files refused to grow")
    with tempfile.TemporaryDirectory() as folder:
        work = training(Path(folder))
        print(f"training: killed at {at_every_operation(work, stride=5)} file operations")
        runs = at_random_moments(work, KILLS, 0.3, generator)
        print(f"training: killed at {KILLS} random moments, in {runs} trainings")
    print("every file is that of a run that was never interrupted")


if __name__ == "__main__":
    main()
