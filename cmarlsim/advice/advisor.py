"""The advisor: from a scenario and a policy to statements about them, and to changes that would help."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from cmarlsim.advice.changes import REQUIREMENTS, Change, changes
from cmarlsim.advice.connectivity import Connectivity, estimated_connectivity, known_connectivity
from cmarlsim.advice.parameters import Parameters
from cmarlsim.advice.short_run import ShortRun, affordable_steps, run_and_measure
from cmarlsim.advice.statements import Row, conditions, gossip, shown, theorem1
from cmarlsim.api import execute
from cmarlsim.bounds.verdicts import ESTIMATED
from cmarlsim.errors import ArgumentError
from cmarlsim.policies.policy import Policy
from cmarlsim.recordings.recording import Recording
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import STEPS

FORMAT = "cmarlsim-advice/2"
TARGET = 0.05
"""Default of the error that is asked for."""

MOST_ESTIMATED = 200
"""Most agents whose d_G and p are estimated from links by sight."""

MOST_RANGED = 64
"""Most agents for whom other ranges are tried."""


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
    run: ShortRun | None  # None if the scenario is too large to try
    statements: list[Row]
    changes: list[Change]

    def of(self, key: str, form: str | None = None) -> list[Row]:
        """Statements of one key, and of one form if it is given, zone after zone."""
        return [each for each in self.statements if each["key"] == key and form in (None, each["form"])]

    def json(self) -> dict[str, Any]:
        """Fields for programs: docs/advise.md lists the keys."""
        radio, target = self.theory.connectivity, self.question.target_error
        return {
            "format": FORMAT,
            "scenario": self.scenario.name,
            "policy": self.policy,
            "zones": [zone.name for zone in self.scenario.zones],
            "target_error": target,
            "steps": self.run.steps if self.run else 0,
            "seed": self.question.seed,
            "L": self.question.L,
            "d_G": {"value": radio.d_G, "basis": radio.basis, "words": radio.words},
            "p": {"value": radio.p, "basis": radio.basis},
            "statements": [_plain(row) for row in self.statements],
            "requirements": {key: words.format(target) for key, words in REQUIREMENTS.items()},
            "changes": [_plain(asdict(change)) for change in self.changes],
        }


def _plain(row: Row) -> Row:
    """Fields for JSON, which knows no infinity: None stands for it, as for what is not a number."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }


def ask(scenario: Scenario, policy: Policy, name: str, question: Question) -> Advice:
    """Say what the theory promises a scenario, what a short run shows, and what would reach the target.

    Parameters
    ----------
    policy, name
        Must fit the scenario; and what it is called.

    Raises
    ------
    ArgumentError
        If a value of the question does not fit the scenario.
    """
    zones, target = [zone.name for zone in scenario.zones], question.target_error
    steps = affordable_steps(scenario, question.steps)
    run, recording = run_and_measure(scenario, policy, steps, question.seed) if steps else (None, None)
    theory = Parameters.of(scenario, _connectivity(scenario, recording), policy)
    statements = [
        *conditions(scenario),
        *theorem1(theory, zones, target, question.L, run),
        *gossip(theory, zones, steps or STEPS, run),
        *(shown(theory, zones, run) if run else []),
    ]

    def estimate(d: float) -> Connectivity:
        found = execute(scenario.at_range(d), policy, steps, question.seed, record="step")
        return estimated_connectivity(found)

    affordable = steps and scenario.agents.N <= MOST_RANGED
    found = changes(theory, target, scenario, estimate if affordable else None)
    return Advice(scenario, name, question, theory, run, statements, found)


def _connectivity(scenario: Scenario, recording: Recording | None) -> Connectivity:
    """Connectivity as the scenario says, or as estimated from a run."""
    N = scenario.agents.N
    known = known_connectivity(scenario.links, N)
    if known is not None:
        return known
    if recording is None or N > MOST_ESTIMATED:
        words = f"N = {N}, M = {scenario.M}, T0 = {scenario.dual.T0} take too long to estimate d_G and p"
        return Connectivity(None, 0.0, ESTIMATED, words)
    return estimated_connectivity(recording)
