"""The contractive dual update, eq. (16) and (18)."""

from __future__ import annotations

from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.world import Floats, Ints


@kernel
def dual_update(lam: Floats, c: Floats, alpha: float, eta: float, attended: Ints, T0: int) -> None:
    """Update the multipliers `lam` (M,) in place.

    lam <- [(1 - alpha) lam + eta / T0 * (T0 c - attended)]_+ , where `attended` (M,) counts the steps of the
    rollout in which a zone was attended: in truth for eq. (16), as far as the agent knows at the end of the
    rollout for eq. (18).
    """
    for m in range(len(lam)):
        lam[m] = max(0.0, (1.0 - alpha) * lam[m] + eta / T0 * (T0 * c[m] - attended[m]))
