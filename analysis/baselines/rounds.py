"""One agent's round through its zones: the tour, the dwell times, and the margin that they leave.

An agent walks a tour through its zones over and over, and waits at each for a fixed number of steps, its
dwell time. Of a period P, zone m is attended in ``dwell_m + leaving_m + arriving_m`` steps, so the margin
of a round is an exact fraction.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations
from typing import NamedTuple

import numpy as np

from cmarlsim.building.trips import trips_between
from cmarlsim.kernels.trips import Trips
from cmarlsim.kernels.world import Floats, Ints
from cmarlsim.scenario import Scenario

MOST_PERMUTED = 8
"""Zones whose orders are all tried; a tour through more is built zone by zone and then improved."""

HALVINGS = 50
FIRST_PERIODS = 64
"""Periods that are tried before all others that may still be better."""
ROUNDING = 1e-9


class Round(NamedTuple):
    """One agent's schedule."""

    tour: tuple[int, ...]  # its zones, in the order of visits
    dwell: tuple[int, ...]  # steps at each
    margin: float  # the smallest of its zones' in the long run


@lru_cache(maxsize=16)
def trips(scenario: Scenario) -> Trips:
    """How long agents travel from zone to zone along their shortest ways."""
    return trips_between(scenario.world, scenario.speed_ticks)


def shortest_tour(block: tuple[int, ...], way: Trips) -> tuple[int, ...]:
    """The order of visits with the fewest steps of travel, beginning with the first zone.

    Of more than `MOST_PERMUTED` zones it is an order that no reversal of a part makes shorter.
    """
    if len(block) <= MOST_PERMUTED:
        tours = np.array([(block[0], *rest) for rest in permutations(block[1:])])
        return tuple(tours[_travel(tours, way).argmin()].tolist())
    tour = np.array(block[:2])
    for zone in block[2:]:
        after = np.roll(tour, -1)
        longer = way.steps[tour, zone] + way.steps[zone, after] - way.steps[tour, after]
        tour = np.insert(tour, int(longer.argmin()) + 1, zone)
    tour = _reversed_where_shorter(tour, way)
    return tuple(np.roll(tour, -int(np.flatnonzero(tour == block[0])[0])).tolist())


def _travel(tours: Ints, way: Trips) -> Ints:
    """Steps of travel on tours (..., k)."""
    return np.asarray(way.steps[tours, np.roll(tours, -1, axis=-1)].sum(axis=-1))


def _reversed_where_shorter(tour: Ints, way: Trips) -> Ints:
    """The tour (k,) with parts of it reversed, each time that which saves most, until none does."""
    k = len(tour)
    first, last = np.triu_indices(k, 1)
    place = np.arange(k)
    within = (place >= first[:, None]) & (place <= last[:, None])
    orders = np.where(within, (first + last)[:, None] - place, place)
    while True:
        tours = tour[orders]
        travel = _travel(tours, way)
        if travel.min() >= _travel(tour, way):
            return tour
        tour = tours[travel.argmin()]


class Rounds:
    """The best rounds through blocks of zones, each found once.

    Parameters
    ----------
    longest
        Steps that a dwell time has at most.
    """

    def __init__(self, scenario: Scenario, longest: int) -> None:
        self.way, self.c, self.longest = trips(scenario), np.asarray(scenario.c), longest
        self._wanted: list[float] = self.c.tolist()
        self._travel_costs = bool((self.way.leaving + self.way.arriving <= self.way.steps).all())
        self._tours: dict[tuple[int, ...], tuple[int, ...]] = {}
        self._ceilings: dict[tuple[int, ...], float] = {}
        self._best: dict[tuple[int, ...], Round] = {}

    def tour(self, block: tuple[int, ...]) -> tuple[int, ...]:
        """`shortest_tour` through a block, whose zones are in order."""
        if block not in self._tours:
            self._tours[block] = shortest_tour(block, self.way)
        return self._tours[block]

    def margin(self, block: tuple[int, ...]) -> float:
        """The smallest margin of the best round; without zones 1."""
        return self.best(block).margin if block else 1.0

    def share(self, block: tuple[int, ...]) -> float:
        """What `ceiling` cannot exceed, found still faster: the margin without travel."""
        if not block or not self._travel_costs:
            return 1.0
        return (1.0 - sum([self._wanted[m] for m in block])) / len(block) + 2 * ROUNDING

    def ceiling(self, block: tuple[int, ...]) -> float:
        """What `margin` cannot exceed, found faster."""
        if not block:
            return 1.0
        if block not in self._ceilings:
            highest = highest_margin(self.tour(block), self.c, self.way, self.longest)
            self._ceilings[block] = highest + ROUNDING
        return self._ceilings[block]

    def best(self, block: tuple[int, ...]) -> Round:
        """`best_round` of a block."""
        if block not in self._best:
            self._best[block] = best_round(self.tour(block), self.c, self.way, self.longest)
        return self._best[block]


