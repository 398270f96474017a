"""Cooperative multi-agent assignment over stochastic graphs, simulated.

The names below are loaded on first use, so that ``import cmarlsim`` itself costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from cmarlsim.version import __version__

if TYPE_CHECKING:
    from cmarlsim.api import execute, execute_batch, learn
    from cmarlsim.errors import InputError
    from cmarlsim.policies.policy import Policy
    from cmarlsim.recordings.recording import Recording
    from cmarlsim.scenario import Scenario
    from cmarlsim.tiled_scenarios import tiled

_HOME = {
    "InputError": "cmarlsim.errors",
    "Policy": "cmarlsim.policies.policy",
    "Recording": "cmarlsim.recordings.recording",
    "Scenario": "cmarlsim.scenario",
    "execute": "cmarlsim.api",
    "execute_batch": "cmarlsim.api",
    "learn": "cmarlsim.api",
    "tiled": "cmarlsim.tiled_scenarios",
}

__all__ = [
    "InputError",
    "Policy",
    "Recording",
    "Scenario",
    "__version__",
    "execute",
    "execute_batch",
    "learn",
    "tiled",
]


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'cmarlsim' has no attribute '{name}'")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
