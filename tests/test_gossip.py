"""Max-gossip, eq. 17: the backward form, and estimates from freshness, agree with the twin's forms."""

import hypothesis.strategies as st
import naive
import numpy as np
import pytest
import worlds
from cases import COMPILED
from hypothesis import given
from kernels import roomy_scene, words_of

from cmarlsim.kernels.changes import Contacts, Log, new_log
from cmarlsim.kernels.engine import gossip_backwards
from cmarlsim.kernels.gossip import BackwardGossip, estimate_from_freshness, new_backward_gossip
from cmarlsim.kernels.scene import new_chunk
from cmarlsim.kernels.world import Bools, Ints
from cmarlsim.scenario import Scenario

pytestmark = pytest.mark.kernels


@st.composite
def histories(draw: st.DrawFn) -> tuple[Bools, Bools]:
    """Observations (T0, N, M) and links (T0, N, N) of a rollout, dense or sparse."""
    T0, N, M = draw(st.integers(1, 12)), draw(st.integers(1, 6)), draw(st.integers(1, 3))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    own = generator.random((T0, N, M)) < draw(st.sampled_from([0.1, 0.5, 0.9]))
    upper = np.triu(generator.random((T0, N, N)) < draw(st.sampled_from([0.05, 0.2, 0.6, 1.0])), 1)
    return own, upper | upper.transpose(0, 2, 1)


def from_freshness(own: Bools, fresh: Ints) -> Bools:
    estimate = np.ones_like(own)
    estimate_from_freshness(fresh, own, estimate)
    return estimate


def contacts_of(own: Bools, link: Bools) -> Contacts:
    return Contacts(words_of(link), words_of(own), words_of(own.T))


def logged(own: Bools, link: Bools, seed: int) -> Log:
    """The changes of a rollout that begins with anything, in any order within a step."""
    generator, (T0, agents, zones) = np.random.default_rng(seed), own.shape
    changes = []
    inside = generator.random((agents, zones)) < 0.5
    talking = np.triu(generator.random((agents, agents)) < 0.5, 1)
    for t in range(T0):
        toggled = [(t, n, -1 - m) for n, m in np.argwhere(own[t] != inside).tolist()]
        pairs = np.argwhere(np.triu(link[t], 1) != talking).tolist()
        toggled += [(t, *(pair if generator.random() < 0.5 else pair[::-1])) for pair in pairs]
        changes += [toggled[i] for i in generator.permutation(len(toggled))]
        inside, talking = own[t], np.triu(link[t], 1)
    log = new_log(len(changes) + 1)
    log.change[: len(changes)] = np.array(changes, dtype=np.int32).reshape(-1, 3)
    log.change[len(changes) :] = -999
    log.length[0] = len(changes)
    return log


def used(back: BackwardGossip, generator: np.random.Generator) -> BackwardGossip:
    """The same buffers, with anything in them but bits that stand for nobody."""
    agents, zones = len(back.news), len(back.knows)
    for name in ("news", "later", "knows"):
        array = getattr(back, name)
        array[...] = words_of(generator.random((len(array), agents)) < 0.5)
    for array, size in (
        (back.grown, agents),
        (back.growing, agents),
        (back.union, agents),
        (back.stale, zones),
    ):
        array[...] = words_of(generator.random(size) < 0.5)
    back.known[...] = generator.integers(-99, 99, size=back.known.shape)
    return back


def at_once(own: Bools, link: Bools, seed: int = 0) -> tuple[Bools, Bools, Ints]:
    """Rewards (T0, M), estimates (T0, N, M) and counts (M, N) by the engine's own loop, which skips steps."""
    T0, agents, zones = own.shape
    scenario = Scenario.load("tiny")
    scene = roomy_scene(scenario.site, scenario.rules(), scenario.agents.N, T0)
    words = (words_of(np.zeros(size, bool)).size for size in (agents, zones))
    scene = scene._replace(
        contacts=contacts_of(own[-1], link[-1]),
        log=logged(own, link, seed),
        gossip=used(new_backward_gossip(agents, zones, *words), np.random.default_rng(seed)),
    )
    chunk = new_chunk(1, T0 + 2, agents, zones)
    gossip_backwards(scene, T0, chunk, 2)
    return chunk.reward[2:], chunk.estimate[2:], scene.gossip.known


def check_backwards(own: Bools, link: Bools, expected: Bools, seed: int) -> None:
    """Against the `expected` estimates (T0, N, M)."""
    reward, estimate, known = at_once(own, link, seed)
    assert (reward == own.any(axis=1)).all()
    assert (estimate == expected).all()
    assert (known == expected.sum(axis=0).T).all()


@given(histories(), st.integers(1, 6), worlds.seeds)
def test_the_backward_form_equals_the_twins(history: tuple[Bools, Bools], times: int, seed: int) -> None:
    """Every step of a rollout stays for one or several, of which the engine skips all but the first."""
    own, link = (array.repeat(times, axis=0) for array in history)
    check_backwards(own, link, naive.gossip_literal(own, link), seed)


@pytest.mark.parametrize("agents", [64, 65, 130])
@pytest.mark.parametrize("share", [0.01, 0.05, 1.0])
def test_the_backward_form_of_many_agents_equals_the_twins(agents: int, share: float) -> None:
    generator, T0 = np.random.default_rng(agents), 9 if COMPILED else 5
    upper = np.triu(generator.random((T0, agents, agents)) < share, 1)
    link = upper | upper.transpose(0, 2, 1)
    own = np.broadcast_to(np.eye(agents, dtype=bool), link.shape).copy()  # agent n in zone n, all the time
    check_backwards(own, link, naive.gossip_literal(own, link), seed=agents)


@given(histories())
def test_estimates_from_freshness_equal_the_twins(history: tuple[Bools, Bools]) -> None:
    own, link = history
    assert (from_freshness(own, naive.freshness(link)) == naive.gossip_literal(own, link)).all()


@pytest.mark.parametrize("T0", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("N", [4, 67])
def test_news_travels_one_hop_a_step(T0: int, N: int) -> None:
    """On a path of agents that can always talk, news of step tau gets T0 - 1 - tau hops far."""
    step, agents = np.arange(T0), np.arange(N)
    away = abs(agents[:, None] - agents)
    link = np.broadcast_to(away == 1, (T0, N, N)).copy()
    own = np.broadcast_to(np.eye(N, dtype=bool), (T0, N, N)).copy()  # agent n in zone n, all the time
    arrived = away <= T0 - 1 - step[:, None, None]
    check_backwards(own, link, arrived, seed=T0)
    assert (from_freshness(own, np.where(away < T0, T0 - 1 - away, -1)) == arrived).all()


def test_news_waits_for_a_link_and_is_handed_on_later() -> None:
    """Agent 0 saw zone 0 at step 0 only; 0 meets 1 at step 2, and 1 meets 2 at step 4."""
    own, link = np.zeros((6, 3, 1), dtype=bool), np.zeros((6, 3, 3), dtype=bool)
    own[0, 0] = True
    for t, i, j in [(2, 0, 1), (4, 1, 2)]:
        link[t, i, j] = link[t, j, i] = True
    for rollout, knowing in [(2, [0]), (3, [0, 1]), (4, [0, 1]), (5, [0, 1, 2]), (6, [0, 1, 2])]:
        _, estimate, _ = at_once(own[:rollout], link[:rollout])
        assert np.flatnonzero(estimate[0, :, 0]).tolist() == knowing
