"""Real radio traces (k7): link quality over time, replayed as measured and as a Bernoulli surrogate."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from cmarlsim.errors import InputError, is_whole, listed, one_line, shown
from cmarlsim.footprints.activations import CHUNK
from cmarlsim.footprints.footprint import Footprint
from cmarlsim.kernels.world import Bools, Floats, Ints
from cmarlsim.randomness import uniforms
from cmarlsim.storage.files import MOST_BYTES, as_path, read_bytes, text_in
from cmarlsim.validation import json_of, real, whole

COLUMNS = ("datetime", "src", "dst", "channel", "mean_rssi", "pdr", "tx_count")

MOST_CHANNELS = 1_000

Row = tuple[datetime, int, int, int, float]
"""Time, source, destination, number of the channel, and share of packets that arrived."""


@dataclass(frozen=True, eq=False)
class LinkTrace:
    """How good the links between N nodes were, over time.

    Quality is the share of packets that arrived, as a mean over all channels, in the weaker direction, for
    gossip needs both. A channel never listed for a link counts as 0. Quality holds until the next change.
    """

    name: str
    N: int
    edges: Ints  # (F, 2)
    time: Floats  # (C,) of a change, in seconds since the start, in order
    edge: Ints  # (C,) which edge changed
    quality: Floats  # (C,) what its quality was from then on

    @property
    def duration(self) -> float:
        """Seconds from the start to the last change."""
        return float(self.time[-1])

    def quality_at(self, seconds: Floats) -> Floats:
        """Quality of every edge at some times, (len(seconds), F)."""
        found = np.zeros((len(seconds), len(self.edges)))
        order = np.argsort(self.edge, kind="stable")
        border = np.searchsorted(self.edge[order], np.arange(len(self.edges) + 1))
        for e in range(len(self.edges)):
            mine = order[border[e] : border[e + 1]]
            latest = np.searchsorted(self.time[mine], seconds, side="right") - 1
            found[:, e] = np.where(latest >= 0, self.quality[mine[latest]], 0)
        return found


MOST_REPLAYED = 10**8
"""Steps of a trace at most."""


class Replay:
    """A trace in steps of `step_seconds`, whose active edges feed `gossip.Gossip`.

    One packet is sent at every step: an edge is active with its quality of that time as probability.

    Raises
    ------
    InputError
        If there is no step, or the edges ever active do not connect all nodes.
    """

    def __init__(self, trace: LinkTrace, step_seconds: float) -> None:
        if trace.duration == 0:
            raise InputError(
                f"{trace.name}: nothing changes after the first round of measurements, so there is no time"
            )
        if not 0 < step_seconds <= trace.duration:
            raise InputError(
                f"{trace.name}: step_seconds = {step_seconds:g}: must be above 0, and at most the trace's "
                f"{trace.duration:g} s"
            )
        self.trace, self.step_seconds = trace, step_seconds
        if trace.duration / step_seconds > MOST_REPLAYED:
            raise InputError(
                f"{trace.name}: step_seconds = {step_seconds:g}: its {trace.duration:g} s would be more than "
                f"{MOST_REPLAYED:,} steps"
            )
        self.steps = int(trace.duration / step_seconds)
        share = sum(chance.sum(axis=0) for _, chance in self._chances()) / self.steps
        self._ever = np.flatnonzero(share > 0)
        self.surrogate = Footprint(trace.name, trace.N, trace.edges[self._ever], share[self._ever])
        """Each edge is active independently, as often as in the replay."""

    def _chances(self) -> Iterator[tuple[int, Floats]]:
        """Chance of every edge to be active, from a first step on."""
        block = max(1, CHUNK // len(self.trace.edges))
        for first in range(0, self.steps, block):
            steps = np.arange(first, min(first + block, self.steps), dtype=np.float64)
            yield first, self.trace.quality_at(steps * self.step_seconds)

    def active_steps(self, seed: int = 0) -> Iterator[tuple[int, Bools]]:
        """As `activations.active_steps`, of the edges of `surrogate`; `seed` draws which packets are lost."""
        for first, chance in self._chances():
            drawn = uniforms(seed, "packets", first, len(chance), (chance.shape[1],))
            yield first, (drawn < chance)[:, self._ever]


def read_k7(path: str | Path) -> LinkTrace:
    """Read a trace in k7 format, plain or gzipped.

    A row updates one direction of one link on one channel from then on. Rows before the first that repeats a
    direction and channel are the first round of measurements, and count as time 0.

    Raises
    ------
    InputError
        If it is no such file, a node or channel is unknown, a value impossible, or time runs backwards.
    """
    path = as_path("path", path)
    data = read_bytes(path)
    if path.suffix == ".gz":
        data = _unzipped(data, path)
    lines = text_in(data, path).splitlines()
    N, channel, start = _read_header(path, lines)
    rows, before = [], start
    for number, line in enumerate(lines[2:], start=3):
        if line.strip():
            row = _read_row(f"{path}: line {number}", line, N, channel)
            if (row[0].tzinfo is None) != (start.tzinfo is None):
                raise InputError(f"{path}: line {number}: either all times have a time zone, or none has")
            if row[0] < before:
                raise InputError(
                    f"{path}: line {number}: time runs backwards: {row[0].isoformat()} "
                    f"after {before.isoformat()}"
                )
            rows.append(row)
            before = row[0]
    if not rows:
        raise InputError(f"{path}: has no rows")
    time, edge, quality, pairs = _changes(rows, start, len(channel))
    return LinkTrace(str(path), N, pairs, time, edge, quality)


def _unzipped(data: bytes, path: Path) -> bytes:
    try:
        found = gzip.GzipFile(fileobj=io.BytesIO(data)).read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged: {error}") from None
    if len(found) > MOST_BYTES:
        raise InputError(f"{path}: holds more than the {MOST_BYTES:,} bytes that are read")
    return found


def _read_header(path: Path, lines: list[str]) -> tuple[int, dict[int, int], datetime]:
    """Number of nodes, channels in order, and start."""
    try:
        header = json_of(lines[0])
        N, start = header["node_count"], datetime.fromisoformat(header["start_date"])
        channel = {whole(str(name)): i for i, name in enumerate(header["channels"])}
        if not is_whole(N) or N < 2:
            raise ValueError(f"node_count = {shown(N)}, must be a whole number of at least 2")
        if not 0 < len(channel) == len(header["channels"]) <= MOST_CHANNELS:
            raise ValueError(f"no channels, one twice, or more than {MOST_CHANNELS}")
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: line 1: must be JSON with node_count, channels and start_date "
            f"({one_line(str(error), 200)})"
        ) from None
    if len(lines) < 2 or tuple(lines[1].strip().split(",")) != COLUMNS:
        raise InputError(f"{path}: line 2: must be {','.join(COLUMNS)}")
    return N, channel, start


def _read_row(where: str, line: str, N: int, channel: dict[int, int]) -> Row:
    try:
        when, source, target, name, _, share, _ = line.split(",")
        nodes = whole(source.strip()), whole(target.strip())
        row = datetime.fromisoformat(when), *nodes, whole(name.strip()), real(share.strip())
    except ValueError:
        raise InputError(f"{where}: {shown(line)} must be {','.join(COLUMNS)}") from None
    for node in row[1:3]:
        if not 0 <= node < N:
            raise InputError(f"{where}: unknown node {node}: must be from 0 to {N - 1}")
    if row[1] == row[2]:
        raise InputError(f"{where}: a link from node {row[1]} to itself")
    if row[3] not in channel:
        raise InputError(f"{where}: unknown channel {row[3]}: must be one of {listed([*map(str, channel)])}")
    if not 0 <= row[4] <= 1:
        raise InputError(f"{where}: pdr = {row[4]:g}: must be from 0 to 1")
    return (*row[:3], channel[row[3]], row[4])


def _changes(rows: list[Row], start: datetime, channels: int) -> tuple[Floats, Ints, Floats, Ints]:
    """Seconds, edge and quality of every change, and the pairs of nodes that are edges, from all rows."""
    pairs = sorted({(min(row[1:3]), max(row[1:3])) for row in rows})
    number = {pair: e for e, pair in enumerate(pairs)}
    share = np.zeros((len(pairs), 2, channels))
    changes: list[tuple[float, int, float]] = []
    measured: set[tuple[int, int, int]] = set()
    first_round = True
    for when, source, target, i, arrived in rows:
        first_round = first_round and (source, target, i) not in measured
        measured.add((source, target, i))
        e = number[min(source, target), max(source, target)]
        share[e, int(source > target), i] = arrived
        seconds = 0.0 if first_round else (when - start).total_seconds()
        changes.append((seconds, e, share[e].mean(axis=1).min()))
    time, edge, quality = (np.array(column) for column in zip(*changes, strict=True))
    return time, edge, quality, np.array(pairs)
