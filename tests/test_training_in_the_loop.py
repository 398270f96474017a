"""Training in the loop: what an iteration does, several candidates, ranges, interruption and divergence."""

import os
import shutil
from copy import deepcopy
from pathlib import Path

import h5py
import numpy as np
import pytest
from cases import seal_again
from trainings import (
    QUICK,
    SEED,
    TINY,
    Edit,
    advanced,
    assert_close,
    assert_same_file,
    bits,
    margin_of,
    recorded,
    replaced,
    train,
    validation_margin,
)

import cmarlsim.training.training
from cmarlsim import InputError, Policy, Scenario, execute, learn
from cmarlsim.errors import DamagedError, DivergedError
from cmarlsim.kernels.loop import Runs
from cmarlsim.learning import reinforce
from cmarlsim.learning.mlp import MLP
from cmarlsim.training import Training, learners, loop
from cmarlsim.training.candidate import Candidate
from cmarlsim.training.checkpoint import checkpoint_of
from cmarlsim.training.learners import agent_of
from cmarlsim.training.loop import Loop
from cmarlsim.training.recipe import RECIPES, Recipe, stages, tightened
from cmarlsim.training.setup import TrainingSetup

CHANGES = {
    "episodes": 8,
    "pretrain_iterations": 20,
    "loop_iterations": 20,
    "loop_runs": 12,
    "ranges": (1.5, 1.0),
    "teams": 3,
}
RECIPE = RECIPES["loop"].model_copy(update=QUICK | CHANGES)
RANGED = [Scenario.load("tiny", [f"links.d={d}"]) for d in (1.5, 1.0)]  # between left and top, one can talk

Trained = tuple[Policy, Training, Path]  # what was learnt, how the training ended, its file


def recipe_with(**changes: object) -> Recipe:
    return RECIPE.model_copy(update=changes)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    out = tmp_path_factory.mktemp("uninterrupted") / "policy.h5"
    return *train(RECIPE, out=out), out


# --- recipes ---


def test_the_recipes_are_the_loop_and_section_v() -> None:
    assert RECIPES["loop"] == Recipe()
    paper = RECIPES["paper"].model_copy(update={"retrain_sweeps": 2})
    loop, blocks = (stages(recipe, agents=3) for recipe in (RECIPES["loop"], paper))
    assert [(stage.name, stage.agents, stage.active) for stage in loop] == [
        ("pre-training", 1, 0),
        ("in the loop", 3, None),
    ]
    assert [(stage.name, stage.agents, stage.active) for stage in blocks] == [
        ("pre-training", 1, 0),
        *((f"retraining agent {n}", 3, n) for n in (0, 1, 2, 0, 1, 2)),
    ]


def test_rates_of_the_loop_are_annealed() -> None:
    (*_, stage) = stages(recipe_with(loop_iterations=11, final_rate_share=0.2), agents=2)
    rate, entropy = RECIPE.loop_rate, RECIPE.loop_entropy
    assert stage.at(0) == pytest.approx((rate, entropy))
    assert stage.at(5) == pytest.approx((0.6 * rate, 0.55 * entropy))
    assert stage.at(10) == pytest.approx((0.2 * rate, 0.1 * entropy))


# --- one iteration ---


def in_the_loop(candidate: Candidate) -> Loop:
    assert isinstance(candidate.work, Loop)
    return candidate.work


ENCODINGS = [(True, 2), (True, 0), (False, 1), (False, 0)]


