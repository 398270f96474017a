"""Bounds on the multipliers' error, and its simulation, against closed forms and a plain twin."""

import math
from collections.abc import Iterator
from itertools import islice

import naive
import numpy as np
import pytest

from cmarlsim.bounds.proposition3 import MultiplierBound
from cmarlsim.errors import InputError
from cmarlsim.footprints.activations import Copies, active_steps
from cmarlsim.footprints.footprint import Footprint, named
from cmarlsim.footprints.multipliers import Watch, multiplier_errors
from cmarlsim.randomness import uniforms
from cmarlsim.scenario import Dual

MIXED = Footprint("mixed", 4, np.array([[0, 1], [1, 2], [2, 3], [1, 3]]), np.array([0.5, 0.1, 0.3, 0.7]))
DUAL = Dual(alpha=0.2, eta=0.7, T0=9)


def mean_capped(d_G: int, p: float, T0: int) -> float:
    """E min(BN, T0), where BN counts trials up to success d_G."""
    law = {x: math.comb(x - 1, d_G - 1) * p**d_G * (1 - p) ** (x - d_G) for x in range(d_G, T0 + 1)}
    return sum(x * chance for x, chance in law.items()) + T0 * (1 - sum(law.values()))


@pytest.mark.parametrize(("d_G", "p", "T0"), [(1, 0.3, 5), (3, 0.2, 12), (4, 1.0, 6), (2, 0.01, 30)])
@pytest.mark.parametrize(("alpha", "k"), [(0.3, 7), (0.05, 1), (0.0, 4)])
def test_bounds_of_one_zone(d_G: int, p: float, T0: int, alpha: float, k: int) -> None:
    bound, weight = MultiplierBound(d_G, p, alpha, 0.5, T0), sum((1 - alpha) ** i for i in range(k))
    assert bound.printed(k) == pytest.approx(weight * 0.5 * d_G / (T0 * p))
    assert bound.one_zone(k) == pytest.approx(weight * 0.5 / T0 * mean_capped(d_G, p, T0))
    if alpha > 0:
        assert bound.printed() == pytest.approx(0.5 * d_G / (alpha * T0 * p))
        assert bound.one_zone(10**6) == pytest.approx(bound.one_zone())


def test_nothing_is_missed_where_there_is_one_agent() -> None:
    alone = MultiplierBound(0, 0.5, 0.1, 1.0, 10)
    assert alone.printed() == alone.one_zone() == alone.one_agent(1, 3) == alone.all_agents(1, 3) == 0


@pytest.mark.parametrize(("p", "T0", "count"), [(0.05, 200, 1000), (0.1, 200, 50), (0.3, 20, 5)])
def test_the_union_bound_has_its_constants(p: float, T0: int, count: int) -> None:
    """After one rollout, on a star with a zone for every leaf: eta / T0 sum_l min(1, count P(BN > l))."""
    late = [(1 - p) ** lag * (1 + lag * p / (1 - p)) for lag in range(T0)]  # 0 or 1 success in lag trials
    bound = MultiplierBound(2, p, 0.9, 0.5, T0)
    union = 0.5 / T0 * sum(min(1, count * each) for each in late)
    assert bound.one_agent(count + 1, count + 7, 1) == pytest.approx(union)
    assert bound.one_agent(count + 9, count, 1) == pytest.approx(union)
    assert 0.9 < bound.one_agent(count + 1, count) / (union / 0.9) < 1 + 1e-9
    team = 0.5 / T0 * sum(min(1, (count + 1) * count * each) for each in late)
    assert bound.all_agents(count + 1, count + 7, 1) == pytest.approx(team)


