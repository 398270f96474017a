"""Multipliers under other rules than gossip, and what is measured of a run."""

from itertools import pairwise

import naive
import numpy as np
import pytest
from cases import Case, scenario_of, shipped_case, trained_case
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.baselines.catalogue import Ruled
from analysis.baselines.metrics import averaging_bits, distance, idleness, literal_bits
from analysis.baselines.ruled_run import RuledRun, without_links
from analysis.baselines.rules import ConsensusRule, FrozenRule, GossipRule, SharedRule, metropolis, product
from cmarlsim import execute
from cmarlsim.kernels.scene import Chunk
from cmarlsim.kernels.world import Bools, Floats
from cmarlsim.policies.policy import Policy
from cmarlsim.simulation.execution import Run

CASES = {"tiny": shipped_case("tiny"), "paper": shipped_case("paper"), "trained": trained_case()}
PAPER = CASES["trained"]
K = 4


def policy_of(case: Case) -> Policy:
    return Policy.load("rank" if case.policy == "rank" else "paper")


def played(case: Case, rule: GossipRule, seed: int = 3, rollouts: int = K, tightening: float = 0.0) -> Chunk:
    team = RuledRun(Run(scenario_of(case), policy_of(case), seed), rule, tightening)
    return team.play(rollouts, keep_steps=True)


def own_counts(case: Case, chunk: Chunk, k: int) -> Floats:
    """(N, M) steps that each agent spent in each zone during rollout k."""
    T0 = case.scenario["dual"]["T0"]
    steps = chunk.position[k * T0 : (k + 1) * T0].tolist()
    return np.array([[naive.zones_of(case.scenario, x) for x in step] for step in steps]).sum(axis=0)


def lam_before(chunk: Chunk) -> Floats:
    return np.concatenate([np.zeros_like(chunk.lam[:1]), chunk.lam[:-1]])


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("keep_steps", [True, False])
def test_gossip_is_the_engine_bit_for_bit(name: str, keep_steps: bool) -> None:
    case = CASES[name]
    scenario, policy = scenario_of(case), policy_of(case)
    steps = K * scenario.dual.T0
    gossip = Ruled("gossip", "", policy, GossipRule()).baseline()
    chunk = gossip.start(scenario, steps, 3).play(K, keep_steps)
    recording = execute(scenario, policy, steps, 3)
    assert (chunk.lam == recording.lam[1:]).all()
    assert (chunk.reward_mean == recording.reward_mean).all()
    if keep_steps:
        for name in ("position", "action", "link", "reward", "estimate"):
            assert (getattr(chunk, name) == getattr(recording, name)).all()


def test_alpha_0_and_silence_are_the_engine_with_these_settings() -> None:
    scenario, policy = scenario_of(PAPER), policy_of(PAPER)
    steps = K * scenario.dual.T0
    still = scenario.model_copy(update={"dual": scenario.dual.model_copy(update={"alpha": 0.0})})
    chunk = RuledRun(Run(scenario, policy, 5), GossipRule(alpha=0.0)).play(K)
    assert (chunk.lam == execute(still, policy, steps, 5).lam[1:]).all()
    assert (chunk.lam != execute(scenario, policy, steps, 5).lam[1:]).any()
    silent = Ruled("silent", "", policy, GossipRule(), "nothing").baseline().start(scenario, steps, 5)
    links = scenario.links.model_copy(update={"model": "never"})
    alone = execute(scenario.model_copy(update={"links": links}), policy, steps, 5)
    assert (silent.play(K).lam == alone.lam[1:]).all()
    assert without_links(scenario).links.model == "never"


@pytest.mark.parametrize(
    ("rule", "tightening"),
    [(GossipRule(), 0.1), (GossipRule(alpha=0.0, decay=1.0), 0.0), (SharedRule(), 0.0)],
    ids=["tightened", "decreasing step", "true rewards"],
)
def test_rules_are_the_twins_update(rule: GossipRule, tightening: float) -> None:
    chunk, dual = played(PAPER, rule, tightening=tightening), PAPER.scenario["dual"]
    c = np.array([zone["c"] for zone in PAPER.scenario["zones"]]) + tightening
    seen = chunk.estimate.reshape(K, dual["T0"], 5, 6)
    if isinstance(rule, SharedRule):
        seen = np.broadcast_to(chunk.reward.reshape(K, dual["T0"], 1, 6), seen.shape)
    alpha = dual["alpha"] if rule.alpha is None else 0.0
    for k, before in enumerate(lam_before(chunk)):
        eta = dual["eta"] / (k + 1 if rule.decay else 1)
        for n in range(5):
            lam = naive.dual_update(before[n], seen[k, :, n], c, alpha, eta)
            assert chunk.lam[k, n] == pytest.approx(lam, abs=1e-12)


def test_frozen_multipliers_are_in_force_from_the_first_rollout_to_the_last() -> None:
    lam = (0.1, 1.0, 0.2, 0.0, 0.3, 0.0)
    chunk = played(PAPER, FrozenRule(lam=lam))
    assert (chunk.lam == np.array(lam)).all()
    run = Run(scenario_of(PAPER), policy_of(PAPER), 3)
    run.lam = np.tile(lam, (5, 1))
    T0 = run.scenario.dual.T0
    assert (run.advance(1, keep_steps=True).action == chunk.action[:T0]).all()
    assert (chunk.action != played(PAPER, GossipRule()).action)[:T0].any()


