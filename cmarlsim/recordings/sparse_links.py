"""Links that are kept as those that go up or down, as matrices again."""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.world import Bools, Ints


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
