"""Rows of a policy's table: tile x multipliers -> distribution of the action.

Multipliers are constant during a rollout and there are few tiles, so a policy is a frozen table in it;
only the rows that are visited are computed.
"""

from __future__ import annotations

import math

from cmarlsim.kernels.compiling import kernel, reduction
from cmarlsim.kernels.world import Floats, Weights


@kernel
def hidden_of_lam(weights: Weights, n: int, lam: Floats, hidden: Floats) -> None:
    """Write into `hidden` (H,) what agent n's multipliers `lam` (M,) contribute to its hidden layer."""
    largest = 0.0
    for m in range(len(lam)):
        largest = max(largest, lam[m])
    unit = 1.0
    if weights.scale_lam:
        unit = 1.0 / largest if largest > 0.0 else 0.0
    for h in range(len(hidden)):
        hidden[h] = weights.b1[n, h]
    for m in range(len(lam)):
        scaled = lam[m] * unit
        for h in range(len(hidden)):
            hidden[h] += scaled * weights.W1[n, m, h]


@kernel
def softmax_cdf(logit: Floats) -> None:
    """Turn logits into a cumulative distribution in place; its last entry is exactly 1."""
    largest = logit[0]
    for a in range(1, len(logit)):
        largest = max(largest, logit[a])
    total = 0.0
    for a in range(len(logit)):
        total += math.exp(logit[a] - largest)
        logit[a] = total
    for a in range(len(logit)):
        logit[a] /= total


@kernel
def rank_cdf(n: int, lam: Floats, cdf: Floats) -> None:
    """All mass on the zone with the (n mod M)-th largest multiplier; of equal ones the first comes first."""
    place = n % len(lam)
    for m in range(len(lam)):
        ahead = 0
        for other in range(len(lam)):
            ahead += lam[other] > lam[m] or (lam[other] == lam[m] and other < m)
        if ahead == place:
            for a in range(len(lam)):
                cdf[a] = 0.0 if a < m else 1.0


@reduction
def dot(a: Floats, b: Floats) -> float:
    """Scalar product."""
    total = 0.0
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


@kernel
def cdf_row(
    weights: Weights, n: int, tile: int, lam: Floats, hidden: Floats, active: Floats, cdf: Floats
) -> None:
    """Write agent n's action distribution on `tile` into `cdf` (M,).

    `hidden` (H,) comes from `hidden_of_lam` for the same `lam` (M,); `active` (H,) is a buffer.
    """
    if weights.ranked:
        rank_cdf(n, lam, cdf)
        return
    zones = len(lam)
    x, y = weights.tile_input[tile, 0], weights.tile_input[tile, 1]
    for h in range(len(hidden)):
        active[h] = max(0.0, hidden[h] + x * weights.W1[n, zones, h] + y * weights.W1[n, zones + 1, h])
    for a in range(zones):
        cdf[a] = weights.b2[n, a] + dot(weights.W2[n, a], active)
    softmax_cdf(cdf)


@kernel
def draw_action(cdf: Floats, uniform: float) -> int:
    """The action whose cell of the cumulative distribution `cdf` (M,) holds `uniform` in [0, 1)."""
    action = 0
    while action < len(cdf) - 1 and uniform >= cdf[action]:
        action += 1
    return action


@kernel
def fill_hidden(weights: Weights, lam: Floats, hidden: Floats) -> None:
    """`hidden_of_lam` for every agent: `lam` (N, M), `hidden` (N, H)."""
    if not weights.ranked:
        for n in range(len(lam)):
            hidden_of_lam(weights, n, lam[n], hidden[n])
