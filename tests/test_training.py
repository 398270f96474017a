"""Algorithm 1: what a step does, the same bits after any interruption, and files that do not fit refused."""

import shutil
from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from cmarlsim import InputError, Policy, Scenario, execute, learn
from cmarlsim.checkpoint import checkpoint_of, save
from cmarlsim.learning.mlp import MLP, forward
from cmarlsim.learning.policy import Encoding
from cmarlsim.learning.recipe import RECIPES, Recipe, stages
from cmarlsim.learning.reinforce import policy_gradient
from cmarlsim.provenance import versions
from cmarlsim.shipped import DATA
from cmarlsim.training import VALIDATION_SEED, DivergedError, Training, block, learners
from cmarlsim.training.learners import agent_of
from cmarlsim.training.task import Task
from cmarlsim.training.team import Team

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
RECIPE = RECIPES["paper"].model_copy(update=QUICK)
SEED = 8  # its best iterate is neither the first nor the last

Trained = tuple[Policy, Training, Path]  # what was learnt, how the training ended, its file


def train(
    seed: int = SEED,
    recipe: Recipe = RECIPE,
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


def bits(training: Training) -> dict[str, bytes]:
    """The whole state of a training, to be compared bit for bit."""
    return {name: array.tobytes() for name, array in training.state().items()}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    out = tmp_path_factory.mktemp("uninterrupted") / "policy.h5"
    return *train(out=out), out


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """Output of a training that was stopped early: only its checkpoint is there."""
    out = tmp_path / "policy.h5"
    train(out=out, blocks=1)
    return out


def validation_margin(networks: MLP) -> float:
    """Smallest margin under gossip, averaged over the validation runs."""
    policy = Policy(networks, Encoding.of(TINY.world, RECIPE.scale_lam))
    steps = RECIPE.validation_rollouts * TINY.dual.T0
    seeds = range(VALIDATION_SEED, VALIDATION_SEED + RECIPE.validation_runs)
    runs = [execute(TINY, policy, steps, seed, record="rollout") for seed in seeds]
    return float(np.mean([(run.satisfaction() - TINY.c).min() for run in runs]))


# --- what is learnt ---


def test_learned_policy_fits(uninterrupted: Trained) -> None:
    policy, training, _ = uninterrupted
    weights = policy.weights(TINY.agents.N, TINY.world)
    assert weights.W1.shape == (TINY.agents.N, TINY.M + 2, RECIPE.hidden)
    assert execute(TINY, policy, 100).reward.shape == (100, TINY.M)
    assert training.finished
    assert training.done == training.total == 50 + 2 * 40


def test_same_seed_same_bits(uninterrupted: Trained) -> None:
    policy, training = train()
    assert bits(training) == bits(uninterrupted[1])
    assert policy.sha256 == uninterrupted[0].sha256


def test_another_seed_another_policy(uninterrupted: Trained) -> None:
    policy, training = train(seed=SEED + 1)
    assert policy.sha256 != uninterrupted[0].sha256
    assert not np.array_equal(training.state()["0/networks/W1"], uninterrupted[1].state()["0/networks/W1"])


def test_training_earns_more() -> None:
    """From a policy that draws its targets uniformly."""
    changes = {"initial_gain": 0.0, "episodes": 64, "discount": 0.5}
    changes |= {"pretrain_iterations": 200, "pretrain_rate": 0.02}
    recipe = RECIPE.model_copy(update=changes)
    before = validation_margin(Training(TINY, SEED, recipe).teams[0].networks)
    _, training = train(recipe=recipe)
    assert training.best.best_margin > before + 0.1


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("rate", ["pretrain_rate", "baseline_rate", "retrain_rate"])
def test_divergence_is_an_error(rate: str) -> None:
    with pytest.raises(
        DivergedError, match=r"training diverged \((pre-training|retraining agent 0), iteration"
    ):
        train(recipe=RECIPE.model_copy(update={rate: 1e35}))


def test_stages_are_pretraining_then_each_agent_in_turn() -> None:
    sequence = stages(RECIPE.model_copy(update={"retrain_sweeps": 2}), agents=3)
    assert [(stage.agents, stage.active, stage.iterations) for stage in sequence] == [
        (1, 0, 50),
        *((3, n, 40) for n in (0, 1, 2, 0, 1, 2)),
    ]
    assert sequence[0].rate == pytest.approx((RECIPE.pretrain_rate, 0.1 * RECIPE.pretrain_rate))
    assert sequence[0].entropy == pytest.approx((RECIPE.pretrain_entropy, 0.1 * RECIPE.pretrain_entropy))


# --- one step ---


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


def advanced(seed: int, stage: int, iteration: int) -> Team:
    """A team at an iteration of a stage."""
    team = Team(Task(TINY, RECIPE, seed, 0))
    while (team.stage_index, team.iteration) != (stage, iteration):
        team.step()
    return team


def learning(team: Team) -> tuple[MLP, MLP]:
    """The policy and the baseline that learn."""
    return agent_of(team.work.learners.policies, 0), agent_of(team.work.learners.baselines, 0)


@pytest.mark.parametrize(("stage", "iteration", "share"), [(0, 0, 0.0), (0, 7, 1 / 7), (2, 3, None)])
def test_step_ascends_local_q_minus_baseline(
    monkeypatch: pytest.MonkeyPatch, stage: int, iteration: int, share: float | None
) -> None:
    team = advanced(SEED, stage, iteration)
    baseline = MLP(*(array.astype(float) for array in learning(team)[1]))
    runs = recorded(monkeypatch, block, "run_episodes", lambda given: (given[6].lam[:, 0], given[6]))
    ascents = recorded(monkeypatch, learners, "ascend", lambda given: (given, deepcopy(given[:2])))
    policies, baselines = team.work.learners.policies, team.work.learners.baselines
    team.step()
    lam, episodes = runs[0][1]

    tile_input = Encoding.of(TINY.world, RECIPE.scale_lam).tile_input()
    gain: dict[tuple[int, int], np.ndarray] = {}
    residuals = []
    for b, t in np.ndindex(episodes.reward.shape):
        tile, weight = episodes.tile[b, t], RECIPE.discount ** np.arange(TINY.dual.T0 - t)
        q = episodes.reward[b, t:] @ weight / weight.sum()
        seen = np.concatenate([lam[b], tile_input[tile]])
        residuals.append(q - forward(baseline, seen[None])[1][0, 0])
        row = gain.setdefault((b, tile), np.zeros((2, TINY.M)))
        row[:, episodes.action[b, t]] += [residuals[-1], 1]
    x = np.array([np.concatenate([lam[b], tile_input[tile]]) for b, tile in gain])
    rows = np.array(list(gain.values()))
    if share is not None:
        entropy = RECIPE.pretrain_entropy * (1 - 0.9 * share)
        rate = RECIPE.pretrain_rate * (1 - 0.9 * share)
    else:
        entropy, rate = RECIPE.retrain_entropy, RECIPE.retrain_rate
    (policy_ascent, (policy, gradient)), (baseline_ascent, _) = (before for before, _ in ascents)
    advantage, visits = rows[:, 0] / np.std(residuals), rows[:, 1].sum(axis=1)
    network = MLP(*(array[0].astype(float) for array in policy))
    expected = policy_gradient(network, x, advantage, visits, entropy)
    for found, wanted in zip(agent_of(gradient, 0), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-5 * abs(wanted).max())
    assert policy_ascent[0] is policies
    assert policy_ascent[3] == pytest.approx(rate)
    assert baseline_ascent[0] is baselines
    assert baseline_ascent[3] == RECIPE.baseline_rate


def test_every_seed_and_iteration_draws_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = recorded(monkeypatch, block, "run_episodes", lambda given: (given[6].lam, given[6].uniform))
    for seed in (SEED, SEED + 1):
        advanced(seed, 0, 3)
    assert len({lam.tobytes() for _, (lam, _) in draws}) == 6
    assert len({uniform.tobytes() for _, (_, uniform) in draws}) == 6


def test_half_of_the_episodes_continue(monkeypatch: pytest.MonkeyPatch) -> None:
    team = advanced(SEED, 1, 0)
    nodes = recorded(monkeypatch, block, "run_episodes", lambda given: given[6].places.node.copy())
    for _ in range(5):
        team.step()
    half = RECIPE.episodes // 2
    for (_, ended), (begun, _) in pairwise(nodes):
        assert begun.shape == (RECIPE.episodes, TINY.agents.N)
        np.testing.assert_array_equal(begun[half:], ended[half:])
        assert not np.array_equal(begun[:half], ended[:half])


def test_copies_of_the_pretrained_agent_form_the_team() -> None:
    for array in advanced(SEED, 1, 0).networks:
        np.testing.assert_array_equal(array[0], array[1])


@pytest.mark.parametrize("stage", [1, 2])
def test_every_stage_begins_with_its_agent_and_fresh_moments(stage: int) -> None:
    team = advanced(SEED, stage, 0)
    for learner, array in zip(learning(team)[0], team.networks, strict=True):
        np.testing.assert_array_equal(learner, array[stage - 1])
    for name, array in team.work.learners.arrays().items():
        assert not (array.any() and ("_mean" in name or "_square" in name or name == "steps"))


@pytest.mark.parametrize("active", [0, 1])
def test_block_retraining_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch, active: int) -> None:
    team = advanced(SEED, 1 + active, 0)
    other = 1 - active
    before = MLP(*(array.copy() for array in team.networks))
    seen = recorded(monkeypatch, block, "run_episodes", lambda given: (given[3], given[2].W1.copy()))
    for _ in range(RECIPE.retrain_iterations):
        team.step()
    assert team.stage_index == 2 + active
    for array, old in zip(team.networks, before, strict=True):
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
            assert validation_margin(policy.networks) == pytest.approx(margins[-1], abs=1e-12)
    assert len(margins) > 2  # it did rise
    assert margins == sorted(margins)
    assert validation_margin(training.best.best) == pytest.approx(margins[-1], abs=1e-12)


