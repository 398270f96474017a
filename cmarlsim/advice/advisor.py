"""The advisor: from a scenario and a policy to statements about them, and to changes that would help."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from cmarlsim.advice.changes import Change, changes
from cmarlsim.advice.connectivity import Connectivity, estimated_connectivity, known_connectivity
from cmarlsim.advice.parameters import Parameters
from cmarlsim.advice.short_run import ShortRun, affordable_steps, run_and_measure
from cmarlsim.advice.statements import Row, conditions, gossip, shown, theorem1
from cmarlsim.bounds.verdicts import ESTIMATED
from cmarlsim.errors import ArgumentError
from cmarlsim.policies.policy import Policy
from cmarlsim.randomness import check_seed
from cmarlsim.recordings.recording import Recording
from cmarlsim.scenario import Scenario

FORMAT = "cmarlsim-advice/2"
TARGET = 0.05
"""Default of the error that is asked for."""

LARGEST_L = 1e12
"""Largest L of Assumption 2 that can be given."""

MOST_ESTIMATED = 200
"""Most agents whose d_G and p are estimated from links by sight."""


@dataclass(frozen=True)
class Advice:
    """Statements and changes, and what they are about."""

    scenario: Scenario
    policy: str
    target_error: float
    L: float | None
    theory: Parameters
    run: ShortRun
    statements: list[Row]
    changes: list[Change]

    def of(self, key: str, form: str | None = None) -> list[Row]:
        """Statements of one key, and of one form if it is given, zone after zone."""
        return [each for each in self.statements if each["key"] == key and form in (None, each["form"])]

    def json(self) -> dict[str, Any]:
        """Fields for programs: docs/advise.md lists the keys."""
        radio = self.theory.connectivity
        return {
            "format": FORMAT,
            "scenario": self.scenario.name,
            "policy": self.policy,
            "zones": [zone.name for zone in self.scenario.zones],
            "target_error": self.target_error,
            "steps": self.run.steps,
            "L": self.L,
            "d_G": radio.d_G,
            "p": radio.p,
            "statements": [_finite(row) for row in self.statements],
            "changes": [_finite(change._asdict()) for change in self.changes],
        }


def _finite(row: Row) -> Row:
    """A row for JSON, which knows no infinity: None stands for it, as for what is not a number."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }


def ask(
    scenario: Scenario,
    policy: Policy,
    name: str,
    *,
    target_error: float = TARGET,
    L: float | None = None,
    steps: int | None = None,
    seed: int = 0,
) -> Advice:
    """Say what the theory promises a scenario, what a short run shows, and what would reach the target.

    Parameters
    ----------
    policy, name
        Must fit the scenario; and what it is called.
    target_error
        E: satisfaction may be below thresholds by that much, a share of time.
    L
        L of Assumption 2, None if unknown.
    steps, seed
        Length and seed of the short run; by default as long as a run is, or as a few seconds allow.

    Raises
    ------
    InputError
        If a value is impossible or does not fit the scenario, or it is too large to be run.
    """
    if not 0 < target_error < 1:
        raise ArgumentError("target_error", target_error, "must be above 0 and below 1, a share of time")
    if L is not None and not 0 <= L <= LARGEST_L:
        raise ArgumentError("L", L, f"must be from 0 to {LARGEST_L:g}")
    check_seed(seed)
    zones, steps = [zone.name for zone in scenario.zones], affordable_steps(scenario, steps)
    run, recording = run_and_measure(scenario, policy, steps, seed)
    theory = Parameters.of(scenario, _connectivity(scenario, recording), policy)
    statements = [
        *conditions(scenario),
        *theorem1(theory, zones, target_error, L, run),
        *gossip(theory, run),
        *shown(theory, zones, run),
    ]
    found = changes(theory, target_error, scenario.links, run.missed)
    return Advice(scenario, name, target_error, L, theory, run, statements, found)


def _connectivity(scenario: Scenario, recording: Recording) -> Connectivity:
    """Connectivity as the scenario says, or as estimated from a run."""
    N = scenario.agents.N
    known = known_connectivity(scenario.links, N)
    if known is not None:
        return known
    if N > MOST_ESTIMATED:
        return Connectivity(None, 0.0, ESTIMATED, f"N = {N} takes too long to estimate d_G and p")
    return estimated_connectivity(recording)
