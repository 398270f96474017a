"""The compiled gradients, against the NumPy ones in float64: the same rows, and every entry to 1e-5.

Parameters and inputs are multiples of 1/8, so that hidden units are exact in float32, and zero where they are
zero: units on the brink of the ReLU count.
"""

from typing import NamedTuple

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from cmarlsim.kernels.episodes import Experience
from cmarlsim.learning import reinforce
from cmarlsim.learning.gradients import Gradients
from cmarlsim.learning.mlp import MLP

pytestmark = pytest.mark.kernels

Pair = tuple[MLP, MLP]


class Shape(NamedTuple):
    episodes: int
    T0: int
    tiles: int
    zones: int
    hidden: int
    baseline_hidden: int


class Batch(NamedTuple):
    """What a gradient is computed from."""

    policy: MLP
    baseline: MLP
    tile_input: np.ndarray
    lam: np.ndarray
    worth: np.ndarray
    experience: Experience


SMALL = Shape(3, 7, 5, 3, 17, 5)
PAPER = Shape(256, 100, 12, 6, 256, 64)


def eighths(generator: np.random.Generator, low: int, high: int, size: tuple[int, ...]) -> np.ndarray:
    return generator.integers(low, high, size=size, endpoint=True) / 8


def network(generator: np.random.Generator, inputs: int, hidden: int, outputs: int) -> MLP:
    shapes = [(inputs, hidden), (hidden,), (hidden, outputs), (outputs,)]
    arrays = [eighths(generator, -6, 6, shape) for shape in shapes]
    arrays[2] /= 2 ** (hidden.bit_length() // 2)  # as in training, logits do not grow with the layer
    return MLP(*(array.astype(np.float32) for array in arrays))


def random_batch(seed: int, shape: Shape) -> Batch:
    generator = np.random.default_rng(seed)
    B, T0, L, M, H, baseline_hidden = shape
    lam, worth = (eighths(generator, 0, 8, (B, M)) for _ in range(2))
    tile = generator.integers(generator.integers(L) + 1, size=(B, T0))  # few tiles, or all
    action = generator.integers(M, size=(B, T0))
    reward = generator.random((B, T0)) * (generator.random((B, T0)) < 0.5)
    return Batch(
        network(generator, M + 2, H, M),
        network(generator, M + 2, baseline_hidden, 1),
        eighths(generator, -8, 8, (L, 2)),
        lam,
        worth,
        Experience(tile, action, reward),
    )


def fresh(shape: Shape, batch: Batch) -> Gradients:
    return Gradients(batch.tile_input, shape[:2] + shape[3:4], *shape[4:])


def compiled(gradients: Gradients, batch: Batch, discount: float, entropy: float) -> Pair:
    """Copies of the gradients by the kernels."""
    networks, seen = (batch.policy, batch.baseline), (batch.lam, batch.worth)
    pair = gradients.of_batch(*networks, *seen, batch.experience, discount, entropy)
    policy, baseline = (MLP(*(array.copy() for array in gradient)) for gradient in pair)
    return policy, baseline


def reference(batch: Batch, discount: float, entropy: float) -> Pair:
    """The same in NumPy, in float64."""
    policy, baseline = (
        MLP(*(array.astype(float) for array in mlp)) for mlp in (batch.policy, batch.baseline)
    )
    seen = (batch.lam, batch.worth)
    return reinforce.gradients(policy, baseline, batch.tile_input, *seen, batch.experience, discount, entropy)


def assert_same(found: Pair, expected: Pair) -> None:
    for gradient, wanted in zip(found, expected, strict=True):
        largest = max(abs(array).max() for array in wanted)
        for array, exact in zip(gradient, wanted, strict=True):
            assert array.shape == exact.shape
            assert array.dtype == np.float32
            np.testing.assert_allclose(array, exact, rtol=0, atol=1e-5 * largest + 1e-9)


def check(seed: int, shape: Shape, discount: float, entropy: float) -> None:
    batch = random_batch(seed, shape)
    found = compiled(fresh(shape, batch), batch, discount, entropy)
    assert_same(found, reference(batch, discount, entropy))


@pytest.mark.compiled
@pytest.mark.parametrize("entropy", [0.0, 0.02])
def test_gradients_of_the_papers_size_equal_the_reference(entropy: float) -> None:
    check(2, PAPER, 0.98, entropy)


sizes = st.tuples(*(st.integers(1, most) for most in (4, 8, 40, 5, 33, 31))).map(lambda size: Shape(*size))


@given(sizes, st.sampled_from([0.0, 0.5, 0.98, 1.0]), st.sampled_from([0.0, 0.01, 1.0]), st.integers(0, 999))
def test_gradients_of_any_shape_equal_the_reference(
    shape: Shape, discount: float, entropy: float, seed: int
) -> None:
    check(seed, shape, discount, entropy)


def test_nothing_is_left_of_the_batch_before() -> None:
    """The first batch visits all tiles, the second one only some."""
    shape = SMALL
    first, second = (random_batch(seed, shape) for seed in (3, 4))
    first.experience.tile[...] = np.arange(shape.T0) % shape.tiles
    second.experience.tile[...] %= 2
    second = second._replace(tile_input=first.tile_input)
    gradients = fresh(shape, first)
    compiled(gradients, first, 0.9, 0.1)
    again, alone = (compiled(which, second, 0.9, 0.1) for which in (gradients, fresh(shape, second)))
    for found, wanted in zip((*again[0], *again[1]), (*alone[0], *alone[1]), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_without_any_spread_the_advantage_is_not_scaled() -> None:
    """Nobody earns anything and the baseline knows: only the entropy is left."""
    shape = SMALL
    batch = random_batch(5, shape)
    batch.experience.reward[...] = 0.0
    batch = batch._replace(baseline=MLP(*(np.zeros_like(array) for array in batch.baseline)))
    found = compiled(fresh(shape, batch), batch, 0.9, 0.3)
    assert_same(found, reference(batch, 0.9, 0.3))
    assert all(not array.any() for array in found[1])
    assert found[0].W1.any()
    assert not any(array.any() for array in compiled(fresh(shape, batch), batch, 0.9, 0.0)[0])


def test_certain_actions_have_no_gradient_and_no_overflow() -> None:
    shape = SMALL
    batch = random_batch(6, shape)
    batch.policy.b2[:] = [5000.0, 0.0, -5000.0]
    found = compiled(fresh(shape, batch), batch, 0.9, 0.3)
    assert_same(found, reference(batch, 0.9, 0.3))
    assert all(np.isfinite(array).all() for array in found[0])