def test_a_worse_iterate_is_not_kept() -> None:
    team, worse = advanced(SEED, 0, 0), 0
    while not team.finished:
        team.step()
        if team.iteration == 0:  # a stage has ended: the team is its last iterate
            last = validation_margin(team.networks)
            assert team.best_margin >= last - 1e-12
            worse += last < team.best_margin
    assert worse > 0


# --- stop and resume ---


@pytest.mark.parametrize(
    ("blocks", "stage", "iteration"), [(1, 0, 25), (2, 1, 0), (3, 1, 25), (4, 2, 10), (5, 2, 35)]
)
def test_stopped_and_resumed_is_uninterrupted(
    tmp_path: Path, uninterrupted: Trained, blocks: int, stage: int, iteration: int
) -> None:
    out = tmp_path / "policy.h5"
    _, training = train(out=out, blocks=blocks)
    assert (training.teams[0].stage_index, training.teams[0].iteration) == (stage, iteration)
    assert checkpoint_of(out).exists()
    assert not out.exists()
    policy, training = train(out=out)
    assert bits(training) == bits(uninterrupted[1])
    assert policy.sha256 == uninterrupted[0].sha256
    assert [path.name for path in tmp_path.iterdir()] == ["policy.h5"]
    assert_same_file(out, uninterrupted[2])


