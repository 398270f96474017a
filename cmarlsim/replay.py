"""``python -m cmarlsim.replay RUN.h5``: a film of a recorded run."""

from __future__ import annotations

import errno
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from cmarlsim.errors import InputError
from cmarlsim.recordings.recording import Recording
from cmarlsim.report.canvas import Canvas
from cmarlsim.report.film import find_ffmpeg, gif, mp4
from cmarlsim.report.moments import largest_multiplier, moments
from cmarlsim.storage.files import scratch_name
from cmarlsim.storage.outputs import check_free, take_name
from cmarlsim.terminal.console import command, compilation_announced, progress_bar
from cmarlsim.terminal.interrupt import Stop

FILM_STEPS = 400
"""Length of a film, unless asked otherwise."""

MOST_PICTURES = 25
"""Pictures per second of film: where more would be needed, steps are left out."""

MOST_FRAMES = 10**6
"""Pictures of a film: some hours of work."""

SLOWEST, FASTEST = 0.1, 1e6
"""Steps per second of film."""

SAMPLES = 6
"""Pictures from all over a film that say which colours it needs."""


def replay(
    recording: Annotated[Path, typer.Argument(metavar="RUN.h5", help="A recording at level step.")],
    out: Annotated[
        Path | None,
        typer.Option(help="GIF or MP4 file to write. [default: RUN.gif]", show_default=False),
    ] = None,
    first: Annotated[int, typer.Option("--from", help="The first step to show.")] = 0,
    last: Annotated[
        int | None,
        typer.Option(
            "--to", help=f"The step to end before. [default: {FILM_STEPS} after --from]", show_default=False
        ),
    ] = None,
    speed: Annotated[float, typer.Option(help="Steps per second of film.")] = 20.0,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> int:
    """Film a run: robots on the plan, links, attended zones, multipliers, satisfaction so far."""
    path = out or recording.parent / f"{recording.stem}.gif"
    if out and path.suffix not in (".gif", ".mp4"):
        raise InputError(f"--out {path}: must end in .gif or .mp4, such as {path.stem or 'run'}.gif")
    if not SLOWEST <= speed <= FASTEST:
        raise InputError(f"--speed {speed:g}: must be from {SLOWEST:g} to {FASTEST:g} steps per second")
    if path.suffix == ".mp4":
        find_ffmpeg()
    with compilation_announced():
        run = Recording.open(recording)
    with run:
        check_free(path, force, [recording])
        stride = math.ceil(speed / MOST_PICTURES)
        steps = _chosen(run, first, last)[::stride]
        if len(steps) > MOST_FRAMES:
            raise InputError(f"--to {last}: {len(steps):,} pictures, at most {MOST_FRAMES:,} are filmed")
        with _temporary(path) as temporary:
            _film(run, steps, speed / stride, temporary, path)
            take_name(temporary, path, force)
    print(f"film: {path} ({len(steps):,} pictures, {len(steps) * stride / speed:.0f} s)")
    return 0


def _chosen(run: Recording, first: int, last: int | None) -> range:
    """The steps to show, or InputError if they are not recorded."""
    if run.level != "step":
        raise InputError(
            f"{run.path}: recorded at level '{run.level}', which does not keep where the robots were; "
            "a film needs a run recorded with --record step"
        )
    if not 0 <= first < run.steps:
        raise InputError(f"--from {first}: must be a step of {run.path}: 0 to {run.steps - 1}")
    if last is None:
        last = min(first + FILM_STEPS, run.steps)
    if not first < last <= run.steps:
        raise InputError(
            f"--to {last}: must be more than --from {first} and at most {run.steps}, the steps of {run.path}"
        )
    return range(first, last)


def _film(run: Recording, steps: range, rate: float, temporary: Path, path: Path) -> None:
    """Write a film under a temporary name, in the format of `path`.

    Raises
    ------
    KeyboardInterrupt
        At the next picture after SIGINT or SIGTERM.
    """
    canvas = Canvas(run.scenario, largest_multiplier(run, steps))
    if path.suffix == ".mp4":
        film = mp4(temporary, rate, canvas.shape)
    else:
        some = steps[:: math.ceil(len(steps) / SAMPLES)]
        film = gif(temporary, rate, [canvas.draw(moment).copy() for moment in moments(run, some)])
    with Stop() as stop, progress_bar(f"filming {path.name}", len(steps)) as advance, film as write:
        for moment in moments(run, steps):
            if stop.asked:
                raise KeyboardInterrupt
            write(canvas.draw(moment))
            advance(1)


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """A name beside `path` under which nothing is left behind."""
    temporary = scratch_name(path)
    try:
        yield temporary
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped: no film was written") from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise InputError(f"{path}: the disk is full; no film was written") from None
    finally:
        temporary.unlink(missing_ok=True)


if __name__ == "__main__":
    command(replay)
