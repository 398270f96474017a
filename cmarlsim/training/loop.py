"""Training in the loop: all agents learn while they gossip, in many runs of Algorithm 2 at once.

Each agent acts on its own multipliers as they evolve by (18), so it learns from what it will be fed. What it
earns is its difference reward, weighed by multipliers of the true rewards (16) for thresholds somewhat above
c: with those for c itself nothing would be earned as soon as all zones are kept, and margins would be small.
"""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.changes import longer
from cmarlsim.kernels.episodes import Experience
from cmarlsim.kernels.loop import new_runs, part_of_runs, run_in_the_loop
from cmarlsim.kernels.scene import Draws, new_chunk, new_scene
from cmarlsim.learning.mlp import MLP
from cmarlsim.policies.policy import Policy
from cmarlsim.randomness import draw_into
from cmarlsim.simulation.states import check_locations
from cmarlsim.training.arrays import Arrays, fill_arrays, named
from cmarlsim.training.learners import Learners, agent_of, copies_of, copy_of
from cmarlsim.training.locations import move
from cmarlsim.training.recipe import Stage, tightened
from cmarlsim.training.setup import TrainingSetup


class Loop:
    """Runs of Algorithm 2, with each range of the recipe in turn, in which the whole team learns.

    Parameters
    ----------
    address
        Number of the stage, which addresses its draws.
    networks
        Stacked over N agents.
    baselines
        Stacked over one agent: all begin with a copy of it.
    """

    def __init__(
        self, setup: TrainingSetup, stage: Stage, address: int, networks: MLP, baselines: MLP
    ) -> None:
        scenario, recipe = setup.scenario, setup.recipe
        self._setup, self._address = setup, address
        N, M, T0, B = stage.agents, scenario.M, scenario.dual.T0, recipe.loop_runs
        self.learners = Learners(
            setup, stage, copy_of(networks), copies_of(agent_of(baselines, 0), N), recipe.loop_runs
        )
        self.c_tight = tightened(scenario.c, N, recipe.tightening)
        self._sites = [(ranged.site, ranged.rules()) for ranged in setup.ranged]
        self._borders = np.linspace(0, B, len(self._sites) + 1).astype(int)
        self._weights = Policy(networks, setup.encoding).weights(N, scenario.world)
        self._scenes = [new_scene(site, rules, self._weights, N, T0) for site, rules in self._sites]
        self._nothing = new_chunk(0, 0, N, M)
        widths = (N, len(self._sites[0][1].links.footprint))
        self._draws = Draws(*(np.zeros((B, T0, width)) for width in widths))
        self.runs = new_runs(setup.draw_locations(setup.stream("places", address), (B, N)), M, T0)

    def step(self, iteration: int) -> None:
        """A rollout of every run, and one step uphill of every agent.

        Raises
        ------
        DivergedError
            If the parameters are no longer finite.
        """
        runs, encoding = self.runs, self._setup.encoding
        self._begin(iteration)
        lam, worth = encoding.lam_input(runs.lam), encoding.lam_input(runs.lam_tight)
        self._advance()
        B, N, T0 = runs.reward.shape
        for n in range(N):
            tile, action = (
                array[:, n].reshape(B, T0).astype(np.int64) for array in (runs.steps.tile, runs.steps.action)
            )
            own, reward = (np.ascontiguousarray(array[:, n]) for array in (lam, runs.reward))
            self.learners.learn(n, own, worth, Experience(tile, action, reward), iteration)
        self.learners.climb(iteration)
        self.learners.show(self._weights, 0)

    def networks(self) -> MLP:
        """The team's present networks."""
        return copy_of(self.learners.policies)

    def arrays(self) -> dict[str, np.ndarray]:
        """All that changes, as named arrays."""
        return self._run_arrays() | self.learners.arrays()

    def restore(self, arrays: Arrays) -> None:
        """Continue from `arrays`."""
        fill_arrays(self._run_arrays(), arrays)
        check_locations(self.runs.locations, self._sites[0][0])
        self.learners.restore(arrays)
        self.learners.show(self._weights, 0)

    def _run_arrays(self) -> dict[str, np.ndarray]:
        return named(places=self.runs.locations) | {"lam": self.runs.lam, "lam_tight": self.runs.lam_tight}

    def _begin(self, iteration: int) -> None:
        """Begin some runs anew, put some agents elsewhere, draw, and say what attending is worth."""
        runs, recipe = self.runs, self._setup.recipe
        generator = self._setup.stream("loop", self._address, iteration)
        B, N = runs.locations.node.shape
        anew = np.less(generator.random(B), recipe.loop_restart)
        runs.lam[anew] = 0.0
        runs.lam_tight[anew] = 0.0
        moved = (generator.random((B, N)) < recipe.loop_move) | anew[:, None]
        move(runs.locations, moved, self._setup, generator)
        for name, table in self._draws._asdict().items():
            address = f"loop/{self._setup.index}/{self._address}/{name}"
            draw_into(table, self._setup.seed, address, iteration * B)
        largest = runs.lam_tight.max(axis=1, keepdims=True)
        np.divide(runs.lam_tight, np.where(largest > 0, largest, 1.0), out=runs.worth)

    def _advance(self) -> None:
        for i, (site, rules) in enumerate(self._sites):
            first, last = self._borders[i : i + 2]
            runs = part_of_runs(self.runs, first, last)
            draws = Draws(*(table[first:last] for table in self._draws))
            self._scenes[i].clock[:] = 0, -1
            while not run_in_the_loop(
                site, rules, self.c_tight, self._weights, draws, self._scenes[i], self._nothing, runs
            ):
                self._scenes[i] = self._scenes[i]._replace(log=longer(self._scenes[i].log))
