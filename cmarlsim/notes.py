"""Notes of what goes on, for commands to show and for users of the package to ask for, as logging does it."""

from __future__ import annotations

import logging
import sys

log = logging.getLogger("cmarlsim")


class _Stderr(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        print(record.getMessage(), file=sys.stderr)


def notes_on_stderr() -> None:
    """Show notes on stderr, one line each."""
    if not log.handlers:
        log.addHandler(_Stderr())
    log.setLevel(logging.INFO)
