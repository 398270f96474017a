"""Recording a run in a file: in a journal as it goes on, from which the file is made at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import h5py
import numpy as np

from cmarlsim.errors import DamagedError, InputError
from cmarlsim.kernels.scene import Chunk
from cmarlsim.notes import log
from cmarlsim.policies.policy import Policy
from cmarlsim.recordings.columns import Column, pieces_of, whole_chunk, write_arrays, write_columns
from cmarlsim.recordings.datasets import DATASETS, FORMAT, check_record, kept
from cmarlsim.recordings.differences import check_same, made_differences, made_with
from cmarlsim.recordings.recording import Recording
from cmarlsim.recordings.summary import Summary
from cmarlsim.scenario import Scenario
from cmarlsim.storage.files import file_at
from cmarlsim.storage.hdf5 import check_sealed, damage_told, numbers, open_readable, published
from cmarlsim.storage.journal import Journal, journal_of, packed, unpacked

Resume = bool | Literal["auto"]
State = dict[str, np.ndarray]

CHECKPOINT_SECONDS = 10.0
"""Between commits of a run: so much work may be lost."""

_POLICY_BYTES = 2**24
_NOT_CONTINUED = "is damaged: it cannot be continued"


class Recorder:
    """Records a run in an HDF5 file, which appears whole when the run ends; until then there is a journal.

    Parameters
    ----------
    path
        The file.
    scenario, policy, seed
        What the run is of.
    level
        ``step``, ``rollout`` or ``summary``.
    sparse
        Keep links sparse, not as matrices.
    force
        Replace a file of that name, and forget what a killed run left.
    resume
        Go on where a run ended or was killed; with ``auto``, begin where there is none.
    checkpoint
        Seconds of work that may be lost.

    Attributes
    ----------
    done : int
        Rollouts recorded so far.
    state : dict or None
        What the run was left with (`cmarlsim.simulation.execution.Run.state`); None before its first rollout.

    Raises
    ------
    LockedError
        If another process is writing it.
    MisfitError
        If what is there is of another run.
    DamagedError
        If what is there is damaged.
    InputError
        If something is in the way, or there is nothing to resume.
    """

    def __init__(
        self,
        path: Path,
        scenario: Scenario,
        policy: Policy,
        seed: int,
        level: str,
        sparse: bool = False,
        *,
        force: bool = False,
        resume: Resume = False,
        checkpoint: float = CHECKPOINT_SECONDS,
    ) -> None:
        check_record(level)
        self.path, self.level, self.sparse = path, level, sparse
        self._policy, self._replace, self.checkpoint = policy, force, checkpoint
        self._made_with = made_with(scenario, seed, policy.sha256, level, sparse)
        N, T0 = scenario.agents.N, scenario.dual.T0
        self._lengths = {"n": N, "n_other": N, "m": scenario.M, "axis": 2, "end": 2}
        self._per_rollout = {"t": T0, "k": 1, "k_or_end": 1}
        self._columns = {name: Column(name, self._lengths) for name in kept(level, sparse)}
        self._summary = Summary(scenario) if level == "summary" else None
        self.done = 0
        self.state: State | None = None
        self._begun = self._file_goes_on = False
        self._appended = self._committed = time.monotonic()
        if resume is True and not (file_at(path) or file_at(journal_of(path))):
            raise InputError(f"{path}: nothing to continue: there is neither it nor a journal")
        self._journal = Journal(journal_of(path))
        try:
            if resume:
                self._find(resume)
            elif not force:
                self._check_nothing_left()
        except BaseException:
            self.discard()
            raise

    def _check_nothing_left(self) -> None:
        """Raise InputError if a run that was killed has left something."""
        if self._journal.last is not None or self._journal.lost:
            damaged = ", which is damaged" if self._journal.lost else ""
            raise InputError(
                f"{self.path}: a run that did not end has left {self._journal.path}{damaged}: continue it "
                "with resume='auto', or add force=True to begin anew"
            )

    def _find(self, resume: Resume) -> None:
        """Find where to go on: in the file or, where it has got further, in the journal.

        The file is of another run only where the run in the journal was told to replace it.
        """
        last, about = self._journal.last, self._journal.about
        if self._journal.lost:
            self._tell_damage(resume)
        if last is not None:
            with damage_told(self._journal.path, _NOT_CONTINUED):
                check_same(dict(about["made_with"]), self._made_with, self._journal.path)
        if self.path.exists():
            with Recording.open(self.path) as recording:
                with damage_told(self.path):
                    found, rollouts = dict(recording.file.attrs), recording.rollouts_done
                if not about.get("replaces"):
                    check_same(found, self._made_with, self.path)
                behind = last is not None and rollouts < last.label["rollouts"]
                if not (behind or made_differences(found, self._made_with)):
                    self._go_on_from_file(recording.file, rollouts)
                    return
            self._replace = True
        if last is not None:
            self._begun = True
            with damage_told(self._journal.path, _NOT_CONTINUED):
                arrays, pieces = unpacked(last.label["arrays"], last.data), last.label["pieces"]
                if self._journal.counts != Counter(pieces):
                    raise ValueError("it has other pieces than it says")
                left = {name: (pieces[name], arrays.pop(f"left/{name}")) for name in self._columns}
                self._go_on(last.label["rollouts"], left, arrays)

    def _tell_damage(self, resume: Resume) -> None:
        """Say that the journal is damaged; unless `resume` is ``auto``, that is an error."""
        damage = f"{self._journal.path}: is damaged, and what it kept can no longer be read"
        instead = f"go on from {self.path}" if self.path.exists() else "begin anew"
        if resume != "auto":
            raise DamagedError(f"{damage}; to {instead}, use resume='auto', or delete it")
        log.warning("%s; to %s is what is left", damage, instead)

    def _go_on_from_file(self, file: h5py.File, rollouts: int) -> None:
        check_sealed(file)
        left = {}
        with damage_told(self.path, _NOT_CONTINUED):
            for name, column in self._columns.items():
                dataset = file[DATASETS[name].location]
                if dataset.chunks is None or dataset.chunks[0] != column.piece_rows:
                    raise ValueError(f"{name} is stored in another way")
                pieces = len(dataset) // column.piece_rows
                if len(dataset) % column.piece_rows:
                    whole_chunk(dataset, pieces * column.piece_rows)
                left[name] = (pieces, dataset[pieces * column.piece_rows :])
            self._go_on(rollouts, left, {name: numbers(file["state"], name)[...] for name in file["state"]})
        self._file_goes_on = self._replace = True

    def _rows(self, name: str, rollouts: int) -> int | None:
        """Rows of a dataset after so many rollouts, where that is known beforehand."""
        dataset = DATASETS[name]
        per_rollout = self._per_rollout.get(dataset.axes[0])
        return None if per_rollout is None else rollouts * per_rollout + dataset.first_rows

    def _go_on(self, rollouts: int, left: Mapping[str, tuple[int, np.ndarray]], state: State) -> None:
        for name, (pieces, rows) in left.items():
            column, expected = self._columns[name], self._rows(name, rollouts)
            column.resume(pieces, rows)
            if expected not in (None, column.rows):
                raise ValueError(f"{name} has {column.rows} rows, not {expected}")
        if self._summary is not None:
            self._summary.restore(state, rollouts)
        self.done, self.state = rollouts, state

    def append(self, chunk: Chunk, state: State) -> None:
        """Append a chunk, after which the run was left with `state`.

        Raises
        ------
        InputError
            If the file system refuses; what was committed can be continued.
        """
        if self._summary is not None:
            self._summary.add(chunk)
            state = state | self._summary.state()
        with self._refusal_told():
            if not self._begun:
                self._begin(state)
            for name, column in self._columns.items():
                for piece in column.extend(getattr(chunk, name)):
                    self._journal.append(name, piece)
            self.done, self.state = self.done + len(chunk.lam), state
            now = time.monotonic()
            if now - self._committed + (now - self._appended) > self.checkpoint:
                self._commit()
            self._appended = now

    def _begin(self, state: State) -> None:
        """Begin the journal; a file that goes on begins it."""
        most = sum(column.piece_bytes for column in self._columns.values())
        most += sum(array.nbytes for array in state.values())
        self._journal.start({"made_with": self._made_with, "replaces": self._replace}, most)
        if self._file_goes_on:
            with open_readable(self.path, FORMAT) as file:
                for name, column in self._columns.items():
                    for piece in pieces_of(file[column.dataset.location], column.rows):
                        self._journal.append(name, piece)
        self._begun = True

    def _commit(self) -> None:
        if self.state is None:
            return
        kinds, data = packed(
            {f"left/{name}": column.left for name, column in self._columns.items()} | self.state
        )
        pieces = {name: column.pieces for name, column in self._columns.items()}
        self._journal.commit({"rollouts": self.done, "pieces": pieces, "arrays": kinds}, data)
        self._committed = time.monotonic()

    @contextmanager
    def _refusal_told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            message = f"{self.path}: cannot be written: {error.strerror or error}"
            raise InputError(f"{message}; {self._what_is_left()}") from None

    def _what_is_left(self) -> str:
        last = self._journal.last
        if last is None:
            return "nothing is kept of this run"
        return (
            f"the first {last.label['rollouts']} rollouts are in {self._journal.path}: "
            "continue with resume='auto'"
        )

    def finish(self) -> Recording:
        """Make the file of the journal, which ends, and hand the recording over for reading.

        Raises
        ------
        InputError
            If the file cannot be written; the journal is kept then.
        """
        if self._begun or not self._file_goes_on:
            if self._journal.last is not None:
                with self._refusal_told():
                    self._commit()
            try:
                self._publish()
            except InputError as error:
                with suppress(OSError):
                    self._commit()
                raise InputError(f"{error}; {self._what_is_left()}") from None
        self._journal.remove()
        return Recording.open(self.path)

    def _publish(self) -> None:
        lengths = self._lengths | {name: self.done * rows for name, rows in self._per_rollout.items()}
        lengths["k_or_end"] += 1
        with published(self.path, self._replace) as file:
            file.attrs.update(self._made_with)
            file.attrs["rollouts_done"] = self.done
            write_columns(file, self._columns.values(), self._journal.pieces(), lengths)
            if self._summary is not None:
                write_arrays(file.create_group("summary"), self._summary.datasets())
            if self.state is not None:
                write_arrays(file.create_group("state"), self.state)
            networks = self._policy.networks
            if networks is not None and sum(array.nbytes for array in networks) <= _POLICY_BYTES:
                self._policy.write(file.create_group("policy"))

    def discard(self) -> None:
        """Let go of the journal, if `finish` did not; without a commit nothing is left of it."""
        self._journal.close()
