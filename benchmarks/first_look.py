"""``python benchmarks/first_look.py``: the compiled engine against the plain twin, on the same work.

Both run in this process, in turn; medians over the rounds are printed. The work is checked to be the same.
"""

from __future__ import annotations

import statistics
import sys
import time
import tomllib
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import naive  # noqa: E402

from cmarlsim import Policy, Scenario  # noqa: E402
from cmarlsim.execution import Run  # noqa: E402
from cmarlsim.randomness import stream, uniforms  # noqa: E402

SEED, ROUNDS, TWIN_ROLLOUTS = 0, 5, 2


def compiled_steps_per_second(scenario: Scenario, policy: Policy) -> float:
    """Steps per second of the engine, nothing recorded."""
    run = Run(scenario, policy, SEED)
    run.advance(1, keep_steps=False)
    rollouts = max(1, 2000 // scenario.agents.N)
    start = time.perf_counter()
    run.advance(rollouts, keep_steps=False)
    return rollouts * scenario.dual.T0 / (time.perf_counter() - start)


def twin_steps_per_second(scenario: Scenario) -> float:
    """Steps per second of tests/naive.py with the policy ``rank``, checked against the engine."""
    N, T0 = scenario.agents.N, scenario.dual.T0
    arguments = (tomllib.loads(scenario.to_toml()), tomllib.loads(scenario.floorplan.to_toml()), "rank")
    begin = stream(SEED, "start").integers(len(scenario.floorplan.waypoints), size=N)
    draws = uniforms(SEED, "action", 0, TWIN_ROLLOUTS, (T0, N))
    start = time.perf_counter()
    result = naive.simulate(*arguments, begin, draws)
    elapsed = time.perf_counter() - start
    trace = Run(scenario, Policy.load("rank"), SEED).advance(TWIN_ROLLOUTS, keep_steps=True)
    assert np.array_equal(trace.reward, result["reward"]), "the twin did other work than the engine"
    return TWIN_ROLLOUTS * T0 / elapsed


def main() -> None:
    """Print medians and ratios for 1, 5 and 50 agents."""
    print(f"{'agents':>6} {'engine steps/s':>15} {'twin steps/s':>13} {'ratio':>7}   (policy rank)")
    for agents in (1, 5, 50):
        scenario = Scenario.load("paper", [f"agents.N={agents}", "zones.red.c=0", "zones.magenta.c=0"])
        rounds = [
            (compiled_steps_per_second(scenario, Policy.load("rank")), twin_steps_per_second(scenario))
            for _ in range(ROUNDS)
        ]
        engine, twin = (statistics.median(column) for column in zip(*rounds, strict=True))
        ratio = statistics.median(fast / slow for fast, slow in rounds)
        print(f"{agents:>6} {engine:>15,.0f} {twin:>13,.0f} {ratio:>7,.0f}")
    trained = [compiled_steps_per_second(Scenario.load("paper"), Policy.load("paper")) for _ in range(ROUNDS)]
    print(f"     5 {statistics.median(trained):>15,.0f}   (the trained policy 'paper')")


if __name__ == "__main__":
    main()
