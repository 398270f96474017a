"""What is compared with what, and what came out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Side(NamedTuple):
    """One of two that are compared."""

    name: str
    steps: int  # that a call makes
    work: Callable[[], Callable[[], Any]]  # called before each round, not timed; what it returns is timed


class Row(NamedTuple):
    """A comparison; steps per second and ratio are medians of the rounds."""

    team: str
    engine: str
    engine_speed: float
    rival: str
    rival_speed: float
    ratio: float
