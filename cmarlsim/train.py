"""``python -m cmarlsim.train``: train a team's policy for a scenario."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import typer

from cmarlsim.errors import InputError, nearest, one_line
from cmarlsim.limits import free_bytes
from cmarlsim.policies.policy import Policy
from cmarlsim.randomness import check_seed
from cmarlsim.recordings.recorder import CHECKPOINT_SECONDS
from cmarlsim.scenario import Scenario, files_of
from cmarlsim.simulation.runs import check_checkpoint
from cmarlsim.storage.outputs import check_free
from cmarlsim.terminal.console import command, compilation_announced, progress_bar
from cmarlsim.terminal.interrupt import STOPPED, Stop
from cmarlsim.training import Training
from cmarlsim.training.checkpoint import already_made, checkpoint_of, go_on
from cmarlsim.training.learn import learn
from cmarlsim.training.memory_limits import check_training_memory
from cmarlsim.training.recipe import RECIPES, Recipe
from cmarlsim.training.work import agent_rollouts, training_work
from cmarlsim.validation import parse, setting_value


def train(
    scenario: Annotated[str, typer.Argument(help="A scenario's TOML file, or a shipped name.")] = "paper",
    seed: Annotated[int, typer.Option(help="Seed of the training.")] = 0,
    out: Annotated[Path, typer.Option(help="HDF5 file to write the policy to.")] = Path("policy.h5"),
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a scenario key: links.d=4."),
    ] = None,
    recipe: Annotated[
        str,
        typer.Option(help="'loop' trains under gossip; 'paper' as Section V, with shared multipliers."),
    ] = "loop",
    hyper: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help=f"Change one of {', '.join(Recipe.model_fields)}."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    checkpoint: Annotated[
        float, typer.Option(help="Seconds of work that may be lost when it is killed.")
    ] = CHECKPOINT_SECONDS,
    yes: Annotated[bool, typer.Option("--yes", help="Allow a training of more than a day.")] = False,
) -> int:
    """Train a team: pre-train one agent, copy it to all, let all learn in runs of Algorithm 2.

    Can be stopped with Ctrl-C; the same command continues where it was.
    """
    loaded = Scenario.load(scenario, set_ or ())
    chosen = _recipe(recipe, hyper or ())
    check_free(out, force=True, inputs=files_of(scenario, set_ or ()))
    check_seed(seed)
    check_checkpoint(checkpoint)
    check_training_memory(loaded, chosen)
    training_work(loaded, chosen).check(f"training '{loaded.name}'", free_bytes(out), yes)
    training = Training(loaded, seed, chosen)
    if not force and (made := already_made(training, out)):
        print(f"{out}: is there already, made by this training", file=sys.stderr)
        return _told(made, out)
    if go_on(training, out, force):
        print(f"continuing from {checkpoint_of(out)}", file=sys.stderr)
    with compilation_announced():
        training.prepare()
    done, total = 0, training.total
    work = agent_rollouts(chosen, loaded.agents.N, total)
    with Stop() as stop, progress_bar(f"{loaded.name}: training", work) as advance:
        print(f"training {loaded.name}: {total:,} iterations, seed {seed}", flush=True)

        def progress(training: Training) -> bool:
            nonlocal done
            before, done = done, agent_rollouts(chosen, loaded.agents.N, training.done)
            advance(done - before, _note(training))
            return not stop.asked

        policy = learn(
            loaded, seed, recipe=chosen, out=out, force=force, checkpoint=checkpoint, progress=progress
        )
    if policy.training["iterations_done"] != total:
        print(f"stopped; the same command continues from {checkpoint_of(out)}", file=sys.stderr)
        return STOPPED
    return _told(policy, out)


def _note(training: Training) -> str:
    """Say where a training is, and the best margin so far if there is one."""
    stage, margin = "done" if training.finished else training.stage.name, training.best.best_margin
    return f"{stage}, best margin {margin:+.3f}" if isfinite(margin) else stage


def _told(policy: Policy, out: Path) -> int:
    print(f"smallest margin on validation seeds, worst range: {policy.training['validation_margin']:+.3f}")
    print(f"policy: {out}")
    return 0


def _recipe(name: str, hyper: Sequence[str]) -> Recipe:
    if name not in RECIPES:
        known = ", ".join(RECIPES)
        raise InputError(f"--recipe {one_line(name, 80)}: must be one of {known}{nearest(name, RECIPES)}")
    changes = dict(_setting(text) for text in hyper)
    return parse(Recipe, RECIPES[name].model_dump() | changes, "--hyper")


def _setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"--hyper {one_line(text, 80)}: must be KEY=VALUE, for example teams=2")
    return key.strip(), setting_value(value, f"--hyper {text}")


if __name__ == "__main__":
    command(train)
