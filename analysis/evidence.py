"""What the claims of Section V look at in one run, and the quantities that bear them out or not."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from analysis.measures import connected, link_blocks, neighbourhood_sizes, own_zones
from cmarlsim.footprints.footprint import linked
from cmarlsim.kernels.world import TOLERANCE, Floats
from cmarlsim.recordings.recording import Recording


class Evidence:
    """What claims about one run of level ``step`` look at."""

    def __init__(self, recording: Recording) -> None:
        self.recording, scenario = recording, recording.scenario
        self.inside = scenario.inside_zones(recording.position)  # (T, N, M)
        self.share = self.inside.mean(axis=0)
        zone = {zone.name: m for m, zone in enumerate(scenario.zones)}
        self.red, self.own = zone["red"], own_zones(self.share, spare=zone["red"])
        self.green_keeper = int(np.flatnonzero(self.own == zone["green"])[0])
        self.frequency = linked(recording)
        self.sizes = neighbourhood_sizes(recording)
        self.alone = (self.sizes == 0).mean(axis=0)
        self.smallest_margin = recording.margin().min()


def lead(values: Floats, i: int) -> float:
    """How much value i exceeds the largest of the others."""
    return float(values[i] - np.delete(values, i).max())


def above_theorem(run: Evidence) -> float:
    """Smallest margin above the error sqrt(alpha M) that eq. (24) allows."""
    return run.smallest_margin + np.sqrt(run.recording.scenario.dual.alpha * run.recording.scenario.M)


def least_in_own_zone(run: Evidence) -> float:
    """The least part of its time in zones that an agent spends in its own one."""
    mine = run.share[np.arange(len(run.own)), run.own]
    return (mine / np.maximum(run.share.sum(axis=1), TOLERANCE)).min()


def red_in_spare_time(run: Evidence) -> float:
    """Part of red in the team's time in zones that are not the agents' own, less that of any other zone."""
    spare = run.share.copy()
    spare[np.arange(len(run.own)), run.own] = 0
    parts = spare.sum(axis=0) / max(spare.sum(), TOLERANCE)
    return lead(parts, run.red)


def link_of_neighbours(run: Evidence) -> float:
    """How often the most frequent link of two agents is up whose own zones are as near as any two are."""
    center = run.recording.scenario.zone_centers
    away = np.linalg.norm(center[:, None] - center, axis=2)
    nearest = min(away[pair] for pair in combinations(range(len(center)), 2)) + TOLERANCE
    near = away[np.ix_(run.own, run.own)] <= nearest
    np.fill_diagonal(near, False)
    return run.frequency[near].max(initial=0.0)


def apart(run: Evidence) -> float:
    """Fraction of the steps whose graph of links is not connected."""
    whole = sum(int(connected(block).sum()) for block in link_blocks(run.recording))
    return 1 - whole / run.recording.steps


def alone_in_red(run: Evidence) -> float:
    """How much more often the agent that keeps green has no neighbour while in red than while elsewhere."""
    red = run.inside[:, run.green_keeper, run.red]
    alone = run.sizes[:, run.green_keeper] == 0
    often = [alone[where].mean() if where.any() else 0.0 for where in (red, ~red)]
    return float(often[0] - often[1])
