"""Notes of what goes on, for commands to show and for users of the package to ask for, as logging does it."""

from __future__ import annotations

import logging

log = logging.getLogger("cmarlsim")


def notes_on_stderr() -> None:
    """Show notes on stderr, one line each."""
    if not log.handlers:
        log.addHandler(logging.StreamHandler())
    log.setLevel(logging.INFO)
