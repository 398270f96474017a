"""Training a team from its beginning, or from a checkpoint, to its policy."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from cmarlsim.errors import ArgumentError, DivergedError
from cmarlsim.policies.policy import Policy
from cmarlsim.randomness import check_seed
from cmarlsim.recordings.recorder import CHECKPOINT_SECONDS
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.progress import Progress, shown
from cmarlsim.simulation.runs import check_checkpoint
from cmarlsim.storage.files import as_path
from cmarlsim.training import Training
from cmarlsim.training.checkpoint import already_made, checkpoint_of, go_on, save
from cmarlsim.training.recipe import Recipe
from cmarlsim.validation import names_checked

_BLOCK = 25


@names_checked
def learn(
    scenario: Scenario,
    seed: int = 0,
    *,
    recipe: Recipe | None = None,
    out: str | Path | None = None,
    force: bool = False,
    checkpoint: float = CHECKPOINT_SECONDS,
    progress: Callable[[Training], object] | bool = False,
) -> Policy:
    """Train a team's policy, in the stages of a recipe: Algorithm 1, then in the loop.

    Parameters
    ----------
    scenario, seed, recipe
        Same ones: same bits, on one processor type and set of versions; also after a stop and a resume.
    out
        HDF5 file to write. While training goes on, its state is kept in ``OUT.checkpoint``; where one is
        found, training continues from it. Where this training's policy is there already, nothing is done.
    force
        Replace an existing `out`.
    checkpoint
        Seconds of work that may be lost when the process is killed (or one iteration, if that takes longer).
    progress
        True shows on stderr how far the training is. Or a function, which is called every few iterations
        with the `Training`; it stops, resumable, where that returns False.

    Returns
    -------
    Policy
        The iterate with the largest smallest margin under gossip on validation seeds, so far.

    Raises
    ------
    DivergedError
        If numbers are not finite any more; the last good parameters are then in `out`.
    InputError
        If an argument has a value that it cannot have, `out` cannot be written, or the checkpoint is of
        another training.
    """
    if not isinstance(scenario, Scenario):
        raise ArgumentError("scenario", scenario, "must be a Scenario, such as Scenario.load gives")
    if not isinstance(recipe, Recipe | None):
        raise ArgumentError("recipe", recipe, "must be a cmarlsim.training.recipe.Recipe, or None")
    check_checkpoint(checkpoint)
    check_seed(seed)
    training = Training(scenario, seed, recipe or Recipe())
    path = None if out is None else as_path("out", out)
    if path is not None:
        if not force and (made := already_made(training, path)):
            return made
        go_on(training, path, force)
        save(training, checkpoint_of(path))  # that it can be written is known before any work is done
    report = (
        progress if callable(progress) else _by_iterations(shown(progress, scenario.name, training.total))
    )
    going, block = True, _BLOCK
    saved = now = time.monotonic()
    while going and not training.finished:
        began = now
        _advance(training, path, block)
        going = report(training) is not False
        now = time.monotonic()
        if now - began > checkpoint:
            block = max(1, block // 2)
        if path is not None and (not going or now - saved + (now - began) > checkpoint):
            save(training, checkpoint_of(path))
            saved = now
    policy = training.policy()
    if path is not None and training.finished:
        policy.save(path)
        checkpoint_of(path).unlink(missing_ok=True)
    return policy


def _by_iterations(progress: Progress) -> Callable[[Training], object]:
    """Progress of a training as the number of iterations since the last call."""
    done = 0

    def report(training: Training) -> object:
        nonlocal done
        more, done = training.done - done, training.done
        return progress(more)

    return report


def _advance(training: Training, path: Path | None, iterations: int) -> None:
    """Advance a training; if it diverges, save what was good."""
    try:
        training.advance(iterations)
    except DivergedError as error:
        if path is None:
            raise
        training.policy().save(path)
        checkpoint_of(path).unlink(missing_ok=True)
        raise DivergedError(f"{error}; the last good parameters are in {path}") from None
