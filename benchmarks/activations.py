"""``python benchmarks/activations.py``: where jumping from activation to activation beats stepping.

Gossip of one source over random graphs in which every node has ten edges, by both engines of
`cmarlsim.footprints.gossip` in turn, over p. Prints a table, the p at which both cost the same, and how long
the large case takes: 10,000 nodes, 50,000 edges, p = 0.001, 10,000 steps.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import partial
from pathlib import Path

import networkx as nx
import numpy as np
from measuring import digits, in_turn, markdown, replace_between

from cmarlsim.footprints.activations import Copies
from cmarlsim.footprints.footprint import Footprint
from cmarlsim.footprints.gossip import spread
from cmarlsim.kernels.world import Floats

DEGREE, SIZES, SEED = 10, (20, 1_000, 10_000), 0
PROBABILITIES = (0.001, 0.003, 0.01, 0.02, 0.03, 0.1, 0.3)
EDGE_STEPS = 10_000_000
LARGE_P, LARGE_STEPS = 0.001, 10_000


def regular(nodes: int, p: float) -> Footprint:
    """Random graph in which every node has `DEGREE` edges."""
    graph = nx.random_regular_graph(DEGREE, nodes, seed=SEED)
    return Footprint(f"regular:{nodes}", nodes, np.array(graph.edges), np.array(p))


def seconds_of(footprint: Footprint, rounds: int) -> tuple[int, Floats]:
    """Steps simulated, and processor seconds of both engines in every round, (rounds, 2)."""
    steps = max(10, EDGE_STEPS // len(footprint.edges))
    engines = ("events", "steps")
    works = [
        lambda engine=engine: partial(spread, Copies(footprint), steps, SEED, [0], engine)
        for engine in engines
    ]
    return steps, in_turn(works, rounds)


def crossover(p: Floats, ratio: Floats) -> float:
    """The p at which the ratio of both engines' times crosses 1, on a logarithmic scale; NaN if nowhere."""
    below = np.flatnonzero((ratio[:-1] >= 1) & (ratio[1:] < 1))
    if not len(below):
        return float("nan")
    i = below[-1]
    share = np.log(ratio[i]) / np.log(ratio[i] / ratio[i + 1])
    return float(p[i] * (p[i + 1] / p[i]) ** share)


def measure(rounds: int) -> dict[str, list[list[float]]]:
    """For each size: p, microseconds a step by events and by steps, and the ratio; medians of the rounds."""
    found: dict[str, list[list[float]]] = {}
    for nodes in SIZES:
        rows = []
        for p in PROBABILITIES:
            steps, seconds = seconds_of(regular(nodes, p), rounds)
            micros = np.median(seconds, axis=0) * 1e6 / steps
            rows.append([p, *micros.tolist(), float(np.median(seconds[:, 1] / seconds[:, 0]))])
        found[f"{nodes:,} nodes"] = rows
    return found


def large_case() -> float:
    """Seconds of the large case, by events, drawing included."""
    footprint = regular(SIZES[-1], LARGE_P)
    begin = time.perf_counter()
    spread(Copies(footprint), LARGE_STEPS, SEED, [0])
    return time.perf_counter() - begin


def report(found: dict[str, list[list[float]]], seconds: float) -> str:
    """The table in Markdown, and below it the crossovers and the large case."""
    head = "p|" + "|".join(f"{name}: events|steps|ratio" for name in found)
    lines = [
        [f"{p:g}", *(cell for rows in found.values() for cell in _cells(rows[i][1:]))]
        for i, p in enumerate(PROBABILITIES)
    ]
    crossings = [
        f"{crossover(np.array([r[0] for r in rows]), np.array([r[3] for r in rows])):.2f} ({name})"
        for name, rows in found.items()
    ]
    return (
        markdown(head, "r" * (1 + 3 * len(found)), lines)
        + f"\nMicroseconds a step. Both cost the same at p = {', '.join(crossings)}. "
        + f"10,000 nodes, 50,000 edges, p = {LARGE_P:g}, {LARGE_STEPS:,} steps: {seconds:.2g} s by events.\n"
    )


def _cells(values: list[float]) -> list[str]:
    return [digits(values[0]), digits(values[1]), f"{values[2]:.2f}"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="default %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to FILE")
    parser.add_argument("--write", type=Path, metavar="FILE", help="replace the table in FILE")
    chosen = parser.parse_args()
    found = measure(chosen.rounds)
    text = report(found, large_case())
    print(text, end="")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    if chosen.write:
        replace_between(chosen.write, "activations", text)


if __name__ == "__main__":
    main()
