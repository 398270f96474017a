"""The best fixed partition: every agent owns some zones and goes round them, and nobody learns or talks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from analysis.baselines.local_search import best_found
from analysis.baselines.rounds import Round, Rounds, trips
from cmarlsim.kernels.world import Ints
from cmarlsim.scenario import Scenario

MOST_ENUMERATED = 8
"""Zones of which all partitions are compared; those of more are searched."""


def set_partitions(zones: tuple[int, ...], most: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """All partitions of `zones` into at most `most` blocks; a block lists its zones in order."""
    if not zones:
        yield ()
        return
    first, rest = zones[0], zones[1:]
    for blocks in set_partitions(rest, most):
        for i, block in enumerate(blocks):
            yield (*blocks[:i], (first, *block), *blocks[i + 1 :])
        if len(blocks) < most:
            yield ((first,), *blocks)


@lru_cache(maxsize=64)
def best_partition(scenario: Scenario, longest: int) -> tuple[Round, ...]:
    """The partition and dwell times of at most `longest` steps with the largest smallest margin.

    Among equals it is the one whose other rounds are better, compared from the worst on. Of more than
    `MOST_ENUMERATED` zones it is the best that `best_found` finds.
    """
    rounds, N = Rounds(scenario, longest), scenario.agents.N
    if scenario.M > MOST_ENUMERATED:
        return best_found(rounds, N)
    choices = set_partitions(tuple(range(scenario.M)), N)
    partitions = (tuple(rounds.best(block) for block in blocks) for blocks in choices)
    return max(partitions, key=lambda found: sorted(each.margin for each in found))


def targets(scenario: Scenario, rounds: Sequence[Round], steps: int) -> Ints:
    """The zone that each agent heads for at every step, (steps, N): the plan of a `PrescribedRun`.

    An agent heads for a zone while it travels there and for its dwell time. An agent without a round holds
    the zone with the largest threshold.
    """
    way = trips(scenario)
    plan = np.full((steps, scenario.agents.N), int(np.argmax(scenario.c)))
    for n, each in enumerate(rounds):
        before = np.roll(each.tour, 1)
        stay = np.array(each.dwell) + way.steps[before, each.tour]
        period = np.repeat(each.tour, stay)
        plan[:, n] = np.resize(period, steps)
    return plan
