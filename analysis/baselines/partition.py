"""The best fixed partition: every agent owns some zones and cycles through them, and nobody learns or talks.

A zone belongs to one agent. An agent walks the shortest tour through its zones over and over, and waits at
each for a fixed number of steps, its dwell time. Of a period P, zone m is attended in
``dwell_m + leaving_m + arriving_m`` steps, so the margin of a schedule is an exact fraction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import permutations
from typing import NamedTuple

import numpy as np

from cmarlsim.kernels.world import Floats, Ints
from cmarlsim.scenario import Scenario


class Trips(NamedTuple):
    """Trips from the waypoint of zone i to that of zone j, (M, M) steps; zeros on the diagonal."""

    steps: Ints  # between the last step at the one and the first step at the other
    leaving: Ints  # of these, the steps still in zone i
    arriving: Ints  # and the steps already in zone j


class Round(NamedTuple):
    """One agent's schedule."""

    tour: tuple[int, ...]  # its zones, in the order of visits
    dwell: tuple[int, ...]  # steps at each
    margin: float  # the smallest of its zones' in the long run


def trips(scenario: Scenario) -> Trips:
    """How long agents travel from zone to zone along their shortest ways."""
    places = scenario.numbered
    inside = scenario.inside_zones(places.position)
    goals = scenario.world.goal.tolist()
    counts = Trips(*(np.zeros((scenario.M, scenario.M), dtype=np.int64) for _ in Trips._fields))
    for i, place in enumerate(goals):
        for j, goal in enumerate(goals):
            here = places.after[place, j]
            while here != goal:
                counts.steps[i, j] += 1
                counts.leaving[i, j] += inside[here, i]
                counts.arriving[i, j] += inside[here, j]
                here = places.after[here, j]
    return counts


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


def shortest_tour(block: tuple[int, ...], way: Trips) -> tuple[int, ...]:
    """The order of visits with the fewest steps of travel, beginning with the first zone."""

    def travel(tour: tuple[int, ...]) -> int:
        return int(way.steps[tour, np.roll(tour, -1)].sum())

    return min(((block[0], *rest) for rest in permutations(block[1:])), key=travel)


def best_round(block: tuple[int, ...], c: Floats, way: Trips, longest: int) -> Round:
    """The dwell times of at most `longest` steps with the largest smallest margin.

    For every period the largest margin is found by halving: `dwell` must be at least
    ``(c + margin) period - leaving - arriving``, and together they must not exceed what travel leaves.
    """
    tour = shortest_tour(block, way)
    if len(tour) == 1:
        return Round(tour, (longest,), float(1.0 - c[tour[0]]))
    after, before = np.roll(tour, -1), np.roll(tour, 1)
    passing = way.leaving[tour, after] + way.arriving[before, tour]
    travel = int(way.steps[tour, after].sum())
    period = np.arange(travel + len(tour), travel + len(tour) * longest + 1)[:, None]
    wanted, low, high = c[list(tour)], np.full(period.shape, -1.0), np.ones(period.shape)
    for _ in range(50):
        middle = (low + high) / 2
        dwell = np.maximum(1, np.ceil((wanted + middle) * period - passing))
        short = np.all(dwell <= longest, axis=1, keepdims=True)
        fits = short & (dwell.sum(axis=1, keepdims=True) <= period - travel)
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    best = int(low.argmax())
    dwell = np.maximum(1, np.ceil((wanted + low[best]) * period[best] - passing)).astype(np.int64)
    margin = float(((dwell + passing) / (int(dwell.sum()) + travel) - wanted).min())
    return Round(tour, tuple(dwell.tolist()), margin)


@lru_cache(maxsize=64)
def best_partition(scenario: Scenario, longest: int) -> tuple[Round, ...]:
    """The partition and dwell times of at most `longest` steps with the largest smallest margin.

    Among equals it is the one whose other rounds are better, compared from the worst on.
    """
    way, c = trips(scenario), scenario.c

    @cache
    def best(block: tuple[int, ...]) -> Round:
        return best_round(block, c, way, longest)

    choices = set_partitions(tuple(range(scenario.M)), scenario.agents.N)
    partitions = (tuple(best(block) for block in blocks) for blocks in choices)
    return max(partitions, key=lambda rounds: sorted(each.margin for each in rounds))


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
