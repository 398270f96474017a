"""Gossip over a footprint: two engines, the same bits from the same activations, and the same law."""

import heapq
import math

import hypothesis.strategies as st
import naive
import numpy as np
import pytest
from hypothesis import given

from analysis.intervals import distribution_error
from cmarlsim import Policy, Scenario, execute
from cmarlsim.errors import InputError
from cmarlsim.footprints.activations import Copies, active_events, active_steps, events_of
from cmarlsim.footprints.chain import Chain
from cmarlsim.footprints.footprint import Footprint, fitted, named
from cmarlsim.footprints.gossip import Gossip, count_ages, spread
from cmarlsim.footprints.observing import bernoulli, estimates
from cmarlsim.kernels.world import Bools
from cmarlsim.randomness import uniforms

pytestmark = pytest.mark.kernels

MIXED = Footprint(
    "mixed", 5, np.array([[0, 1], [1, 2], [0, 2], [2, 3], [3, 4]]), np.array([0.1, 0.9, 1, 0.3, 0.05])
)


@st.composite
def activity(draw: st.DrawFn) -> tuple[Footprint, Bools]:
    """A connected footprint and which of its edges are active, (T, F)."""
    N = draw(st.integers(2, 6))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    tree = {(int(generator.integers(n)), n) for n in range(1, N)}
    more = {(i, j) for i in range(N) for j in range(i + 1, N) if generator.random() < 0.3}
    footprint = Footprint("drawn", N, np.array(sorted(tree | more)), np.array(0.5))
    steps, share = draw(st.integers(1, 12)), draw(st.sampled_from([0.05, 0.3, 0.7, 1.0]))
    return footprint, generator.random((steps, len(footprint.edges))) < share


@given(activity(), st.integers(0, 12))
def test_both_engines_give_what_the_twin_gives(drawn: tuple[Footprint, Bools], cut: int) -> None:
    footprint, active = drawn
    steps, events = Gossip(Copies(footprint)), Gossip(Copies(footprint))
    chunks = [(0, active[:cut]), (cut, active[cut:])]
    steps.steps(chunks)
    events.events(events_of(first, rows) for first, rows in chunks)
    expected, t = naive.freshness(naive.links_of(footprint.edges, active)), len(active) - 1
    assert steps.fresh(t).tolist() == events.fresh(t).tolist() == [expected.tolist()]


@given(activity())
def test_some_sources_are_followed_as_among_all(drawn: tuple[Footprint, Bools]) -> None:
    footprint, active = drawn
    sources = [footprint.N - 1, 0]
    some, every = Gossip(Copies(footprint), sources), Gossip(Copies(footprint))
    for gossip in (some, every):
        gossip.events([events_of(0, active)])
    assert np.array_equal(some.fresh(len(active)), every.fresh(len(active))[:, :, sources])


def plain_jumps(footprint: Footprint, copies: Copies, steps: int, seed: int) -> list[tuple[int, int]]:
    """Activations from a priority queue, with the draws of the package looked up one by one."""

    def after(e: int, t: int) -> int:
        number = ((copies.first * len(footprint.edges) + e) << 32) + t + 1
        u = float(uniforms(seed, "activation/jumps", number, 1, ())[0])
        p = copies.p[e]
        return t + 1 if p == 1 else t + 1 + int(math.log1p(-u) / math.log1p(-p))

    queue = [(after(e, -1), e) for e in range(len(copies.p))]
    heapq.heapify(queue)
    found = []
    while queue[0][0] < steps:
        t, e = queue[0]
        found.append((t, e))
        heapq.heapreplace(queue, (after(e, t), e))
    return found


def test_the_event_queue_is_a_priority_queue_with_ties_by_edge() -> None:
    copies = Copies(MIXED, 3, 2)
    drawn = [pair for time, edge in active_events(copies, 40, 5) for pair in zip(time, edge, strict=True)]
    assert drawn == plain_jumps(MIXED, copies, 40, 5)
    assert sum(edge % 5 == 1 for _, edge in drawn) == 3 * 40  # p = 1 is active at every step


