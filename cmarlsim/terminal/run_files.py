"""Which files a run writes: options, their checks, and names that are free."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cmarlsim.errors import ArgumentError, InputError
from cmarlsim.recordings.recorder import CHECKPOINT_SECONDS, Resume
from cmarlsim.simulation.runs import Writing, check_checkpoint, check_writing
from cmarlsim.storage.files import file_at, problem_at
from cmarlsim.storage.journal import journal_of

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
        begun = self.resume != AUTO and (file_at(path) or file_at(journal_of(path)))
        resume: Resume = (begun or "auto") if self.resume else False
        return {"force": self.force, "resume": resume, "checkpoint": self.checkpoint}

    def base(self, name: str, seed: int, runs: int) -> Path:
        """The recording's name, before seeds join it; InputError if the options contradict each other."""
        if self.resume and self.force:
            raise InputError("--resume: goes on with what --force would forget; leave out one of them")
        check_checkpoint(self.checkpoint)
        for option, path in (("out", self.out), ("resume", self.resume)):
            if path not in (None, AUTO) and (problem := problem_at(path)):
                raise ArgumentError(option, path, problem)
        if self.resume in (None, AUTO):
            base = self.out or _free(name, seed, runs, resume=self.resume == AUTO)
        elif self.out not in (None, self.resume):
            raise InputError(
                f"--resume {self.resume}: continues that file, so --out {self.out} cannot be another"
            )
        else:
            base = self.resume
            _check_any_begun(base, one_each(base, seed, runs, "resume"))
        check_writing(base, **self.writing(base))
        return base


def _check_any_begun(base: Path, paths: Sequence[Path]) -> None:
    """Raise InputError if there is nothing of any of the files that `base` stands for."""
    if not any(file_at(path) or file_at(journal_of(path)) for path in paths):
        names = " to ".join(dict.fromkeys(path.name for path in (paths[0], paths[-1])))
        looked_for = f"{base.parent / names} nor a journal of one" if len(paths) > 1 else "it nor its journal"
        raise InputError(f"--resume {base}: nothing to continue: there is neither {looked_for}")


def one_each(base: Path, seed: int, runs: int, option: str = "out") -> list[Path]:
    """One file a run: `base`, which the user named by an option, or with the seed in its name."""
    if base.suffix == ".png":
        raise InputError(f"--{option} {base}: must name an HDF5 file, such as run.h5")
    if runs == 1:
        return [base]
    return [base.with_name(f"{base.stem}-seed{seed + i}{base.suffix}") for i in range(runs)]


def _free(name: str, seed: int, runs: int, resume: bool) -> Path:
    """The first name in results/ under which nothing exists yet; to resume, the first name."""
    safe = re.sub(r"[^\w.-]+", "-", name).strip(".-") or "run"
    stem = f"{safe}-seed{seed}" if runs == 1 else safe
    for number in itertools.count(1):
        base = Path("results") / (f"{stem}.h5" if number == 1 else f"{stem}-{number}.h5")
        paths = one_each(base, seed, runs)
        taken = [base.with_suffix(".png"), *paths, *(journal_of(path) for path in paths)]
        if resume or not any(map(os.path.lexists, taken)):
            return base
    raise AssertionError("unreachable")
