"""A stage of Algorithm 1: one agent learns, and all agents share multipliers that are sampled."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cmarlsim.kernels.episodes import Episodes, new_episodes, run_episodes
from cmarlsim.kernels.scene import new_scene, new_steps
from cmarlsim.kernels.world import NEVER
from cmarlsim.learning.mlp import MLP
from cmarlsim.policies.policy import Policy
from cmarlsim.training.learners import Learners, agent_of, copies_of, copy_of
from cmarlsim.training.places import fill_places, move
from cmarlsim.training.recipe import Stage, sample_multipliers
from cmarlsim.training.task import Task


class Block:
    """Block maximisation of the Lagrangian (13) over one agent's parameters.

    Parameters
    ----------
    address
        Of the stage's draws.
    team
        Stacked over N agents. A stage with fewer agents takes the first ones, and its learner stands for all.
    baselines
        Of one agent.
    """

    def __init__(self, task: Task, stage: Stage, address: int, team: MLP, baselines: MLP) -> None:
        scenario, recipe = task.scenario, task.recipe
        self._task, self._stage, self._address = task, stage, address
        self._team, T0 = team, scenario.dual.T0
        self.active = stage.active or 0
        learner = copies_of(agent_of(team, self.active), 1)
        self.learners = Learners(task, stage, learner, copy_of(baselines), recipe.episodes)
        self._site, rules = scenario.site, scenario.rules()
        self._rules = rules._replace(links=rules.links._replace(code=NEVER))
        networks = MLP(*(array[: stage.agents] for array in team))
        self._weights = Policy(networks, task.encoding).weights(stage.agents, self._site.world)
        self._scene = new_scene(self._site, self._rules, self._weights, stage.agents, T0)
        self._steps = new_steps(T0, stage.agents)
        self._places = task.start(task.stream("places", address), (recipe.episodes, stage.agents))

    def step(self, iteration: int) -> None:
        """A batch of episodes, and one step uphill by Proposition 1's gradient.

        Raises
        ------
        DivergedError
            If the parameters are no longer finite.
        """
        generator = self._task.stream("training", self._address, iteration)
        lam = sample_multipliers(generator, self._task.recipe.episodes, self._task.scenario.M)
        seen = self._task.encoding.lam_input(lam)
        self.learners.learn(0, seen, seen, self._episodes(lam, generator).experience, iteration)
        self.learners.climb(iteration)
        self.learners.show(self._weights, self.active)

    def team(self) -> MLP:
        """The whole team with the learner's present parameters; copies of them while it learns alone."""
        team = copy_of(self._team)
        agents = slice(None) if self._stage.agents < len(team.b1) else slice(self.active, self.active + 1)
        for array, present in zip(team, self.learners.policies, strict=True):
            array[agents] = present
        return team

    def arrays(self) -> dict[str, np.ndarray]:
        """All that changes, as named arrays."""
        places = {f"places/{field}": array for field, array in self._places._asdict().items()}
        return places | self.learners.arrays()

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Continue from `arrays`."""
        fill_places(self._places, arrays, self._site)
        self.learners.restore(arrays)
        self.learners.show(self._weights, self.active)

    def _episodes(self, lam: np.ndarray, generator: np.random.Generator) -> Episodes:
        """Half of the episodes begin anew on the waypoint graph, half where the last ones ended."""
        scenario, count = self._task.scenario, len(lam)
        anew = np.zeros((count, self._stage.agents), dtype=bool)
        anew[: count // 2] = True
        move(self._places, anew, self._task, generator)
        uniform = generator.random((count, scenario.dual.T0, self._stage.agents))
        episodes = new_episodes(lam, self._places, uniform)
        run_episodes(
            self._site,
            self._rules,
            self._weights,
            self.active,
            self._scene,
            self._steps,
            episodes,
        )
        return episodes
