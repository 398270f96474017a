"""Max-gossip, eq. 17: the literal form, the freshness form and the twin's forms agree."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import naive
import numpy as np
import pytest
from hypothesis import given

from cmarlsim.kernels.gossip import estimate_from_freshness, spread, spread_literally
from cmarlsim.kernels.world import Bools, Ints


@st.composite
def histories(draw: st.DrawFn) -> tuple[Bools, Bools]:
    """Observations (T0, N, M) and links (T0, N, N) of a rollout, dense or sparse."""
    T0, N, M = draw(st.integers(1, 12)), draw(st.integers(1, 6)), draw(st.integers(1, 3))
    own = draw(hnp.arrays(np.bool_, (T0, N, M)))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    upper = np.triu(generator.random((T0, N, N)) < draw(st.sampled_from([0.05, 0.2, 0.6, 1.0])), 1)
    return own, upper | upper.transpose(0, 2, 1)


def freshness(link: Bools) -> Ints:
    """What the kernel makes of a rollout, (N, N); whatever else is in the buffer it writes is ignored."""
    before = np.full(link.shape[1:], -1)
    for t in range(len(link)):
        fresh = np.full_like(before, 99)
        spread(t, link[t], before, fresh)
        before = fresh
    return before


def literally(own: Bools, link: Bools) -> Bools:
    before = np.zeros_like(own)
    for t in range(len(own)):
        estimate = np.zeros_like(own)
        spread_literally(t, own[t], link[t], before, estimate)
        before = estimate
    return before


def from_freshness(own: Bools, fresh: Ints) -> Bools:
    estimate = np.ones_like(own)
    estimate_from_freshness(fresh, own, estimate)
    return estimate


@given(histories())
def test_the_literal_and_the_freshness_form_equal_the_twins(history: tuple[Bools, Bools]) -> None:
    own, link = history
    expected = naive.gossip_literal(own, link)
    latest = naive.freshness(link)
    assert (literally(own, link) == expected).all()
    assert (freshness(link) == latest).all()
    assert (naive.estimate_from_freshness(latest, own) == expected).all()
    assert (from_freshness(own, latest) == expected).all()


@given(histories())
def test_an_estimate_never_claims_what_nobody_saw(history: tuple[Bools, Bools]) -> None:
    own, link = history
    estimate = from_freshness(own, freshness(link))
    assert (estimate >= own).all()
    assert (estimate <= own.any(axis=1, keepdims=True)).all()


@pytest.mark.parametrize("T0", [1, 2, 3, 4, 7])
def test_news_travels_one_hop_a_step(T0: int) -> None:
    """On a path of four agents that can always talk, news of step tau gets T0 - 1 - tau hops far."""
    step, agents = np.arange(T0), np.arange(4)
    away = abs(agents[:, None] - agents)
    link = np.broadcast_to(away == 1, (T0, 4, 4)).copy()
    expected = np.where(away < T0, T0 - 1 - away, -1)
    assert (freshness(link) == expected).all()
    own = np.broadcast_to(np.eye(4, dtype=bool), (T0, 4, 4)).copy()  # agent n in zone n, all the time
    arrived = away <= T0 - 1 - step[:, None, None]
    assert (literally(own, link) == arrived).all()
    assert (from_freshness(own, expected) == arrived).all()


def test_news_waits_for_a_link_and_is_handed_on_later() -> None:
    """Agent 0 saw zone 0 at step 0 only; 0 meets 1 at step 2, and 1 meets 2 at step 4."""
    own, link = np.zeros((6, 3, 1), dtype=bool), np.zeros((6, 3, 3), dtype=bool)
    own[0, 0] = True
    for t, i, j in [(2, 0, 1), (4, 1, 2)]:
        link[t, i, j] = link[t, j, i] = True
    for rollout, knowing in [(2, [0]), (3, [0, 1]), (4, [0, 1]), (5, [0, 1, 2]), (6, [0, 1, 2])]:
        for estimate in (
            literally(own[:rollout], link[:rollout]),
            from_freshness(own[:rollout], freshness(link[:rollout])),
        ):
            assert np.flatnonzero(estimate[0, :, 0]).tolist() == knowing


def test_a_link_of_the_first_step_carries_nothing() -> None:
    """At step 0 there are no values of an earlier step to read."""
    link = np.array([[[False, True], [True, False]]])
    assert freshness(link).tolist() == [[0, -1], [-1, 0]]
