"""A team in training: its way through the stages, and its best iterate."""

from __future__ import annotations

import numpy as np

from cmarlsim.learning.mlp import MLP, initial
from cmarlsim.policies.policy import Policy
from cmarlsim.simulation.execution import Run
from cmarlsim.training.arrays import Arrays, fill_arrays, named, within
from cmarlsim.training.block import Block
from cmarlsim.training.learners import copies_of, copy_of
from cmarlsim.training.loop import Loop
from cmarlsim.training.recipe import Stage, initial_policy, stages
from cmarlsim.training.setup import TrainingSetup

VALIDATION_SEED = 2**40
"""First of the execution seeds that iterates are chosen by; never use them to evaluate a policy."""


class Candidate:
    """A team in training, advanced iteration by iteration; one of several from which the best is taken.

    Every iteration draws from its own stream, so that a candidate restored from `state` continues bit for
    bit.
    """

    def __init__(self, setup: TrainingSetup) -> None:
        self.setup = setup
        scenario, recipe = setup.scenario, setup.recipe
        self.stages = stages(recipe, scenario.agents.N)
        self.stage_index, self.iteration = 0, 0
        self.best_margin = -np.inf
        generator = setup.stream("initial")
        first = initial_policy(scenario.M, recipe, generator)
        self.networks = copies_of(first, scenario.agents.N)
        self.baselines = copies_of(initial(scenario.M + 2, recipe.baseline_hidden, 1, generator), 1)
        self.best = copy_of(self.networks)
        self.work = self._work()

    @property
    def total(self) -> int:
        """Iterations of all stages."""
        return sum(stage.iterations for stage in self.stages)

    @property
    def done(self) -> int:
        """Iterations done so far."""
        return sum(stage.iterations for stage in self.stages[: self.stage_index]) + self.iteration

    @property
    def stage(self) -> Stage:
        """The present stage."""
        return self.stages[self.stage_index]

    @property
    def finished(self) -> bool:
        """Whether all stages are done."""
        return self.stage_index == len(self.stages)

    def step(self) -> None:
        """One iteration of the present stage.

        Raises
        ------
        DivergedError
            If the parameters are no longer finite.
        """
        stage = self.stage
        self.work.step(self.iteration)
        self.iteration += 1
        last = self.iteration == stage.iterations
        settled = stage.agents > 1 or 2 * self.iteration >= stage.iterations
        if last or (settled and self.iteration % self.setup.recipe.validate_every == 0):
            self._validate()
        if last:
            self.networks = self.work.networks()
            if isinstance(self.work, Block):
                self.baselines = self.work.learners.baselines
            self.stage_index += 1
            self.iteration = 0
            if not self.finished:
                self.work = self._work()

    def chosen(self) -> MLP:
        """The iterate with the best margin so far; before the first validation, the present parameters."""
        if self.best_margin == -np.inf:
            return self.work.networks()
        return self.best

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes during training, as named arrays."""
        arrays = self._network_arrays() | {
            "progress": np.array([self.stage_index, self.iteration], dtype=np.int64),
            "best_margin": np.array(self.best_margin),
        }
        if not self.finished:
            arrays |= {f"stage/{name}": array for name, array in self.work.arrays().items()}
        return arrays

    def restore(self, state: Arrays) -> None:
        """Continue from a `state` of a candidate with the same setup.

        Raises
        ------
        LookupError, ValueError, TypeError
            If `state` is not complete.
        """
        self.stage_index, self.iteration = (int(value) for value in state["progress"])
        lengths = [*(stage.iterations for stage in self.stages), 1]
        if not (0 <= self.stage_index < len(lengths) and 0 <= self.iteration < lengths[self.stage_index]):
            raise ValueError(f"progress = {state['progress']}: there is no such iteration")
        self.best_margin = float(state["best_margin"])
        fill_arrays(self._network_arrays(), state)
        if not self.finished:
            self.work = self._work()
            self.work.restore(within("stage", state))

    def _network_arrays(self) -> dict[str, np.ndarray]:
        return named(networks=self.networks, baselines=self.baselines, best=self.best)

    def _work(self) -> Block | Loop:
        kind = Loop if self.stage.active is None else Block
        return kind(self.setup, self.stage, self.stage_index, self.networks, self.baselines)

    def _validate(self) -> None:
        """Keep the present networks if their smallest margin, at the worst range, is the best so far."""
        networks, recipe = self.work.networks(), self.setup.recipe
        policy = Policy(networks, self.setup.encoding)
        margin = np.inf
        for scenario in self.setup.ranged:
            margins = []
            for i in range(recipe.validation_runs):
                run = Run(scenario, policy, VALIDATION_SEED + i)
                chunk = run.advance(recipe.validation_rollouts, keep_steps=False)
                margins.append((chunk.reward_mean.mean(axis=0) - scenario.c).min())
            margin = min(margin, float(np.mean(margins)))
        if margin > self.best_margin:
            self.best_margin = margin
            self.best = networks
