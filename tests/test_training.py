"""Algorithm 1: what a step does, the same bits after any interruption, and files that do not fit refused."""

import shutil
from copy import deepcopy
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
from trainings import (
    QUICK,
    SEED,
    TINY,
    advanced,
    assert_close,
    assert_same_file,
    bits,
    recorded,
    train,
    validation_margin,
)

from cmarlsim import InputError, Policy, Scenario, execute, learn
from cmarlsim.learning import reinforce
from cmarlsim.learning.mlp import MLP
from cmarlsim.policies.encoding import Encoding
from cmarlsim.storage.provenance import versions
from cmarlsim.training import Training, block, learners
from cmarlsim.training.candidate import Candidate
from cmarlsim.training.checkpoint import checkpoint_of, save
from cmarlsim.training.learners import agent_of
from cmarlsim.training.recipe import RECIPES, Recipe

RECIPE = RECIPES["paper"].model_copy(update=QUICK)  # with SEED, the best iterate is not the last

Trained = tuple[Policy, Training, Path]  # what was learnt, how the training ended, its file


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    out = tmp_path_factory.mktemp("uninterrupted") / "policy.h5"
    return *train(RECIPE, out=out), out


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """Output of a training that was stopped early: only its checkpoint is there."""
    out = tmp_path / "policy.h5"
    train(RECIPE, out=out, blocks=1)
    return out


# --- what is learnt ---


@pytest.mark.compiled
def test_training_earns_more() -> None:
    """From a policy that draws its targets uniformly."""
    changes = {"initial_gain": 0.0, "episodes": 64, "discount": 0.5}
    changes |= {"pretrain_iterations": 200, "pretrain_rate": 0.02}
    recipe = RECIPE.model_copy(update=changes)
    before = validation_margin(Training(TINY, SEED, recipe).candidates[0].networks, RECIPE)
    _, training = train(recipe)
    assert training.best.best_margin > before + 0.1


# --- one step ---


def learning(candidate: Candidate) -> tuple[MLP, MLP]:
    """The policy and the baseline that learn."""
    return agent_of(candidate.work.learners.policies, 0), agent_of(candidate.work.learners.baselines, 0)


@pytest.mark.parametrize(("stage", "iteration", "share"), [(0, 0, 0.0), (0, 7, 1 / 7), (2, 3, None)])
def test_step_ascends_local_q_minus_baseline(
    monkeypatch: pytest.MonkeyPatch, stage: int, iteration: int, share: float | None
) -> None:
    candidate = advanced(RECIPE, SEED, stage, iteration)
    networks = [MLP(*(array.astype(float) for array in network)) for network in learning(candidate)]
    runs = recorded(monkeypatch, block, "run_episodes", lambda given: given[6])
    ascents = recorded(
        monkeypatch, learners, "ascend", lambda given: (given[0], deepcopy(given[1]), given[3])
    )
    policies, baselines = candidate.work.learners.policies, candidate.work.learners.baselines
    candidate.step()

    entropy, rate = RECIPE.retrain_entropy, RECIPE.retrain_rate
    if share is not None:
        entropy = RECIPE.pretrain_entropy * (1 - 0.9 * share)
        rate = RECIPE.pretrain_rate * (1 - 0.9 * share)
    (_, episodes), tile_input = runs[0], Encoding.of(TINY.world, RECIPE.scale_lam).tile_input()
    lam, experience = episodes.lam[:, 0], episodes.experience
    expected = reinforce.gradients(*networks, tile_input, lam, lam, experience, RECIPE.discount, entropy)
    (first, slopes, policy_rate), (second, errors, baseline_rate) = (before for before, _ in ascents)
    for gradient, wanted in zip((slopes, errors), expected, strict=True):
        assert_close(agent_of(gradient, 0), wanted)
    assert first is policies
    assert policy_rate == pytest.approx(rate)
    assert second is baselines
    assert baseline_rate == RECIPE.baseline_rate


