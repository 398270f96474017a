"""Scenarios: a floor plan, a team, its zones and thresholds, and who can talk to whom."""

from cmarlsim.scenario.files import files_of
from cmarlsim.scenario.scenario import Scenario
from cmarlsim.scenario.tables import MOST_AGENTS, Agents, Dual, Links, Zone

__all__ = ["MOST_AGENTS", "Agents", "Dual", "Links", "Scenario", "Zone", "files_of"]
