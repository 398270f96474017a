"""Notes of what goes on, for commands to show and for users of the package to ask for, as logging does it."""

from __future__ import annotations

import logging
import sys

log = logging.getLogger("cmarlsim")

_handler = logging.StreamHandler()


def notes_on_stderr() -> None:
    """Show notes on what is stderr now, one line each."""
    _handler.stream = sys.stderr
    log.addHandler(_handler)
    log.setLevel(logging.INFO)
