"""Which policy a command runs a scenario with."""

from __future__ import annotations

from cmarlsim.errors import InputError
from cmarlsim.policies.policy import RANK, Policy
from cmarlsim.scenario import Scenario

DEFAULT = "paper"
"""The shipped policy that a command takes if none is named."""


def fitting_policy(reference: str, scenario: Scenario, scenario_reference: str) -> Policy:
    """Load a policy that fits a scenario.

    Parameters
    ----------
    reference, scenario_reference : str
        What the user called the policy and the scenario: a file, or a shipped name.
    scenario : Scenario
        What it was loaded as.

    Raises
    ------
    InputError
        If the policy cannot be loaded, or does not fit.
    """
    policy = Policy.load(reference)
    try:
        policy.weights(scenario.agents.N, scenario.world)
    except InputError as error:
        raise InputError(
            f"--policy {reference}, scenario {scenario_reference}: {error} "
            f"(python -m cmarlsim.train {scenario_reference}, with the same --set), "
            "or use --policy rank, which fits every scenario"
        ) from None
    return policy


def usual_policy(scenario: Scenario) -> str:
    """Name of the shipped policy if it fits a scenario, else of the one that always does."""
    try:
        fitting_policy(DEFAULT, scenario, scenario.name)
    except InputError:
        return RANK
    return DEFAULT
