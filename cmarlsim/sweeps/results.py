"""Results of tasks: a checked file for each batch, and recordings beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cmarlsim.errors import DamagedError, InputError
from cmarlsim.recordings.recording import Recording
from cmarlsim.storage.files import file_at, read_text, write_whole
from cmarlsim.sweeps.manifest import MOST_BYTES, Manifest
from cmarlsim.validation import Entries, Strict, json_of, parse

FORMAT = "cmarlsim-results/1"


@dataclass(frozen=True)
class Result:
    """What came of a task.

    Attributes
    ----------
    zones
        Each zone's name, threshold c, satisfaction, and the largest satisfaction that an agent can certify.
    recording
        SHA-256 of its recording's file, where there is one.
    reason
        Where it failed, the last lines of why.
    """

    task: int
    zones: Sequence[tuple[str, float, float, float]] = ()
    recording: str | None = None
    reason: str | None = None

    @classmethod
    def of(cls, task: int, recording: Recording) -> Result:
        """Result of a task that was run to its end."""
        satisfaction, certified = recording.satisfaction(), recording.certificate().max(axis=0)
        zones = [
            (zone.name, zone.c, float(satisfaction[m]), float(certified[m]))
            for m, zone in enumerate(recording.scenario.zones)
        ]
        return cls(task, zones)

    @property
    def why(self) -> str:
        """The last line of why it failed."""
        return (self.reason or "").strip().rpartition("\n")[2]


class _Rows(Strict):
    rows: Entries[Result]


def recording_of(out: Path, task: int) -> Path:
    """Where the recording of a task is."""
    return out / "recordings" / f"{task:06d}.h5"


def results_of(out: Path, batch: int) -> Path:
    """Where the results of a batch are."""
    return out / "results" / f"{batch:06d}.jsonl"


def publish(out: Path, manifest: Manifest, batch: int, results: Iterable[Result]) -> None:
    """Write the results of a batch so far, with a checksum in the last line; InputError if that fails."""
    head = {"format": FORMAT, "manifest": manifest.sha256, "batch": batch}
    rows = [vars(result) for result in sorted(results, key=lambda result: result.task)]
    text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in (head, *rows))
    check = hashlib.sha256(text.encode()).hexdigest()
    write_whole(results_of(out, batch), f"{text}{check}\n".encode())


def read(out: Path, manifest: Manifest, batch: int) -> dict[int, Result]:
    """Results of a batch by task, whatever has become of their recordings; none if there is no file yet.

    Raises
    ------
    DamagedError
        If the file is damaged, or of another sweep or batch.
    InputError
        If there is something else than a regular file.
    """
    path = results_of(out, batch)
    if not file_at(path):
        return {}
    try:
        head, results = _parsed(path)
    except InputError as error:
        raise DamagedError(str(error)) from None
    except (ValueError, LookupError, TypeError) as error:
        raise DamagedError(f"{path}: is damaged: {error}") from None
    meant, tasks = {"format": FORMAT, "manifest": manifest.sha256, "batch": batch}, manifest.batch_of(batch)
    if head != meant or any(result.task not in tasks for result in results):
        raise DamagedError(f"{path}: belongs to another sweep or batch")
    return {result.task: result for result in results}


def manifests_of(out: Path) -> set[str]:
    """Hashes of the manifests that the results in a folder are of; what cannot be read says nothing."""
    found = set()
    for path in (out / "results").glob("[0-9]*.jsonl"):
        try:
            found.add(str(_parsed(path)[0]["manifest"]))
        except (ValueError, LookupError, TypeError):
            continue
    return found


def _parsed(path: Path) -> tuple[dict[str, Any], list[Result]]:
    body, _, check = read_text(path, MOST_BYTES).rstrip("\n").rpartition("\n")
    if hashlib.sha256(f"{body}\n".encode()).hexdigest() != check:
        raise ValueError("its checksum is wrong")
    head, *rows = (json_of(line) for line in body.split("\n"))
    return head, list(parse(_Rows, {"rows": rows}, "results").rows)


def fault(out: Path, result: Result, deep: bool = True) -> str | None:
    """What is wrong with a task's recording, in words; None if nothing is, or there is to be none.

    Parameters
    ----------
    deep
        Read it and compare its checksum. Otherwise it must be there and not be empty.
    """
    if result.recording is None:
        return None
    path = recording_of(out, result.task)
    try:
        if not file_at(path):
            return f"{path}: is missing"
        whole = checksum(path) == result.recording if deep else path.stat().st_size > 0
    except InputError as error:
        return str(error)
    except OSError as error:
        return f"{path}: cannot be read: {error.strerror}"
    return None if whole else f"{path}: is damaged"


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass
class Census:
    """What is done and what is not; `damaged` says which files are not what was written, or are missing."""

    done: dict[int, Result] = field(default_factory=dict)
    failed: dict[int, Result] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    open_batches: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, out: Path, manifest: Manifest, deep: bool = True) -> Census:
        """Look through the results of all batches."""
        census = cls()
        for batch in range(manifest.batches):
            try:
                results = read(out, manifest, batch)
            except DamagedError as error:
                census.damaged.append(str(error))
                results = {}
            faults = {number: fault(out, result, deep) for number, result in results.items()}
            census.damaged.extend(filter(None, faults.values()))
            results = {number: result for number, result in results.items() if faults[number] is None}
            done = {number: result for number, result in results.items() if result.reason is None}
            census.done |= done
            census.failed |= {number: results[number] for number in results.keys() - done.keys()}
            if len(done) < len(manifest.batch_of(batch)):
                census.open_batches.append(batch)
        return census
