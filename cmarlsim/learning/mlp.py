"""A perceptron with one hidden ReLU layer, its backward pass written by hand.

Training computes both passes in `cmarlsim.kernels.network`; these are for reading and checking.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Array = np.ndarray


class MLP(NamedTuple):
    """Parameters of ``relu(x @ W1 + b1) @ W2 + b2``, or their gradient.

    D inputs, H hidden units, A outputs.
    """

    W1: Array  # (D, H)
    b1: Array  # (H,)
    W2: Array  # (H, A)
    b2: Array  # (A,)


def initial(
    inputs: int, hidden: int, outputs: int, generator: np.random.Generator, dtype: type = np.float32
) -> MLP:
    """He-initialised first layer; a last layer small enough for a nearly uniform soft-max."""
    W1 = generator.standard_normal((inputs, hidden)) * np.sqrt(2.0 / inputs)
    W2 = generator.standard_normal((hidden, outputs)) * 0.1 * np.sqrt(1.0 / hidden)
    return MLP(W1.astype(dtype), np.zeros(hidden, dtype), W2.astype(dtype), np.zeros(outputs, dtype))


def forward(mlp: MLP, x: Array) -> tuple[Array, Array]:
    """Hidden activations (R, H) and outputs (R, A) for the rows `x` (R, D)."""
    hidden = x @ mlp.W1
    hidden += mlp.b1
    np.maximum(hidden, 0, out=hidden)
    return hidden, hidden @ mlp.W2 + mlp.b2


def backward(mlp: MLP, x: Array, hidden: Array, d_output: Array) -> MLP:
    """Gradient with respect to the parameters.

    Parameters
    ----------
    mlp, x, hidden
        As given to and returned by `forward`.
    d_output : (R, A) array
        Gradient with respect to the outputs.
    """
    d_hidden = d_output @ mlp.W2.T
    d_hidden *= hidden > 0
    return MLP(x.T @ d_hidden, d_hidden.sum(axis=0), hidden.T @ d_output, d_output.sum(axis=0))


def softmax(logits: Array) -> Array:
    """Row-wise soft-max of (R, A) logits."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    shifted /= shifted.sum(axis=1, keepdims=True)
    return shifted
