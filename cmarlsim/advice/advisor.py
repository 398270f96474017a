"""The advisor: from a scenario and a policy to statements about them, and to changes that would help."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cmarlsim.advice.changes import Change, changes
from cmarlsim.advice.connectivity import Connectivity, estimated_connectivity, known_connectivity
from cmarlsim.advice.parameters import Parameters
from cmarlsim.advice.short_run import ShortRun, affordable_steps, run_and_measure
from cmarlsim.advice.statements import Row, conditions, gossip, shown, theorem1
from cmarlsim.bounds.verdicts import ESTIMATED
from cmarlsim.errors import ArgumentError
from cmarlsim.policies.policy import Policy
from cmarlsim.recordings.recording import Recording
from cmarlsim.scenario import Scenario

TARGET = 0.05
"""Default of the error that is asked for."""

MOST_ESTIMATED = 200
"""Most agents whose d_G and p are estimated from links by sight."""


@dataclass(frozen=True)
class Question:
    """What is asked of a scenario.

    Attributes
    ----------
    target_error
        E: satisfaction may be below thresholds by that much, a share of time.
    L
        L of Assumption 2, None if unknown.
    steps, seed
        Length and seed of the short run; by default as long as a run is, or as a few seconds allow.

    Raises
    ------
    ArgumentError
        If a value is impossible.
    """

    target_error: float = TARGET
    L: float | None = None
    steps: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.target_error < 1:
            problem = "must be above 0 and below 1, a share of time"
            raise ArgumentError("target_error", self.target_error, problem)
        if self.L is not None and not 0 <= self.L < math.inf:
            raise ArgumentError("L", self.L, "must be 0 or more")


@dataclass(frozen=True)
class Advice:
    """Statements and changes, and what they are about."""

    scenario: Scenario
    policy: str
    question: Question
    theory: Parameters
    run: ShortRun
    statements: list[Row]
    changes: list[Change]

    def of(self, key: str, form: str | None = None) -> list[Row]:
        """Statements of one key, and of one form if it is given, zone after zone."""
        return [each for each in self.statements if each["key"] == key and form in (None, each["form"])]


def ask(scenario: Scenario, policy: Policy, name: str, question: Question) -> Advice:
    """Say what the theory promises a scenario, what a short run shows, and what would reach the target.

    Parameters
    ----------
    policy, name
        Must fit the scenario; and what it is called.

    Raises
    ------
    InputError
        If a value of the question does not fit the scenario, or it is too large to be run.
    """
    zones, target = [zone.name for zone in scenario.zones], question.target_error
    steps = affordable_steps(scenario, question.steps)
    run, recording = run_and_measure(scenario, policy, steps, question.seed)
    theory = Parameters.of(scenario, _connectivity(scenario, recording), policy)
    statements = [
        *conditions(scenario),
        *theorem1(theory, zones, target, question.L, run),
        *gossip(theory, run),
        *shown(theory, zones, run),
    ]
    found = changes(theory, target, scenario.links, run.missed)
    return Advice(scenario, name, question, theory, run, statements, found)


def _connectivity(scenario: Scenario, recording: Recording) -> Connectivity:
    """Connectivity as the scenario says, or as estimated from a run."""
    N = scenario.agents.N
    known = known_connectivity(scenario.links, N)
    if known is not None:
        return known
    if N > MOST_ESTIMATED:
        return Connectivity(None, 0.0, ESTIMATED, f"N = {N} takes too long to estimate d_G and p")
    return estimated_connectivity(recording)
