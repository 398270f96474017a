"""The contractive dual update, eq. (16) and (18)."""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.world import Floats, Ints


@kernel
def updated(lam: float, c: float, alpha: float, eta: float, attended: int, T0: int) -> float:
    """A zone's multiplier after a rollout of T0 steps.

    Eq. (16) and (18), with [x]_+ = max(0, x)::

        lam_{k+1} = [(1 - alpha) lam_k + eta / T0 * (T0 c - attended)]_+

    Here `attended` counts the steps of rollout k in which the zone was attended: in truth for eq. (16), as
    far as the agent knows at the end of the rollout for eq. (18).
    """
    return max(0.0, (1.0 - alpha) * lam + eta / T0 * (T0 * c - attended))


def updated_all(
    lam: Floats, c: Floats, alpha: float, step: float, attended: Floats | Ints, T0: int
) -> Floats:
    """`updated` for arrays that broadcast to (.., M), bit for bit, outside of kernels.

    Parameters
    ----------
    step
        eta / T0.
    """
    return np.maximum(0.0, (1.0 - alpha) * lam + step * (T0 * c - attended))
