"""A network of one hidden ReLU layer on the inputs (multipliers, tile), forwards and backwards, row by row.

The rows of an episode share their multipliers: what these contribute to the hidden layer, and their part of
the gradient, is computed once an episode.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmarlsim.kernels.compiling import inner, reduction
from cmarlsim.kernels.world import Floats

Singles = NDArray[np.float32]

ZERO = np.float32(0.0)


class Network(NamedTuple):
    """Parameters of ``relu((lam, x, y) @ W1 + b1) @ W2.T + b2``, or their gradient; A outputs."""

    W1: Singles  # (M + 2, H)
    b1: Singles  # (H,)
    W2: Singles  # (A, H): transposed, so that inner loops are over contiguous hidden units
    b2: Singles  # (A,)


class Layers(NamedTuple):
    """What is between the inputs and the outputs of a row, and the slopes of what is maximised."""

    of_lam: Singles  # (H,) what the multipliers of the episode and b1 contribute to the hidden layer
    hidden: Singles  # (H,)
    output: Singles  # (A,)
    d_output: Singles  # (A,)
    d_hidden: Singles  # (H,) before the ReLU
    d_of_lam: Singles  # (H,) sum of `d_hidden` over the rows of the episode


def new_network(inputs: int, hidden: int, outputs: int) -> Network:
    """Network whose parameters are all zero."""
    shapes = [(inputs, hidden), (hidden,), (outputs, hidden), (outputs,)]
    return Network(*(np.zeros(shape, dtype=np.float32) for shape in shapes))


def new_layers(hidden: int, outputs: int) -> Layers:
    """Buffers for a network."""
    sizes = (hidden, hidden, outputs, outputs, hidden, hidden)
    return Layers(*(np.zeros(size, dtype=np.float32) for size in sizes))


@inner
def clear_network(network: Network) -> None:
    """Set everything to zero."""
    for h in range(len(network.b1)):
        network.b1[h] = ZERO
    for i in range(len(network.W1)):
        for h in range(len(network.b1)):
            network.W1[i, h] = ZERO
    for a in range(len(network.b2)):
        network.b2[a] = ZERO
        for h in range(len(network.b1)):
            network.W2[a, h] = ZERO


@reduction
def add_scaled(into: Singles, scale: float, array: Singles) -> None:
    """Add `scale` times `array` (H,) to `into` (H,)."""
    factor = np.float32(scale)
    for h in range(len(into)):
        into[h] += factor * array[h]


@reduction
def product(a: Singles, b: Singles) -> np.float32:
    """Scalar product of two (H,) arrays."""
    total = ZERO
    for h in range(len(a)):
        total += a[h] * b[h]
    return total


@inner
def begin_episode(network: Network, lam: Floats, layers: Layers) -> None:
    """Compute what the multipliers `lam` (M,) of an episode contribute to its rows."""
    for h in range(len(layers.of_lam)):
        layers.of_lam[h] = network.b1[h]
        layers.d_of_lam[h] = ZERO
    for m in range(len(lam)):
        add_scaled(layers.of_lam, lam[m], network.W1[m])


@reduction
def forward(network: Network, place: Singles, layers: Layers) -> None:
    """Hidden layer and outputs on the tile whose scaled centre is `place` (2,), after `begin_episode`."""
    x, y, first = place[0], place[1], len(network.W1) - 2
    for h in range(len(layers.hidden)):
        before = layers.of_lam[h] + x * network.W1[first, h] + y * network.W1[first + 1, h]
        layers.hidden[h] = max(before, ZERO)
    for a in range(len(layers.output)):
        layers.output[a] = network.b2[a] + product(network.W2[a], layers.hidden)


@reduction
def backward(network: Network, place: Singles, layers: Layers, gradient: Network) -> None:
    """Add to `gradient` what `d_output` makes of the row after `forward`, but for b1 and the multipliers' W1.

    These are left to `end_episode`.
    """
    x, y, first = place[0], place[1], len(network.W1) - 2
    for h in range(len(layers.d_hidden)):
        layers.d_hidden[h] = ZERO
    for a in range(len(layers.d_output)):
        slope = layers.d_output[a]
        gradient.b2[a] += slope
        for h in range(len(layers.d_hidden)):
            layers.d_hidden[h] += slope * network.W2[a, h]
            gradient.W2[a, h] += slope * layers.hidden[h]
    for h in range(len(layers.d_hidden)):
        slope = layers.d_hidden[h] if layers.hidden[h] > ZERO else ZERO
        layers.d_of_lam[h] += slope
        gradient.W1[first, h] += x * slope
        gradient.W1[first + 1, h] += y * slope


@inner
def end_episode(lam: Floats, layers: Layers, gradient: Network) -> None:
    """Add to `gradient` what all rows of the episode with the multipliers `lam` (M,) share."""
    add_scaled(gradient.b1, 1.0, layers.d_of_lam)
    for m in range(len(lam)):
        add_scaled(gradient.W1[m], lam[m], layers.d_of_lam)
