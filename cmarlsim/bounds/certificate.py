"""The path certificate: what agents know of satisfaction from their own multipliers alone, in one run."""

from __future__ import annotations

from cmarlsim.kernels.world import Floats, Ints


def certified_satisfaction(
    c: Floats, lam_last: Floats, lam_mean: Floats, alpha: float, eta: float, K: int | Ints
) -> Floats:
    """Lower bound on the true satisfaction that each agent can compute from its own multipliers.

    As [x]_+ >= x and R^n <= r, unrolling eq. (18) from lambda_0 = 0 over K rollouts gives, on every sample
    path and for any communication,
    ``c - mean_t r <= lam_K / (eta K) + (alpha / eta) mean_{k < K} lam_k``.

    Parameters
    ----------
    c : (M,) array
        Thresholds.
    lam_last : (N, M) array
        Multipliers after the last of the K rollouts.
    lam_mean : (N, M) array
        Mean of the multipliers in force during the rollouts 0 .. K - 1.

    Returns
    -------
    (N, M) array
        Row n is what agent n can certify.
    """
    return c - lam_last / (eta * K) - alpha / eta * lam_mean
