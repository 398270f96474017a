"""What explains Fig. 5c: policies and values with own and with ideal multipliers, against the twin."""

from __future__ import annotations

import cases
import naive
import numpy as np
import pytest

from analysis import figure5c
from analysis.mismatch import mismatch, policy_changes, value_changes
from cmarlsim import InputError, Policy, Recording, Scenario, execute
from cmarlsim.randomness import stream, uniforms
from cmarlsim.simulation.execution import Run

CASES = {
    "random": cases.random_weights(cases.shipped_case("paper"), scale_lam=True),
    "unscaled": cases.random_weights(cases.shipped_case("paper"), scale_lam=False),
    "rank": cases.shipped_case("paper"),
}
K = 3


def recorded(case: cases.Case, seed: int = 2) -> Recording:
    return execute(cases.scenario_of(case), cases.policy_of(case), 100 * K, seed, record="rollout")


def plain_probabilities(case: cases.Case, n: int, lam: np.ndarray) -> np.ndarray:
    centres = naive.tile_centres(case.floorplan)
    return np.array([np.diff(naive.cdf_row(case.policy, n, centre, lam), prepend=0.0) for centre in centres])


@pytest.mark.parametrize("name", CASES)
def test_changes_of_policy_are_the_twins_total_variation(name: str) -> None:
    case, recording = CASES[name], recorded(CASES[name])
    found = policy_changes(recording, cases.policy_of(case))
    for k in range(K):
        for n in range(5):
            own = plain_probabilities(case, n, recording.lam[k, n])
            ideal = plain_probabilities(case, n, recording.lam_ideal[k])
            for tile in range(12):
                apart = sum(max(0.0, p - q) for p, q in zip(own[tile], ideal[tile], strict=True))
                assert found[k, n, tile] == pytest.approx(apart, abs=1e-12)
    assert found.max() > 0.02


def plain_values(case: cases.Case, lam: np.ndarray, seed: int) -> np.ndarray:
    """Mean rewards of the last rollout, in which agents act on lam[-1], after those with lam[:-1]; (M,)."""
    plan, centres = naive.build_plan(case.scenario, case.floorplan), naive.tile_centres(case.floorplan)
    start = stream(seed, "start").integers(len(plan.point), size=5)
    places: list[naive.Place] = [("node", int(p)) for p in start]
    for rows, u in zip(lam, uniforms(seed, "action", 0, len(lam), (100, 5)), strict=True):
        attended = np.zeros(6)
        for t in range(100):
            position = [naive.position_of(plan, place) for place in places]
            attended += np.any([naive.zones_of(case.scenario, x) for x in position], axis=0)
            for n in range(5):
                centre = centres[naive.tile_of(case.floorplan, position[n])]
                action = naive.draw_action(naive.cdf_row(case.policy, n, centre, rows[n]), u[t, n])
                places[n] = naive.advance(plan, places[n], action, naive.ticks(1.0))
    return attended / 100


@pytest.mark.parametrize("name", ["random", "rank"])
def test_values_change_as_the_twins_do_with_the_ideal_multipliers(name: str) -> None:
    case, recording = CASES[name], recorded(CASES[name])
    found = value_changes(recording, cases.policy_of(case))
    assert (found[0] == 0).all()  # all multipliers begin with 0
    for k in (1, 2):
        shared = recording.lam[: k + 1].copy()
        shared[k] = recording.lam_ideal[k]
        value = plain_values(case, shared, seed=2) - plain_values(case, recording.lam[: k + 1], seed=2)
        assert np.allclose(found[k], value, rtol=0, atol=1e-12)
    assert np.abs(found).max() > 0


