"""The contractive dual update, eq. (16) and (18)."""

from __future__ import annotations

from cmarlsim.kernels.compiling import kernel


@kernel
def updated(lam: float, c: float, alpha: float, eta: float, attended: int, T0: int) -> float:
    """A zone's multiplier after a rollout of T0 steps.

    Eq. (16) and (18), with [x]_+ = max(0, x)::

        lam_{k+1} = [(1 - alpha) lam_k + eta / T0 * (T0 c - attended)]_+

    Here `attended` counts the steps of rollout k in which the zone was attended: in truth for eq. (16), as
    far as the agent knows at the end of the rollout for eq. (18).
    """
    return max(0.0, (1.0 - alpha) * lam + eta / T0 * (T0 * c - attended))
