"""``python benchmarks/scaling.py``: time a step and memory, for teams and buildings of many sizes.

Every size runs in a fresh process, with the policy `rank`, and is checked to do what the engine does. The
time is split by running the rollouts anew as far as each stage: travel, links and zones, gossip, settling; it
is processor time. Prints tables and slopes in log-log, and draws `docs/scaling.png`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from measuring import digits, markdown, replace_between
from stages import SECONDS, STAGES, copied, split

from cmarlsim import Policy, tiled
from cmarlsim.kernels.world import Floats
from cmarlsim.simulation.execution import Run, chunk_size

SEED, WARM_UP, ROLLOUTS = 0, 2, 2
COPIES = {6: (1, 1), 60: (5, 2), 600: (10, 10)}
"""Columns and rows of copies of the paper's building, by the number of zones."""

AGENTS = (5, 50, 500, 2000)
CROWDS = [(500, 60, 100), (2000, 600, 100)]
"""Rollouts so short that agents are always on the way."""

QUICK = [(N, M, 0) for M in (6, 60) for N in (5, 50)]
Size = tuple[int, int, int]  # N, M, T0
Row = dict[str, Any]


def size_of(value: Any) -> int:
    """Bytes of the arrays in a tuple, and in such tuples."""
    if isinstance(value, tuple):
        return sum(size_of(part) for part in value)
    return getattr(value, "nbytes", 0)


def peak() -> int:
    """Most bytes of memory that this process had so far (Linux)."""
    status = Path("/proc/self/status").read_text("ascii")
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def timed_run(run: Run, chunk: int) -> tuple[float, Floats]:
    """Seconds a rollout of a run, and the multipliers after each rollout of the first chunks."""
    rollouts, seconds, lams = 0, 0.0, []
    while rollouts < ROLLOUTS or seconds < SECONDS:
        start = time.process_time()
        chunk = run.advance(chunk, keep_steps=False)
        seconds += time.process_time() - start
        rollouts += chunk
        if len(lams) * chunk < ROLLOUTS:
            lams.append(chunk.lam)
    return seconds / rollouts, np.concatenate(lams)


def measure(N: int, M: int, T0: int) -> Row:
    """Numbers of one size; T0 = 0 stands for the scenario's default."""
    imported = peak()
    scenario = tiled(*COPIES[M], N, T0=T0 or None)
    run = Run(scenario, Policy.load("rank"), SEED)
    run.advance(WARM_UP, keep_steps=False)
    state, scene = copied(run._state), copied(run._scene)
    chunk = chunk_size(scenario, keep_steps=False) if N * M <= 30_000 else 1
    seconds, lam = timed_run(run, chunk)
    most = peak()
    steps = scenario.dual.T0
    stages = split(run, state, scene, np.concatenate([state.lam[None], lam[:-1]]), lam)
    arrays = {"site": size_of(run._site), "scene": size_of(run._scene), "state": size_of(run._state)}
    parts = dict(zip(STAGES, (1e6 / steps * np.diff([0.0, *stages])).tolist(), strict=True))
    return (
        {"N": N, "M": M, "T0": steps, "own_T0": T0 == 0, "total": 1e6 / steps * seconds}
        | parts
        | {"imported": imported, "peak": most, "arrays": sum(arrays.values())}
        | {f"arrays/{name}": size for name, size in arrays.items()}
    )


def in_fresh_process(size: Size) -> Row:
    """`measure` in a process of its own."""
    command = [sys.executable, "-W", "ignore", __file__, "--one", *map(str, size)]
    result: Row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


def table(rows: list[Row]) -> str:
    """Times in microseconds a step and memory in MB, in Markdown."""
    head = "M|N|T0|µs a step|" + "|".join(STAGES) + "|peak MB, less imports|arrays MB"
    lines = []
    for row in rows:
        times = [digits(max(row[name], 1e-4)) for name in ("total", *STAGES)]
        memory = [f"{(row['peak'] - row['imported']) / 1e6:,.0f}", f"{row['arrays'] / 1e6:,.1f}"]
        lines.append([*(f"{row[name]}" for name in ("M", "N", "T0")), *times, *memory])
    return markdown(head, "r" * 10, lines)


def slopes(rows: list[Row]) -> str:
    """How costs grow with N for each M: exponents, by least squares in log-log, in Markdown."""
    lines = []
    for M in COPIES:
        those = [row for row in rows if row["M"] == M and row["own_T0"]]
        if len(those) > 1:
            N = np.log([row["N"] for row in those])
            costs = ([max(row[name], 1e-4) for row in those] for name in ("total", *STAGES))
            lines.append([f"{M}", *(f"{np.polyfit(N, np.log(cost), 1)[0]:.2f}" for cost in costs)])
    return markdown("M|all, as N to the power of|" + "|".join(STAGES), "r" * 6, lines)


def draw(rows: list[Row], path: Path) -> None:
    """Draw times and memory against N, for each M."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
    present = [M for M in COPIES if any(row["M"] == M for row in rows)]
    for M, marker in zip(present, "os^", strict=False):
        those = [row for row in rows if row["M"] == M and row["own_T0"]]
        N = [row["N"] for row in those]
        axes[0].plot(N, [row["total"] for row in those], marker=marker, markersize=4, label=f"M = {M}")
        axes[2].plot(N, [row["arrays"] / 1e6 for row in those], marker=marker, markersize=4, label=f"M = {M}")
    those = [row for row in rows if row["M"] == present[-1] and row["own_T0"]]
    for name, marker in zip(STAGES, "os^v", strict=True):
        cost = [max(row[name], 1e-4) for row in those]
        axes[1].plot([row["N"] for row in those], cost, marker=marker, markersize=4, label=name)
    labels = ("µs a step", f"µs a step of each stage, M = {present[-1]}", "arrays (MB)")
    for panel, label in zip(axes, labels, strict=True):
        panel.set(xscale="log", yscale="log", xlabel="agents N", ylabel=label)
        N = sorted({row["N"] for row in rows})
        panel.set_xticks(N, [f"{agents}" for agents in N])
        panel.set_xticks([], minor=True)
        panel.grid(color="0.9")
        panel.spines[["top", "right"]].set_visible(False)
        panel.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=150)


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes only")
    parser.add_argument("--one", type=int, nargs=3, metavar=("N", "M", "T0"), help="one size, as JSON")
    parser.add_argument("--figure", type=Path, default=Path("docs/scaling.png"), metavar="FILE")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to FILE")
    parser.add_argument("--write", type=Path, metavar="FILE", help="replace the tables in FILE")
    return parser.parse_args()


def main() -> None:
    """Print the tables and draw the figure."""
    chosen = options()
    if chosen.one:
        print(json.dumps(measure(*chosen.one)))
        return
    sizes = QUICK if chosen.quick else [(N, M, 0) for M in COPIES for N in AGENTS] + CROWDS
    in_fresh_process(sizes[0])  # compiles, so that no other process does
    rows = [in_fresh_process(size) for size in sizes]
    text = table(rows) + "\n" + slopes(rows)
    draw(rows, chosen.figure)
    print(text, end="")
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=2) + "\n", "utf-8")
    if chosen.write:
        replace_between(chosen.write, "scaling", text)


if __name__ == "__main__":
    main()
