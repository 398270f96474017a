"""Links kept sparsely: at each step, the pairs of agents whose link goes up or down."""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.bits import Words
from cmarlsim.kernels.changes import Log
from cmarlsim.kernels.world import Bools, Ints


def link_changes(log: Log, T0: int) -> tuple[Ints, Ints]:
    """Links that go up or down in the rollout that was logged.

    Returns
    -------
    (T0,) array
        How many do at each step.
    (C, 2) array
        Their agents, the lower number first, in the order of the log.
    """
    t, i, j = log.change[: log.length[0]].T
    link = j >= 0
    return np.bincount(t[link], minlength=T0), np.sort(np.stack([i[link], j[link]], axis=1), axis=1)


def linked_pairs(link: Words) -> Ints:
    """Pairs (i, j), i < j, of the agents who can talk, (C, 2); `link` is (N, words of N)."""
    linked = np.unpackbits(link.view(np.uint8), axis=1, bitorder="little")[:, : len(link)]
    return np.argwhere(np.triu(linked))


def matrices(begin: Ints, link_pair: np.ndarray, N: int, first: int, last: int) -> Bools:
    """Who could talk to whom at the steps `first` to `last` - 1, (last - first, N, N).

    Parameters
    ----------
    begin : (T + 1,) array
        In which row of `link_pair` the changes of each step begin.
    link_pair : (C, 2) array
        As in a recording, at least up to the last of these steps.
    """
    change = link_pair.astype(np.int64) @ [N, 1]
    now = np.bincount(change[: begin[first]], minlength=N * N) % 2 == 1
    result = np.empty((max(last - first, 0), N, N), dtype=bool)
    for row, t in enumerate(range(first, last)):
        now[change[begin[t] : begin[t + 1]]] ^= True
        matrix = now.reshape(N, N)
        result[row] = matrix | matrix.T
    return result