@pytest.mark.parametrize(("scale_lam", "lam_roots"), ENCODINGS)
def test_every_agent_ascends_on_its_own_multipliers_and_rewards(
    monkeypatch: pytest.MonkeyPatch, scale_lam: bool, lam_roots: int
) -> None:
    """Networks see the multipliers that were in force; baselines what attending was worth."""
    iteration, recipe = 5, recipe_with(scale_lam=scale_lam, lam_roots=lam_roots, loop_restart=0.1)
    candidate = advanced(recipe, SEED, 1, iteration)
    work = in_the_loop(candidate)
    policies, baselines = deepcopy((work.learners.policies, work.learners.baselines))
    rollouts = recorded(monkeypatch, loop, "run_in_the_loop", lambda given: deepcopy(given[7]))
    ascents = recorded(
        monkeypatch, learners, "ascend", lambda given: (given[0], deepcopy(given[1]), given[3])
    )
    candidate.step()
    np.testing.assert_array_equal(work._weights.W1, work.learners.policies.W1)  # what kernels play next

    before = [runs for runs, _ in rollouts]
    lam, lam_tight = (
        np.concatenate([getattr(runs, name) for runs in before]) for name in ("lam", "lam_tight")
    )
    assert lam.any()
    assert lam_tight.any()
    largest = lam_tight.max(axis=1, keepdims=True)
    worth = np.where(largest > 0, lam_tight / np.maximum(largest, 1e-300), 0.0)
    np.testing.assert_allclose(np.concatenate([runs.worth for runs in before]), worth, rtol=1e-15)
    seen, valued = (as_seen(array, scale_lam, lam_roots) for array in (lam, lam_tight))
    (first, slopes, rate), (second, errors, baseline_rate) = (before for before, _ in ascents)
    assert (first, second) == (work.learners.policies, work.learners.baselines)
    (*_, stage) = stages(recipe, TINY.agents.N)
    assert (rate, baseline_rate) == (stage.at(iteration)[0], recipe.baseline_rate)
    for n in range(TINY.agents.N):
        experience = experience_of(work.runs, n)
        networks = (MLP(*(array[n].astype(float) for array in group)) for group in (policies, baselines))
        expected = reinforce.gradients(
            *networks,
            candidate.setup.encoding.tile_input(),
            seen[:, n],
            valued,
            experience,
            recipe.discount,
            stage.at(iteration)[1],
        )
        for found, wanted in zip((agent_of(slopes, n), agent_of(errors, n)), expected, strict=True):
            assert_close(found, wanted)


def as_seen(lam: np.ndarray, scale_lam: bool, lam_roots: int) -> np.ndarray:
    """Multipliers (..., M) as networks see them."""
    largest = lam.max(axis=-1, keepdims=True)
    scaled = lam / np.where(largest > 0, largest, 1.0) if scale_lam else lam.copy()
    roots: np.ndarray = scaled ** (0.5**lam_roots)
    return roots


def experience_of(runs: Runs, n: int) -> learners.Experience:
    """Of agent n in the rollout that was run last."""
    B, _, T0 = runs.reward.shape
    tile, action = (getattr(runs.steps, name)[:, n].reshape(B, T0) for name in ("tile", "action"))
    return learners.Experience(tile.astype(int), action.astype(int), runs.reward[:, n])


def test_rewards_are_for_tightened_thresholds() -> None:
    for tightening in (0.0, 0.5):
        work = in_the_loop(advanced(recipe_with(tightening=tightening), SEED, 1, 0))
        assert work.c_tight.tolist() == tightened(TINY.c, TINY.agents.N, tightening).tolist()


def test_the_loop_begins_with_copies_of_the_pretrained_agent() -> None:
    candidate = advanced(RECIPE, SEED, 0, RECIPE.pretrain_iterations - 1)
    alone = candidate.work
    candidate.step()
    work = in_the_loop(candidate)
    for n in range(TINY.agents.N):
        for name in ("policies", "baselines"):
            group, source = getattr(work.learners, name), getattr(alone.learners, name)
            for array, array_of_one in zip(agent_of(group, n), agent_of(source, 0), strict=True):
                np.testing.assert_array_equal(array, array_of_one)
    assert not work.runs.lam.any()


# --- where runs begin ---


