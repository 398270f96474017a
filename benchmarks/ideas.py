"""``python benchmarks/ideas.py``: what each idea of the engine gave.

Engines, each with one idea more, run the paper's scenario with the trained policy on the same draws. They are
checked to give the same rewards and multipliers, and timed in turn, round by round, in several processes; the
slowest, in NumPy, in fewer rounds than the others. The draws are made beforehand, and timed apart.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from engines import ENGINES, NAMES, Beginning, beginning, jumping, work_of
from measuring import Measured, Work, digits, in_processes, in_turn, markdown, replace_between
from rivals.numpy_steps import NumpyRun, NumpySteps

from cmarlsim import Policy, Scenario
from cmarlsim.kernels.scene import Chunk
from cmarlsim.randomness import stream, uniforms

SEED, ROLLOUTS, PROCESSES, ROUNDS, NUMPY_ROUNDS = 0, 400, 9, 7, 1
NUMPY = "NumPy, vectorised over the agents of a step (`benchmarks/rivals/numpy_steps.py`)"
FIRST = "the first engine, in turn with NumPy"
DOUBLE = "the engine with weights in double precision"
DRAWS = ("draws, by NumPy's Philox in bulk", "draws, by the SplitMix64 kernel")


def numpy_work(scenario: Scenario, policy: Policy, rollouts: int) -> Work:
    """The NumPy engine's run; what it tabulates is not timed."""
    rival = NumpySteps(scenario, policy)
    begun = beginning(scenario, policy, SEED, rollouts, keep_steps=False)
    start = begun.state.locations.node.copy()
    return lambda: partial(rival.run, start, begun.draws.action)


def in_double(begun: Beginning) -> Callable[[], Chunk]:
    """The engine with the same weights, each in twice as many bytes."""
    names = ("W1", "b1", "W2", "b2")
    doubles = {name: getattr(begun.weights, name).astype(np.float64) for name in names}
    return jumping(begun._replace(weights=begun.weights._replace(**doubles)))


def check(scenario: Scenario, policy: Policy, rollouts: int) -> None:
    """Stop unless every engine gives the rewards and multipliers of the NumPy engine."""
    wanted: NumpyRun = numpy_work(scenario, policy, rollouts)()()
    for engine in (*ENGINES, in_double):
        chunk = engine(beginning(scenario, policy, SEED, rollouts, keep_steps=True))()
        same = np.array_equal(chunk.reward, wanted.reward)
        same &= np.allclose(chunk.lam, wanted.lam, rtol=0, atol=1e-12)
        same &= np.allclose(chunk.lam_ideal, wanted.lam_ideal, rtol=0, atol=1e-12)
        if not same:
            raise SystemExit(f"{engine}: not the rewards and multipliers of the NumPy engine")


def measure(scenario: Scenario, policy: Policy, rollouts: int, rounds: int) -> Measured:
    """Microseconds a step, of every engine and of what stands beside, in every round.

    NumPy runs in turn with the first engine, whose times of these rounds are those of `FIRST`.
    """
    shape, (philox, splitmix) = (scenario.dual.T0, scenario.agents.N), DRAWS
    engines = zip(NAMES, ENGINES, strict=True)
    works = {name: work_of(engine, scenario, policy, SEED, rollouts) for name, engine in engines}
    works[DOUBLE] = work_of(in_double, scenario, policy, SEED, rollouts)
    works[philox] = lambda: partial(stream(SEED, "action").random, (rollouts, *shape))
    works[splitmix] = lambda: partial(uniforms, SEED, "action", 0, rollouts, shape)
    slow = {NUMPY: numpy_work(scenario, policy, rollouts), FIRST: works[NAMES[0]]}
    micros: Measured = {}
    for group, count in ((slow, min(rounds, NUMPY_ROUNDS)), (works, rounds)):
        seconds = in_turn(list(group.values()), count)
        micros |= zip(group, 1e6 * seconds.T / (rollouts * scenario.dual.T0), strict=True)
    return micros


def table(micros: Measured) -> str:
    """The engines, and what stands beside them, in Markdown; ratios are medians of the rounds' ratios."""

    def time_of(name: str) -> str:
        return digits(float(np.median(micros[name])))

    def ratio(a: str, b: str) -> float:
        return float(np.median(micros[a] / micros[b]))

    first, numpy_to_first = NAMES[0], ratio(NUMPY, FIRST)
    rows = [["0", NUMPY, time_of(NUMPY), "", "1"]]
    for number, name in enumerate(NAMES, start=1):
        gain = numpy_to_first if number == 1 else ratio(NAMES[number - 2], name)
        whole = numpy_to_first * ratio(first, name)
        label = name if number == 1 else f"+ {name}"
        rows.append([f"{number}", label, time_of(name), f"{gain:.2f}", digits(whole)])
    philox, splitmix = DRAWS
    beside = [
        [DOUBLE, time_of(DOUBLE), f"the engine takes {ratio(NAMES[-1], DOUBLE):.2f} of that"],
        [philox, time_of(philox), ""],
        [splitmix, time_of(splitmix), f"{ratio(splitmix, philox):.2f} of that"],
    ]
    engines = markdown("|engine|µs a step|faster than the one before|than NumPy", "rlrrr", rows)
    return engines + "\n" + markdown("beside the engines|µs a step|", "lrl", beside)


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=PROCESSES, help="one after the other: %(default)s")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="in each process; default %(default)s")
    parser.add_argument("--rollouts", type=int, default=ROLLOUTS, help="of 100 steps; default %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the times of all rounds to FILE")
    parser.add_argument("--write", type=Path, metavar="FILE", help="replace the table in FILE")
    return parser.parse_args()


def main() -> None:
    """Print the table."""
    chosen: Any = options()
    scenario, policy = Scenario.load("paper"), Policy.load("paper")
    check(scenario, policy, chosen.rollouts)
    job = partial(measure, scenario, policy, chosen.rollouts, chosen.rounds)
    micros = in_processes(job, chosen.processes)
    text = table(micros)
    print(text, end="")
    if chosen.json:
        rounds = {name: times.tolist() for name, times in micros.items()}
        chosen.json.write_text(json.dumps({"microseconds_a_step": rounds}, indent=2) + "\n", "utf-8")
    if chosen.write:
        replace_between(chosen.write, "ideas", text)


if __name__ == "__main__":
    main()
