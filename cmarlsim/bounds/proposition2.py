"""Proposition 2: when an observation has reached every agent, at least how likely.

Its right-hand side needs d_G and p alone. `cmarlsim.footprints.proposition2` has it for a footprint graph,
and closer bounds from below and from above.
"""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.world import Floats


def negative_binomial(successes: int, p: float, last: int) -> Floats:
    """P(BN <= l) for l = 0 .. `last`, (last + 1,): BN is the number of *trials* up to the last success.

    scipy's ``nbinom`` counts the failures among them.
    """
    from scipy.stats import nbinom

    lags = np.arange(last + 1)
    return nbinom.cdf(lags - successes, successes, p) if successes else np.ones(last + 1)
