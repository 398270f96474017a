"""Runs whose agents go where a plan sends them, with the engine's own motion, links and gossip."""

from __future__ import annotations

import numpy as np

from cmarlsim.errors import InputError
from cmarlsim.kernels.scene import Draws
from cmarlsim.kernels.world import Ints
from cmarlsim.learning.mlp import MLP
from cmarlsim.policies.encoding import Encoding
from cmarlsim.policies.policy import Policy
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import Run


def indifferent(scenario: Scenario) -> Policy:
    """The policy that chooses every zone equally often at every step, whatever the multipliers are."""
    N, M = scenario.agents.N, scenario.M
    shapes = ((N, M + 2, 0), (N, 0), (N, 0, M), (N, M))
    return Policy(MLP(*(np.zeros(shape) for shape in shapes)), Encoding.of(scenario.world, scale_lam=False))


class PrescribedRun(Run):
    """A run whose agents head for prescribed zones.

    Instead of drawing its actions it takes, for each, the draw with which the `indifferent` policy chooses
    the zone that was prescribed. Start positions and links are those of any run with this seed.

    Parameters
    ----------
    scenario
    targets : (T, N) array of int
        The zone that each agent heads for at every step; T steps are all that can be run.
    seed

    Raises
    ------
    InputError
        If the targets are not T whole rollouts of N zones.
    """

    def __init__(self, scenario: Scenario, targets: Ints, seed: int) -> None:
        N, M, T0 = scenario.agents.N, scenario.M, scenario.dual.T0
        targets = np.asarray(targets)
        if targets.ndim != 2 or targets.shape[1] != N or len(targets) % T0 or targets.dtype.kind not in "iu":
            raise InputError(
                f"targets of shape {targets.shape}: must be (T, {N}) whole numbers, T a multiple of T0 = {T0}"
            )
        if targets.size and not (targets.min() >= 0 and targets.max() < M):
            raise InputError(f"targets {targets.min()} to {targets.max()}: the zones are 0 to {M - 1}")
        super().__init__(scenario, indifferent(scenario), seed)
        self._targets = targets.reshape(-1, T0, N)

    def _draw(self, rollouts: int) -> Draws:
        wanted = self._next_of(self._targets, "targets", rollouts)
        draws = super()._draw(rollouts)
        draws.action[...] = (wanted + 0.5) / self.scenario.M
        return draws
