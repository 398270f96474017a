"""Footprints from files: edge lists, GraphML, radio traces, and recordings."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from cmarlsim.errors import InputError, one_line, shown
from cmarlsim.footprints.footprint import Footprint, fitted, named
from cmarlsim.footprints.traces import Replay, read_k7
from cmarlsim.kernels.world import Floats
from cmarlsim.recordings.recording import Recording
from cmarlsim.storage.files import file_at, read_bytes, read_text
from cmarlsim.validation import real, whole

TRACE_STEP = 10.0
"""Seconds between the times at which a trace is looked at to average the quality of its links."""


def load_footprint(spec: str, p: float | None = None, seed: int = 0) -> Footprint:
    """Footprint from a file, by its ending, or by name (see `footprint.named`).

    ``.graphml``; ``.k7`` and ``.k7.gz``, a radio trace; ``.h5``, a recording; any other file is an edge list.

    Parameters
    ----------
    p
        Edge probability of all edges. A file may give each edge its own, which holds where `p` is None; for
        traces and recordings it is measured.
    seed
        Seed of footprints that are drawn.

    Raises
    ------
    InputError
        If there is no such footprint, an edge has no probability, or the footprint is not connected.
    """
    path = Path(spec)
    if path.suffix == ".graphml":
        return _read_graphml(path, p)
    if path.name.endswith((".k7", ".k7.gz")):
        trace = read_k7(path)
        return _with(Replay(trace, min(TRACE_STEP, trace.duration)).surrogate, p)
    if path.suffix == ".h5":
        with Recording.open(path) as recording:
            return _with(fitted(recording), p)
    if file_at(path):
        return _read_edges(path, p)
    if p is None:
        raise InputError(f"footprint {shown(spec)}: needs an edge probability p in (0, 1]")
    return named(spec, p, seed)


def _with(footprint: Footprint, p: float | None) -> Footprint:
    """The same footprint with `p` for all edges, unless that is None."""
    return footprint if p is None else replace(footprint, p=np.array(p))


def _chosen(source: str, edges: list[tuple[int, int]], given: list[float | None], p: float | None) -> Floats:
    """Probability of every edge: `p`, or else what the file gives, which must be possible anyhow."""
    for (i, j), value in zip(edges, given, strict=True):
        if value is not None and not 0 < value <= 1:
            raise InputError(f"{source}: p = {value:g} of edge [{i}, {j}]: must be in (0, 1]")
    if p is None and None in given:
        raise InputError(f"{source}: an edge has no p: give every edge one, or one p for all")
    return np.array([p if p is not None else value for value in given], dtype=np.float64)


def _read_edges(path: Path, p: float | None) -> Footprint:
    """Read lines ``node node`` or ``node node p``; nodes count from 0, ``#`` begins a comment."""
    edges, given = [], list[float | None]()
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        words = line.partition("#")[0].replace(",", " ").split()
        if not words:
            continue
        try:
            i, j, *rest = words
            edges.append((whole(i), whole(j)))
            given.append(real(rest[0]) if rest else None)
            if len(rest) > 1:
                raise ValueError
        except ValueError:
            raise InputError(
                f"{path}: line {number}: {shown(line.strip())} must be two nodes, counted from 0, "
                "and perhaps p"
            ) from None
    if not edges:
        raise InputError(f"{path}: has no edges")
    return Footprint(str(path), int(np.max(edges)) + 1, np.array(edges), _chosen(str(path), edges, given, p))


def _read_graphml(path: Path, p: float | None) -> Footprint:
    """Read an undirected graph; nodes are numbered in the order of the file, edges may have a ``p``."""
    try:
        import networkx as nx
    except ImportError:
        raise InputError(f"{path}: GraphML is read with networkx: pip install 'cmarlsim[graphs]'") from None
    data = read_bytes(path)
    try:
        graph: Any = nx.read_graphml(BytesIO(data))
    except Exception as error:  # the parser's own, which are many
        raise InputError(f"{path}: not a GraphML file: {one_line(str(error), 200)}") from None
    if graph.is_directed():
        raise InputError(f"{path}: is a directed graph; links of gossip have no direction")
    number = {node: n for n, node in enumerate(graph)}
    edges = [(number[i], number[j]) for i, j in graph.edges()]
    try:
        given = [None if value is None else real(str(value)) for *_, value in graph.edges(data="p")]
    except ValueError as error:
        raise InputError(f"{path}: the p of every edge must be a number: {error}") from None
    if not edges:
        raise InputError(f"{path}: has no edges")
    return Footprint(str(path), len(number), np.array(edges), _chosen(str(path), edges, given, p))
