"""Rows of a policy's table: tile x multipliers -> distribution of the action.

Multipliers are constant during a rollout and there are few tiles, so a policy is a frozen table in it;
only the rows that are visited are computed.
"""

from __future__ import annotations

import math

import numpy as np

from cmarlsim.kernels.compiling import inner, kernel, reduction
from cmarlsim.kernels.world import Floats, Ints, Weights


@inner
def rooted(value: float, roots: int) -> float:
    """Take the square root of `value` `roots` times."""
    for _ in range(roots):
        value = np.sqrt(value)  # not `math`, whose floats, uncompiled, times weights are of single precision
    return value


@reduction
def hidden_of_lam(weights: Weights, n: int, lam: Floats, hidden: Floats) -> None:
    """Write into `hidden` (H,) what agent n's multipliers `lam` (M,) contribute to its hidden layer."""
    largest = 0.0
    for m in range(len(lam)):
        largest = max(largest, lam[m])
    unit = 1.0
    if weights.scale_lam:
        unit = 1.0 / largest if largest > 0.0 else 0.0
    roots = weights.lam_roots
    for h in range(len(hidden)):
        hidden[h] = weights.b1[n, h]
    m = 0
    while m + 3 < len(lam):  # four at a time: `hidden` is read and written a fourth as often
        w, x = rooted(unit * lam[m], roots), rooted(unit * lam[m + 1], roots)
        y, z = rooted(unit * lam[m + 2], roots), rooted(unit * lam[m + 3], roots)
        first, second = weights.W1[n, m], weights.W1[n, m + 1]
        third, fourth = weights.W1[n, m + 2], weights.W1[n, m + 3]
        for h in range(len(hidden)):
            hidden[h] += w * first[h] + x * second[h] + y * third[h] + z * fourth[h]
        m += 4
    while m < len(lam):
        w, first = rooted(unit * lam[m], roots), weights.W1[n, m]
        for h in range(len(hidden)):
            hidden[h] += w * first[h]
        m += 1


@kernel
def softmax_cdf(logit: Floats) -> None:
    """Turn logits into the cumulative distribution of their soft-max, in place.

    Entry a becomes the sum of exp(logit_b) over b <= a, divided by that over all b; the last is exactly 1.
    """
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
def ahead(lam: Floats, zone: int, other: int) -> bool:
    """Whether `zone` ranks before `other`: its multiplier is larger; of equal ones the first comes first."""
    return lam[zone] > lam[other] or (lam[zone] == lam[other] and zone < other)


@kernel
def ranked_zone(n: int, lam: Floats, order: Ints) -> int:
    """The zone with the (n mod M)-th largest multiplier, by quickselect; `order` (M,) is a buffer."""
    place, first, last = n % len(lam), 0, len(lam) - 1
    for m in range(len(lam)):
        order[m] = m
    while first < last:
        pivot = order[(first + last) // 2]
        i, j = first, last
        while i <= j:
            while ahead(lam, order[i], pivot):
                i += 1
            while ahead(lam, pivot, order[j]):
                j -= 1
            if i <= j:
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if place <= j:
            last = j
        elif place >= i:
            first = i
        else:
            break
    return order[place]


@reduction
def dots(a: Floats, b: Floats, c: Floats) -> tuple[float, float]:
    """Scalar products of a and of b with c."""
    with_a, with_b = 0.0, 0.0
    for i in range(len(c)):
        with_a += a[i] * c[i]
        with_b += b[i] * c[i]
    return with_a, with_b


@reduction
def cdf_row(weights: Weights, n: int, tile: int, hidden: Floats, active: Floats, cdf: Floats) -> None:
    """Write agent n's action distribution on `tile` into `cdf` (M,).

    `hidden` (H,) comes from `hidden_of_lam`; `active` (H,) is a buffer.
    """
    zones = len(cdf)
    x, y = weights.tile_input[tile, 0], weights.tile_input[tile, 1]
    for_x, for_y = weights.W1[n, zones], weights.W1[n, zones + 1]
    for h in range(len(hidden)):
        active[h] = max(0.0, hidden[h] + x * for_x[h] + y * for_y[h])
    a = 0
    while a + 1 < zones:  # two at a time: `active` is read half as often
        cdf[a], cdf[a + 1] = dots(weights.W2[n, a], weights.W2[n, a + 1], active)
        a += 2
    if a < zones:
        cdf[a], _ = dots(weights.W2[n, a], weights.W2[n, a], active)
    for a in range(zones):
        cdf[a] += weights.b2[n, a]
    softmax_cdf(cdf)


@kernel
def write_rows(
    weights: Weights, lam: Floats, hidden: Floats, active: Floats, order: Ints, cdf: Floats
) -> None:
    """Write what agents do on all tiles, given multipliers `lam` (R, N, M), into `cdf` (R, N, L, M).

    The engine computes only the rows that are visited; this is for looking at policies. `hidden` and
    `active` (H,) and `order` (M,) are buffers.
    """
    for r in range(len(lam)):
        for n in range(lam.shape[1]):
            if weights.ranked:
                zone = ranked_zone(n, lam[r, n], order)
                for tile in range(cdf.shape[2]):
                    for m in range(cdf.shape[3]):
                        cdf[r, n, tile, m] = 0.0 if m < zone else 1.0
            else:
                hidden_of_lam(weights, n, lam[r, n], hidden)
                for tile in range(cdf.shape[2]):
                    cdf_row(weights, n, tile, hidden, active, cdf[r, n, tile])


@kernel
def draw_action(cdf: Floats, uniform: float) -> int:
    """The action whose cell of the cumulative distribution `cdf` (M,) holds `uniform` in [0, 1)."""
    action = 0
    for a in range(len(cdf) - 1):
        action += uniform >= cdf[a]
    return action
