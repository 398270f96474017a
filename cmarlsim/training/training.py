"""Several candidates, trained side by side, from which the best is taken."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from cmarlsim.policies.policy import Policy
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import Run
from cmarlsim.storage.provenance import versions
from cmarlsim.training.arrays import Arrays, within
from cmarlsim.training.candidate import VALIDATION_SEED, Candidate
from cmarlsim.training.memory_limits import check_training_memory
from cmarlsim.training.recipe import Recipe, Stage
from cmarlsim.training.setup import TrainingSetup


class Training:
    """A training, advanced iteration by iteration.

    Candidates learn from draws of their own and never exchange anything, so the number of threads does not
    change a bit; the best iterate of all candidates is chosen.

    Parameters
    ----------
    scenario, seed, recipe
        Determine every bit of the result (on one processor type).

    Raises
    ------
    InputError
        If its arrays do not fit into memory.
    """

    def __init__(self, scenario: Scenario, seed: int, recipe: Recipe) -> None:
        check_training_memory(scenario, recipe)
        self.scenario, self.seed, self.recipe = scenario, seed, recipe
        setups = [TrainingSetup(scenario, recipe, seed, i) for i in range(recipe.teams)]
        self.candidates = [Candidate(setup) for setup in setups]

    @property
    def total(self) -> int:
        """Iterations of all stages of all candidates."""
        return sum(candidate.total for candidate in self.candidates)

    @property
    def done(self) -> int:
        """Iterations done so far."""
        return sum(candidate.done for candidate in self.candidates)

    @property
    def stage(self) -> Stage:
        """The present stage of the candidates, which keep step."""
        return self.candidates[0].stage

    @property
    def finished(self) -> bool:
        """Whether all stages are done."""
        return self.candidates[0].finished

    @property
    def best(self) -> Candidate:
        """The candidate with the best iterate so far."""
        return max(self.candidates, key=lambda candidate: candidate.best_margin)

    def prepare(self) -> None:
        """Have all kernels compiled, by a training of one iteration a stage and a run of no rollouts."""
        once = ("pretrain_iterations", "retrain_iterations", "teams", "validation_rollouts")
        slow = ("pretrain_rate", "retrain_rate", "loop_rate", "baseline_rate")  # it must not diverge
        least: dict[str, float] = dict.fromkeys(once, 1) | dict.fromkeys(slow, 1e-6)
        least |= {"episodes": 2, "loop_runs": 2 * len(self.recipe.ranges)}
        least["loop_iterations"] = min(1, self.recipe.loop_iterations)
        short = Training(self.scenario, self.seed, self.recipe.model_copy(update=least))
        while not short.finished:
            short.advance(1)
        Run(self.scenario, short.policy(), VALIDATION_SEED).advance(0, keep_steps=False)

    def advance(self, iterations: int) -> None:
        """Advance every candidate by `iterations`, or to its end, on all cores.

        Raises
        ------
        DivergedError
            If a candidate's parameters are no longer finite.
        """

        def go(candidate: Candidate) -> None:
            for _ in range(min(iterations, candidate.total - candidate.done)):
                candidate.step()

        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            for future in [pool.submit(go, candidate) for candidate in self.candidates]:
                future.result()

    @property
    def made_with(self) -> dict[str, object]:
        """What the training is determined by, as attributes of a file."""
        return {
            "scenario": self.scenario.to_toml(),
            "floorplan": self.scenario.floorplan.to_toml(),
            "seed": self.seed,
            **{f"recipe_{name}": _attribute(value) for name, value in self.recipe.model_dump().items()},
            **versions(),
        }

    def policy(self) -> Policy:
        """The best iterate so far, with how it was trained.

        The best has the largest smallest margin under gossip, at the worst of the recipe's ranges.
        """
        best = self.best
        progress = {"iterations_done": self.done, "validation_margin": best.best_margin}
        return Policy(best.chosen(), best.setup.encoding, self.made_with | progress)

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes during training, as named arrays."""
        return {
            f"{i}/{name}": array
            for i, candidate in enumerate(self.candidates)
            for name, array in candidate.state().items()
        }

    def restore(self, state: Arrays) -> None:
        """Continue from a `state` of a training with the same scenario, seed and recipe.

        Raises
        ------
        LookupError, ValueError, TypeError
            If `state` is not complete.
        """
        for i, candidate in enumerate(self.candidates):
            candidate.restore(within(f"{i}", state))


def _attribute(value: object) -> object:
    """A hyperparameter as an attribute of a file: lists as text."""
    return str(list(value)) if isinstance(value, tuple) else value