def begun(restart: float, move: float) -> tuple[Runs, Runs]:
    """Runs at the end of an iteration, and at the beginning of the next one."""
    recipe = recipe_with(loop_restart=restart, loop_move=move, loop_runs=100)
    work = in_the_loop(advanced(recipe, SEED, 1, 5))
    work.runs.lam[...] += 1.0  # so that it shows who knows nothing
    work.runs.lam_tight[...] += 1.0
    ended = deepcopy(work.runs)
    work._begin(5)
    return ended, work.runs


def test_runs_that_begin_anew_know_nothing_and_their_agents_are_elsewhere() -> None:
    ended, runs = begun(0.3, 0.0)
    anew = ~runs.lam.any(axis=(1, 2))
    assert 0.15 < anew.mean() < 0.45
    assert not runs.lam_tight[anew].any()
    np.testing.assert_array_equal(runs.lam[~anew], ended.lam[~anew])
    np.testing.assert_array_equal(runs.lam_tight[~anew], ended.lam_tight[~anew])
    np.testing.assert_array_equal(runs.locations.node[~anew], ended.locations.node[~anew])
    assert 0.6 < (runs.locations.node != ended.locations.node)[anew].mean() < 0.9  # of four waypoints
    assert np.bincount(runs.locations.node[anew].ravel(), minlength=4).min() > 0.1 * 2 * anew.sum()


def test_some_agents_are_put_elsewhere_and_keep_their_multipliers() -> None:
    ended, runs = begun(0.0, 0.5)
    np.testing.assert_array_equal(runs.lam, ended.lam)
    moved = runs.locations.node != ended.locations.node
    assert 0.25 < moved.mean() < 0.5  # a fourth of those that are moved stay where they are
    assert (moved.sum(axis=1) == 1).any()  # one without the other


def test_every_iteration_candidate_and_seed_draws_afresh() -> None:
    found: list[bytes] = []
    for seed, index in ((SEED, 0), (SEED, 1), (SEED + 1, 0)):
        setup = TrainingSetup(TINY, recipe_with(loop_restart=0.5), seed, index)
        (*_, stage) = stages(setup.recipe, TINY.agents.N)
        for address in (1, 2):
            candidate = Candidate(setup)
            work = Loop(setup, stage, address, candidate.networks, candidate.baselines)
            found.append(work.runs.locations.node.tobytes())
            for iteration in range(3):
                work._begin(iteration)
                found.append(work.runs.locations.node.tobytes())
                found += [row.tobytes() for row in work._draws.action]
    assert len(set(found)) == len(found)


# --- which iterates are judged ---