@pytest.mark.parametrize("alpha", [0.01, 0.1])
def test_the_bound_by_moments_is_close_where_many_rollouts_add_up(alpha: float) -> None:
    """For zones missed independently, E max over zones is within a tenth of it."""
    d_G, p, T0, M, k, repetitions = 3, 0.2, 40, 12, round(2 / alpha), 400
    generator = np.random.default_rng(1)
    total = np.zeros((repetitions, M))
    for _ in range(k):
        waited = d_G + generator.negative_binomial(d_G, p, size=total.shape)
        total = (1 - alpha) * total + 0.5 / T0 * np.minimum(waited, T0)
    largest, bound = total.max(axis=1), MultiplierBound(d_G, p, alpha, 0.5, T0)
    low, high = largest.mean() + np.array([-4, 4]) * largest.std() / math.sqrt(repetitions)
    assert high < bound.one_agent(M + 1, M, k) < 1.1 * low
    assert bound.one_zone(k) < low


def test_groups_of_rollouts_leave_a_bound_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    bound = MultiplierBound(2, 0.1, 0.02, 0.5, 50)
    fine = [bound.one_agent(8, 8), bound.one_agent(8, 8, 90)]
    monkeypatch.setattr("cmarlsim.bounds.proposition3.MOST_GROUPS", 40)
    coarse = [bound.one_agent(8, 8), bound.one_agent(8, 8, 90)]
    assert all(a <= b < 1.5 * a for a, b in zip(fine, coarse, strict=True))
    assert fine[0] < coarse[0]


def test_rollouts_too_long_ago_to_follow_still_count(monkeypatch: pytest.MonkeyPatch) -> None:
    bound = MultiplierBound(2, 0.1, 0.02, 0.5, 50)
    fine = bound.one_agent(8, 8)
    monkeypatch.setattr("cmarlsim.bounds.proposition3.NEGLIGIBLE", 0.1)
    assert fine < bound.one_agent(8, 8) < fine + 0.1 * 0.5 / 0.02


