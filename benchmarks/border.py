"""``python benchmarks/border.py``: where jumping from event to event wins, and whether it ever loses.

The trained policy's logits are scaled: a small factor makes it erratic, so that agents hardly ever stand, a
large one makes it decided. The engine, which jumps, runs in turn with a step-by-step engine that has all its
other ideas. Draws `docs/border.png` and prints the numbers.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path

import numpy as np
from engines import ENGINES, beginning, work_of
from measuring import Measured, digits, in_processes, in_turn, markdown, replace_between

from cmarlsim import Policy, Scenario
from cmarlsim.kernels.changes import new_log
from cmarlsim.kernels.engine import run_rollouts
from cmarlsim.kernels.scene import Draws

SEED, ROLLOUTS, PROCESSES, ROUNDS = 0, 400, 9, 5
FACTORS = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
RANK = "rank"
STEPPED, JUMPING = ENGINES[-2:]
HEAD = (
    "logits times",
    "engine, µs a step",
    "step by step",
    "ratio",
    "steps in which somebody moves",
    "agents that move in a step",
    "changes a rollout",
)


def policies() -> dict[str, Policy]:
    """The trained policy with its logits multiplied by each factor, and the policy that never wavers."""
    trained, found = Policy.load("paper"), {}
    networks = trained.networks
    assert networks is not None
    for factor in FACTORS:
        scaled = networks._replace(W2=factor * networks.W2, b2=factor * networks.b2)
        found[f"{factor:g}"] = Policy(scaled, trained.encoding)
    return found | {RANK: Policy.load(RANK)}


def activity(scenario: Scenario, policy: Policy, rollouts: int) -> tuple[float, float, float]:
    """Share of steps in which somebody moves, share of agents that move in a step, and changes a rollout."""
    begun = beginning(scenario, policy, SEED, rollouts, keep_steps=False)
    T0, agents = begun.draws.action.shape[1:]
    log = new_log(T0 * agents * (agents + scenario.M))
    scene, chunk = begun.scene._replace(log=log), type(begun.chunk)(*(a[:1] for a in begun.chunk))
    anybody, moves, events = 0, 0, 0
    for k in range(rollouts):
        scene.clock[:] = 0, -1
        draws = Draws(*(array[k : k + 1] for array in begun.draws))
        assert run_rollouts(begun.site, begun.rules, begun.weights, begun.state, draws, scene, chunk)
        arriving = scene.trajectory.arriving[1:, 0].tolist()
        anybody += sum(word != 0 for word in arriving)
        moves += sum(word.bit_count() for word in arriving)
        events += int(scene.log.length[0])
    return anybody / (rollouts * T0), moves / (rollouts * T0 * agents), events / rollouts


def measure(scenario: Scenario, rollouts: int, rounds: int) -> Measured:
    """Microseconds a step, (2, rounds), of the engine and of the step-by-step engine, for every policy."""
    micros = {}
    for name, policy in policies().items():
        works = [work_of(engine, scenario, policy, SEED, rollouts) for engine in (JUMPING, STEPPED)]
        ours, theirs = (work()().lam for work in works)
        if not np.allclose(ours, theirs, rtol=0, atol=1e-12):
            raise SystemExit(f"{name}: not the same multipliers")
        micros[name] = 1e6 * in_turn(works, rounds).T / (rollouts * scenario.dual.T0)
    return micros


def rows_of(scenario: Scenario, micros: Measured, rollouts: int) -> dict[str, list[float]]:
    """Numbers of every policy, by the names of `HEAD`."""
    rows = {}
    for name, policy in policies().items():
        ours, theirs = micros[name]
        medians = (float(np.median(values)) for values in (ours, theirs, theirs / ours))
        rows[name] = [*medians, *activity(scenario, policy, rollouts)]
    return rows


def table(rows: dict[str, list[float]]) -> str:
    """The numbers in Markdown."""
    lines = []
    for name, (ours, theirs, ratio, anybody, moves, events) in rows.items():
        shares = [f"{anybody:.0%}", f"{moves:.0%}", f"{events:.0f}"]
        lines.append([name, digits(ours), digits(theirs), f"{ratio:.2f}", *shares])
    return markdown("|".join(HEAD), "lrrrrrr", lines)


def draw(rows: dict[str, list[float]], path: Path) -> None:
    """Draw the figure."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    columns, x = np.array(list(rows.values())).T, np.arange(len(rows))
    panels = (
        (
            "µs a step",
            (("step by step", columns[1], "0.5", "s"), ("engine, jumps", columns[0], "tab:blue", "o")),
        ),
        ("step by step / engine", (("", columns[2], "tab:blue", "o"),)),
        (
            "share (%)",
            (
                ("steps in which somebody moves", 100 * columns[3], "tab:red", "o"),
                ("agents that move in a step", 100 * columns[4], "tab:orange", "s"),
            ),
        ),
        ("changes a rollout", (("", columns[5], "tab:red", "o"),)),
    )
    figure, axes = plt.subplots(2, 2, figsize=(8, 5), sharex=True, layout="constrained")
    for panel, (label, lines) in zip(axes.flat, panels, strict=True):
        for name, values, colour, marker in lines:
            panel.plot(x[:-1], values[:-1], color=colour, marker=marker, markersize=4, label=name or None)
            panel.plot(x[-1:], values[-1:], color=colour, marker=marker, markersize=4)
        top = max(values.max() for _, values, _, _ in lines)
        panel.set(ylabel=label, ylim=(0, (1.25 if lines[0][0] else 1.05) * top))
        panel.grid(axis="y", color="0.9")
        panel.spines[["top", "right"]].set_visible(False)
        if lines[0][0]:
            panel.legend(frameon=False, fontsize=8)
    axes[0, 1].axhline(1.0, color="0.5", linewidth=0.8, linestyle="--")
    for panel in axes[1]:
        panel.set_xticks(x, rows)
        panel.set_xlabel("factor of the logits")
    figure.savefig(path, dpi=150)


def main() -> None:
    """Print the table and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=PROCESSES, help="one after the other: %(default)s")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="in each process; default %(default)s")
    parser.add_argument("--rollouts", type=int, default=ROLLOUTS, help="of 100 steps; default %(default)s")
    parser.add_argument("--figure", type=Path, default=Path("docs/border.png"), metavar="FILE")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to FILE")
    parser.add_argument("--write", type=Path, metavar="FILE", help="replace the table in FILE")
    chosen = parser.parse_args()
    scenario = Scenario.load("paper")
    micros = in_processes(partial(measure, scenario, chosen.rollouts, chosen.rounds), chosen.processes)
    rows = rows_of(scenario, micros, chosen.rollouts)
    draw(rows, chosen.figure)
    print(table(rows), end="")
    if chosen.json:
        named = {name: dict(zip(HEAD[1:], row, strict=True)) for name, row in rows.items()}
        chosen.json.write_text(json.dumps(named, indent=2) + "\n", "utf-8")
    if chosen.write:
        replace_between(chosen.write, "border", table(rows))


if __name__ == "__main__":
    main()