def test_iterates_are_judged_every_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the pre-training from its half on; at the end of every stage, and all along the others."""
    judged: list[tuple[str, int]] = []
    monkeypatch.setattr(
        Candidate, "_validate", lambda candidate: judged.append((candidate.stage.name, candidate.iteration))
    )
    candidate = Candidate(TrainingSetup(TINY, recipe_with(retrain_sweeps=1, retrain_iterations=15), SEED, 0))
    while not candidate.finished:
        candidate.step()
    assert judged == [
        *(("pre-training", i) for i in (10, 20)),
        *((f"retraining agent {n}", i) for n in range(2) for i in (10, 15)),
        *(("in the loop", i) for i in (10, 20)),
    ]


# --- candidates, threads ---


def test_a_candidate_does_not_know_the_others(uninterrupted: Trained) -> None:
    alone, among = Candidate(TrainingSetup(TINY, RECIPE, SEED, 1)), uninterrupted[1].candidates[1]
    while not alone.finished:
        alone.step()
    assert {name: array.tobytes() for name, array in alone.state().items()} == {
        name: array.tobytes() for name, array in among.state().items()
    }


def test_the_best_of_the_candidates_is_chosen(uninterrupted: Trained) -> None:
    policy, training, _ = uninterrupted
    margins = [candidate.best_margin for candidate in training.candidates]
    assert len(set(margins)) > 1
    best = training.candidates[int(np.argmax(margins))]
    assert training.best is best
    assert policy.training["validation_margin"] == max(margins)
    assert policy.networks is not None
    for array, wanted in zip(policy.networks, best.best, strict=True):
        np.testing.assert_array_equal(array, wanted)
    assert training.done == training.total == 3 * (20 + 20)


def test_iterates_are_judged_by_the_worst_range(uninterrupted: Trained) -> None:
    """In scenarios that were read with each range."""
    worst = 0
    for candidate in uninterrupted[1].candidates:
        at_each = [validation_margin(candidate.best, RECIPE, [scenario]) for scenario in RANGED]
        assert candidate.best_margin == pytest.approx(min(at_each), abs=1e-12)
        worst += at_each[0] != at_each[1]
    assert worst > 0


@pytest.mark.parametrize("cores", [1, 7])
def test_same_bits_for_any_number_of_threads(
    monkeypatch: pytest.MonkeyPatch, uninterrupted: Trained, cores: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(cores)))
    threads = []
    pool = cmarlsim.training.training.ThreadPoolExecutor
    monkeypatch.setattr(
        cmarlsim.training.training, "ThreadPoolExecutor", lambda most: threads.append(most) or pool(most)
    )
    policy, training = train(RECIPE)
    assert set(threads) == {cores}
    assert bits(training) == bits(uninterrupted[1])
    assert policy.sha256 == uninterrupted[0].sha256


# --- stop and resume ---


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a training that was stopped in the loop."""
    out = tmp_path_factory.mktemp("stopped") / "policy.h5"
    _, training = train(RECIPE, out=out, blocks=1)
    assert [(candidate.stage.name, candidate.iteration) for candidate in training.candidates] == 3 * [
        ("in the loop", 5)
    ]
    return checkpoint_of(out)


@pytest.fixture
def stopped(tmp_path: Path, checkpoint: Path) -> Path:
    """Output of that training: only its checkpoint is there."""
    shutil.copy(checkpoint, tmp_path)
    return tmp_path / "policy.h5"


def test_stopped_in_the_loop_and_resumed_is_uninterrupted(stopped: Path, uninterrupted: Trained) -> None:
    policy, training = train(RECIPE, out=stopped)
    assert bits(training) == bits(uninterrupted[1])
    assert policy.sha256 == uninterrupted[0].sha256
    assert [path.name for path in stopped.parent.iterdir()] == ["policy.h5"]
    assert_same_file(stopped, uninterrupted[2])


def test_stopped_at_every_iteration_is_uninterrupted(uninterrupted: Trained) -> None:
    """A new training is filled with the state of the last one."""
    training = Training(TINY, SEED, RECIPE)
    while not training.finished:
        training.advance(1)
        another = Training(TINY, SEED, RECIPE)
        another.restore(deepcopy(training.state()))
        training = another
    assert bits(training) == bits(uninterrupted[1])


def in_place(name: str, value: float) -> Edit:
    def edit(file: h5py.File) -> None:
        file[name][(0,) * file[name].ndim] = value

    return edit


