"""Rows of a policy's table, and the action that a uniform selects in them."""

import hypothesis.strategies as st
import naive
import numpy as np
import pytest
import worlds
from cases import Case, policy_of, scenario_of
from hypothesis import given

from cmarlsim.kernels.policy import (
    cdf_row,
    draw_action,
    fill_hidden,
    hidden_of_lam,
    rank_cdf,
    softmax_cdf,
)
from cmarlsim.kernels.world import Floats


def rank_row(n: int, lam: list[float]) -> Floats:
    cdf = np.full(len(lam), np.nan)
    rank_cdf(n, np.array(lam), cdf)
    return cdf


@given(worlds.random_cases(), worlds.seeds)
def test_rows_equal_the_twins(case: Case, seed: int) -> None:
    N, M = case.scenario["agents"]["N"], len(case.scenario["zones"])
    generator = np.random.default_rng(seed)
    lam = generator.exponential(size=(N, M)) * (generator.random((N, M)) < 0.7)
    lam[0] = 0.0
    weights = policy_of(case).weights(N, scenario_of(case).world)
    hidden, cdf = np.empty((N, weights.W1.shape[2])), np.empty(M)
    active = np.full(hidden.shape[1], np.nan)
    fill_hidden(weights, lam, hidden)
    for tile, centre in enumerate(naive.tile_centres(case.floorplan)):
        for n in range(N):
            cdf_row(weights, n, tile, lam[n], hidden[n], active, cdf)
            assert cdf == pytest.approx(naive.cdf_row(case.policy, n, centre, lam[n]), rel=0, abs=1e-12)
            assert cdf[-1] == 1.0
            if not weights.ranked:
                alone = np.empty(hidden.shape[1])
                hidden_of_lam(weights, n, lam[n], alone)
                assert (alone == hidden[n]).all()


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), min_size=1, max_size=6))
def test_ranks_with_ties_equal_the_twins(lam: list[float]) -> None:
    for n in range(8):
        assert (rank_row(n, lam) == naive.cdf_row("rank", n, (0.0, 0.0), np.array(lam))).all()


def test_agents_go_to_the_zones_in_the_order_of_their_multipliers() -> None:
    lam = [1.0, 3.0, 3.0, 0.0]
    chosen = [draw_action(rank_row(n, lam), u) for n in range(6) for u in (0.0, 1.0 - 2**-53)]
    assert chosen == [1, 1, 2, 2, 0, 0, 3, 3, 1, 1, 2, 2]


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


@pytest.mark.parametrize(
    ("uniform", "action"), [(0.0, 1), (0.25 - 2**-54, 1), (0.25, 3), (0.5, 3), (1.0 - 2**-53, 3)]
)
def test_an_action_of_probability_zero_is_never_selected(uniform: float, action: int) -> None:
    assert draw_action(np.array([0.0, 0.25, 0.25, 1.0]), uniform) == action
