"""Proposition 1 on `tiny`, whose joint states and actions can all be enumerated."""

import numpy as np
import pytest
from cases import singles
from kernels import bools_of, words_of
from tiny_team import (
    INSIDE,
    LAM,
    MIDDLE,
    MOVE,
    REWARD,
    STATES,
    T0,
    TILE,
    TILES,
    TINY,
    M,
    N,
    expected_estimate,
    finite_objective,
    random_tables,
    slopes,
    tables,
)

from cmarlsim.kernels.episodes import Episodes, difference_reward, new_episodes, run_episodes
from cmarlsim.kernels.motion import advance
from cmarlsim.kernels.observing import piece_of
from cmarlsim.kernels.scene import new_scene, new_steps
from cmarlsim.kernels.world import NEVER, TICKS_PER_METRE, Locations, locations_at
from cmarlsim.learning.mlp import MLP, backward, forward
from cmarlsim.learning.reinforce import gather, policy_gradient, returns_to_go
from cmarlsim.policies.encoding import Encoding
from cmarlsim.policies.policy import Policy


def test_enumeration_is_that_of_the_kernels() -> None:
    world = TINY.world
    for w in range(4):
        piece = piece_of(world, locations_at(np.array([w])), 0)
        assert world.piece_tile[piece] == TILE[w]
        np.testing.assert_array_equal(bools_of(world.piece_zones[piece], M), INSIDE[STATES.index((w, w)), 0])
        for m in range(M):
            place = locations_at(np.array([w]))
            advance(world, place, 0, m, TICKS_PER_METRE)
            assert place.node[0] == MOVE[w, m]


@pytest.mark.parametrize("n", range(N))
@pytest.mark.parametrize("lam", LAM)
def test_difference_reward_gives_the_gradient_of_the_full_reward(n: int, lam: np.ndarray) -> None:
    logits = random_tables(np.random.default_rng(10 + n))
    full = REWARD @ lam
    difference = np.array(
        [difference_reward(lam, inside, n) for inside in words_of(INSIDE.transpose(0, 2, 1))]
    )
    assert abs(full - difference).max() > 0.5
    gradient = slopes(lambda pi: finite_objective(pi, lam), logits, n)
    np.testing.assert_allclose(expected_estimate(tables(logits), n, full), gradient, atol=1e-9)
    np.testing.assert_allclose(expected_estimate(tables(logits), n, difference), gradient, atol=1e-9)


def test_difference_reward_is_what_the_team_would_miss() -> None:
    generator = np.random.default_rng(2)
    for _ in range(50):
        inside, lam = generator.random((4, 5)) < 0.4, generator.random(5)
        for n in range(4):
            missed = lam @ inside.any(axis=0) - lam @ np.delete(inside, n, axis=0).any(axis=0)
            assert difference_reward(lam, words_of(inside.T), n) == pytest.approx(missed, abs=1e-12)


# --- the estimator of training: compiled episodes, networks ---


def random_team(generator: np.random.Generator) -> MLP:
    """Networks of two different agents, far from indifferent."""
    shapes = [(M + 2, 12), (12,), (12, M), (M,)]
    return MLP(*(singles(0.6 * generator.normal(size=(N, *shape))) for shape in shapes))


def of_agent(team: MLP, n: int) -> MLP:
    return MLP(*(array[n] for array in team))


def rows(lam: np.ndarray) -> np.ndarray:
    """Network inputs for every (multipliers, tile) pair."""
    tile = Encoding.of(TINY.world, True).tile_input()
    return np.hstack([np.repeat(lam, TILES, axis=0), np.tile(tile, (len(lam), 1))])


def logits_of(team: MLP) -> np.ndarray:
    """(LAM, N, 4, 3) logits of the tables for each of the multipliers."""
    agents = [forward(of_agent(team, n), rows(LAM))[1].reshape(len(LAM), TILES, M) for n in range(N)]
    return np.stack(agents, axis=1)


def mean_objective(team: MLP) -> float:
    """Finite objective, averaged over the multipliers."""
    pairs = zip(logits_of(team), LAM, strict=True)
    return float(np.mean([finite_objective(tables(logits), lam) for logits, lam in pairs]))


def exact_gradient(team: MLP, n: int) -> MLP:
    """Gradient of `mean_objective` with respect to agent n's parameters."""
    d_logits = [
        slopes(lambda pi, lam=lam: finite_objective(pi, lam), logits, n) / len(LAM)
        for logits, lam in zip(logits_of(team), LAM, strict=True)
    ]
    policy = of_agent(team, n)
    return backward(policy, rows(LAM), forward(policy, rows(LAM))[0], np.concatenate(d_logits))