def test_stopped_at_every_block_is_uninterrupted(tmp_path: Path, uninterrupted: Trained) -> None:
    out = tmp_path / "policy.h5"
    while not out.exists():
        _, training = train(out=out, blocks=1)
    assert bits(training) == bits(uninterrupted[1])
    assert_same_file(out, uninterrupted[2])


def test_stopped_training_returns_its_best_so_far(tmp_path: Path) -> None:
    policy, training = train(out=tmp_path / "policy.h5", blocks=3)
    assert policy.training["iterations_done"] == training.done == 75
    assert execute(TINY, policy, 100).reward.shape == (100, TINY.M)


def assert_same_file(path: Path, reference: Path) -> None:
    found, expected = Policy.load(path), Policy.load(reference)
    assert found.sha256 == expected.sha256
    assert dict(found.training) == dict(expected.training)


OTHERS = {
    "seed": {"seed": SEED + 1},
    "recipe_discount": {"recipe": RECIPE.model_copy(update={"discount": 0.9})},
    "recipe_hidden": {"recipe": RECIPE.model_copy(update={"hidden": 17})},
    "scenario": {"scenario": Scenario.load("tiny", ["links.d=2.0"])},
    "seed, recipe_episodes": {"seed": SEED + 1, "recipe": RECIPE.model_copy(update={"episodes": 8})},
}


@pytest.mark.parametrize("differing", OTHERS)
def test_checkpoint_of_another_training_is_refused(stopped: Path, differing: str) -> None:
    before = checkpoint_of(stopped).read_bytes()
    with pytest.raises(InputError, match=f"these differ: {differing};"):
        train(out=stopped, **OTHERS[differing])
    assert checkpoint_of(stopped).read_bytes() == before


def test_checkpoint_of_another_version_is_refused(stopped: Path) -> None:
    with h5py.File(checkpoint_of(stopped), "r+") as file:
        file.attrs["version_numpy"] = "1.0"
    with pytest.raises(InputError, match="these differ: version_numpy;"):
        train(out=stopped)


