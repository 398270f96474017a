"""What the figures and the table of claims measure on one recording of level ``step``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cmarlsim.kernels.world import Bools, Floats, Ints
from cmarlsim.recordings.recording import Recording
from cmarlsim.scenario import Scenario

_BLOCK_BYTES = 2**26


def link_blocks(recording: Recording) -> Iterator[Bools]:
    """Links of all steps, (.., N, N), in blocks that fit into memory."""
    size = max(1, _BLOCK_BYTES // recording.scenario.agents.N**2)
    for first in range(0, recording.steps, size):
        yield recording.links(first, first + size)


def neighbourhood_sizes(recording: Recording) -> Ints:
    """Number of agents that agent n can talk to at step t, (T, N)."""
    return np.concatenate([block.sum(axis=2, dtype=np.int64) for block in link_blocks(recording)])


def connected(link: Bools) -> Bools:
    """Whether each graph of (.., N, N) links is connected."""
    N = link.shape[-1]
    reach = (link | np.eye(N, dtype=bool)).astype(np.float32)
    for _ in range(max(1, int(np.ceil(np.log2(max(N - 1, 1)))))):
        reach = np.minimum(reach @ reach, 1)
    return np.asarray((reach > 0).all(axis=(-2, -1)))


def longest_stays(recording: Recording) -> Ints:
    """Longest time in steps that each agent stays at one place, (N,)."""
    position = recording.position
    stays = []
    for n in range(position.shape[1]):
        moves = np.flatnonzero((position[1:, n] != position[:-1, n]).any(axis=1)) + 1
        stays.append(np.diff(np.concatenate([[0], moves, [len(position)]])).max())
    return np.array(stays)


def own_zones(shares: Floats, spare: int) -> Ints:
    """Zone of each agent: the assignment of agents to different zones in which they spend most time.

    Parameters
    ----------
    shares : (N, M) array
        Fraction of the steps that agent n spends in zone m; N < M.
    spare
        A zone that is nobody's own.
    """
    from scipy.optimize import linear_sum_assignment

    candidates = np.delete(np.arange(shares.shape[1]), spare)
    _, chosen = linear_sum_assignment(-shares[:, candidates])
    return candidates[chosen]


def zone_sets(scenario: Scenario) -> Bools:
    """Which zones an agent is in, on each of the pieces that the ways are cut into: (pieces, M)."""
    words = scenario.world.piece_zones
    bits = np.unpackbits(words.view(np.uint8), axis=1, count=scenario.M, bitorder="little")
    return bits.astype(np.bool_)