def test_every_seed_and_iteration_draws_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = recorded(monkeypatch, block, "run_episodes", lambda given: (given[6].lam, given[6].uniform))
    for seed in (SEED, SEED + 1):
        advanced(RECIPE, seed, 0, 3)
    assert len({lam.tobytes() for _, (lam, _) in draws}) == 6
    assert len({uniform.tobytes() for _, (_, uniform) in draws}) == 6


def test_half_of_the_episodes_continue(monkeypatch: pytest.MonkeyPatch) -> None:
    candidate = advanced(RECIPE, SEED, 1, 0)
    nodes = recorded(monkeypatch, block, "run_episodes", lambda given: given[6].locations.node.copy())
    for _ in range(5):
        candidate.step()
    half = RECIPE.episodes // 2
    for (_, ended), (begun, _) in pairwise(nodes):
        assert begun.shape == (RECIPE.episodes, TINY.agents.N)
        np.testing.assert_array_equal(begun[half:], ended[half:])
        assert not np.array_equal(begun[:half], ended[:half])


def test_copies_of_the_pretrained_agent_form_the_team() -> None:
    for array in advanced(RECIPE, SEED, 1, 0).networks:
        np.testing.assert_array_equal(array[0], array[1])


@pytest.mark.parametrize("stage", [1, 2])
def test_every_stage_begins_with_its_agent_and_fresh_moments(stage: int) -> None:
    candidate = advanced(RECIPE, SEED, stage, 0)
    for learner, array in zip(learning(candidate)[0], candidate.networks, strict=True):
        np.testing.assert_array_equal(learner, array[stage - 1])
    for name, array in candidate.work.learners.arrays().items():
        assert not (array.any() and ("_mean" in name or "_square" in name or name == "steps"))


@pytest.mark.parametrize("active", [0, 1])
def test_block_retraining_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch, active: int) -> None:
    candidate = advanced(RECIPE, SEED, 1 + active, 0)
    other = 1 - active
    before = MLP(*(array.copy() for array in candidate.networks))
    seen = recorded(monkeypatch, block, "run_episodes", lambda given: (given[3], given[2].W1.copy()))
    for _ in range(RECIPE.retrain_iterations):
        candidate.step()
    assert candidate.stage_index == 2 + active
    for array, old in zip(candidate.networks, before, strict=True):
        np.testing.assert_array_equal(array[other], old[other])
        assert not np.array_equal(array[active], old[active])
    assert [agent for (agent, _), _ in seen] == [active] * RECIPE.retrain_iterations
    for (_, acting), _ in seen:  # the networks that play the episodes
        np.testing.assert_array_equal(acting[other], before.W1[other])
    assert len({acting[active].tobytes() for (_, acting), _ in seen}) == RECIPE.retrain_iterations


# --- which iterate is kept ---


@pytest.mark.parametrize("seed", [0, SEED])
def test_best_margin_only_rises_and_is_that_of_the_policy(seed: int) -> None:
    training, margins = Training(TINY, seed, RECIPE), [-np.inf]
    while not training.finished:
        training.advance(1)
        if training.best.best_margin != margins[-1]:
            margins.append(training.best.best_margin)
            policy = training.policy()
            assert policy.training["validation_margin"] == margins[-1]
            assert policy.networks is not None
            assert validation_margin(policy.networks, RECIPE) == pytest.approx(margins[-1], abs=1e-12)
    assert len(margins) > 2  # it did rise
    assert margins == sorted(margins)
    assert validation_margin(training.best.best, RECIPE) == pytest.approx(margins[-1], abs=1e-12)


# --- stop and resume ---


def test_stopped_at_every_block_is_uninterrupted(tmp_path: Path, uninterrupted: Trained) -> None:
    out = tmp_path / "policy.h5"
    while not out.exists():
        _, training = train(RECIPE, out=out, blocks=1)
    assert bits(training) == bits(uninterrupted[1])
    assert training.done == training.total == 50 + 2 * 40
    assert_same_file(out, uninterrupted[2])


