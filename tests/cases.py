"""Cases: a scenario and a floor plan as the dicts that tomllib gives, a policy, and their package objects."""

import tomllib
import warnings
from itertools import combinations, pairwise
from pathlib import Path
from typing import NamedTuple

import h5py
import naive
import numba
import numpy as np
import tomli_w
from naive import Floats, Toml

from cmarlsim.learning.mlp import MLP
from cmarlsim.policies.encoding import Encoding
from cmarlsim.policies.policy import Policy
from cmarlsim.randomness import stream, uniforms
from cmarlsim.scenario import Scenario
from cmarlsim.scenario.tiled import tiled
from cmarlsim.storage import shipped
from cmarlsim.storage.seal import compressed_chunks, seal

COMPILED = not numba.config.DISABLE_JIT


LINK_MODELS: list[Toml] = [
    {"model": "sight-or-disc", "d": 5.0},
    {"model": "bernoulli", "p": 0.02, "footprint": "cycle"},
    {"model": "always"},
    {"model": "never"},
]
"""A scenario's `links` of every model."""


class Case(NamedTuple):
    scenario: Toml
    floorplan: Toml
    policy: naive.Policy


def shipped_case(name: str) -> Case:
    """A shipped scenario with its floor plan, read without the package's own parser."""
    scenario = tomllib.loads((shipped.DATA / "scenarios" / f"{name}.toml").read_text("utf-8"))
    plan = tomllib.loads((shipped.DATA / "floorplans" / f"{scenario['floorplan']}.toml").read_text("utf-8"))
    return Case(scenario, plan, "rank")


def case_of(scenario: Scenario) -> Case:
    """A scenario of the package as a case."""
    return Case(tomllib.loads(scenario.to_toml()), tomllib.loads(scenario.floorplan.to_toml()), "rank")


def two_copies() -> Case:
    """A building of two copies of the paper's plan."""
    return case_of(tiled(2, 1, N=9))


def own_observations(case: Case, position: Floats) -> np.ndarray:
    """(T, N, M) the zones that every agent is in, by the twin, from positions (T, N, 2)."""
    return np.array([[naive.zones_of(case.scenario, x) for x in step] for step in position.tolist()])


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


def trained_case() -> Case:
    """The paper's, with its trained policy."""
    with h5py.File(shipped.DATA / "policies" / "paper.h5") as file:
        weights = {name: file[f"weights/{name}"][...].astype(float) for name in MLP._fields}
        encoding = {name: file.attrs[name] for name in ("low", "high", "scale_lam")}
        encoding["lam_roots"] = file.attrs.get("lam_roots", 0)
    return shipped_case("paper")._replace(policy=weights | encoding)


def singles(array: Floats) -> Floats:
    """Weights as a policy keeps them: rounded to single precision."""
    return array.astype(np.float32).astype(float)


def network(generator: np.random.Generator, N: int, M: int, H: int) -> dict[str, Floats]:
    """Random weights of all agents."""
    return {
        "W1": singles(2 * generator.standard_normal((N, M + 2, H))),
        "b1": singles(generator.standard_normal((N, H))),
        "W2": singles(generator.standard_normal((N, H, M))),
        "b2": singles(generator.standard_normal((N, M))),
    }


def random_weights(case: Case, scale_lam: bool, lam_roots: int = 0) -> Case:
    N, M = case.scenario["agents"]["N"], len(case.scenario["zones"])
    weights = network(np.random.default_rng(5), N, M, H=8)
    encoding = {"low": [-2.0, 1.0], "high": [31.0, 15.0], "scale_lam": scale_lam, "lam_roots": lam_roots}
    return case._replace(policy=weights | encoding)


def with_logits(case: Case, factor: float) -> Case:
    """The case with all logits of its policy multiplied: by 100, actions hardly ever change on a tile."""
    if case.policy == "rank":
        return case
    return case._replace(
        policy=case.policy | {name: singles(factor * case.policy[name]) for name in ("W2", "b2")}
    )


def simulated(case: Case, seed: int, K: int) -> dict[str, np.ndarray]:
    """What the twin makes of the draws that a run with this seed uses."""
    N, T0, pairs = case.scenario["agents"]["N"], case.scenario["dual"]["T0"], footprint_pairs(case.scenario)
    return naive.simulate(
        case.scenario,
        case.floorplan,
        case.policy,
        stream(seed, "start").integers(len(case.floorplan["waypoints"]), size=N),
        uniforms(seed, "action", 0, K, (T0, N)),
        uniforms(seed, "link", 0, K, (T0, len(pairs))),
        pairs,
    )


def scenario_of(case: Case) -> Scenario:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Theorem 1 does not apply")
        return Scenario.from_toml(tomli_w.dumps(case.scenario), tomli_w.dumps(case.floorplan), "a case")


def policy_of(case: Case) -> Policy:
    if case.policy == "rank":
        return Policy.load("rank")
    networks = MLP(*(case.policy[name] for name in MLP._fields))
    centres = np.array(naive.tile_centres(case.floorplan))
    low, high, scale, roots = (case.policy[name] for name in ("low", "high", "scale_lam", "lam_roots"))
    return Policy(networks, Encoding(centres, np.array(low), np.array(high), scale, roots))


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


def seal_again(path: Path) -> None:
    """Seal an HDF5 file that was changed, as if it had been written so."""
    with h5py.File(path) as file:
        spared = compressed_chunks(file)
    with path.open("r+b") as file:
        seal(file.fileno(), spared)
