"""The engine against two rivals, on the same draws; each rival's work is checked to be the engine's."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import naive
import numpy as np
import pytest
from rivals.numpy_steps import NumpySteps
from sides import Side

from cmarlsim import Policy, Scenario, execute
from cmarlsim.randomness import stream, uniforms
from cmarlsim.simulation.execution import STEPS, Run

SEED = 0
TEAMS = ["1 (rank)", "5 (rank)", "50 (rank)", "5 (trained)"]
NUMPY_ROLLOUTS, LARGE_TEAM_ROLLOUTS, TWIN_ROLLOUTS = 100, 20, 2

pytestmark = pytest.mark.filterwarnings("ignore:.*Theorem 1 does not apply")
InTurn = Callable[[str, Side, Side], None]


def load(team: str) -> tuple[Scenario, Policy]:
    """The paper's scenario with so many agents, and their policy."""
    agents, _, policy = team.partition(" ")
    reference = "paper" if policy == "(trained)" else "rank"
    return Scenario.load("paper", [f"agents.N={agents}"]), Policy.load(reference)


def draws(scenario: Scenario, rollouts: int) -> tuple[np.ndarray, np.ndarray]:
    """Where a run with the seed begins, and its uniforms."""
    N, T0 = scenario.agents.N, scenario.dual.T0
    start = stream(SEED, "start").integers(len(scenario.floorplan.waypoints), size=N)
    return start, uniforms(SEED, "action", 0, rollouts, (T0, N))


def engine(scenario: Scenario, policy: Policy, rollouts: int) -> Side:
    """The engine, nothing recorded."""

    def work() -> Callable[[], Any]:
        return partial(Run(scenario, policy, SEED).advance, rollouts, keep_steps=False)

    work()()  # compiled
    return Side("nothing kept", rollouts * scenario.dual.T0, work)


def numpy_rival(scenario: Scenario, policy: Policy, rollouts: int) -> Side:
    """NumPy, checked to do what the engine does; what it tabulates is not timed."""
    rival = NumpySteps(scenario, policy)

    def run() -> Any:
        return rival.run(*draws(scenario, rollouts))

    result, chunk = run(), Run(scenario, policy, SEED).advance(rollouts, keep_steps=True)
    assert np.array_equal(result.reward, chunk.reward)
    assert np.array_equal(result.lam, chunk.lam)
    assert np.array_equal(result.lam_ideal, chunk.lam_ideal)
    return Side("NumPy", rollouts * scenario.dual.T0, lambda: run)


def twin_rival(scenario: Scenario, policy: Policy, rollouts: int) -> Side:
    """The plain twin, checked to do what the engine does."""
    weights: naive.Policy = "rank"
    if policy.networks and policy.encoding:
        encoding = policy.encoding
        weights = {name: getattr(encoding, name) for name in ("low", "high", "scale_lam", "lam_roots")}
        weights |= policy.networks._asdict()
    tables = tomllib.loads(scenario.to_toml()), tomllib.loads(scenario.floorplan.to_toml())

    def run() -> Any:
        return naive.simulate(*tables, weights, *draws(scenario, rollouts))

    result, chunk = run(), Run(scenario, policy, SEED).advance(rollouts, keep_steps=True)
    assert np.array_equal(result["reward"], chunk.reward)
    assert np.array_equal(result["lam"][1:], chunk.lam)
    return Side("plain twin", rollouts * scenario.dual.T0, lambda: run)


@pytest.mark.parametrize("team", TEAMS)
def test_engine_and_numpy(in_turn: InTurn, team: str) -> None:
    """NumPy runs the first of the rollouts that the engine runs."""
    scenario, policy = load(team)
    rollouts = LARGE_TEAM_ROLLOUTS if scenario.agents.N > 5 else NUMPY_ROLLOUTS
    in_turn(team, engine(scenario, policy, 4 * rollouts), numpy_rival(scenario, policy, rollouts))


@pytest.mark.parametrize("team", TEAMS)
def test_engine_and_twin(in_turn: InTurn, team: str) -> None:
    """The twin runs the first of the rollouts that the engine runs: more would take too long."""
    scenario, policy = load(team)
    rollouts = max(1, 2000 // scenario.agents.N)
    in_turn(team, engine(scenario, policy, rollouts), twin_rival(scenario, policy, TWIN_ROLLOUTS))


@pytest.mark.parametrize("place", ["memory", "a file"])
@pytest.mark.parametrize("record", ["summary", "rollout", "step"])
def test_recorded_run_and_numpy(in_turn: InTurn, tmp_path: Path, record: str, place: str) -> None:
    """A run of default length, in memory or into an HDF5 file, against NumPy that keeps nothing."""
    scenario, policy = load("5 (trained)")
    out = None if place == "memory" else tmp_path / "run.h5"
    run = partial(execute, scenario, policy, seed=SEED, out=out, record=record, force=True)

    def work() -> Callable[[], Any]:
        return lambda: run().close()

    work()()
    rival = numpy_rival(scenario, policy, LARGE_TEAM_ROLLOUTS)
    in_turn("5 (trained)", Side(f"execute, {record}, {place}", STEPS, work), rival)