def test_stopped_training_returns_its_best_so_far(tmp_path: Path) -> None:
    policy, training = train(RECIPE, out=tmp_path / "policy.h5", blocks=3)
    assert policy.training["iterations_done"] == training.done == 75
    assert execute(TINY, policy, 100).reward.shape == (100, TINY.M)


OTHERS = {
    "seed": {"seed": SEED + 1},
    "discount": {"recipe": RECIPE.model_copy(update={"discount": 0.9})},
    "ranges": {"recipe": RECIPE.model_copy(update={"ranges": (1.5, 1.0)})},
    "teams": {"recipe": RECIPE.model_copy(update={"teams": 2})},
    "scenario": {"scenario": Scenario.load("tiny", ["links.d=2.0"])},
    "seed, episodes": {"seed": SEED + 1, "recipe": RECIPE.model_copy(update={"episodes": 8})},
}


@pytest.mark.parametrize("differing", OTHERS)
def test_checkpoint_of_another_training_is_refused(stopped: Path, differing: str) -> None:
    before = checkpoint_of(stopped).read_bytes()
    with pytest.raises(InputError, match=f"these differ: {differing};"):
        train(**({"recipe": RECIPE, "out": stopped} | OTHERS[differing]))
    assert checkpoint_of(stopped).read_bytes() == before


def test_checkpoint_of_another_version_is_refused(stopped: Path) -> None:
    with h5py.File(checkpoint_of(stopped), "r+") as file:
        file.attrs["version_numpy"] = "1.0"
    with pytest.raises(InputError, match=r"these differ: version_numpy \(.+ there, .+ here\);"):
        train(RECIPE, out=stopped)


def test_what_is_no_checkpoint_is_refused(stopped: Path, uninterrupted: Trained) -> None:
    checkpoint_of(stopped).write_bytes(checkpoint_of(stopped).read_bytes()[:3000])
    with pytest.raises(InputError, match=r"policy\.h5\.checkpoint: not a readable HDF5 file"):
        train(RECIPE, out=stopped)
    shutil.copy(uninterrupted[2], checkpoint_of(stopped))
    with pytest.raises(InputError, match="format = 'cmarlsim-policy/1': expected"):
        train(RECIPE, out=stopped)


def test_training_killed_after_its_last_write_is_done(tmp_path: Path, uninterrupted: Trained) -> None:
    """The policy is there, and its checkpoint still; a policy of another training is kept."""
    out = tmp_path / "policy.h5"
    save(uninterrupted[1], checkpoint_of(out))
    shutil.copy(uninterrupted[2], out)
    assert learn(TINY, SEED, recipe=RECIPE, out=out).sha256 == uninterrupted[0].sha256
    assert [path.name for path in tmp_path.iterdir()] == ["policy.h5"]
    before = out.stat().st_mtime_ns
    assert learn(TINY, SEED, recipe=RECIPE, out=out).sha256 == uninterrupted[0].sha256
    assert out.stat().st_mtime_ns == before
    with pytest.raises(InputError, match="exists already"):
        learn(TINY, SEED + 1, recipe=RECIPE, out=out)
    save(uninterrupted[1], checkpoint_of(out))
    Policy.load("paper").save(out)
    with pytest.raises(InputError, match="exists already"):
        learn(TINY, SEED, recipe=RECIPE, out=out)
    assert Policy.load(out).sha256 == Policy.load("paper").sha256


def test_file_says_how_it_was_made(uninterrupted: Trained) -> None:
    with h5py.File(uninterrupted[2]) as file:
        made = dict(file.attrs)
        assert file["weights/W1"].shape == (TINY.agents.N, TINY.M + 2, RECIPE.hidden)
    rebuilt = Scenario.from_toml(made["scenario"], made["floorplan"], "the file")
    assert rebuilt == TINY
    assert made["seed"] == SEED
    recipe = {name: made[f"recipe_{name}"] for name in Recipe.model_fields}
    assert recipe == RECIPE.model_dump() | {"ranges": "[1.0]"}
    assert versions().items() <= made.items()
    assert {"version_cmarlsim", "version_numpy", "version_numba"} <= versions().keys()
    assert made["iterations_done"] == 130
