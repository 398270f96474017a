"""Runs of Algorithm 2 in which Lemma 5 and Lemma 6, as they are printed, fail."""

from __future__ import annotations

import math

import numpy as np

from analysis.intervals import wilson
from cmarlsim.api import execute_batch
from cmarlsim.bounds.proposition4 import PathBounds
from cmarlsim.bounds.verdicts import CORRECTED, OURS, PRINTED, PROVEN, Statement
from cmarlsim.kernels.world import Floats
from cmarlsim.learning.mlp import MLP
from cmarlsim.policies.encoding import Encoding
from cmarlsim.policies.policy import Policy
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.prescribed import PrescribedRun

MEMORIES = 5
"""Rollouts that these runs last, in units of 1 / alpha."""

MOST_ROLLOUTS = 5000

STEEP = 100.0
"""Factor of logits with which an agent all but surely chooses the largest."""


def idle_team(scenario: Scenario, seed: int = 0) -> Floats:
    """Multipliers of (16) of a team that heads for the zone with the least threshold and stays there.

    Returns
    -------
    (K + 1, M) array
    """
    dual = scenario.dual
    K = min(MOST_ROLLOUTS, math.ceil(MEMORIES / dual.alpha))
    targets = np.broadcast_to(scenario.c.argmin(), (K * dual.T0, scenario.agents.N))
    ideal = PrescribedRun(scenario, targets, seed).advance(K, keep_steps=False).lam_ideal
    return np.concatenate([np.zeros((1, scenario.M)), ideal])


def lemma5_rows(scenario: Scenario) -> list[dict[str, object]]:
    """Norms of multipliers of a team that leaves all zones but one alone."""
    bounds = PathBounds(scenario.c, scenario.dual.alpha, scenario.dual.eta)
    norm = float(np.linalg.norm(idle_team(scenario), axis=1).max())
    quantity = "max_k ||lambda_k|| of a team that stays in one zone"
    forms = ((PRINTED, bounds.printed_U(), PROVEN), (CORRECTED, bounds.proven_U(), OURS))
    return [Statement("Lemma 5", form, quantity, U, basis).row(norm) for form, U, basis in forms]


def homebody(scenario: Scenario) -> Policy:
    """Policy on the plan `tiny`: agents that start on the left or right stay there, others go to the top."""
    encoding, N = Encoding.of(scenario.world, scale_lam=True), scenario.agents.N
    W1, W2 = np.zeros((scenario.M + 2, 2)), np.zeros((2, scenario.M))
    W1[-2] = -1, 1  # to the left, to the right
    W2[0, 0] = W2[1, 1] = 4 * STEEP
    b2 = np.array([0.0, 0.0, STEEP])
    alike = MLP(*(np.stack([part] * N) for part in (W1, np.zeros(2), W2, b2)))
    return Policy(alike, encoding)


def settled(runs: int = 40) -> tuple[float, Floats]:
    """Run `homebody` on the plan `tiny`, where each agent starts at one of four waypoints.

    With probability (3/4)^N nobody starts on the right: then that zone is never attended, and lambda tends
    to eta c / alpha. Otherwise it is always attended, and lambda = 0.

    Returns
    -------
    float, (runs,) array
        Of that zone: lim E lambda, so also the limit of its running means, C of Lemma 6; and running means.
    """
    scenario = Scenario.load("tiny")
    dual = scenario.dual
    chance = (1 - 1 / len(scenario.floorplan.waypoints)) ** scenario.agents.N
    steps = math.ceil(MEMORIES / dual.alpha) * dual.T0
    policy = homebody(scenario)
    batch = [(scenario, policy, seed) for seed in range(runs)]
    found = execute_batch(batch, steps, record="rollout")
    running = np.array([recording.lam_ideal[1:, 1].mean() for recording in found])
    return float(chance * dual.eta * scenario.c[1] / dual.alpha), running


def lemma6_rows() -> list[dict[str, object]]:
    """Chance of a running mean above C, although that of the means is C; Lemma 6 says it is 0."""
    expected, running = settled()
    above = int((running > expected).sum())
    low, high = wilson(above, len(running))
    quantity = "P(running mean of lambda_m > C), starts decide which zone an agent keeps (tiny)"
    statement = Statement("Lemma 6", PRINTED, quantity, 0.0, PROVEN)
    return [statement.row(above / len(running), float(low), float(high))]