def highest_margin(tour: tuple[int, ...], c: Floats, way: Trips, longest: int) -> float:
    """What the margin of a round cannot exceed: that of dwell times which need not be whole steps.

    With a period P and the margin x, ``dwell = (c + x) P - passing``. Together they have P - travel, so x may
    grow with P; none may exceed `longest`, so it must fall with P. It is largest where the two meet.
    """
    wanted, (passing, travel) = c[list(tour)], _passing(tour, way)
    if len(tour) == 1:
        return float(1.0 - wanted[0])
    lost, share = (travel - passing.sum()) / len(tour), (1.0 - wanted.sum()) / len(tour)
    period = float(travel + len(tour))
    if lost > 0:
        meeting = (longest + passing + lost) / np.maximum(share + wanted, 1e-12)
        period = max(period, float(meeting.min()))
    return float(_margin_within(np.array([[period]]), wanted, passing, travel, longest)[0, 0])


def _passing(tour: tuple[int, ...], way: Trips) -> tuple[Ints, int]:
    """Steps in each zone of a tour while leaving or arriving, (k,), and all steps of travel."""
    after, before = np.roll(tour, -1), np.roll(tour, 1)
    return way.leaving[tour, after] + way.arriving[before, tour], int(way.steps[tour, after].sum())


def _margin_within(period: Floats | Ints, wanted: Floats, passing: Ints, travel: int, longest: int) -> Floats:
    """What the margin cannot exceed with each of the periods (n, 1), (n, 1)."""
    shared = (period - travel + passing.sum()) / period - wanted.sum()
    held = ((longest + passing) / period - wanted).min(axis=-1, keepdims=True)
    return np.minimum(shared / len(wanted), held)


def best_round(tour: tuple[int, ...], c: Floats, way: Trips, longest: int) -> Round:
    """The dwell times of at most `longest` steps with the largest smallest margin.

    For a period the largest margin is found by halving: `dwell` must be at least
    ``(c + margin) period - passing``, and together they must not exceed what travel leaves. Periods that
    cannot be the best are left out.
    """
    if len(tour) == 1:
        return Round(tour, (longest,), float(1.0 - c[tour[0]]))
    wanted, (passing, travel) = c[list(tour)], _passing(tour, way)
    periods = np.arange(travel + len(tour), travel + len(tour) * longest + 1)[:, None]
    ceiling = _margin_within(periods, wanted, passing, travel, longest)[:, 0]

    def needed(margin: Floats, period: Ints) -> Floats:
        return np.maximum(1, np.ceil((wanted + margin) * period - passing))

    def reached(period: Ints) -> Floats:
        low, high = np.full(period.shape, -1.0), np.ones(period.shape)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            dwell = needed(middle, period)
            short = np.all(dwell <= longest, axis=1, keepdims=True)
            fits = short & (dwell.sum(axis=1, keepdims=True) <= period - travel)
            low, high = np.where(fits, middle, low), np.where(fits, high, middle)
        return low

    first = np.argsort(-ceiling, kind="stable")[:FIRST_PERIODS]
    periods = periods[ceiling >= reached(periods[first]).max() - ROUNDING]
    margins = reached(periods)
    best = int(margins.argmax())
    dwell = needed(margins[best], periods[best]).astype(np.int64)
    margin = float(((dwell + passing) / (int(dwell.sum()) + travel) - wanted).min())
    return Round(tour, tuple(dwell.tolist()), margin)
