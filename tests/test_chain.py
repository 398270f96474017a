"""The exact chain against enumeration of all active edges, and the bounds on it."""

import math
from collections.abc import Iterable
from itertools import product

import hypothesis.strategies as st
import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

from cmarlsim.bounds.proposition2 import negative_binomial
from cmarlsim.errors import InputError
from cmarlsim.footprints.chain import Chain
from cmarlsim.footprints.footprint import Footprint, named
from cmarlsim.footprints.passages import disjoint_paths, edges_of, passages, quickest_path
from cmarlsim.footprints.proposition2 import (
    cuts_bound,
    lags_for,
    paths_bound,
    proposition2,
    sum_of_geometrics,
)

LAST = 25


@st.composite
def footprints(draw: st.DrawFn, largest: int = 6, most_edges: int = 8) -> Footprint:
    """Connected, with a probability of its own for every edge."""
    N = draw(st.integers(2, largest))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    edges = {(int(generator.integers(n)), n) for n in range(1, N)}
    while generator.random() < 0.85 and len(edges) < min(most_edges, N * (N - 1) // 2):
        i, j = sorted(generator.choice(N, 2, replace=False).tolist())
        edges.add((i, j))
    p = generator.choice([0.05, 0.2, 0.5, 0.9, 1.0], len(edges))
    return Footprint("drawn", N, np.array(sorted(edges)), p)


def enumerated(footprint: Footprint) -> np.ndarray:
    """Transition probabilities of sets, from every combination of active edges."""
    matrix = np.zeros((2**footprint.N, 2**footprint.N))
    edges = footprint.edges.tolist()
    for active in product((False, True), repeat=len(edges)):
        chance = math.prod(p if up else 1 - p for p, up in zip(footprint.p, active, strict=True))
        for informed in range(2**footprint.N):
            after = informed
            for (i, j), up in zip(edges, active, strict=True):
                if up and (informed >> i | informed >> j) & 1:
                    after |= 1 << i | 1 << j
            matrix[informed, after] += chance
    return matrix


@given(footprints())
def test_transitions_are_those_of_all_combinations_of_edges(footprint: Footprint) -> None:
    assert np.allclose(Chain(footprint).matrix.toarray(), enumerated(footprint), rtol=0, atol=1e-14)


def bn(successes: int, p: float, lag: int) -> float:
    """P(BN <= lag): the last of `successes` successes is trial number i."""
    trials = range(max(successes, 1), lag + 1)
    if successes == 0:
        return 1.0
    return math.fsum(
        math.comb(i - 1, successes - 1) * p**successes * (1 - p) ** (i - successes) for i in trials
    )


@pytest.mark.parametrize("successes", [0, 1, 2, 5])
@pytest.mark.parametrize("p", [0.05, 0.5, 1.0])
def test_the_negative_binomial_counts_trials(successes: int, p: float) -> None:
    expected = [bn(successes, p, lag) for lag in range(LAST + 1)]
    assert np.allclose(negative_binomial(successes, p, LAST), expected, rtol=0, atol=1e-13)
    assert np.allclose(sum_of_geometrics(np.full(successes, p), LAST), expected, rtol=0, atol=1e-13)


def test_sums_of_different_geometrics_by_enumeration() -> None:
    p, expected = [0.2, 0.7, 1.0], np.zeros(LAST + 1)
    for waits in product(range(1, LAST + 1), repeat=3):
        if sum(waits) <= LAST:
            expected[sum(waits) :] += math.prod(q * (1 - q) ** (w - 1) for q, w in zip(p, waits, strict=True))
    assert np.allclose(sum_of_geometrics(np.array(p), LAST), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("p", [0.05, 0.3, 0.9])
def test_on_a_path_news_takes_a_negative_binomial_time(p: float) -> None:
    chain = Chain(named("path:6", p))
    known = chain.agreement(chain.observed_at([0]), LAST)
    for n in range(6):
        assert np.allclose(known[:, n], [bn(n, p, lag) for lag in range(LAST + 1)], rtol=0, atol=1e-12)


def test_with_all_edges_always_active_news_takes_the_distance() -> None:
    for spec in ("complete:5", "grid:2x4", "star:6"):
        footprint = named(spec, 1.0)
        chain = Chain(footprint)
        away = np.array([footprint.distances(n) for n in range(footprint.N)])
        known = chain.agreement(chain.observed_at([0]), 5)
        assert np.array_equal(known, away[0] <= np.arange(6)[:, None])


def test_observers_are_averaged_over_the_sets_of_them() -> None:
    footprint, q = named("cycle:4", 0.3), [0.5, 0.1, 0.0, 0.7]
    chain, expected = Chain(footprint), np.zeros((9, 4))
    for seen in product((False, True), repeat=4):
        chance = math.prod(a if s else 1 - a for a, s in zip(q, seen, strict=True))
        nodes = [n for n in range(4) if seen[n]]
        known = chain.agreement(chain.observed_at(nodes), 8)
        expected += chance * (known if nodes else 1)
    assert np.allclose(chain.agreement(chain.observed_with(q), 8), expected, rtol=0, atol=1e-14)


def test_a_single_agent_knows_all() -> None:
    chain = Chain(named("path:1", 0.5))
    assert chain.agreement(chain.observed_at([0]), 2).tolist() == [[1.0]] * 3


def test_more_than_ten_nodes_are_refused() -> None:
    with pytest.raises(InputError, match=r"path:11: N = 11: .* at most 10"):
        Chain(named("path:11", 0.5))


@settings(max_examples=60)
@given(footprints(6, 12))
def test_bounds_enclose_the_chain_for_every_pair(footprint: Footprint) -> None:
    chain, right = Chain(footprint), proposition2(footprint, LAST)
    for source in range(footprint.N):
        known = chain.agreement(chain.observed_at([source]), LAST)
        for agent in range(footprint.N):
            low, high = (bound(footprint, source, agent, LAST) for bound in (paths_bound, cuts_bound))
            assert (right <= low + 1e-12).all()
            assert (low <= known[:, agent] + 1e-12).all()
            assert (known[:, agent] <= high + 1e-12).all()


@given(footprints(9, 0))
def test_on_a_tree_bounds_from_below_and_above_are_the_truth(tree: Footprint) -> None:
    chain = Chain(tree)
    known = chain.agreement(chain.observed_at([0]), LAST)
    for agent in range(tree.N):
        for bound in (paths_bound, cuts_bound):
            assert np.allclose(bound(tree, 0, agent, LAST), known[:, agent], rtol=0, atol=1e-12)


@pytest.mark.parametrize("agent", [1, 2, 3])
def test_on_a_cycle_disjoint_paths_are_the_truth(agent: int) -> None:
    cycle = named("cycle:6", 0.15)
    chain = Chain(cycle)
    known = chain.agreement(chain.observed_at([0]), LAST)[:, agent]
    assert np.allclose(paths_bound(cycle, 0, agent, LAST), known, rtol=0, atol=1e-12)


def graph_of(footprint: Footprint, edges: Iterable[int]) -> nx.Graph:
    """Some edges as a graph of networkx, each with its number, what it lets through and what that costs."""
    graph = nx.Graph()
    for e in edges:
        weight = round(1000 / footprint.p[e])
        graph.add_edge(*footprint.edges[e].tolist(), edge=int(e), capacity=1, weight=weight)
    return graph


@given(footprints(8, 16))
def test_families_are_of_disjoint_paths_of_least_cost(footprint: Footprint) -> None:
    source, agent, cost = 0, footprint.N - 1, 1 / footprint.p
    whole = graph_of(footprint, range(len(footprint.edges)))
    blocks = [sorted(whole.edges[edge]["edge"] for edge in b) for b in nx.biconnected_component_edges(whole)]
    node = source
    for passage in passages(footprint, source, agent):
        assert passage.edges.tolist() in blocks
        assert passage.entry == node
        node = passage.exit
        families = list(disjoint_paths(footprint, passage, cost))
        graph = graph_of(footprint, passage.edges)
        assert len(families) == nx.edge_connectivity(graph, passage.entry, passage.exit)
        flows = graph.to_directed()
        for count, family in enumerate(families, start=1):
            assert len(family) == count
            used = [e for path in family for e in path]
            assert len(set(used)) == len(used)
            for path in family:
                at = passage.entry
                for e in path:
                    i, j = footprint.edges[e].tolist()
                    assert at in (i, j)
                    at = i + j - at
                assert at == passage.exit
            flows.add_node(passage.entry, demand=-count)
            flows.add_node(passage.exit, demand=count)
            assert sum(round(1000 * cost[e]) for e in used) == nx.min_cost_flow_cost(flows)
    assert node == agent


@given(footprints(8, 16))
def test_quickest_paths_take_the_least_mean_time(footprint: Footprint) -> None:
    graph = graph_of(footprint, range(len(footprint.edges)))
    for i, j, e in graph.edges(data="edge"):
        graph.edges[i, j]["time"] = 1 / footprint.p[e]
    for agent in range(1, footprint.N):
        path = quickest_path(footprint, 1 / footprint.p, 0, agent)
        assert (path[0], path[-1]) == (0, agent)
        least = nx.dijkstra_path_length(graph, 0, agent, weight="time")
        assert (1 / footprint.p[edges_of(footprint, path)]).sum() == pytest.approx(least)


def test_the_complete_graph_has_a_direct_path_and_one_over_every_other_agent() -> None:
    complete = named("complete:5", 0.2)
    (passage,) = passages(complete, 0, 4)
    families = disjoint_paths(complete, passage, 1 / complete.p)
    assert [sorted(map(len, family)) for family in families] == [[1], [1, 2], [1, 2, 2], [1, 2, 2, 2]]


def test_lags_reach_what_is_asked_for() -> None:
    footprint = named("grid:3x3", 0.1)
    lag = lags_for(footprint, 0.99)
    assert bn(4, 0.1, lag) >= 0.99 > bn(4, 0.1, lag - 1)
    detour = Footprint(
        "detour", 4, np.array([[0, 1], [1, 2], [2, 3], [0, 3]]), np.array([0.5, 0.5, 1.0, 0.001])
    )
    assert bn(2, 0.5, lags_for(detour)) >= 0.995 > bn(2, 0.5, lags_for(detour) - 1)
    with pytest.raises(InputError, match=r"path:4: p = 1e-06: news takes more than 100,000 steps"):
        lags_for(named("path:4", 1e-6))
