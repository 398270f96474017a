"""Quick trainings on the plan `tiny`, and what tests compare of them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from cmarlsim import Policy, Scenario, execute, learn
from cmarlsim.learning.mlp import MLP
from cmarlsim.policies.encoding import Encoding
from cmarlsim.training import VALIDATION_SEED, Training
from cmarlsim.training.candidate import Candidate
from cmarlsim.training.recipe import Recipe
from cmarlsim.training.setup import TrainingSetup

TINY = Scenario.load("tiny")
QUICK = {
    "hidden": 16,
    "episodes": 16,
    "pretrain_iterations": 50,
    "retrain_iterations": 40,
    "baseline_hidden": 8,
    "validate_every": 10,
    "validation_runs": 2,
    "validation_rollouts": 10,
}
SEED = 8

Edit = Callable[[h5py.File], None]


def train(
    recipe: Recipe,
    seed: int = SEED,
    scenario: Scenario = TINY,
    out: Path | None = None,
    blocks: int | None = None,
) -> tuple[Policy, Training]:
    """Train, stopping after some calls of `progress`; the policy and the training as it was at the end."""
    calls: list[Training] = []

    def progress(training: Training) -> bool:
        calls.append(training)
        return len(calls) != blocks

    policy = learn(scenario, seed, recipe=recipe, out=out, progress=progress)
    return policy, calls[-1]


def advanced(recipe: Recipe, seed: int, stage: int, iteration: int) -> Candidate:
    """A candidate at an iteration of a stage."""
    candidate = Candidate(TrainingSetup(TINY, recipe, seed, 0))
    while (candidate.stage_index, candidate.iteration) != (stage, iteration):
        candidate.step()
    return candidate


def bits(training: Training) -> dict[str, bytes]:
    """The whole state of a training, to be compared bit for bit."""
    return {name: array.tobytes() for name, array in training.state().items()}


def recorded(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, note: Callable[[tuple[Any, ...]], Any]
) -> list[tuple[Any, Any]]:
    """Notes on the arguments of every call that a module makes of `name`, before and after it."""
    function, calls = getattr(module, name), []

    def wrapped(*arguments: Any) -> Any:
        before = note(arguments)
        result = function(*arguments)
        calls.append((before, note(arguments)))
        return result

    monkeypatch.setattr(module, name, wrapped)
    return calls


def margin_of(networks: MLP, recipe: Recipe, scenarios: Iterable[Scenario], first: int) -> float:
    """Smallest margin under gossip, averaged over runs from seed `first` on, in the worst scenario."""
    policy = Policy(networks, Encoding.of(TINY.world, recipe.scale_lam, recipe.lam_roots))
    steps, seeds = recipe.validation_rollouts * TINY.dual.T0, range(first, first + recipe.validation_runs)
    worst = np.inf
    for scenario in scenarios:
        runs = [execute(scenario, policy, steps, seed, record="rollout") for seed in seeds]
        worst = min(worst, float(np.mean([(run.satisfaction() - TINY.c).min() for run in runs])))
    return worst


def validation_margin(networks: MLP, recipe: Recipe, scenarios: Iterable[Scenario] = (TINY,)) -> float:
    """The margin on the seeds that iterates are chosen by."""
    return margin_of(networks, recipe, scenarios, VALIDATION_SEED)


def assert_close(found: MLP, wanted: MLP) -> None:
    """Gradients that are not zero, to 1e-4 of their largest entry."""
    largest = max(abs(array).max() for array in wanted)
    assert largest > 0
    for array, exact in zip(found, wanted, strict=True):
        np.testing.assert_allclose(array, exact, rtol=0, atol=1e-4 * largest)


def assert_same_file(path: Path, reference: Path) -> None:
    found, expected = Policy.load(path), Policy.load(reference)
    assert found.sha256 == expected.sha256
    assert dict(found.training) == dict(expected.training)


def replaced(name: str, value: Any) -> Edit:
    """Another dataset in place of one."""

    def edit(file: h5py.File) -> None:
        del file[name]
        file[name] = value

    return edit
