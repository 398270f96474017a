"""Max-gossip, eq. 17: the literal, the freshness and the backward form agree with the twin's forms."""

from itertools import pairwise

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import naive
import numpy as np
import pytest
from cases import COMPILED
from hypothesis import given
from kernels import bools_of, unset_words, words_of

from cmarlsim.kernels.gossip import (
    begin_backwards,
    estimate_from_freshness,
    spread,
    spread_literally,
    step_backwards,
)
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


def backwards(link: Bools) -> tuple[Bools, list[bool]]:
    """What the kernels make of a rollout, with two buffers that take turns.

    Returns
    -------
    (T0, N, N) whether agent l's observation of step tau reaches agent n by the end, and for every tau but
    the last whether the kernel says that a set grew on the way from the step after it
    """
    T0, agents, _ = link.shape
    words = words_of(link)
    reach, earlier = unset_words(*words.shape[1:]), unset_words(*words.shape[1:])
    begin_backwards(reach)
    sets, grew = [bools_of(reach, agents)], []
    for tau in range(T0 - 1, 0, -1):
        grew.append(bool(step_backwards(words[tau], reach, earlier)))
        reach, earlier = earlier, reach
        sets.append(bools_of(reach, agents))
    assert (bools_of(words, agents) == link).all()  # left alone
    return np.array(sets[::-1]), grew[::-1]


def growth(reach: Bools) -> list[bool]:
    return [bool((earlier != later).any()) for earlier, later in pairwise(reach)]


def from_reach(own: Bools, reach: Bools) -> Bools:
    return (reach[..., None] & own[:, None]).any(axis=2)


@given(histories())
def test_the_backward_form_equals_the_twins(history: tuple[Bools, Bools]) -> None:
    own, link = history
    reach, grew = backwards(link)
    latest, step = naive.freshness(link), np.arange(len(link))
    assert (reach == (latest >= step[:, None, None])).all()
    assert (from_reach(own, reach) == naive.gossip_literal(own, link)).all()
    assert grew == growth(reach)


@pytest.mark.parametrize("agents", [64, 65, 130])
@pytest.mark.parametrize("share", [0.01, 0.05, 1.0])
def test_the_backward_form_of_many_agents_equals_the_twins(agents: int, share: float) -> None:
    generator, T0 = np.random.default_rng(agents), 9
    upper = np.triu(generator.random((T0, agents, agents)) < share, 1)
    link = upper | upper.transpose(0, 2, 1)
    own = np.broadcast_to(np.eye(agents, dtype=bool), link.shape).copy()  # agent n in zone n, all the time
    reach, grew = backwards(link)
    assert (reach == naive.gossip_literal(own, link)).all()
    assert grew == growth(reach)
    assert True in grew
    assert False in grew or share == 0.01


@pytest.mark.parametrize("news", [0, 63, 64, 66])
def test_a_single_new_element_is_growth(news: int) -> None:
    """Of 67 agents, agent 1 has heard from all but one, whom it talks to."""
    link = np.zeros((1, 67, 67), dtype=bool)
    link[0, 1, news] = link[0, news, 1] = True
    reach, earlier = unset_words(67, 2), unset_words(67, 2)
    begin_backwards(reach)
    assert step_backwards(words_of(link)[0], reach, earlier)
    assert np.argwhere(bools_of(earlier, 67) & ~np.eye(67, dtype=bool)).tolist() == sorted(
        [[1, news], [news, 1]]
    )
    assert not step_backwards(words_of(link)[0], earlier, reach)


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
@pytest.mark.parametrize("N", [4, 67])
def test_news_travels_one_hop_a_step(T0: int, N: int) -> None:
    """On a path of agents that can always talk, news of step tau gets T0 - 1 - tau hops far."""
    step, agents = np.arange(T0), np.arange(N)
    away = abs(agents[:, None] - agents)
    link = np.broadcast_to(away == 1, (T0, N, N)).copy()
    expected = np.where(away < T0, T0 - 1 - away, -1)
    assert (freshness(link) == expected).all()
    own = np.broadcast_to(np.eye(N, dtype=bool), (T0, N, N)).copy()  # agent n in zone n, all the time
    arrived = away <= T0 - 1 - step[:, None, None]
    reach, grew = backwards(link)
    assert (reach == arrived).all()
    assert grew == [T0 - step[tau] <= N for tau in range(T0 - 1)]
    if COMPILED or N < 64:
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
            from_reach(own[:rollout], backwards(link[:rollout])[0]),
        ):
            assert np.flatnonzero(estimate[0, :, 0]).tolist() == knowing


def test_a_link_of_the_first_step_carries_nothing() -> None:
    """At step 0 there are no values of an earlier step to read."""
    link = np.array([[[False, True], [True, False]]])
    assert freshness(link).tolist() == [[0, -1], [-1, 0]]
    assert backwards(link)[0].tolist() == [[[True, False], [False, True]]]
