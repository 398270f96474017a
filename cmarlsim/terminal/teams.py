"""Which policy a command runs a scenario with."""

from __future__ import annotations

from cmarlsim.errors import InputError
from cmarlsim.policies.policy import RANK, Policy
from cmarlsim.scenario import Scenario

DEFAULT = "paper"
"""The shipped policy that a command takes if none is named."""


def fitting_policy(policy: str, scenario: str, world: Scenario) -> Policy:
    """Load a policy for a scenario that was named `scenario`.

    Raises
    ------
    InputError
        If it cannot be loaded, or does not fit.
    """
    team = Policy.load(policy)
    try:
        team.weights(world.agents.N, world.world)
    except InputError as error:
        raise InputError(
            f"--policy {policy}, scenario {scenario}: {error} "
            f"(python -m cmarlsim.train {scenario}, with the same --set), "
            "or use --policy rank, which fits every scenario"
        ) from None
    return team


def usual_policy(world: Scenario) -> str:
    """Name of the shipped policy if it fits a scenario, else of the one that always does."""
    try:
        fitting_policy(DEFAULT, world.name, world)
    except InputError:
        return RANK
    return DEFAULT
