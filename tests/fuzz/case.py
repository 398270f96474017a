"""A case: what is tried, in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

Command = list[str]
"""A command of `cmarlsim`, or a module of `analysis` such as ``analysis.radio``, with its arguments."""


@dataclass
class Case:
    """Commands to be run in the present folder, which holds what they read.

    Attributes
    ----------
    story
        What was done to which file.
    commands
        One after the other, until one does not end with 0.
    may_change
        Patterns of the names that the commands may make or replace; all else must stay as it is.
    verify
        Says what is wrong with the results where all commands ended well; it is called in a child too.
    fresh
        Whether the commands need processes that have loaded nothing yet.
    environment
        Variables of the environment.
    """

    story: str
    commands: list[Command]
    may_change: tuple[str, ...] = ("out*", "results/*")
    verify: Callable[[], Iterable[str]] | None = None
    fresh: bool = False
    environment: dict[str, str] = field(default_factory=dict)