def test_small_alpha_and_long_runs_are_no_burden() -> None:
    rare = MultiplierBound(2, 0.1, 1e-9, 0.5, 50)
    assert rare.one_zone() < rare.one_agent(9, 8) < 1.1 * rare.one_zone()
    never = MultiplierBound(2, 0.1, 0.0, 0.5, 50)
    assert never.one_zone(10**7) < never.one_agent(9, 8, 10**7) < 1.1 * never.one_zone(10**7)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((-1, 0.5, 0.1, 1, 9), "d_G = -1: must be 0 or more"),
        ((1, 0.0, 0.1, 1, 9), r"p = 0: must be in \(0, 1\]"),
        ((1, 1.1, 0.1, 1, 9), "p = 1.1"),
        ((1, 0.5, 1.0, 1, 9), r"alpha = 1: must be in \[0, 1\)"),
        ((1, 0.5, 0.1, 0, 9), "eta = 0: must be above 0"),
        ((1, 0.5, 0.1, math.nan, 9), "eta = nan"),
        ((1, 0.5, 0.1, 1, 0), "T0 = 0: must be 1 or more"),
    ],
)
def test_impossible_values(values: tuple[int, float, float, float, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        MultiplierBound(*values)


def test_without_contraction_there_is_no_bound_for_all_k() -> None:
    bound = MultiplierBound(2, 0.5, 0.0, 1.0, 9)
    for ask in (bound.printed, bound.one_zone, lambda: bound.one_agent(3, 2), lambda: bound.all_agents(3, 2)):
        with pytest.raises(InputError, match="alpha = 0: the bound divides by it"):
            ask()


def plain_errors(footprint: Footprint, watch: Watch, repetitions: int, seed: int) -> Iterator[np.ndarray]:
    """Eq. (16), (17), (18) by the twin, with the draws of the package; yields lambda^n - lambda."""
    N, M, T0 = footprint.N, len(watch.c), DUAL.T0
    lam, ideal = np.zeros((repetitions, N, M)), np.zeros((repetitions, M))
    for k in range(10**6):
        for r in range(repetitions):
            rollout = k * repetitions + r
            rows = np.concatenate([a for _, a in active_steps(Copies(footprint, 1, rollout), T0, seed)])
            own = uniforms(seed, "occupancy", rollout * T0, T0, (N, M)) < watch.occupancy
            known = naive.gossip_literal(own, naive.links_of(footprint.edges, rows))
            for n in range(N):
                lam[r, n] = naive.dual_update(lam[r, n], known[:, n], watch.c, DUAL.alpha, DUAL.eta)
            ideal[r] = naive.dual_update(ideal[r], own.any(axis=1), watch.c, DUAL.alpha, DUAL.eta)
        yield lam - ideal[:, None]


RANDOM = Watch(np.random.default_rng(3).random((4, 3)) ** 3, np.array([0.2, 0.6, 0.9]))
CERTAIN = Watch(np.array([[1, 0, 0], [0, 0, 0], [0, 0, 0], [1, 1, 0]]), np.array([0.9, 0.8, 0.3]))


@pytest.mark.parametrize("watch", [RANDOM, CERTAIN], ids=["random", "certain"])
def test_errors_are_those_of_a_plain_twin(watch: Watch) -> None:
    found = list(islice(multiplier_errors(MIXED, watch, DUAL, 3, 5, [0, 1, 2, 3]), 5))
    twin = [errors.copy() for errors in islice(plain_errors(MIXED, watch, 3, 5), 5)]
    for errors, plain in zip(found, twin, strict=True):
        assert np.allclose(errors.projected, plain, rtol=0, atol=1e-12)
        assert (errors.projected > -1e-12).all()
        assert (errors.projected < errors.unprojected + 1e-12).all()
    assert found[-1].projected.max() > 0.05
    assert (found[-1].unprojected - found[-1].projected).max() > 0.05


@pytest.mark.parametrize("watch", [RANDOM, CERTAIN], ids=["random", "certain"])
def test_batches_and_agents_change_nothing(monkeypatch: pytest.MonkeyPatch, watch: Watch) -> None:
    whole = next(multiplier_errors(MIXED, watch, DUAL, 7, 5, [0, 1, 2, 3]))
    monkeypatch.setattr("cmarlsim.footprints.multipliers.BYTES_AT_ONCE", 3000)
    part = next(multiplier_errors(MIXED, watch, DUAL, 7, 5, [2, 0]))
    for all_of_them, two in zip(whole, part, strict=True):
        assert np.array_equal(all_of_them[:, [2, 0]], two)


@pytest.mark.compiled
@pytest.mark.parametrize("watch", [RANDOM, CERTAIN], ids=["random", "certain"])
def test_without_projection_the_mean_is_the_chains(watch: Watch) -> None:
    """Every agent and zone within five standard deviations and a half."""
    repetitions, k = 3000, 4
    *_, errors = islice(multiplier_errors(MIXED, watch, DUAL, repetitions, 1, [0, 1, 2, 3]), k)
    weight = sum((1 - DUAL.alpha) ** i for i in range(k)) * DUAL.eta / DUAL.T0
    apart = errors.unprojected.mean(axis=0) - weight * watch.missed_on_average(MIXED, DUAL.T0)
    spread = errors.unprojected.std(axis=0) / math.sqrt(repetitions)
    assert (np.abs(apart) < 5.5 * spread + 1e-9).all()
    assert (spread > 0).any()


@pytest.mark.parametrize("p", [0.1, 0.6, 1.0])
def test_on_a_path_the_closer_bound_is_the_mean(p: float) -> None:
    path, watch = named("path:4", p), Watch(np.eye(4)[:, :1], np.array([1.0]))
    bound = MultiplierBound(3, p, DUAL.alpha, DUAL.eta, DUAL.T0)
    mean = watch.missed_on_average(path, DUAL.T0) * DUAL.eta / DUAL.T0
    assert mean[:, 0].max() == mean[3, 0] == pytest.approx(bound.one_zone(1))


def test_zones_are_dealt_from_an_end_on() -> None:
    watch = Watch.dealt(named("star:4", 0.5), 6, 0.4, 0.7)
    assert watch.occupancy.argmax(axis=0).tolist() == [1, 2, 3, 0, 1, 2]
    assert watch.occupancy.sum() == pytest.approx(6 * 0.7)
    assert watch.c.tolist() == [0.4] * 6
