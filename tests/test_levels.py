"""Levels side by side: no sight and no radio between them, however far the radio reaches."""

import buildings
import naive
import numpy as np
import pytest
from cases import Case, policy_of, scenario_of, simulated

from cmarlsim.simulation.execution import Run

pytestmark = pytest.mark.kernels


def with_range(seed: int, agents: int, snap: bool, d: float) -> Case:
    """A building of several levels whose radio would reach through all of it."""
    case = buildings.random_building(seed, "sight-or-disc")
    pace = {"speed": 1.0, "snap": 0.5} if snap else {"speed": 0.73}
    team = {"agents": {"N": agents} | pace, "links": {"model": "sight-or-disc", "d": d}}
    return case._replace(scenario=case.scenario | team, policy="rank")


SEVERAL = [
    seed
    for seed in range(40)
    if len(buildings.random_building(seed, "never").floorplan.get("levels", ())) > 1
][:4]


@pytest.mark.parametrize("snap", [False, True])
@pytest.mark.parametrize("agents", [12, 66])
@pytest.mark.parametrize("seed", SEVERAL)
def test_no_radio_reaches_another_level(seed: int, agents: int, snap: bool) -> None:
    case = with_range(seed, agents, snap, d=1000.0)
    assert not snap or len(scenario_of(case).numbered.tile)
    chunk = Run(scenario_of(case), policy_of(case), 1).advance(2, keep_steps=True)
    level = np.array([[naive.level_of(case.floorplan, x) for x in step] for step in chunk.position.tolist()])
    same = level[:, :, None] == level[:, None]
    assert (chunk.link == same & ~np.eye(agents, dtype=bool)).all()
    assert not same.all()


@pytest.mark.parametrize("seed", SEVERAL)
def test_runs_on_several_levels_are_those_of_the_twin(seed: int) -> None:
    """Also with people in lifts, who are on the level of the nearer end."""
    case = with_range(seed, 9, False, d=25.0)
    expected = simulated(case, 3, 3)
    chunk = Run(scenario_of(case), policy_of(case), 3).advance(3, keep_steps=True)
    assert (chunk.link == expected["link"]).all()
    np.testing.assert_allclose(chunk.position, expected["position"], rtol=0, atol=1e-12)
