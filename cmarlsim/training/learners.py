"""Agents that learn: their networks, and how these climb."""

from __future__ import annotations

import numpy as np

from cmarlsim.errors import DivergedError
from cmarlsim.kernels.episodes import Experience
from cmarlsim.kernels.world import Floats, Weights
from cmarlsim.learning.adam import ascend, fresh_moments
from cmarlsim.learning.gradients import Gradients
from cmarlsim.learning.mlp import MLP
from cmarlsim.training.arrays import Arrays, fill_arrays, named
from cmarlsim.training.recipe import Stage
from cmarlsim.training.setup import TrainingSetup


class Learners:
    """Agents that learn in a stage, each with a baseline of its own.

    Parameters
    ----------
    policies, baselines
        Stacked over the agents; changed in place.
    episodes
        Episodes a batch.
    """

    def __init__(
        self, setup: TrainingSetup, stage: Stage, policies: MLP, baselines: MLP, episodes: int
    ) -> None:
        self.policies, self.baselines = policies, baselines
        self._moments = fresh_moments(policies), fresh_moments(baselines)
        self._slopes = MLP(*(np.zeros_like(array) for array in policies))
        self._errors = MLP(*(np.zeros_like(array) for array in baselines))
        self._good = copy_of(policies)
        self._stage, self._recipe = stage, setup.recipe
        shape = (episodes, setup.scenario.dual.T0, setup.scenario.M)
        hidden = (setup.recipe.hidden, setup.recipe.baseline_hidden)
        self._gradients = Gradients(setup.encoding.tile_input(), shape, *hidden)

    def learn(self, a: int, lam: Floats, worth: Floats, experience: Experience, iteration: int) -> None:
        """Compute the gradients of learner `a`; parameters as in `Gradients.of_batch`."""
        policy, baseline = agent_of(self.policies, a), agent_of(self.baselines, a)
        _, entropy = self._stage.at(iteration)
        with np.errstate(all="ignore"):  # whether all is finite is checked in `climb`
            slopes, errors = self._gradients.of_batch(
                policy, baseline, lam, worth, experience, self._recipe.discount, entropy
            )
        fill(agent_of(self._slopes, a), slopes)
        fill(agent_of(self._errors, a), errors)

    def climb(self, iteration: int) -> None:
        """One step uphill with all learners.

        Raises
        ------
        DivergedError
            If parameters are no longer finite; they are those of before the step again.
        """
        rate, _ = self._stage.at(iteration)
        policy_moments, baseline_moments = self._moments
        fill(self._good, self.policies)
        with np.errstate(all="ignore"):
            policy_moments = ascend(self.policies, self._slopes, policy_moments, rate)
            baseline_moments = ascend(
                self.baselines, self._errors, baseline_moments, self._recipe.baseline_rate
            )
        self._moments = policy_moments, baseline_moments
        if not all(np.isfinite(array).all() for array in self.policies):
            fill(self.policies, self._good)
            raise DivergedError(
                f"training diverged ({self._stage.name}, iteration {iteration}): lower the rates"
            )

    def show(self, weights: Weights, first: int) -> None:
        """Copy the policies to where the kernels read them, from agent `first` on."""
        for name, array in self.policies._replace(W2=self.policies.W2.swapaxes(1, 2))._asdict().items():
            getattr(weights, name)[first : first + len(array)] = array

    def arrays(self) -> dict[str, np.ndarray]:
        """All that changes, as named arrays."""
        return self._network_arrays() | {"steps": np.array([moments.steps for moments in self._moments])}

    def restore(self, arrays: Arrays) -> None:
        """Continue from `arrays`."""
        fill_arrays(self._network_arrays(), arrays)
        policy, baseline = (
            moments._replace(steps=int(steps))
            for moments, steps in zip(self._moments, arrays["steps"], strict=True)
        )
        self._moments = policy, baseline

    def _network_arrays(self) -> dict[str, np.ndarray]:
        policy, baseline = self._moments
        return named(
            policies=self.policies,
            policies_mean=policy.mean,
            policies_square=policy.square,
            baselines=self.baselines,
            baselines_mean=baseline.mean,
            baselines_square=baseline.square,
        )


def agent_of(stacked: MLP, n: int) -> MLP:
    """View of one agent's network."""
    return MLP(*(array[n] for array in stacked))


def copies_of(network: MLP, count: int) -> MLP:
    """`count` copies of a network, stacked."""
    return MLP(*(np.repeat(array[None], count, axis=0) for array in network))


def copy_of(networks: MLP) -> MLP:
    """A copy."""
    return MLP(*(array.copy() for array in networks))


def fill(into: MLP, networks: MLP) -> None:
    """Copy `networks` into the arrays of others, of the same shapes."""
    for array, source in zip(into, networks, strict=True):
        array[...] = source
