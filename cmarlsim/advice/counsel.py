"""Asking: from a scenario and a policy to all statements and changes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cmarlsim.advice import promises
from cmarlsim.advice.changes import Ranges, changes
from cmarlsim.advice.practice import affordable, practise
from cmarlsim.advice.requirements import requirements, window
from cmarlsim.advice.shown import shown
from cmarlsim.advice.situation import Gossip, Situation, estimated_gossip, known_gossip
from cmarlsim.advice.statements import ESTIMATED, Change, Statement, plain
from cmarlsim.api import execute
from cmarlsim.errors import InputError
from cmarlsim.policies.policy import Policy
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import STEPS

FORMAT = "cmarlsim-advice/1"
TARGET = 0.05
"""Default of the error that is asked for."""

MOST_ESTIMATED = 200
"""Agents whose d_G and p are estimated from links by sight."""

MOST_RANGED = 64
"""Agents for whom other ranges are tried."""


@dataclass(frozen=True)
class Question:
    """What is asked of a scenario.

    Attributes
    ----------
    target
        E: satisfaction may be below thresholds by that much, a share of time.
    L
        Of Assumption 2; by default what is measured along the run.
    steps, seed
        Of the short run; by default as long as a run is, or as a few seconds allow.

    Raises
    ------
    InputError
        If a value is impossible.
    """

    target: float = TARGET
    L: float | None = None
    steps: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.target < 1:
            raise InputError(f"--target-error {self.target:g}: must be above 0 and below 1, a share of time")
        if self.L is not None and not 0 <= self.L < math.inf:
            raise InputError(f"--L {self.L:g}: must be 0 or more")


@dataclass(frozen=True)
class Advice:
    """Statements and changes, and what they are about."""

    scenario: Scenario
    policy: str
    question: Question
    steps: int  # of the run; 0 if none was made
    statements: list[Statement]
    changes: list[Change]
    requirements: dict[str, str]
    lacks_L: bool  # no L of Assumption 2 exists, though eq. (25) needs one

    def of(self, key: str) -> list[Statement]:
        """Statements of one key, zone after zone."""
        return [statement for statement in self.statements if statement.key == key]

    def json(self) -> dict[str, Any]:
        """For programs: docs/advise.md lists the keys."""
        return {
            "format": FORMAT,
            "scenario": self.scenario.name,
            "policy": self.policy,
            "zones": [zone.name for zone in self.scenario.zones],
            "target_error": self.question.target,
            "steps": self.steps,
            "seed": self.question.seed,
            "statements": [plain(statement) for statement in self.statements],
            "requirements": self.requirements,
            "changes": [plain(change) for change in self.changes],
        }


def ask(
    scenario: Scenario,
    policy: Policy,
    name: str,
    question: Question,
    progress: Callable[[int], object] = lambda runs: None,
) -> Advice:
    """Say what the theory promises a scenario, what a short run shows, and what would reach the target.

    Parameters
    ----------
    policy, name
        Must fit the scenario; and what it is called.
    progress
        Called with the number of runs made, after each.

    Raises
    ------
    InputError
        If a value of the question does not fit the scenario.
    """
    zones, N = [zone.name for zone in scenario.zones], scenario.agents.N
    steps = affordable(scenario, question.steps)
    run, recording = practise(scenario, policy, steps, question.seed) if steps else (None, None)
    progress(1)
    gossip = known_gossip(scenario.links, N)
    by_sight = gossip is None
    if gossip is None:
        if recording is None or N > MOST_ESTIMATED:
            words = f"not estimated: N = {N}, M = {scenario.M}, T0 = {scenario.dual.T0} take too long"
            gossip = Gossip(None, 0.0, ESTIMATED, words, known=False)
        else:
            gossip = estimated_gossip(recording)
    situation = Situation.of(scenario, gossip, policy)
    L = question.L if question.L is not None or run is None else run.L
    ranges = None
    if by_sight and steps and N <= MOST_RANGED:

        def estimate(d: float) -> Gossip:
            found = execute(scenario.at_range(d), policy, steps, question.seed, record="step")
            progress(1)
            return estimated_gossip(found)

        ranges = Ranges(float(scenario.links.d or 0), _extent(scenario), estimate)
    wanted = requirements(situation, question.target, L, measured=question.L is None)
    equation_25 = next(each for each in wanted if each.key == "equation_25")
    alpha = window(situation, question.target, equation_25)
    statements = [
        *promises.conditions(scenario),
        *promises.theorem1(situation, zones, question.target, L),
        *([alpha] if alpha else []),
        *promises.gossip(situation, zones, steps or STEPS, question.target),
        *(shown(run, situation, zones) if run else []),
    ]
    found = [
        change for requirement in wanted for change in changes(requirement, situation, scenario.links, ranges)
    ]
    about = {requirement.key: requirement.words for requirement in wanted}
    return Advice(scenario, name, question, steps, statements, found, about, situation.lacks_L)


def _extent(scenario: Scenario) -> float:
    """Metres within which all waypoints lie of each other, and so all agents."""
    return float(np.hypot(*np.ptp(scenario.floorplan.waypoint_positions(), axis=0)))