def averaged(link: Bools, lam: Floats) -> Floats:
    """One round of averaging with Metropolis weights, by hand."""
    degree, after = link.sum(axis=1), lam.copy()
    for i in range(len(lam)):
        for j in range(len(lam)):
            if link[i, j]:
                after[i] += (lam[j] - lam[i]) / (1 + max(degree[i], degree[j]))
    return after


def test_consensus_averages_over_neighbours_at_every_step() -> None:
    chunk, dual = played(PAPER, ConsensusRule(), rollouts=8), PAPER.scenario["dual"]
    c, T0 = np.array([zone["c"] for zone in PAPER.scenario["zones"]]), dual["T0"]
    for k, lam in enumerate(lam_before(chunk)):
        for link in chunk.link[k * T0 : (k + 1) * T0]:
            lam = averaged(link, lam)
        slack = T0 * c - 5 * own_counts(PAPER, chunk, k)
        expected = np.maximum(0, (1 - dual["alpha"]) * lam + dual["eta"] / T0 * slack)
        assert chunk.lam[k] == pytest.approx(expected, abs=1e-9)
    assert chunk.link.any()


@pytest.mark.parametrize("rounds", [1, 2, 7])
def test_averaging_keeps_the_mean_and_goes_in_the_order_of_time(rounds: int) -> None:
    generator = np.random.default_rng(rounds)
    half = np.triu(generator.random((rounds, 4, 4)) < 0.5, k=1)
    link = half | half.transpose(0, 2, 1)
    weights, lam = metropolis(link), generator.random((4, 3))
    assert weights.sum(axis=2) == pytest.approx(np.ones((rounds, 4)))
    assert (weights == weights.transpose(0, 2, 1)).all()
    assert (weights >= 0).all()
    expected = lam
    for each in link:
        expected = averaged(each, expected)
    assert product(weights) @ lam == pytest.approx(expected)
    assert expected.mean(axis=0) == pytest.approx(lam.mean(axis=0))


def test_other_thresholds_are_another_scenario_in_the_same_building() -> None:
    scenario = scenario_of(PAPER)
    site, new = scenario.site, scenario.with_thresholds(np.arange(6) / 10)
    assert new.c == pytest.approx(np.arange(6) / 10)
    assert all(mine is other for mine, other in zip(new.site, site, strict=True))
    assert scenario.c == pytest.approx(np.arange(1, 7) / 10)


def test_a_posted_threshold_is_learned_with_the_report_of_a_visit() -> None:
    scenario, policy = scenario_of(PAPER), policy_of(PAPER)
    team, new = RuledRun(Run(scenario, policy, 2), GossipRule(), 0.05), scenario.c[::-1]
    team.play(2)
    assert (team.c == scenario.c + 0.05).all()
    assert not team.informed
    team.post(new)
    knows = np.zeros((5, 6), dtype=bool)
    for _ in range(40):
        before = team.c.copy()
        chunk = team.play(1, keep_steps=True)
        heard = chunk.estimate.any(axis=0)
        assert (team.c[heard] == np.broadcast_to(new + 0.05, (5, 6))[heard]).all()
        assert (team.c[~heard] == before[~heard]).all()
        knows |= heard
        assert team.informed == knows.all()
    assert knows.any()


def test_what_was_posted_counts_in_the_update_of_the_same_rollout() -> None:
    """By rank nobody heads for the last zone in the first rollout, and with this seed nobody begins there."""
    scenario, policy = scenario_of(PAPER), Policy.load("rank")
    team, other = (RuledRun(Run(scenario, policy, 0), SharedRule()) for _ in range(2))
    team.post(scenario.c + 1)
    chunk, plain = team.play(1, keep_steps=True), other.play(1, keep_steps=True)
    seen = chunk.reward.any(axis=0)
    assert seen.any() and not seen.all()  # noqa: PT018
    more = chunk.lam[0] - plain.lam[0]
    assert (more[:, ~seen] == 0).all()
    assert (more >= 0).all()
    assert more[:, seen].any()


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 3))))
def test_idleness_counts_the_steps_since_the_last_visit(reward: Bools) -> None:
    expected, since = [], np.zeros(reward.shape[1], dtype=int)
    for row in reward:
        since = np.array([0 if here else before + 1 for here, before in zip(row, since, strict=True)])
        expected.append(since)
    assert (idleness(reward) == np.array(expected)).all()


def test_distance_is_what_agents_walk_until_they_die() -> None:
    chunk = played(PAPER, GossipRule())
    walked = [sum(float(np.hypot(*(b - a))) for a, b in pairwise(chunk.position[:, n])) for n in range(5)]
    assert distance(chunk.position) == pytest.approx(np.array(walked))
    position = chunk.position.copy()
    position[100:, 2] = np.nan
    assert distance(position)[2] == pytest.approx(distance(position[:100])[2])


def test_bits_are_counted_one_by_one() -> None:
    chunk, T0, M, literal = played(PAPER, GossipRule()), PAPER.scenario["dual"]["T0"], 6, 0
    for t, link in enumerate(chunk.link):
        literal += sum(M * (t % T0) for n in range(5) for j in range(5) if link[n, j])
    assert literal_bits(chunk, T0, M) == literal > 0
    assert averaging_bits(chunk, M) == 64 * M * chunk.link.sum()
