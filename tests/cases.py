"""Cases: a scenario and a floor plan as the dicts that tomllib gives, a policy, and their package objects."""

import tomllib
import warnings
from itertools import combinations, pairwise
from typing import NamedTuple

import naive
import numba
import numpy as np
import tomli_w
from naive import Toml

from cmarlsim import shipped
from cmarlsim.learning.mlp import MLP
from cmarlsim.learning.policy import Encoding, Policy
from cmarlsim.scenario import Scenario

COMPILED = not numba.config.DISABLE_JIT


class Case(NamedTuple):
    scenario: Toml
    floorplan: Toml
    policy: naive.Policy


def shipped_case(name: str) -> Case:
    """A shipped scenario with its floor plan, read without the package's own parser."""
    scenario = tomllib.loads((shipped.DATA / "scenarios" / f"{name}.toml").read_text("utf-8"))
    plan = tomllib.loads((shipped.DATA / "floorplans" / f"{scenario['floorplan']}.toml").read_text("utf-8"))
    return Case(scenario, plan, "rank")


def corridor(cells: int, agents: int) -> Case:
    """Square cells of one metre in a row, a zone in each; any two agents can talk now and then."""
    middle = [[i + 0.5, 0.5] for i in range(cells)]
    floorplan = {
        "name": "corridor",
        "walls": [],
        "tiles": [{"name": f"t{i}", "rectangle": [i, 0.0, i + 1.0, 1.0]} for i in range(cells)],
        "waypoints": [{"name": f"w{i}", "position": point} for i, point in enumerate(middle)],
        "edges": [[f"w{i}", f"w{i + 1}"] for i in range(cells - 1)],
    }
    scenario = {
        "name": "corridor",
        "floorplan": "corridor",
        "agents": {"N": agents, "speed": 1.0},
        "dual": {"alpha": 0.05, "eta": 0.8, "T0": 9},
        "links": {"model": "bernoulli", "p": 0.05, "footprint": "complete"},
        "zones": [
            {"name": f"z{i}", "center": point, "radius": 0.4, "c": i % 9 / 10}
            for i, point in enumerate(middle)
        ],
    }
    return Case(scenario, floorplan, "rank")


def scenario_of(case: Case) -> Scenario:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Theorem 1 does not apply")
        return Scenario.from_toml(tomli_w.dumps(case.scenario), tomli_w.dumps(case.floorplan), "a case")


def policy_of(case: Case) -> Policy:
    if case.policy == "rank":
        return Policy.load("rank")
    networks = MLP(*(case.policy[name] for name in MLP._fields))
    centres = np.array(naive.tile_centres(case.floorplan))
    low, high, scale = (case.policy[name] for name in ("low", "high", "scale_lam"))
    return Policy(networks, Encoding(centres, np.array(low), np.array(high), scale))


def footprint_pairs(scenario: Toml) -> list[tuple[int, int]]:
    """The pairs that may talk, in the order that uniforms are dealt to them."""
    N, footprint = scenario["agents"]["N"], scenario["links"].get("footprint", ())
    named = {
        "complete": list(combinations(range(N), 2)),
        "path": list(pairwise(range(N))),
        "cycle": [*pairwise(range(N)), *([(0, N - 1)] if N > 2 else [])],
        "star": [(0, j) for j in range(1, N)],
    }
    pairs = named[footprint] if isinstance(footprint, str) else footprint
    return sorted((min(pair), max(pair)) for pair in pairs)