def test_steps_are_active_by_numbered_draws() -> None:
    active = np.concatenate([rows for _, rows in active_steps(Copies(MIXED, 2, 1), 30, 5)])
    for e in range(10):
        draws = uniforms(5, "activation/steps", (5 + e) << 32, 30, ())
        assert active[:, e].tolist() == (draws < MIXED.p[e % 5]).tolist()


@pytest.mark.parametrize("chunk", [1, 64, 2**20])
def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    expected = [spread(Copies(MIXED, 4), 50, 1, engine=engine) for engine in ("events", "steps")]
    monkeypatch.setattr("cmarlsim.footprints.activations.CHUNK", chunk)
    for engine, fresh in zip(("events", "steps"), expected, strict=True):
        assert np.array_equal(spread(Copies(MIXED, 4), 50, 1, engine=engine), fresh)


@pytest.mark.parametrize("engine", ["events", "steps"])
def test_copies_are_the_same_alone_and_side_by_side(engine: str) -> None:
    together = spread(Copies(MIXED, 4), 30, 1, engine=engine)
    assert len({each.tobytes() for each in together}) > 1
    for copy in range(4):
        assert np.array_equal(spread(Copies(MIXED, 1, copy), 30, 1, engine=engine)[0], together[copy])


@pytest.mark.parametrize(("p", "engine"), [(0.019, "events"), (0.021, "steps")])
def test_the_faster_engine_is_taken_by_the_mean_probability(p: float, engine: str) -> None:
    copies = Copies(Footprint("two", 3, np.array([[0, 1], [1, 2]]), np.array([1e-9, 2 * p])), 50)
    other = {"events": "steps", "steps": "events"}[engine]
    found = [spread(copies, 60, 0, engine=each).tolist() for each in ("auto", engine, other)]
    assert found[0] == found[1] != found[2]


def test_seeds_differ() -> None:
    first, second = (spread(Copies(MIXED), 50, seed).tolist() for seed in (0, 1))
    assert first != second


@pytest.mark.compiled
@pytest.mark.parametrize("engine", ["events", "steps"])
@pytest.mark.parametrize(
    "footprint", [MIXED, named("cycle:5", 0.07), named("complete:4", 0.4)], ids=lambda each: each.name
)
def test_both_engines_have_the_law_of_the_chain(footprint: Footprint, engine: str) -> None:
    """At all lags and nodes within an error that is exceeded once in 10^6 suites."""
    repetitions, steps = 20_000, 25
    counts = count_ages(footprint, 0, steps, repetitions, 3, engine)
    chain = Chain(footprint)
    exact = chain.agreement(chain.observed_at([0]), steps - 1)
    apart = np.cumsum(counts[:-1], axis=0) / repetitions - exact
    assert np.abs(apart).max() < distribution_error(repetitions, 1e-7)
    assert counts.sum(axis=0).tolist() == [repetitions] * footprint.N


def test_a_hardly_ever_active_edge_is_never_active() -> None:
    rare = Footprint("rare", 2, np.array([[0, 1]]), np.array(1e-300))
    assert spread(Copies(rare), 2**31, 0).tolist() == [[[2**31 - 1, -1], [-1, 2**31 - 1]]]


@pytest.mark.compiled
def test_ten_thousand_nodes() -> None:
    """Activations are as many as p says, within five standard deviations, and news gets everywhere."""
    generator = np.random.default_rng(0)
    ring = [(n, (n + k) % 10_000) for n in range(10_000) for k in (1, 2, 3, 4)]
    far = {(n, (n + int(generator.integers(5, 5000))) % 10_000) for n in range(10_000)}
    big = Footprint("big", 10_000, np.array(ring + sorted(far)), np.array(0.001))
    count = sum(len(time) for time, _ in active_events(Copies(big), 10_000, 0))
    assert abs(count - 500_000) < 5 * math.sqrt(500_000)
    fresh = spread(Copies(big), 10_000, 0, [0])
    assert fresh.min() > 5000