def test_truncated_checkpoint_is_refused(stopped: Path) -> None:
    checkpoint_of(stopped).write_bytes(checkpoint_of(stopped).read_bytes()[:3000])
    with pytest.raises(InputError, match=r"policy\.h5\.checkpoint: not a readable HDF5 file"):
        train(out=stopped)


def test_policy_in_place_of_a_checkpoint_is_refused(tmp_path: Path, uninterrupted: Trained) -> None:
    out = tmp_path / "policy.h5"
    shutil.copy(uninterrupted[2], checkpoint_of(out))
    with pytest.raises(InputError, match="format = 'cmarlsim-policy/1': expected"):
        train(out=out)


def test_finished_training_can_be_published_again(tmp_path: Path, uninterrupted: Trained) -> None:
    """As after a stop between the last checkpoint and the policy file."""
    out = tmp_path / "policy.h5"
    save(uninterrupted[1], checkpoint_of(out))
    assert learn(TINY, SEED, recipe=RECIPE, out=out).sha256 == uninterrupted[0].sha256
    assert_same_file(out, uninterrupted[2])


@pytest.mark.parametrize("edit", ["missing", "misshapen", "out of range", "off the graph"])
def test_broken_checkpoint_is_refused(stopped: Path, edit: str) -> None:
    with h5py.File(checkpoint_of(stopped), "r+") as file:
        if edit == "missing":
            del file["state/0/networks/W1"]
        elif edit == "misshapen":
            replaced("state/0/work/policies/W1", np.zeros((3, 3)))(file)
        elif edit == "off the graph":
            file["state/0/work/places/node"][0, 0] = 10**6
        else:
            replaced("state/0/progress", np.array([9, 9]))(file)
    with pytest.raises(InputError, match=r"policy\.h5\.checkpoint: "):
        train(out=stopped)


# --- policy files ---


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


def test_policy_survives_its_file(tmp_path: Path, uninterrupted: Trained) -> None:
    policy = uninterrupted[0]
    policy.save(tmp_path / "copy.h5")
    loaded = Policy.load(tmp_path / "copy.h5")
    assert loaded.sha256 == policy.sha256
    assert dict(loaded.training) == dict(policy.training)
    for array, copy in zip(
        policy.weights(2, TINY.world), loaded.weights(2, TINY.world), strict=True
    ):  # what the kernels get
        np.testing.assert_array_equal(array, copy)
    assert [path.name for path in tmp_path.iterdir()] == ["copy.h5"]


