"""Adam (Kingma and Ba, 2015), maximising."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmarlsim.learning.mlp import MLP

_MEAN_DECAY, _SQUARE_DECAY, _FLOOR = 0.9, 0.999, 1e-8


class Moments(NamedTuple):
    """Running moments of the gradient, and how many gradients they hold."""

    mean: MLP
    square: MLP
    steps: int


def fresh_moments(parameters: MLP) -> Moments:
    """Moments before the first gradient."""
    zeros = MLP(*(np.zeros_like(array) for array in parameters))
    return Moments(zeros, MLP(*(array.copy() for array in zeros)), 0)


def ascend(parameters: MLP, gradient: MLP, moments: Moments, rate: float) -> Moments:
    """Take one step uphill, changing `parameters` and the arrays of `moments` in place.

    With gradient g, decays a = 0.9 and b = 0.999, and the number of steps s::

        mean <- a mean + (1 - a) g        square <- b square + (1 - b) g^2
        parameter <- parameter + rate * mean / (1 - a^s) / (sqrt(square / (1 - b^s)) + 1e-8)
    """
    steps = moments.steps + 1
    mean_scale, square_scale = 1 - _MEAN_DECAY**steps, 1 - _SQUARE_DECAY**steps
    for array, slope, mean, square in zip(parameters, gradient, moments.mean, moments.square, strict=True):
        mean += (1 - _MEAN_DECAY) * (slope - mean)
        square += (1 - _SQUARE_DECAY) * (slope * slope - square)
        array += rate / mean_scale * mean / (np.sqrt(square / square_scale) + _FLOOR)
    return Moments(moments.mean, moments.square, steps)