def test_a_fork_leaves_the_run_alone() -> None:
    scenario, rank = Scenario.load("tiny"), Policy.load("rank")
    whole = Run(scenario, rank, 4).advance(6, keep_steps=True)
    run = Run(scenario, rank, 4)
    first = run.advance(3, keep_steps=True)
    same = run.fork(first.lam[-1]).advance(3, keep_steps=True)
    other = run.fork(np.array([0.0, 5.0, 1.0])).advance(3, keep_steps=True)
    rest = run.advance(3, keep_steps=True)
    rows = 3 * scenario.dual.T0
    for part in (same, rest):
        assert np.array_equal(part.position, whole.position[rows:])
        assert np.array_equal(part.link, whole.link[rows:])
        assert np.array_equal(part.lam, whole.lam[3:])
    assert not np.array_equal(other.position, rest.position)


def test_what_is_reported_are_means_and_ratios() -> None:
    case, recording = CASES["random"], recorded(CASES["random"])
    policy = cases.policy_of(case)
    found = mismatch(recording, policy)
    errors = [
        [max(abs(recording.lam[k, n, m] - recording.lam_ideal[k, m]) for m in range(6)) for n in range(5)]
        for k in range(K)
    ]
    change, value = policy_changes(recording, policy), value_changes(recording, policy)
    mean_error = sum(map(sum, errors)) / (5 * K)
    assert found["multiplier_error"] == pytest.approx(mean_error)
    assert found["policy_change"] == pytest.approx(change.mean())
    assert found["mean_slope"] == pytest.approx(change.mean() / mean_error)
    slopes = [change[k, n].max() / errors[k][n] for k in range(K) for n in range(5) if errors[k][n] > 0]
    assert found["largest_slope"] == pytest.approx(max(slopes))
    largest = sum(map(max, errors)) / K
    assert found["value_L"] == pytest.approx(sum(value.mean(axis=0) ** 2) ** 0.5 / largest)
    losses = [0.0] + [
        sum(recording.lam_ideal[k] * value[k]) / sum(recording.lam_ideal[k]) for k in range(1, K)
    ]
    assert found["value_loss"] == pytest.approx(sum(losses) / K)


def test_agents_that_know_the_true_rewards_have_no_mismatch() -> None:
    with pytest.warns(UserWarning, match="Theorem 1 does not apply"):
        alone = Scenario.load("tiny", ["agents.N=1"])
    recording = execute(alone, Policy.load("rank"), 200, record="rollout")
    assert recording.lam_ideal.max() > 0
    assert set(mismatch(recording, Policy.load("rank")).values()) == {0.0}


def test_a_recording_of_another_run_is_refused() -> None:
    recording = recorded(CASES["rank"])
    recording.file["rollout/reward_mean"][-1] *= 0.5
    with pytest.raises(InputError, match="cannot be repeated"):
        value_changes(recording, Policy.load("rank"))


def test_figure_5c_has_smallest_margins_and_draws_bands_over_runs() -> None:
    rank, seeds = Policy.load("rank"), (0, 1, 2)
    runs = [
        execute(Scenario.load("tiny", [f"links.d={d}"]), rank, 100, seed, record="rollout")
        for d in (2.0, 1.0)
        for seed in seeds
    ]
    table = figure5c.tabulate(runs, {"mine": rank})
    for recording in runs:
        margins = [
            recording.reward_mean[:, m].mean() - zone.c for m, zone in enumerate(recording.scenario.zones)
        ]
        where = (table["d"] == recording.scenario.links.d) & (table["seed"] == recording.seed)
        line = table[where].iloc[0]
        assert line["smallest_margin"] == pytest.approx(min(margins))
        assert line["zone"] == recording.scenario.zones[int(np.argmin(margins))].name
    axes = figure5c.draw(table).axes[0]
    border = axes.collections[0].get_paths()[0].vertices
    for d, mine in table.groupby("d"):
        at = border[border[:, 0] == d, 1]
        assert (at.min(), at.max()) == (mine["smallest_margin"].min(), mine["smallest_margin"].max())
    assert np.allclose(axes.lines[0].get_ydata(), table.groupby("d")["smallest_margin"].mean())
