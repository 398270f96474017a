"""The contractive dual update, eq. (16) and (18)."""

from __future__ import annotations

from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.world import Bools, Floats


@kernel
def dual_update(lam: Floats, c: Floats, alpha: float, eta: float, attended: Bools) -> None:
    """Update the multipliers `lam` (M,) in place.

    lam <- [(1 - alpha) lam + eta / T0 * sum_tau (c - attended_tau)]_+ , where `attended` (T0, M) is the
    true reward for eq. (16) and the agent's own estimate at the end of the rollout for eq. (18).
    """
    T0 = len(attended)
    for m in range(len(lam)):
        times = 0
        for tau in range(T0):
            times += attended[tau, m]
        lam[m] = max(0.0, (1.0 - alpha) * lam[m] + eta / T0 * (T0 * c[m] - times))
