"""``cmarlsim run``, ``train``, ``replay``, ``rerun``, ``advise``, ``sweep``: the commands under one name."""

from __future__ import annotations

import sys

import typer

from cmarlsim.advise import advise
from cmarlsim.replay import replay
from cmarlsim.rerun import rerun
from cmarlsim.run import run
from cmarlsim.sweep import application
from cmarlsim.terminal.console import interruptible, start
from cmarlsim.train import train


def main() -> None:
    """Entry point of the console script."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    for command in (run, train, replay, rerun, advise):
        app.command()(interruptible(command))
    app.add_typer(application(), name="sweep", help="Many runs from one file, on all cores or on Slurm.")
    start(app, sys.argv[1:] or ["--help"])


if __name__ == "__main__":
    main()
