"""The hand-written network: values against a loop, gradients against central finite differences."""

from collections.abc import Callable

import numpy as np
import pytest

from cmarlsim.learning.mlp import MLP, forward, initial, softmax
from cmarlsim.learning.reinforce import (
    baseline_gradient,
    entropy_gradient,
    gather,
    policy_gradient,
)

STEP, TOLERANCE = 1e-6, 1e-6
ROWS, INPUTS, HIDDEN, ACTIONS = 7, 5, 9, 3


def network(generator: np.random.Generator, outputs: int) -> MLP:
    """A float64 network without zeros: every parameter matters, some hidden units are off."""
    shapes = [(INPUTS, HIDDEN), (HIDDEN,), (HIDDEN, outputs), (outputs,)]
    return MLP(*(generator.normal(size=shape) for shape in shapes))


def slopes(objective: Callable[[], float], array: np.ndarray) -> np.ndarray:
    """Central finite differences of `objective` with respect to the entries of `array`, which it reads."""
    out = np.empty_like(array)
    for index in np.ndindex(array.shape):
        middle = array[index]
        array[index] = middle + STEP
        above = objective()
        array[index] = middle - STEP
        below = objective()
        array[index] = middle
        out[index] = (above - below) / (2 * STEP)
    return out


def assert_close(gradient: np.ndarray, reference: np.ndarray) -> None:
    assert gradient.shape == reference.shape
    assert np.linalg.norm(gradient - reference) <= TOLERANCE * np.linalg.norm(reference)


def assert_gradient(gradient: MLP, objective: Callable[[], float], mlp: MLP) -> None:
    for found, parameters in zip(gradient, mlp, strict=True):
        assert_close(found, slopes(objective, parameters))


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(5)


def test_forward_is_the_formula(generator: np.random.Generator) -> None:
    mlp, x = network(generator, ACTIONS), generator.normal(size=(ROWS, INPUTS))
    hidden, output = forward(mlp, x)
    for r in range(ROWS):
        for h in range(HIDDEN):
            before = mlp.b1[h] + sum(x[r, i] * mlp.W1[i, h] for i in range(INPUTS))
            assert hidden[r, h] == pytest.approx(max(before, 0.0), abs=1e-12)
        for a in range(ACTIONS):
            value = mlp.b2[a] + sum(hidden[r, h] * mlp.W2[h, a] for h in range(HIDDEN))
            assert output[r, a] == pytest.approx(value, abs=1e-12)
    assert (hidden == 0).any()


def test_softmax_is_its_definition_and_never_overflows(generator: np.random.Generator) -> None:
    logits = generator.normal(size=(ROWS, ACTIONS))
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(softmax(logits), expected, rtol=1e-12)
    np.testing.assert_allclose(softmax(logits + 1e4), expected, rtol=1e-9)
    np.testing.assert_array_equal(softmax(np.array([[-1e4, 0.0]])), [[0.0, 1.0]])


def entropies(logits: np.ndarray) -> np.ndarray:
    """Entropy of the soft-max of every row."""
    probability = softmax(logits)
    return -(probability * np.log(probability)).sum(axis=1)


def test_entropy_gradient_is_finite_where_actions_have_no_probability() -> None:
    gradient = entropy_gradient(np.array([[1.0, 0.0, 0.0]]), np.ones(1))
    np.testing.assert_array_equal(gradient, np.zeros((1, 3)))


@pytest.mark.parametrize("entropy", [0.0, 0.7])
def test_policy_gradient_is_the_gradient(generator: np.random.Generator, entropy: float) -> None:
    policy, x = network(generator, ACTIONS), generator.normal(size=(ROWS, INPUTS))
    advantage = generator.normal(size=(ROWS, ACTIONS))
    visits = generator.integers(1, 6, size=ROWS).astype(float)

    def objective() -> float:
        logits = forward(policy, x)[1]
        gain = (advantage * np.log(softmax(logits))).sum() + entropy * visits @ entropies(logits)
        return float(gain / visits.sum())

    assert_gradient(policy_gradient(policy, x, advantage, visits, entropy), objective, policy)


def test_baseline_gradient_is_the_gradient(generator: np.random.Generator) -> None:
    episodes, T0, tiles = 3, 8, 4
    tile = generator.integers(tiles, size=(episodes, T0))
    action = generator.integers(ACTIONS, size=(episodes, T0))
    returns = generator.normal(size=(episodes, T0))
    visits = gather(tile, action, returns, tiles, ACTIONS)
    baseline, x = network(generator, 1), generator.normal(size=(len(visits.tile), INPUTS))
    hidden, value = forward(baseline, x)

    def objective() -> float:
        return -float(((returns - forward(baseline, x)[1][visits.row, 0]) ** 2).mean())

    assert_gradient(baseline_gradient(hidden, value, baseline, x, visits), objective, baseline)


def test_initial_network_is_nearly_indifferent(generator: np.random.Generator) -> None:
    mlp = initial(INPUTS, 256, ACTIONS, generator)
    assert [array.shape for array in mlp] == [(INPUTS, 256), (256,), (256, ACTIONS), (ACTIONS,)]
    assert all(array.dtype == np.float32 for array in mlp)
    x = generator.uniform(-1, 1, size=(50, INPUTS)).astype(np.float32)
    assert abs(softmax(forward(mlp, x)[1]) - 1 / ACTIONS).max() < 0.15
