"""Algorithm 1 as Section V runs it: one agent is pre-trained, copied to all, then agents retrain in turn."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cmarlsim.errors import InputError
from cmarlsim.execution import Run
from cmarlsim.kernels.episodes import Episodes, new_episodes, run_episodes
from cmarlsim.kernels.scene import new_scene, new_steps
from cmarlsim.kernels.world import NEVER, Places, places_at
from cmarlsim.learning.adam import Moments, ascend, fresh_moments
from cmarlsim.learning.gradients import Gradients
from cmarlsim.learning.mlp import MLP, initial
from cmarlsim.learning.policy import Encoding, Policy
from cmarlsim.learning.recipe import Recipe, Stage, initial_policy, sample_multipliers, stages
from cmarlsim.provenance import versions
from cmarlsim.randomness import stream
from cmarlsim.scenario import Scenario

VALIDATION_SEED = 2**40
"""First of the execution seeds that iterates are chosen by; never use them to evaluate a policy."""


class Training:
    """Algorithm 1, advanced iteration by iteration.

    Every iteration draws from its own stream, so that a training restored from `state` continues bit for
    bit.

    Parameters
    ----------
    scenario, seed, recipe
        Determine every bit of the result (on one processor type).
    """

    def __init__(self, scenario: Scenario, seed: int, recipe: Recipe) -> None:
        self.scenario, self.seed, self.recipe = scenario, seed, recipe
        self.stages = stages(recipe, scenario.agents.N)
        self.stage_index, self.iteration = 0, 0
        self.best_margin = -np.inf
        self._site, rules = scenario.site, scenario.rules()
        self._rules = rules._replace(links=rules.links._replace(code=NEVER))
        self.encoding = Encoding.of(self._site.world, recipe.scale_lam)
        generator, M = stream(seed, "initial"), scenario.M
        shape = (recipe.episodes, scenario.dual.T0, M)
        self._gradients = Gradients(self.encoding.tile_input(), shape, recipe.hidden, recipe.baseline_hidden)
        self.learner = initial_policy(M, recipe, generator)
        self.team = MLP(*(np.repeat(array[None], scenario.agents.N, axis=0) for array in self.learner))
        self.best = MLP(*(array.copy() for array in self.team))
        self.baseline = initial(M + 2, recipe.baseline_hidden, 1, generator)
        self.learner_moments: Moments
        self.baseline_moments = fresh_moments(self.baseline)
        self._enter_stage()

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

    def prepare(self) -> None:
        """Have all kernels compiled, by running them on no episodes and no rollouts."""
        self._episodes(np.empty((0, self.scenario.M)), stream(self.seed, "nothing"))
        team = Policy(self.team, self.encoding)
        Run(self.scenario, team, VALIDATION_SEED).advance(0, keep_steps=False)

    def step(self) -> None:
        """One iteration of the present stage: a batch of episodes, and one step uphill."""
        stage = self.stage
        generator = stream(self.seed, "training", self.stage_index, self.iteration)
        lam = sample_multipliers(generator, self.recipe.episodes, self.scenario.M)
        with np.errstate(all="ignore"):  # whether all is finite is checked, in one place
            self._learn(lam, self._episodes(lam, generator))
        self.iteration += 1
        last = self.iteration == stage.iterations
        settled = stage.agents > 1 or 2 * self.iteration >= stage.iterations
        if last or (settled and self.iteration % self.recipe.validate_every == 0):
            self._validate()
        if last:
            self.team = self._team_now()
            self.stage_index += 1
            self.iteration = 0
            if not self.finished:
                self._enter_stage()

    @property
    def made_with(self) -> dict[str, object]:
        """What the training is determined by, as attributes of a file."""
        return {
            "scenario": self.scenario.to_toml(),
            "floorplan": self.scenario.floorplan.to_toml(),
            "seed": self.seed,
            **{f"recipe_{name}": value for name, value in self.recipe.model_dump().items()},
            **versions(),
        }

    def policy(self) -> Policy:
        """The team whose smallest margin under gossip was the best so far, with how it was trained."""
        progress = {"iterations_done": self.done, "validation_margin": self.best_margin}
        return Policy(self.best, self.encoding, self.made_with | progress)

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes during training, as named arrays."""
        arrays = {
            "progress": np.array([self.stage_index, self.iteration], dtype=np.int64),
            "best_margin": np.array(self.best_margin),
            "moment_steps": np.array([self.learner_moments.steps, self.baseline_moments.steps]),
        }
        for name, group in self._groups().items():
            arrays |= {f"{name}/{field}": array for field, array in group._asdict().items()}
        return arrays

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from a `state` of a training with the same scenario, seed and recipe.

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
        learner_steps, baseline_steps = (int(value) for value in state["moment_steps"])
        _fill(self.team, "team", state)
        if not self.finished:
            self._enter_stage()
        for name, group in self._groups().items():
            _fill(group, name, state)
        if not self.finished and not self._lie_on_the_graph(self._places):
            raise ValueError("places/node, edge or offset: off the waypoint graph")
        self.learner_moments = self.learner_moments._replace(steps=learner_steps)
        self.baseline_moments = self.baseline_moments._replace(steps=baseline_steps)
        self._show_learner()

    def _lie_on_the_graph(self, places: Places) -> bool:
        world, atlas = self._site.world, self._site.atlas
        if len(atlas.tile):
            return bool(((places.node >= 0) & (places.node < len(atlas.tile))).all())
        at_node = (places.node >= 0) & (places.node < len(world.waypoint))
        edge = np.clip(places.edge, 0, max(len(world.edge) - 1, 0))
        length = world.edge_ticks[edge] if len(world.edge) else np.zeros_like(edge)
        on_edge = (places.node == -1) & (edge == places.edge) & (places.offset > 0) & (places.offset < length)
        return bool((at_node | on_edge).all())

    def _groups(self) -> dict[str, MLP | Places]:
        result: dict[str, MLP | Places] = {"team": self.team, "best": self.best}
        if self.finished:
            return result
        return result | {
            "learner": self.learner,
            "learner_mean": self.learner_moments.mean,
            "learner_square": self.learner_moments.square,
            "baseline": self.baseline,
            "baseline_mean": self.baseline_moments.mean,
            "baseline_square": self.baseline_moments.square,
            "places": self._places,
        }

    def _enter_stage(self) -> None:
        """Hand the active token to the stage's agent: its parameters, fresh moments, fresh places."""
        stage, T0 = self.stage, self.scenario.dual.T0
        self.learner = MLP(*(array[stage.active].copy() for array in self.team))
        self.learner_moments = fresh_moments(self.learner)
        networks = MLP(*(array[: stage.agents] for array in self.team))
        self._weights = Policy(networks, self.encoding).weights(stage.agents, self._site.world)
        self._scene = new_scene(self._site, self._rules, self._weights, stage.agents, T0)
        self._steps = new_steps(T0, stage.agents)
        self._places = self._fresh_places(stream(self.seed, "places", self.stage_index), self.recipe.episodes)

    def _fresh_places(self, generator: np.random.Generator, episodes: int) -> Places:
        waypoints = len(self.scenario.floorplan.waypoints)
        return places_at(generator.integers(waypoints, size=(episodes, self.stage.agents)))

    def _episodes(self, lam: np.ndarray, generator: np.random.Generator) -> Episodes:
        """Half of the episodes begin anew on the waypoint graph, half where the last ones ended."""
        scenario, count = self.scenario, len(lam)
        anew = self._fresh_places(generator, count // 2)
        for array, start in zip(self._places, anew, strict=True):
            array[: count // 2] = start
        uniform = generator.random((count, scenario.dual.T0, self.stage.agents))
        episodes = new_episodes(lam, self._places, uniform)
        run_episodes(
            self._site,
            self._rules,
            self._weights,
            self.stage.active,
            self._scene,
            self._steps,
            episodes,
        )
        return episodes

    def _learn(self, lam: np.ndarray, episodes: Episodes) -> None:
        """Ascend Proposition 1's gradient with the sampled local Q minus the learned baseline.

        Raises
        ------
        InputError
            If the parameters are no longer finite.
        """
        stage, recipe = self.stage, self.recipe
        share = self.iteration / max(stage.iterations - 1, 1)
        entropy, rate = (first + share * (last - first) for first, last in (stage.entropy, stage.rate))
        gradient, error = self._gradients.of_batch(
            self.learner, self.baseline, lam, episodes, recipe.discount, entropy
        )
        self.learner_moments = ascend(self.learner, gradient, self.learner_moments, rate)
        self.baseline_moments = ascend(self.baseline, error, self.baseline_moments, recipe.baseline_rate)
        if not np.isfinite(self.learner.W2).all():
            raise InputError(f"training diverged ({stage.name}, iteration {self.iteration}): lower the rates")
        self._show_learner()

    def _show_learner(self) -> None:
        """Copy the learner's parameters to where the kernels read them."""
        if not self.finished:
            shown = self.learner._replace(W2=self.learner.W2.T)
            for name, array in shown._asdict().items():
                getattr(self._weights, name)[self.stage.active] = array

    def _team_now(self) -> MLP:
        """The whole team with the learner's present parameters; copies of them while it learns alone."""
        team = MLP(*(array.copy() for array in self.team))
        agents = slice(None) if self.stage.agents < self.scenario.agents.N else self.stage.active
        for array, present in zip(team, self.learner, strict=True):
            array[agents] = present
        return team

    def _validate(self) -> None:
        """Keep the present team if its smallest margin under gossip is the best so far."""
        policy = Policy(self._team_now(), self.encoding)
        margins = []
        for i in range(self.recipe.validation_runs):
            run = Run(self.scenario, policy, VALIDATION_SEED + i)
            trace = run.advance(self.recipe.validation_rollouts, keep_steps=False)
            margins.append((trace.reward_mean.mean(axis=0) - self.scenario.c).min())
        margin = float(np.mean(margins))
        if margin > self.best_margin:
            self.best_margin = margin
            self.best = MLP(*(array.copy() for array in policy.networks or ()))


def _fill(group: MLP | Places, name: str, state: Mapping[str, np.ndarray]) -> None:
    """Copy the arrays of `state` that belong to the group `name` into its own."""
    for field, array in group._asdict().items():
        saved = state[f"{name}/{field}"]
        if saved.shape != array.shape:
            raise ValueError(f"{name}/{field} has shape {saved.shape}, not {array.shape}")
        array[...] = saved
