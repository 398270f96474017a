"""What training is made of: hyperparameters, stages, and the multipliers it samples."""

from __future__ import annotations

from typing import Annotated, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from cmarlsim.learning.mlp import MLP, initial
from cmarlsim.policies.encoding import MOST_ROOTS
from cmarlsim.validation import Count, Strict

LARGEST = 1e38
"""Of rates and gains: beyond it, products overflow in single precision."""

MOST, MOST_SWEEPS = 10**8, 100
"""Of what is counted, and of times that each agent is retrained."""

Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0, le=LARGEST)]
Size = Annotated[Count, Field(le=MOST)]
Many = Annotated[int, Field(ge=0, le=MOST)]
Multiple = Annotated[float, Field(gt=0, le=100)]


class Recipe(Strict):
    """Every hyperparameter of training. The paper states none of them but `hidden`.

    Rates are Adam's. They and the weight of the entropy bonus go linearly from their first value to its
    `final_` share during the pre-training and the loop.

    Attributes
    ----------
    lam_roots
        How often the square root of scaled multipliers is taken before a network sees them.
    pretrain_iterations, retrain_sweeps
        Algorithm 1: one agent alone, then all in turn, with sampled multipliers that all agents share.
    loop_iterations, loop_runs
        Training in the loop: rollouts of so many runs of Algorithm 2, in which all agents learn.
    loop_restart, loop_move
        Share of the runs that begin anew in an iteration, and of the agents that are put somewhere else.
    tightening
        In the loop, rewards weigh the multipliers of thresholds above c, by this share of the headroom that
        Lemma 1 leaves: (N - 1 - ||c||_1) / M for each zone.
    ranges
        Multiples of the scenario's `links.d`: runs of the loop have these in turn, and iterates are judged
        by the worst of them.
    teams
        Candidates that are trained side by side from draws of their own; the best iterate of all is chosen.
    """

    hidden: Size = 256
    initial_gain: Annotated[float, Field(ge=0, le=LARGEST)] = 4.0
    scale_lam: bool = True
    lam_roots: Annotated[int, Field(ge=0, le=MOST_ROOTS)] = 2
    discount: Share = 0.98
    episodes: Annotated[Size, Field(ge=2)] = 256
    pretrain_iterations: Size = 2000
    pretrain_rate: Rate = 3e-3
    pretrain_entropy: Share = 0.03
    retrain_sweeps: Annotated[Many, Field(le=MOST_SWEEPS)] = 0
    retrain_iterations: Size = 200
    retrain_rate: Rate = 2e-3
    retrain_entropy: Share = 0.02
    loop_iterations: Many = 1500
    loop_runs: Annotated[Size, Field(ge=2)] = 128
    loop_rate: Rate = 1e-3
    loop_entropy: Share = 0.01
    loop_restart: Share = 0.02
    loop_move: Share = 0.05
    tightening: Share = 1.0
    ranges: tuple[Multiple, ...] = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
    final_rate_share: Share = 0.1
    final_entropy_share: Share = 0.1
    baseline_hidden: Size = 64
    baseline_rate: Rate = 3e-3
    teams: Size = 3
    validate_every: Size = 100
    validation_runs: Size = 4
    validation_rollouts: Size = 400

    @model_validator(mode="after")
    def _every_range_has_runs(self) -> Self:
        if not self.ranges:
            raise ValueError("ranges = []: must be one or more multiples of links.d, such as [0.5, 1.0]")
        if self.loop_runs < len(self.ranges):
            raise ValueError(
                f"loop_runs = {self.loop_runs}: must be {len(self.ranges)} or more, as many as ranges"
            )
        return self


RECIPES = {
    "loop": Recipe(),
    "paper": Recipe(
        lam_roots=0, retrain_sweeps=1, loop_iterations=0, ranges=(1.0,), teams=1, validate_every=50
    ),
}
"""By name: training in the loop, which is the default, and Section V's, with shared multipliers only."""


class Stage(NamedTuple):
    """A stretch of training in a team of `agents`; `active` is the agent that learns, or None for all."""

    name: str
    agents: int
    active: int | None
    iterations: int
    rate: tuple[float, float]  # first, last
    entropy: tuple[float, float]  # first, last

    def at(self, iteration: int) -> tuple[float, float]:
        """Rate and weight of the entropy bonus at an iteration."""
        share = iteration / max(self.iterations - 1, 1)
        rate, entropy = (first + share * (last - first) for first, last in (self.rate, self.entropy))
        return rate, entropy


def stages(recipe: Recipe, agents: int) -> list[Stage]:
    """Pre-training of a single agent, the retraining sequence of block maximisation, the loop."""

    def annealed(rate: float, entropy: float) -> tuple[tuple[float, float], tuple[float, float]]:
        return (rate, rate * recipe.final_rate_share), (entropy, entropy * recipe.final_entropy_share)

    rate, entropy = annealed(recipe.pretrain_rate, recipe.pretrain_entropy)
    result = [Stage("pre-training", 1, 0, recipe.pretrain_iterations, rate, entropy)]
    rate, entropy = (recipe.retrain_rate,) * 2, (recipe.retrain_entropy,) * 2
    result += [
        Stage(f"retraining agent {n}", agents, n, recipe.retrain_iterations, rate, entropy)
        for _ in range(recipe.retrain_sweeps)
        for n in range(agents)
    ]
    if recipe.loop_iterations > 0:
        rate, entropy = annealed(recipe.loop_rate, recipe.loop_entropy)
        result.append(Stage("in the loop", agents, None, recipe.loop_iterations, rate, entropy))
    return result


def tightened(c: np.ndarray, agents: int, share: float) -> np.ndarray:
    """Thresholds (M,) above `c` by a share of the headroom of Lemma 1's condition ||c||_1 <= N - 1.

    Each is c_m + share * max(0, N - 1 - ||c||_1) / M, at most 0.99 or c_m.
    """
    headroom = max(0.0, agents - 1 - c.sum()) / len(c)
    return np.maximum(c, np.minimum(c + share * headroom, 0.99))


def initial_policy(zones: int, recipe: Recipe, generator: np.random.Generator) -> MLP:
    """A network whose soft-max prefers, by `initial_gain`, the zone with the largest multiplier.

    The first M hidden units pass the multipliers through. Zones lie at dead ends: an agent that draws its
    targets uniformly hardly ever gets into one, so a uniform policy earns too little to learn from.
    """
    policy = initial(zones + 2, recipe.hidden, zones, generator)
    through = np.arange(min(zones, recipe.hidden))
    policy.W1[:, through] = 0.0
    policy.W2[through] = 0.0
    policy.W1[through, through] = 1.0
    policy.W2[through, through] = recipe.initial_gain
    return policy


def sample_multipliers(generator: np.random.Generator, episodes: int, zones: int) -> np.ndarray:
    """Multipliers for training, (B, M), the largest of each episode 1: Lambda of Algorithm 1.

    Uniforms raised to a random power of {.5, 1, 2, 4}; in half of the episodes each is zeroed with
    probability 1/2.
    """
    power = generator.choice([0.5, 1.0, 2.0, 4.0], size=(episodes, 1))
    lam = generator.random((episodes, zones)) ** power
    sparse = generator.random((episodes, 1)) < 0.5
    zeroed = sparse & (generator.random((episodes, zones)) < 0.5)
    lam[zeroed & (lam < lam.max(axis=1, keepdims=True))] = 0.0
    return lam / lam.max(axis=1, keepdims=True)
