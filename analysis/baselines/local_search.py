"""Partitions of many zones among agents, by local search from several starts, always the same ones.

Two agents' blocks are improved at a time: a zone moves from the one to the other, or two zones are swapped.
A change is made where the worse of the two rounds becomes better, or stays and the other one does. So the
sorted margins of all agents only ever increase, compared from the worst on, and the search ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

import numpy as np

from analysis.baselines.rounds import Round, Rounds
from cmarlsim.randomness import stream

Block = tuple[int, ...]

MOST_RANDOM_STARTS, ZONES_IN_ALL = 6, 200
"""Random starts: at most so many, and with so many zones together."""

LEAST_GAIN = 1e-12


def best_found(rounds: Rounds, N: int) -> tuple[Round, ...]:
    """The best partition that the search finds among at most N agents, in the order of their first zones."""
    found = [improved(rounds, blocks) for blocks in starts(rounds, N)]
    best = max(found, key=lambda blocks: sorted(map(rounds.margin, blocks)))
    return tuple(rounds.best(block) for block in sorted(filter(None, best)))


def starts(rounds: Rounds, N: int) -> Iterator[list[Block]]:
    """Partitions to begin with: by way, by threshold, and at random."""
    M, everything = len(rounds.c), rounds.tour(tuple(range(len(rounds.c))))
    load = rounds.c[list(everything)] + LEAST_GAIN
    middle = (np.cumsum(load) - load / 2) / load.sum()
    yield _blocks(everything, (middle * N).astype(int), N)
    largest = np.argsort(-rounds.c, kind="stable")
    snake = np.arange(M) % (2 * N)
    yield _blocks(largest.tolist(), np.minimum(snake, 2 * N - 1 - snake), N)
    generator = stream(0, "starts of partitions")
    for _ in range(min(MOST_RANDOM_STARTS, ZONES_IN_ALL // M)):
        yield _blocks(generator.permutation(M).tolist(), np.arange(M) % N, N)


def _blocks(zones: Iterable[int], agents: Iterable[int], N: int) -> list[Block]:
    """Blocks in order, from the agent of each zone."""
    blocks: list[list[int]] = [[] for _ in range(N)]
    for zone, n in zip(zones, agents, strict=True):
        blocks[n].append(zone)
    return [tuple(sorted(block)) for block in blocks]


def improved(rounds: Rounds, blocks: Sequence[Block]) -> list[Block]:
    """The partition after all changes of two blocks that make it better, those of the worst rounds first."""
    blocks = list(blocks)
    while True:
        worst_first = sorted(range(len(blocks)), key=lambda n: rounds.margin(blocks[n]))
        for a, b in combinations(worst_first, 2):
            pair = better_pair(rounds, blocks[a], blocks[b])
            if pair is not None:
                blocks[a], blocks[b] = pair
                break
        else:
            return blocks


def better_pair(rounds: Rounds, a: Block, b: Block) -> tuple[Block, Block] | None:
    """The best of the changes of two blocks that are better than they are, if there is one."""
    best, score = None, sorted((rounds.margin(a), rounds.margin(b)))
    for pair in changes(a, b):
        if min(map(rounds.share, pair)) < score[0] or min(map(rounds.ceiling, pair)) < score[0]:
            continue
        margins = sorted(map(rounds.margin, pair))
        if margins[0] > score[0] + LEAST_GAIN or (
            margins[0] > score[0] - LEAST_GAIN and margins[1] > score[1] + LEAST_GAIN
        ):
            best, score = pair, margins
    return best


def changes(a: Block, b: Block) -> Iterator[tuple[Block, Block]]:
    """The blocks after each move of a zone from one to the other, and after each swap of two zones."""
    for i in (*a, None):
        for j in (*b, None):
            if i is not None or j is not None:
                yield _exchanged(a, i, j), _exchanged(b, j, i)


def _exchanged(block: Block, lost: int | None, won: int | None) -> Block:
    kept = [zone for zone in block if zone != lost]
    return tuple(sorted(kept if won is None else [*kept, won]))
