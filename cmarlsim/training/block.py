"""A stage of Algorithm 1: one agent learns, and all agents share multipliers that are sampled."""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.episodes import Episodes, new_episodes, run_episodes
from cmarlsim.kernels.scene import new_scene, new_steps
from cmarlsim.kernels.world import NEVER
from cmarlsim.learning.mlp import MLP
from cmarlsim.policies.policy import Policy
from cmarlsim.simulation.states import check_locations
from cmarlsim.training.arrays import Arrays, fill_arrays, named
from cmarlsim.training.learners import Learners, agent_of, copies_of, copy_of
from cmarlsim.training.locations import move
from cmarlsim.training.recipe import Stage, sample_multipliers
from cmarlsim.training.setup import TrainingSetup


class Block:
    """Block maximisation of the Lagrangian (13) over one agent's parameters.

    Parameters
    ----------
    address
        Number of the stage, which addresses its draws.
    networks
        Stacked over N agents. A stage with fewer agents takes the first ones, and its learner stands for all.
    baselines
        Stacked over one agent.
    """

    def __init__(
        self, setup: TrainingSetup, stage: Stage, address: int, networks: MLP, baselines: MLP
    ) -> None:
        scenario, recipe = setup.scenario, setup.recipe
        self._setup, self._stage, self._address = setup, stage, address
        self._networks, T0 = networks, scenario.dual.T0
        self.active = stage.active or 0
        learner = copies_of(agent_of(networks, self.active), 1)
        self.learners = Learners(setup, stage, learner, copy_of(baselines), recipe.episodes)
        self._site, rules = scenario.site, scenario.rules()
        self._rules = rules._replace(links=rules.links._replace(code=NEVER))
        team = MLP(*(array[: stage.agents] for array in networks))
        self._weights = Policy(team, setup.encoding).weights(stage.agents, self._site.world)
        self._scene = new_scene(self._site, self._rules, self._weights, stage.agents, T0)
        self._steps = new_steps(T0, stage.agents)
        shape = (recipe.episodes, stage.agents)
        self._locations = setup.draw_locations(setup.stream("places", address), shape)

    def step(self, iteration: int) -> None:
        """A batch of episodes, and one step uphill by Proposition 1's gradient.

        Raises
        ------
        DivergedError
            If the parameters are no longer finite.
        """
        generator = self._setup.stream("training", self._address, iteration)
        lam = sample_multipliers(generator, self._setup.recipe.episodes, self._setup.scenario.M)
        seen = self._setup.encoding.lam_input(lam)
        self.learners.learn(0, seen, seen, self._episodes(lam, generator).experience, iteration)
        self.learners.climb(iteration)
        self.learners.show(self._weights, self.active)

    def networks(self) -> MLP:
        """The whole team's present networks; copies of the learner's while it learns alone."""
        networks = copy_of(self._networks)
        agents = slice(None) if self._stage.agents < len(networks.b1) else slice(self.active, self.active + 1)
        for array, present in zip(networks, self.learners.policies, strict=True):
            array[agents] = present
        return networks

    def arrays(self) -> dict[str, np.ndarray]:
        """All that changes, as named arrays."""
        return named(places=self._locations) | self.learners.arrays()

    def restore(self, arrays: Arrays) -> None:
        """Continue from `arrays`."""
        fill_arrays(named(places=self._locations), arrays)
        check_locations(self._locations, self._site)
        self.learners.restore(arrays)
        self.learners.show(self._weights, self.active)

    def _episodes(self, lam: np.ndarray, generator: np.random.Generator) -> Episodes:
        """Half of the episodes begin anew on the waypoint graph, half where the last ones ended."""
        scenario, count = self._setup.scenario, len(lam)
        anew = np.zeros((count, self._stage.agents), dtype=bool)
        anew[: count // 2] = True
        move(self._locations, anew, self._setup, generator)
        uniform = generator.random((count, scenario.dual.T0, self._stage.agents))
        episodes = new_episodes(lam, self._locations, uniform)
        run_episodes(self._site, self._rules, self._weights, self.active, self._scene, self._steps, episodes)
        return episodes