def test_rewards_are_estimated_as_eq_17_says() -> None:
    generator, steps, copies = np.random.default_rng(2), 12, 3
    rows = np.concatenate([rows for _, rows in active_steps(Copies(MIXED, copies), steps, 7)])
    active = rows.reshape(steps, copies, 5).transpose(1, 0, 2)
    own = generator.random((copies, steps, 5, 2)) < 0.2
    gossip = Gossip(Copies(MIXED, copies))
    gossip.steps([(0, rows)])
    found = estimates(own, gossip.fresh(steps - 1))
    for k in range(copies):
        assert np.array_equal(found[k], naive.gossip_literal(own[k], naive.links_of(MIXED.edges, active[k])))


@pytest.mark.compiled
def test_occupancy_has_the_law_of_the_chain() -> None:
    """Every lag and agent within five standard deviations and a half."""
    q, steps, repetitions = np.array([[0.3], [0.0], [0.1], [0.2], [0.05]]), 15, 4000
    own = np.stack([bernoulli(q, steps, seed) for seed in range(repetitions)])
    agreed = estimates(own, spread(Copies(MIXED, repetitions), steps, 11)) == own.any(axis=2, keepdims=True)
    chain = Chain(MIXED)
    exact = chain.agreement(chain.observed_with(q[:, 0]), steps - 1)
    spreads = np.sqrt(exact * (1 - exact) / repetitions) + 1e-4
    assert (np.abs(agreed.mean(axis=0)[::-1, :, 0] - exact) < 5.5 * spreads).all()


def test_a_recorded_run_replayed_gives_its_own_estimates() -> None:
    scenario = Scenario.load("tiny", ["links.d=3"])
    recording = execute(scenario, Policy.load("rank"), 200)
    footprint, T0, K = fitted(recording), scenario.dual.T0, recording.rollouts_done
    own = scenario.inside_zones(recording.position).reshape(K, T0, scenario.agents.N, scenario.M)
    link = recording.links()[:, *footprint.edges.T].reshape(K, T0, -1)
    assert np.array_equal(own.any(axis=2).reshape(K * T0, -1), recording.reward)
    fresh = []
    for k in range(K):
        gossip = Gossip(Copies(footprint))
        gossip.events([events_of(0, link[k])])
        fresh.append(gossip.fresh(T0 - 1)[0])
    assert np.array_equal(
        estimates(own, np.array(fresh)).reshape(recording.estimate.shape), recording.estimate
    )
    assert recording.estimate.any()


@pytest.mark.parametrize(
    ("sources", "engine", "steps", "message"),
    [
        ([5], "events", 9, "sources = .* must be different nodes of 0 to 4"),
        ([1, 1], "events", 9, "different nodes"),
        ([0], "jumps", 9, "engine = 'jumps': must be one of auto, events, steps"),
        ([0], "steps", 0, "steps = 0"),
        ([0], "events", 2**32, "steps = 4294967296"),
    ],
)
def test_bad_input(sources: list[int], engine: str, steps: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        spread(Copies(MIXED), steps, 0, sources, engine)


@pytest.mark.parametrize(
    ("count", "first", "message"),
    [(0, 0, "count = 0"), (1, -1, "first = -1"), (2**20, 2**30, "mixed: .* repetitions .* use fewer")],
)
def test_copies_that_cannot_be(count: int, first: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Copies(MIXED, count, first)


def test_a_seed_is_no_negative_number() -> None:
    with pytest.raises(InputError, match="seed = -1"):
        spread(Copies(MIXED), 5, -1)


def test_too_much_memory_is_refused() -> None:
    with pytest.raises(InputError, match="name fewer sources"):
        Gossip(Copies(MIXED, 10**8))
