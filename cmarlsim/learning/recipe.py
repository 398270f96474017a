"""What training is made of: hyperparameters, stages, and the multipliers it samples."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from cmarlsim.learning.mlp import MLP, initial
from cmarlsim.validation import Count, Strict

Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0)]


class Recipe(Strict):
    """Every hyperparameter of training. The paper states none of them but `hidden`.

    Rates are Adam's; both they and the weight of the entropy bonus go linearly from their first value to
    its `final_` share during pre-training.
    """

    hidden: Count = 256
    initial_gain: Annotated[float, Field(ge=0)] = 4.0
    scale_lam: bool = True
    episodes: Annotated[int, Field(ge=2)] = 256
    discount: Share = 0.98
    pretrain_iterations: Count = 2000
    pretrain_rate: Rate = 3e-3
    pretrain_entropy: Share = 0.03
    final_rate_share: Share = 0.1
    final_entropy_share: Share = 0.1
    retrain_sweeps: Annotated[int, Field(ge=0)] = 1
    retrain_iterations: Count = 200
    retrain_rate: Rate = 2e-3
    retrain_entropy: Share = 0.02
    baseline_hidden: Count = 64
    baseline_rate: Rate = 3e-3
    validate_every: Count = 50
    validation_runs: Count = 4
    validation_rollouts: Count = 200


class Stage(NamedTuple):
    """A stretch of training in which one agent of a team of `agents` learns."""

    name: str
    agents: int
    active: int
    iterations: int
    rate: tuple[float, float]  # first, last
    entropy: tuple[float, float]  # first, last


def stages(recipe: Recipe, agents: int) -> list[Stage]:
    """Pre-training of a single agent, then the retraining sequence of block maximisation."""
    first = Stage(
        "pre-training",
        1,
        0,
        recipe.pretrain_iterations,
        (recipe.pretrain_rate, recipe.pretrain_rate * recipe.final_rate_share),
        (recipe.pretrain_entropy, recipe.pretrain_entropy * recipe.final_entropy_share),
    )
    retraining = [
        Stage(
            f"retraining agent {n}",
            agents,
            n,
            recipe.retrain_iterations,
            (recipe.retrain_rate, recipe.retrain_rate),
            (recipe.retrain_entropy, recipe.retrain_entropy),
        )
        for _ in range(recipe.retrain_sweeps)
        for n in range(agents)
    ]
    return [first, *retraining]


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
