"""Rows of a policy's table, and the action that a uniform selects in them."""

import hypothesis.strategies as st
import naive
import numpy as np
import pytest
import worlds
from cases import Case, corridor, policy_of, scenario_of, singles
from hypothesis import given

from cmarlsim.kernels.policy import cdf_row, draw_action, hidden_of_lam, ranked_zone, softmax_cdf
from cmarlsim.policies.encoding import MOST_ROOTS

pytestmark = pytest.mark.kernels


def ranked(n: int, lam: list[float]) -> int:
    return int(ranked_zone(n, np.array(lam), np.full(len(lam), -9)))


@given(worlds.random_cases(), worlds.seeds)
def test_probabilities_equal_the_twins(case: Case, seed: int) -> None:
    N, M = case.scenario["agents"]["N"], len(case.scenario["zones"])
    generator = np.random.default_rng(seed)
    lam = generator.exponential(size=(3, N, M)) * (generator.random((3, N, M)) < 0.7)
    found = policy_of(case).probabilities(lam, scenario_of(case).world)
    centres = naive.tile_centres(case.floorplan)
    assert found.shape == (3, N, len(centres), M)
    for r, n, tile in np.ndindex(3, N, len(centres)):
        row = np.diff(naive.cdf_row(case.policy, n, centres[tile], lam[r, n]), prepend=0.0)
        assert found[r, n, tile] == pytest.approx(row, rel=0, abs=1e-12)


@pytest.mark.parametrize(("M", "H"), [(1, 1), (2, 3), (3, 8), (4, 5), (5, 16), (6, 7), (7, 9), (9, 33)])
def test_rows_of_any_shape_equal_the_twins(M: int, H: int) -> None:
    """Multipliers and logits are added up in groups; also what is left over after the last group counts."""
    case, generator = corridor(cells=M, agents=2), np.random.default_rng(100 * M + H)
    shapes = {"W1": (2, M + 2, H), "b1": (2, H), "W2": (2, H, M), "b2": (2, M)}
    policy = {name: singles(generator.standard_normal(shape)) for name, shape in shapes.items()}
    encoding = {"low": [0.0, 0.0], "high": [9.0, 1.0], "scale_lam": False, "lam_roots": M % 3}
    case = case._replace(policy=policy | encoding)
    weights = policy_of(case).weights(2, scenario_of(case).world)
    lam, hidden, active, cdf = generator.exponential(size=M), np.empty(H), np.empty(H), np.empty(M)
    for n in range(2):
        hidden_of_lam(weights, n, lam, hidden)
        for tile, centre in enumerate(naive.tile_centres(case.floorplan)):
            cdf_row(weights, n, tile, hidden, active, cdf)
            assert cdf == pytest.approx(naive.cdf_row(case.policy, n, centre, lam), rel=0, abs=1e-12)


@pytest.mark.parametrize("scale_lam", [True, False])
@pytest.mark.parametrize("roots", range(MOST_ROOTS + 1))
def test_multipliers_as_arrays_are_those_that_kernels_see(roots: int, scale_lam: bool) -> None:
    """Networks that pass their inputs on show them; (agents, zones), in some rows all or most are zero."""
    case, M = corridor(cells=7, agents=5), 7
    policy = {"W1": np.tile(np.eye(M + 2, M), (5, 1, 1)), "b1": np.zeros((5, M))}
    policy |= {"W2": np.zeros((5, M, M)), "b2": np.zeros((5, M))}
    encoding = {"low": [0.0, 0.0], "high": [7.0, 1.0], "scale_lam": scale_lam, "lam_roots": roots}
    made = policy_of(case._replace(policy=policy | encoding))
    weights, generator = made.weights(5, scenario_of(case).world), np.random.default_rng(roots)
    lam = generator.exponential(size=(5, M)) * 10.0 ** generator.integers(-3, 3, size=(5, M))
    lam[1], lam[2, 1:], lam[3, ::2] = 0.0, 0.0, 0.0
    before = lam.copy()
    assert made.encoding is not None
    seen, hidden = made.encoding.lam_input(lam), np.empty(M)
    for n in range(5):
        hidden_of_lam(weights, n, lam[n], hidden)
        assert seen[n] == pytest.approx(hidden, rel=1e-14, abs=0)
        scale = max(lam[n]) if scale_lam else 1.0
        plain = [(entry / scale) ** (0.5**roots) if entry else 0.0 for entry in lam[n].tolist()]
        assert seen[n] == pytest.approx(plain, rel=1e-14, abs=0)
    assert made.encoding.lam_input(lam[0]) == pytest.approx(seen[0])  # of one agent
    seen[...] = -1.0  # it is theirs who asked
    np.testing.assert_array_equal(lam, before)


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), min_size=1, max_size=20))
def test_ranks_with_ties_equal_the_twins(lam: list[float]) -> None:
    for n in range(len(lam) + 2):
        row = naive.cdf_row("rank", n, (0.0, 0.0), np.array(lam))
        assert {naive.draw_action(row, u) for u in (0.0, 0.5, 1.0 - 2**-53)} == {ranked(n, lam)}


@given(st.lists(st.integers(-4000, 4000).map(lambda i: i / 4), min_size=1, max_size=6))
def test_a_softmax_of_large_logits_neither_overflows_nor_loses_its_last_entry(logit: list[float]) -> None:
    cdf = np.array(logit)
    softmax_cdf(cdf)
    weight = np.exp(np.array(logit) - max(logit))
    assert cdf == pytest.approx(np.cumsum(weight / weight.sum()), rel=0, abs=1e-12)
    assert cdf[-1] == 1.0
    assert (np.diff(cdf) >= 0).all()


@given(st.lists(st.integers(0, 8), min_size=1, max_size=6), st.integers(0, 15) | st.just(16 - 2**-40))
def test_the_selected_action_equals_the_twins(steps: list[int], sixteenths: float) -> None:
    """Flat stretches and uniforms exactly at an entry included."""
    cdf = np.minimum(np.cumsum(steps) / 16, 1.0)
    cdf[-1] = 1.0
    assert draw_action(cdf, sixteenths / 16) == naive.draw_action(cdf, sixteenths / 16)
