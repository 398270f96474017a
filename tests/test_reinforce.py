"""REINFORCE on tables: gathered sums, returns, Adam and sampled multipliers against plain loops."""

from collections import defaultdict

import numpy as np
import pytest

from cmarlsim.learning.adam import ascend, fresh_moments
from cmarlsim.learning.mlp import MLP, forward, softmax
from cmarlsim.learning.reinforce import VisitedRows, gather, returns_to_go
from cmarlsim.training.recipe import Recipe, initial_policy, sample_multipliers

EPISODES, T0, TILES, ACTIONS = 5, 30, 6, 3


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.fixture
def steps(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tiles, actions and returns of every step; some tiles are never visited."""
    tile = generator.integers(TILES - 1, size=(EPISODES, T0))
    tile[0] = 2
    return tile, generator.integers(ACTIONS, size=(EPISODES, T0)), generator.normal(size=(EPISODES, T0))


def gathered(steps: tuple[np.ndarray, np.ndarray, np.ndarray]) -> VisitedRows:
    return gather(*steps, TILES, ACTIONS)


def test_gather_adds_up_steps(steps: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    count: dict[tuple[int, int], np.ndarray] = defaultdict(lambda: np.zeros(ACTIONS))
    total: dict[tuple[int, int], np.ndarray] = defaultdict(lambda: np.zeros(ACTIONS))
    for b in range(EPISODES):
        for tile, action, value in zip(*(array[b] for array in steps), strict=True):
            count[b, tile][action] += 1
            total[b, tile][action] += value
    visits = gathered(steps)
    assert list(zip(visits.episode, visits.tile, strict=True)) == sorted(count)
    np.testing.assert_array_equal(visits.actions, [count[pair] for pair in sorted(count)])
    np.testing.assert_allclose(visits.returns, [total[pair] for pair in sorted(count)], atol=1e-12)


@pytest.mark.parametrize("discount", [0.0, 0.9, 1.0])
def test_returns_to_go_is_the_definition(generator: np.random.Generator, discount: float) -> None:
    reward = generator.random((EPISODES, T0))
    returns = returns_to_go(reward, discount)
    for t in range(T0):
        weight = discount ** np.arange(T0 - t)
        np.testing.assert_allclose(returns[:, t], reward[:, t:] @ weight / weight.sum(), rtol=1e-12)


def test_adam_is_the_textbook(generator: np.random.Generator) -> None:
    shapes = [(4, 6), (6,), (6, 3), (3,)]
    parameters = MLP(*(generator.normal(size=shape) for shape in shapes))
    reference = [array.copy() for array in parameters]
    mean, square = ([np.zeros(shape) for shape in shapes] for _ in range(2))
    moments = fresh_moments(parameters)
    for step in range(1, 21):
        rate = 0.1 / step
        gradient = MLP(*(generator.normal(size=shape) for shape in shapes))
        moments = ascend(parameters, gradient, moments, rate)
        for i, slope in enumerate(gradient):
            mean[i] = 0.9 * mean[i] + 0.1 * slope
            square[i] = 0.999 * square[i] + 0.001 * slope**2
            unbiased = mean[i] / (1 - 0.9**step), square[i] / (1 - 0.999**step)
            reference[i] = reference[i] + rate * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)
    assert moments.steps == 20
    for found, wanted in zip(parameters, reference, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-10)


@pytest.mark.parametrize("zones", [1, 3, 6])
def test_sampled_multipliers_are_scaled(generator: np.random.Generator, zones: int) -> None:
    lam = sample_multipliers(generator, 2000, zones)
    assert lam.shape == (2000, zones)
    assert lam.min() >= 0
    np.testing.assert_array_equal(lam.max(axis=1), np.ones(2000))


def test_sampled_multipliers_are_varied(generator: np.random.Generator) -> None:
    lam = sample_multipliers(generator, 4000, 3)
    share_of_zeros = (lam == 0).sum() / (4000 * 2)  # the largest is never one
    assert 0.2 < share_of_zeros < 0.3
    assert np.bincount(lam.argmax(axis=1)).min() > 4000 / 3 * 0.9
    others = np.sort(lam[(lam > 0).all(axis=1)], axis=1)[:, :2].ravel()
    assert np.histogram(others, bins=4, range=(0, 1))[0].min() > 0.1 * len(others)


def test_initial_policy_prefers_the_largest_multiplier(generator: np.random.Generator) -> None:
    policy = initial_policy(3, Recipe(hidden=32), generator)
    lam = sample_multipliers(generator, 500, 3)
    lam = lam[np.sort(lam, axis=1)[:, 1] < 0.7]
    place = generator.uniform(-1, 1, size=(len(lam), 2))
    logits = forward(policy, np.hstack([lam, place], dtype=np.float32))[1]
    np.testing.assert_array_equal(softmax(logits).argmax(axis=1), lam.argmax(axis=1))
