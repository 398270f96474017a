"""``python -m cmarlsim.rerun``: repeat the run that a recording holds, and compare."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer

from cmarlsim.errors import InputError, one_line
from cmarlsim.kernels.scene import Chunk
from cmarlsim.policies.policy import RANK, Policy
from cmarlsim.recordings.datasets import DATASETS
from cmarlsim.recordings.recording import Recording
from cmarlsim.recordings.summary import Summary
from cmarlsim.simulation.execution import Run
from cmarlsim.storage.provenance import versions
from cmarlsim.terminal.console import command, compilation_announced, progress_bar

DIFFERENT = 1
"""Exit code where the recording is not what its run gives."""


_BLOCK = 2**20


class Difference(NamedTuple):
    """Where a recording first differs from its run."""

    dataset: str
    row: int
    found: np.ndarray
    expected: np.ndarray

    def __str__(self) -> str:
        """Say in one line where, and what each of the two holds."""
        differ = _bits(self.found) != _bits(self.expected)
        place = tuple(int(index) for index in np.argwhere(differ)[0])
        inside = f" at {list(place)}" if place else ""
        found, expected = (np.asarray(rows)[place].item() for rows in (self.found, self.expected))
        return f"{self.dataset}, row {self.row}{inside}: {found!r}, but the run gives {expected!r}"


def rerun(
    recording: Annotated[Path, typer.Argument(help="HDF5 file of a run.")],
    policy: Annotated[
        str | None,
        typer.Option(help="The policy's file, for a recording that does not hold it.", show_default=False),
    ] = None,
) -> int:
    """Repeat the run that a recording holds, and compare the two bit by bit.

    Exit code 0: identical; 1: it differs; 2: it cannot be run again.
    """
    with Recording.open(recording) as found:
        recorded_policy = policy_of(found, policy)
        if found.rollouts_done == 0:
            raise InputError(f"{recording}: holds no whole rollout")
        made_with = {name: str(found.file.attrs.get(name, "unknown")) for name in versions()}
        for name, there in made_with.items():
            if there != versions()[name]:
                note = f"note: {name} = {one_line(there, 80)} in the file, {versions()[name]} here"
                print(note, file=sys.stderr)
        label = f"{found.scenario.name}: running again"
        with compilation_announced(), progress_bar(label, found.rollouts_done) as advance:
            difference = first_difference(found, recorded_policy, advance)
    what = f"{recording}: {found.steps:,} steps of {found.scenario.name}, seed {found.seed}"
    print(f"{what}: {'identical' if difference is None else f'differs in {difference}'}")
    return 0 if difference is None else DIFFERENT


def policy_of(recording: Recording, reference: str | None = None) -> Policy:
    """The policy that a recording was made with: from the file itself, or from `reference`.

    Raises
    ------
    InputError
        If the file does not hold it and `reference` is not it.
    """
    if reference is not None:
        policy = Policy.load(reference)
    elif "policy" in recording.file:
        policy = _stored_policy(recording)
    else:
        policy = Policy.load(RANK)
    if policy.sha256 == recording.policy_sha256:
        return policy
    if reference is None:
        raise InputError(f"{recording.path}: does not hold its policy: name its file with --policy")
    raise InputError(f"{reference}: not the policy that {recording.path} was recorded with")


def _stored_policy(recording: Recording) -> Policy:
    """The policy that a recording holds; InputError if it is not the one whose hash the recording has."""
    try:
        policy = Policy.read(recording.file["policy"], Path(recording.path))
        damage = "its numbers are not those it was recorded with"
    except InputError as error:
        policy, damage = None, str(error).removeprefix(f"{recording.path}: ")
    if policy is None or policy.sha256 != recording.policy_sha256:
        raise InputError(
            f"{recording.path}: the policy stored in it is damaged: {damage}; "
            "name the policy's own file with --policy"
        )
    return policy


def first_difference(
    recording: Recording, policy: Policy, advance: Callable[[int], object] = lambda rollouts: None
) -> Difference | None:
    """Find where a recording first differs from its run; within a rollout, the first dataset that does.

    The numbers along the axes, and what the run was left with, ``/state``, are compared last, where the file
    holds them.

    Parameters
    ----------
    advance
        Called with the number of rollouts that were compared.

    Raises
    ------
    InputError
        If a dataset is of another type or shape than a recording's.
    """
    scenario, keep_steps = recording.scenario, recording.level == "step"
    run, summary = Run(scenario, policy, recording.seed), Summary(scenario)
    place = {name: DATASETS[name].first_rows for name in recording.names}
    for name, first in place.items():
        start = recording.rows(DATASETS[name].location, 0, first)
        if difference := _compare(recording, DATASETS[name].location, 0, np.zeros_like(start)):
            return difference
    for chunk in run.chunks(recording.rollouts_done, keep_steps, sparse=recording.sparse):
        differences = []
        for name in recording.names:
            rows = getattr(chunk, name)
            if difference := _compare(recording, DATASETS[name].location, place[name], rows):
                differences.append((_rollout(chunk, name, difference.row - place[name]), difference))
            place[name] += len(rows)
        if differences:
            return min(differences, key=lambda found: found[0])[1]
        summary.add(chunk)
        advance(len(chunk.lam))
    for name in recording.axes:
        if difference := _compare_axis(recording, name):
            return difference
    left, state = {}, run.state()
    if recording.level == "summary":
        left = {DATASETS[name].location: array for name, array in summary.datasets().items()}
        state |= summary.state()
    if "state" in recording.file:
        left |= {f"state/{name}": array for name, array in state.items()}
    for path, array in left.items():
        _check_form(recording, path, recording.rows(path), array)
    compared = (_compare(recording, path, 0, array) for path, array in left.items())
    return next(filter(None, compared), None)


def _compare(recording: Recording, path: str, first: int, expected: np.ndarray) -> Difference | None:
    """The first of the rows at `path`, from `first` on, that is not as expected."""
    found = recording.rows(path, first, first + len(expected))
    _check_form(recording, path, found, expected, first)
    differ = (_bits(found) != _bits(expected)).any(axis=tuple(range(1, found.ndim)))
    if not differ.any():
        return None
    row = int(differ.argmax())
    return Difference(path, first + row, found[row], expected[row])


def _check_form(
    recording: Recording, path: str, found: np.ndarray, expected: np.ndarray, first: int = 0
) -> None:
    """Raise InputError unless what was found from row `first` on is of the type and shape expected."""
    if (found.dtype, found.shape) != (expected.dtype, expected.shape):
        raise InputError(
            f"{recording.path}: {path} is {found.dtype}{list(found.shape)} from row {first} on, where a "
            f"recording has {expected.dtype}{list(expected.shape)}"
        )


def _compare_axis(recording: Recording, name: str) -> Difference | None:
    """Where the numbers along an axis are not 0, 1, 2, ..."""
    length = recording.axes[name]
    _check_form(recording, name, recording.rows(name, 0, 0), np.arange(0))
    if len(recording.file[name]) != length:
        raise InputError(f"{recording.path}: {name} has {len(recording.file[name])} numbers, not {length}")
    blocks = (np.arange(first, min(first + _BLOCK, length)) for first in range(0, length, _BLOCK))
    compared = (_compare(recording, name, int(block[0]), block) for block in blocks)
    return next(filter(None, compared), None)


def _rollout(chunk: Chunk, name: str, row: int) -> int:
    """Find the rollout, in the chunk, that a row of a dataset belongs to."""
    if name == "link_pair":
        row, name = int(np.searchsorted(np.cumsum(chunk.link_count), row, side="right")), "link_count"
    return row * len(chunk.lam) // len(getattr(chunk, name))


def _bits(array: np.ndarray) -> np.ndarray:
    return np.asarray(array, order="C").view(f"u{array.itemsize}")


if __name__ == "__main__":
    command(rerun)