STAGE = "state/1/stage"
UNFIT: dict[str, Edit] = {
    "lam of one agent": replaced(f"{STAGE}/lam", np.zeros((12, 1, 3))),
    "lam_tight of fewer zones": replaced(f"{STAGE}/lam_tight", np.zeros((12, 2))),
    "no lam": lambda file: file.__delitem__(f"{STAGE}/lam"),
    "a place that is none": in_place(f"{STAGE}/places/node", 10**6),
    "policies of one agent": replaced(f"{STAGE}/policies/W1", np.zeros((1, 5, 16))),
    "steps of one optimiser": replaced(f"{STAGE}/steps", np.array([3])),
    "a best iterate of another size": replaced("state/2/best/W2", np.zeros((2, 16, 2))),
    "a stage that is none": replaced("state/0/progress", np.array([9, 9])),
    "an iteration that is none": replaced("state/2/progress", np.array([1, 20])),
    "a candidate that is missing": lambda file: file.__delitem__("state/2"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_checkpoints_that_do_not_fit_are_refused(stopped: Path, case: str) -> None:
    with h5py.File(checkpoint_of(stopped), "r+") as file:
        UNFIT[case](file)
    with pytest.raises(DamagedError, match=r"policy\.h5\.checkpoint: cannot be continued: it was changed"):
        train(RECIPE, out=stopped)
    seal_again(checkpoint_of(stopped))
    with pytest.raises(DamagedError, match=r"policy\.h5\.checkpoint: not a complete checkpoint"):
        train(RECIPE, out=stopped)


# --- divergence ---


def test_a_loop_that_diverges_leaves_the_best_iterate_of_before(tmp_path: Path) -> None:
    out = tmp_path / "policy.h5"
    where = (
        r"training diverged \(in the loop, iteration \d+\): lower the rates; the last good parameters are in "
    )
    changes = {"pretrain_iterations": 30}
    train(recipe_with(loop_rate=1e35, **changes), out=out, blocks=1)
    assert checkpoint_of(out).exists()  # of the pre-training
    with pytest.raises(DivergedError, match=where) as caught:
        train(recipe_with(loop_rate=1e35, **changes), out=out)
    assert isinstance(caught.value, InputError)
    assert str(caught.value).endswith(str(out))
    assert [path.name for path in tmp_path.iterdir()] == ["policy.h5"]
    saved, pretrained = Policy.load(out), Training(TINY, SEED, recipe_with(**changes))
    pretrained.advance(30)
    assert saved.sha256 == pretrained.policy().sha256
    assert saved.training["validation_margin"] == pretrained.best.best_margin
    assert saved.training["iterations_done"] < pretrained.total
    assert execute(TINY, saved, 100).reward.shape == (100, 3)


def test_a_pretraining_that_diverges_leaves_the_parameters_of_before(tmp_path: Path) -> None:
    out, recipe = tmp_path / "policy.h5", recipe_with(pretrain_rate=1e35)
    with pytest.raises(DivergedError, match=r"\(pre-training, iteration 1\)"):
        train(recipe, out=out)
    assert [path.name for path in tmp_path.iterdir()] == ["policy.h5"]
    before = Training(TINY, SEED, recipe)
    before.advance(1)
    assert Policy.load(out).sha256 == before.policy().sha256


@pytest.mark.parametrize("rate", ["pretrain_rate", "retrain_rate", "loop_rate", "baseline_rate"])
def test_without_a_file_divergence_is_an_error_too(rate: str) -> None:
    changes = {rate: 1e35, "retrain_sweeps": 1}
    with pytest.raises(DivergedError, match=r"iteration \d+\): lower the rates$"):
        learn(TINY, SEED, recipe=recipe_with(**changes))


@pytest.mark.parametrize("rate", ["pretrain_rate", "retrain_rate", "loop_rate", "baseline_rate"])
def test_preparing_never_diverges_and_changes_nothing(rate: str) -> None:
    training = Training(TINY, SEED, recipe_with(**{rate: 1e38, "retrain_sweeps": 1}))
    before = bits(training)
    training.prepare()
    assert bits(training) == before


# --- what is learnt ---


@pytest.mark.compiled
@pytest.mark.parametrize("seed", range(3))
def test_in_the_loop_margins_rise(seed: int) -> None:
    """From a policy that draws its targets uniformly: by .09 to .15 with the seeds 0 to 5."""
    recipe = recipe_with(
        initial_gain=0.0,
        pretrain_iterations=1,
        loop_iterations=60,
        loop_rate=0.01,
        loop_runs=24,
        validation_runs=4,
        validation_rollouts=100,
    )
    candidate = advanced(recipe, seed, 1, 0)
    before = margin_of(candidate.networks, recipe, RANGED, first=0)
    while not candidate.finished:
        candidate.step()
    assert margin_of(candidate.networks, recipe, RANGED, first=0) > before + 0.05
