"""``cmarlsim run``, ``train``, ``import``, ``check``, ``sweep`` and others: the commands under one name."""

import sys
from typing import TYPE_CHECKING, Annotated

from cmarlsim.terminal.interrupt import end_at_once

if TYPE_CHECKING:
    import typer


def main() -> None:
    """Entry point of the console script."""
    end_at_once()
    application = _application()
    from cmarlsim.terminal.console import start

    start(application, sys.argv[1:] or ["--help"])


def _application() -> "typer.Typer":
    """Gather all commands; they are imported here so that `main` can prepare for Ctrl-C before."""
    import typer

    from cmarlsim.advise import advise
    from cmarlsim.check import check
    from cmarlsim.exporting import export
    from cmarlsim.importing import import_
    from cmarlsim.replay import replay
    from cmarlsim.rerun import rerun
    from cmarlsim.run import run
    from cmarlsim.sweep import application
    from cmarlsim.terminal.console import interruptible
    from cmarlsim.train import train
    from cmarlsim.version import __version__

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

    def show_version(asked: bool) -> None:
        if asked:
            print(f"cmarlsim {__version__}")
            raise typer.Exit

    @app.callback()
    def options(
        version: Annotated[
            bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version.")
        ] = False,
    ) -> None:
        """Simulation of teams that keep zones of a building covered, and training of their policies."""

    for command in (run, train, replay, rerun, advise, check, import_, export):
        app.command(command.__name__.rstrip("_"))(interruptible(command))
    app.add_typer(application(), name="sweep")
    return app


if __name__ == "__main__":
    main()
