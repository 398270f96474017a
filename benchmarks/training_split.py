"""``python benchmarks/training_split.py``: where the time of one training iteration goes, in both stages.

The functions of the product are timed where training calls them; medians over the rounds are printed. Then
the compiled gradients run in turn with the NumPy ones that they are tested against, on the same batch.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # for the NumPy gradients; read when NumPy is imported

import numpy as np

import cmarlsim.learning.gradients
import cmarlsim.training
from cmarlsim import Policy, Scenario
from cmarlsim.learning import reinforce
from cmarlsim.learning.mlp import MLP
from cmarlsim.learning.recipe import Recipe
from cmarlsim.training import Training

SEED, ROUNDS, WARM_UP = 0, 200, 5
PARTS: list[tuple[str, Any, str]] = [
    ("multipliers", cmarlsim.training, "sample_multipliers"),
    ("starts and draws", Training, "_episodes"),  # less the next one, which it calls
    ("episodes", cmarlsim.training, "run_episodes"),
    ("returns and rows", cmarlsim.learning.gradients, "gather"),
    ("baseline, both ways", cmarlsim.learning.gradients, "baseline_gradient"),
    ("spread of advantage", cmarlsim.learning.gradients, "spread_of_advantage"),
    ("policy, both ways", cmarlsim.learning.gradients, "policy_gradient"),
    ("Adam", cmarlsim.training, "ascend"),
    ("weights for kernels", Training, "_show_learner"),
]
Seconds = dict[str, float]


@contextmanager
def timed() -> Iterator[Seconds]:
    """Add up the time spent in every part."""
    seconds: Seconds = defaultdict(float)

    def wrapped(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            start = time.perf_counter()
            result = function(*arguments)
            seconds[name] += time.perf_counter() - start
            return result

        return call

    originals = [(owner, attribute, getattr(owner, attribute)) for _, owner, attribute in PARTS]
    for (name, owner, attribute), (_, _, function) in zip(PARTS, originals, strict=True):
        setattr(owner, attribute, wrapped(name, function))
    try:
        yield seconds
    finally:
        for owner, attribute, function in originals:
            setattr(owner, attribute, function)


def training_at(stage: int) -> Training:
    """A training of the shipped policy `paper`, in the pre-training (0) or a retraining (1) stage."""
    long = {"pretrain_iterations": 10**6 if stage == 0 else 1, "retrain_iterations": 10**6}
    training = Training(Scenario.load("paper"), SEED, Recipe(**long, validate_every=10**6))
    while training.stage_index < stage:
        training.step()
    networks = Policy.load("paper").networks
    assert networks is not None
    state = training.state()
    for field, array in networks._asdict().items():
        state[f"team/{field}"], state[f"learner/{field}"] = array.astype("f4"), array[0].astype("f4")
    training.restore(state)
    for _ in range(WARM_UP):
        training.step()
    return training


def split(training: Training, rounds: int) -> Seconds:
    """Median seconds of every part of an iteration, of all of it, and of a validation."""
    samples: list[Seconds] = []
    for _ in range(rounds):
        with timed() as seconds:
            start = time.perf_counter()
            training.step()
            whole = time.perf_counter() - start
        seconds["starts and draws"] -= seconds["episodes"]
        rest = whole - sum(seconds.values())
        samples.append({name: seconds[name] for name, _, _ in PARTS} | {"the rest": rest, "all": whole})
    return {name: statistics.median(sample[name] for sample in samples) for name in samples[0]}


def validation(training: Training) -> float:
    """Median seconds of a validation."""
    times = []
    for _ in range(6):
        start = time.perf_counter()
        training._validate()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def against_numpy(training: Training, rounds: int) -> Seconds:
    """Median seconds of the gradients of one batch, compiled and in NumPy, run in turn."""
    recipe, tile_input = training.recipe, training.encoding.tile_input()
    generator = np.random.default_rng(SEED)
    lam = cmarlsim.training.sample_multipliers(generator, recipe.episodes, training.scenario.M)
    episodes = training._episodes(lam, generator)
    networks, rest = (training.learner, training.baseline), (lam, episodes, recipe.discount, 0.02)
    samples: list[tuple[float, float]] = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        compiled = training._gradients.of_batch(*networks, *rest)
        middle = time.perf_counter()
        plain = reinforce.gradients(*networks, tile_input, *rest)
        samples.append((middle - start, time.perf_counter() - middle))
    assert all(_close(a, b) for a, b in zip(compiled, plain, strict=True)), "not the same gradients"
    fast, slow = (statistics.median(column) for column in zip(*samples[1:], strict=True))
    ratio = statistics.median(b / a for a, b in samples[1:])
    return {"compiled": fast, "NumPy": slow, "ratio": ratio}


def _close(found: MLP, wanted: MLP) -> bool:
    largest = max(abs(array).max() for array in wanted)
    return all(abs(a - b).max() < 1e-4 * largest for a, b in zip(found, wanted, strict=True))


def report(name: str, seconds: Seconds) -> None:
    """Print the table of a stage."""
    print(f"\n{name:<24} {'ms':>8} {'share':>7}")
    for part, value in seconds.items():
        print(f"{part:<24} {1e3 * value:>8.3f} {value / seconds['all']:>7.1%}")


def main() -> None:
    """Print the tables and write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the medians, in seconds, to FILE")
    options = parser.parse_args()
    results: dict[str, Seconds] = {}
    for stage, name in enumerate(["pre-training, 1 agent", "retraining, 5 agents"]):
        training = training_at(stage)
        results[name] = split(training, options.rounds)
        report(name, results[name])
        gradients = results[f"{name}: gradients"] = against_numpy(training, options.rounds)
        print(
            "gradients: {compiled:.2e} s compiled, {NumPy:.2e} s NumPy, ratio {ratio:.1f}".format(**gradients)
        )
    each = validation(training)
    results["validation"] = {"each": each}
    print(f"\nvalidation, every {Recipe().validate_every} iterations: {1e3 * each:.1f} ms")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
