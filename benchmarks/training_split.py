"""``python benchmarks/training_split.py``: where the time of a training iteration goes, stage by stage.

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
from typing import Any, NamedTuple

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # for the NumPy gradients; read when NumPy is imported

import numpy as np

from cmarlsim import Policy, Scenario
from cmarlsim.kernels.episodes import Experience
from cmarlsim.learning import gradients, reinforce
from cmarlsim.learning.mlp import MLP
from cmarlsim.training import block, learners
from cmarlsim.training.block import Block
from cmarlsim.training.candidate import Candidate
from cmarlsim.training.learners import Learners, agent_of
from cmarlsim.training.loop import Loop
from cmarlsim.training.recipe import RECIPES, sample_multipliers
from cmarlsim.training.setup import TrainingSetup

SEED, ROUNDS, WARM_UP, ENTROPY = 0, 200, 5, 0.02
AGENTS, NEVER = 5, 10**6
STAGES = {"pre-training, 1 agent": 0, "retraining, 5 agents": 1, "in the loop, 5 agents": 1 + AGENTS}
PARTS: list[tuple[str, Any, str]] = [
    ("multipliers", block, "sample_multipliers"),
    ("starts and draws", Block, "_episodes"),  # less the next one, which it calls
    ("episodes", block, "run_episodes"),
    ("starts and draws, loop", Loop, "_begin"),
    ("rollouts under gossip", Loop, "_advance"),
    ("returns and rows", gradients, "gather"),
    ("baseline, both ways", gradients, "baseline_gradient"),
    ("spread of advantage", gradients, "spread_of_advantage"),
    ("policy, both ways", gradients, "policy_gradient"),
    ("Adam", learners, "ascend"),
    ("weights for kernels", Learners, "show"),
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


def setup_of(stage: int) -> TrainingSetup:
    """The setup of a training that stays in a stage."""
    names = ("pretrain_iterations", "retrain_iterations", "loop_iterations")
    present = 0 if stage == 0 else 1 if stage <= AGENTS else 2
    changes = {name: NEVER if i == present else 1 for i, name in enumerate(names)}
    changes |= {"retrain_sweeps": 1, "validate_every": NEVER, "validation_rollouts": 400}
    return TrainingSetup(Scenario.load("paper"), RECIPES["loop"].model_copy(update=changes), SEED, 0)


def candidate_at(stage: int) -> Candidate:
    """A candidate with the networks of the shipped policy `paper`."""
    candidate = Candidate(setup_of(stage))
    while candidate.stage_index < stage:
        candidate.step()
    networks = Policy.load("paper").networks
    assert networks is not None
    state = candidate.state()
    for field, array in networks._asdict().items():
        state[f"networks/{field}"] = array
        state[f"stage/policies/{field}"] = array[: len(state[f"stage/policies/{field}"])]
    candidate.restore(state)
    for _ in range(WARM_UP):
        candidate.step()
    return candidate


def split(candidate: Candidate, rounds: int) -> Seconds:
    """Median seconds of every part of an iteration, of all of it, and of a validation."""
    samples: list[Seconds] = []
    for _ in range(rounds):
        with timed() as seconds:
            start = time.perf_counter()
            candidate.step()
            whole = time.perf_counter() - start
        seconds["starts and draws"] -= seconds["episodes"]
        rest = whole - sum(seconds.values())
        parts = {name: seconds[name] for name, _, _ in PARTS if seconds[name] > 0}
        samples.append(parts | {"the rest": rest, "all": whole})
    return {name: statistics.median(sample[name] for sample in samples) for name in samples[0]}


def validation(candidate: Candidate) -> float:
    """Median seconds of a validation."""
    times = []
    for _ in range(6):
        start = time.perf_counter()
        candidate._validate()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


class Batch(NamedTuple):
    """A batch of a retraining stage, and whoever learns from it."""

    setup: TrainingSetup
    policy: MLP
    baseline: MLP
    seen: np.ndarray  # (B, M) multipliers as the networks see them
    experience: Experience


def batch_of(candidate: Candidate, setup: TrainingSetup) -> Batch:
    """A batch for the agent that retrains."""
    assert isinstance(candidate.work, Block)
    generator, groups = np.random.default_rng(SEED), candidate.work.learners
    lam = sample_multipliers(generator, setup.recipe.episodes, setup.scenario.M)
    experience = candidate.work._episodes(lam, generator).experience
    networks = (agent_of(groups.policies, 0), agent_of(groups.baselines, 0))
    return Batch(setup, *networks, setup.encoding.lam_input(lam), experience)


def gradients_of(batch: Batch) -> gradients.Gradients:
    """The compiled gradients for batches of this size."""
    recipe, (B, M), T0 = batch.setup.recipe, batch.seen.shape, batch.setup.scenario.dual.T0
    return gradients.Gradients(
        batch.setup.encoding.tile_input(), (B, T0, M), recipe.hidden, recipe.baseline_hidden
    )


def against_numpy(batch: Batch, rounds: int) -> Seconds:
    """Median seconds of the gradients of one batch, compiled and in NumPy, run in turn."""
    fast_one, tile_input = gradients_of(batch), batch.setup.encoding.tile_input()
    networks = (batch.policy, batch.baseline)
    rest = (batch.seen, batch.seen, batch.experience, batch.setup.recipe.discount, ENTROPY)
    samples: list[tuple[float, float]] = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        compiled = fast_one.of_batch(*networks, *rest)
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
    for name, stage in STAGES.items():
        candidate = candidate_at(stage)
        results[name] = split(candidate, options.rounds)
        report(name, results[name])
        if isinstance(candidate.work, Block):
            found = against_numpy(batch_of(candidate, setup_of(stage)), options.rounds)
            results[f"{name}: gradients"] = found
            print("gradients: {compiled:.2e} s compiled, {NumPy:.2e} s, ratio {ratio:.1f}".format(**found))
    each = validation(candidate)
    results["validation"] = {"each": each}
    print(f"\nvalidation, every {RECIPES['loop'].validate_every} iterations: {1e3 * each:.1f} ms")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