def test_rank_has_nothing_to_save(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'rank' has no weights"):
        Policy.load("rank").save(tmp_path / "rank.h5")


def with_zones(count: int) -> Scenario:
    """`tiny` with its first zones only."""
    data = TINY.model_dump()
    return Scenario.model_validate(data | {"zones": data["zones"][:count]})


@pytest.mark.parametrize(
    ("scenario", "found"),
    [
        (Scenario.load("tiny", ["agents.N=3"]), "N = 3, M = 3 and 4 tiles"),
        (with_zones(2), "N = 2, M = 2 and 4 tiles"),
    ],
    ids=["agents", "zones"],
)
def test_policy_for_another_team_is_refused(uninterrupted: Trained, scenario: Scenario, found: str) -> None:
    message = f"the policy is for N = 2, M = 3 and 4 tiles, the scenario has {found}"
    with pytest.raises(InputError, match=message):
        execute(scenario, uninterrupted[0], 100)


def with_tiles(*rectangles: tuple[float, float, float, float]) -> Scenario:
    """`tiny` with other rectangles in place of its last tile."""
    data = TINY.model_dump()
    tiles = [*data["floorplan"]["tiles"][:-1]]
    tiles += [{"name": f"tile {i}", "rectangle": rectangle} for i, rectangle in enumerate(rectangles)]
    return Scenario.model_validate(data | {"floorplan": data["floorplan"] | {"tiles": tiles}})


def test_policy_for_other_tiles_is_refused(uninterrupted: Trained) -> None:
    policy = uninterrupted[0]
    assert execute(with_tiles((0.5, 0.5, 1.5, 1.5)), policy, 100)
    with pytest.raises(InputError, match="the scenario has N = 2, M = 3 and 5 tiles"):
        execute(with_tiles((0.5, 0.5, 1.5, 1.0), (0.5, 1.0, 1.5, 1.5)), policy, 100)
    with pytest.raises(InputError, match="trained on other tiles"):
        execute(with_tiles((0.5, 0.5, 1.5, 1.4)), policy, 100)


def test_paper_policy_does_not_fit_tiny() -> None:
    with pytest.raises(
        InputError, match="for N = 5, M = 6 and 12 tiles, the scenario has N = 2, M = 3 and 4"
    ):
        execute(TINY, Policy.load("paper"), 100)


Edit = Callable[[h5py.File], None]


def replaced(name: str, value: Any) -> Edit:
    def edit(file: h5py.File) -> None:
        del file[name]
        file[name] = value

    return edit


BROKEN: dict[str, tuple[Edit, str]] = {
    "no W2": (lambda file: file.__delitem__("weights/W2"), "not a complete policy"),
    "no tiles": (lambda file: file.__delitem__("tile_center"), "not a complete policy"),
    "no scale": (lambda file: file.attrs.__delitem__("low"), "not a complete policy"),
    "W1 too narrow": (replaced("weights/W1", np.zeros((2, 5, 15))), r"\(2, 5, 15\)"),
    "W1 of too few zones": (replaced("weights/W1", np.zeros((2, 4, 16))), r"\(2, 4, 16\)"),
    "b1 flat": (replaced("weights/b1", np.zeros(16)), r"\(16,\)"),
    "b2 of one agent": (replaced("weights/b2", np.zeros((1, 3))), r"\(1, 3\)"),
    "not finite": (replaced("weights/b2", np.full((2, 3), np.nan)), "not finite"),
    "other format": (lambda file: file.attrs.__setitem__("format", "cmarlsim-run/1"), "cmarlsim-policy/1"),
    "no format": (lambda file: file.attrs.__delitem__("format"), "cmarlsim-policy/1"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_policy_file_is_refused(tmp_path: Path, uninterrupted: Trained, case: str) -> None:
    path, (edit, message) = tmp_path / "broken.h5", BROKEN[case]
    shutil.copy(uninterrupted[2], path)
    with h5py.File(path, "r+") as file:
        edit(file)
    with pytest.raises(InputError, match=message) as refusal:
        Policy.load(path)
    assert str(path) in str(refusal.value)


BROKEN_ENCODING: dict[str, Edit] = {
    "tiles of three coordinates": replaced("tile_center", np.zeros((4, 3))),
    "a single number of tiles": replaced("tile_center", 3.0),
    "words for weights": replaced("weights/W1", "words"),
    "box of three coordinates": lambda file: file.attrs.__setitem__("low", np.zeros(3)),
    "box not finite": lambda file: file.attrs.__setitem__("low", np.array([np.nan, 0.0])),
    "words for a flag": lambda file: file.attrs.__setitem__("scale_lam", "False"),
    "complex weights": replaced("weights/b2", np.zeros((2, 3), dtype=complex)),
    "a group for weights": lambda file: (file.__delitem__("weights/b2"), file.create_group("weights/b2")),
    "too many roots": lambda file: file.attrs.__setitem__("lam_roots", 9),
    "fewer than no roots": lambda file: file.attrs.__setitem__("lam_roots", -1),
    "half a root": lambda file: file.attrs.__setitem__("lam_roots", 0.5),
    "words for roots": lambda file: file.attrs.__setitem__("lam_roots", "2"),
    "box without extent": lambda file: file.attrs.__setitem__("high", file.attrs["low"]),
}


@pytest.mark.parametrize("case", BROKEN_ENCODING)
def test_broken_encoding_is_refused(tmp_path: Path, uninterrupted: Trained, case: str) -> None:
    path = tmp_path / "broken.h5"
    shutil.copy(uninterrupted[2], path)
    with h5py.File(path, "r+") as file:
        BROKEN_ENCODING[case](file)
    with pytest.raises(InputError, match=r"broken\.h5: "):
        execute(TINY, Policy.load(path), 100)


@pytest.mark.parametrize("size", [0, 100, 0.5, 0.99])
def test_truncated_policy_file_is_refused(tmp_path: Path, uninterrupted: Trained, size: float) -> None:
    whole = uninterrupted[2].read_bytes()
    path = tmp_path / "truncated.h5"
    path.write_bytes(whole[: int(size * len(whole)) if size < 1 else int(size)])
    with pytest.raises(InputError, match=r"truncated\.h5: not a readable HDF5 file"):
        Policy.load(path)


def test_foreign_and_missing_policy_files_are_refused() -> None:
    with pytest.raises(InputError, match=r"tiny\.toml: not a readable HDF5 file"):
        Policy.load(DATA / "scenarios" / "tiny.toml")
    with pytest.raises(InputError, match=r"papper: no such file.*did you mean 'paper'"):
        Policy.load("papper")