def flat(mlp: MLP) -> np.ndarray:
    return np.concatenate([array.ravel() for array in mlp])


def run(team: MLP, n: int, lam: np.ndarray, locations: Locations, uniform: np.ndarray) -> Episodes:
    """Episodes of training in which agent n is the active one."""
    weights = Policy(team, Encoding.of(TINY.world, True)).weights(N, TINY.world)
    rules = TINY.rules()
    rules = rules._replace(links=rules.links._replace(code=NEVER))
    scene, episodes = new_scene(TINY.site, rules, weights, N, T0), new_episodes(lam, locations, uniform)
    run_episodes(TINY.site, rules, weights, n, scene, new_steps(T0, N), episodes)
    return episodes


def estimated_gradient(team: MLP, n: int, lam: np.ndarray, episodes: Episodes) -> MLP:
    """What training ascends, but with sums of rewards to go where it takes means, and without baseline."""
    steps_to_go = T0 - np.arange(T0)
    returns = returns_to_go(episodes.reward, discount=1.0) * steps_to_go
    visits = gather(episodes.tile, episodes.action, returns, TILES, M)
    x = np.hstack([lam[visits.episode], Encoding.of(TINY.world, True).tile_input()[visits.tile]])
    return policy_gradient(of_agent(team, n), x, visits.returns, visits.actions.sum(axis=1), entropy=0.0)


@pytest.mark.parametrize("n", range(N))
def test_episodes_are_the_enumerated_ones(n: int) -> None:
    generator = np.random.default_rng(30 + n)
    team, lam = random_team(generator), LAM[[0, 1, 2, 0, 1]]
    start, uniform = generator.integers(4, size=(len(lam), N)), generator.random((len(lam), T0, N))
    locations = locations_at(start)
    episodes = run(team, n, lam, locations, uniform)
    cdf = np.cumsum(tables(logits_of(team))[[0, 1, 2, 0, 1]], axis=-1)
    for b in range(len(lam)):
        state = list(start[b])
        for t in range(T0):
            action = [
                int(np.searchsorted(cdf[b, i, TILE[state[i]], :-1], uniform[b, t, i], "right"))
                for i in range(N)
            ]
            assert (episodes.tile[b, t], episodes.action[b, t]) == (TILE[state[n]], action[n])
            state = [MOVE[w, m] for w, m in zip(state, action, strict=True)]
            alone = state[n] != MIDDLE and state[n] != state[1 - n]
            assert episodes.reward[b, t] == (lam[b, state[n]] if alone else 0.0)
        np.testing.assert_array_equal(locations.node[b], state)


@pytest.mark.parametrize("n", range(N))
def test_exact_gradient_is_that_of_the_parameters(n: int) -> None:
    generator = np.random.default_rng(20 + n)
    team = random_team(generator)
    gradient = exact_gradient(team, n)
    for _ in range(5):
        direction = MLP(*(generator.normal(size=array.shape) for array in gradient))
        objectives = []
        for step in (1e-5, -1e-5):
            moved = MLP(*(array.copy() for array in team))
            for array, part in zip(moved, direction, strict=True):
                array[n] += step * part
            objectives.append(mean_objective(moved))
        slope = (objectives[0] - objectives[1]) / 2e-5
        assert slope == pytest.approx(flat(gradient) @ flat(direction), rel=1e-6)


@pytest.mark.compiled
@pytest.mark.parametrize("n", range(N))
def test_sampled_gradient_is_unbiased(n: int) -> None:
    generator = np.random.default_rng(40 + n)
    team = random_team(generator)
    exact = flat(exact_gradient(team, n))
    directions = np.vstack([exact, generator.normal(size=(6, len(exact)))])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    start = np.tile(np.repeat(STATES, len(LAM), axis=0), (32, 1))  # the start distribution, exactly
    lam = np.tile(LAM, (len(STATES) * 32, 1))
    batches = []
    for _ in range(200):
        uniform = generator.random((len(lam), T0, N))
        episodes = run(team, n, lam, locations_at(start), uniform)
        batches.append(directions @ flat(estimated_gradient(team, n, lam, episodes)))
    deviation = np.mean(batches, axis=0) - directions @ exact
    standard_error = np.std(batches, axis=0, ddof=1) / np.sqrt(len(batches))
    assert standard_error[0] < 0.02 * np.linalg.norm(exact)  # small enough to tell
    assert abs(deviation / standard_error).max() < 4.5
