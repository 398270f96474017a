"""The error of multipliers, measured over rollouts, against Proposition 3 and what holds in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd

from analysis.intervals import mean_and_error
from analysis.recordings import check_contracts
from analysis.settings import Setting
from cmarlsim.bounds.proposition3 import MultiplierBound
from cmarlsim.bounds.verdicts import CORRECTED, ESTIMATED, PRINTED, PROVEN, Statement
from cmarlsim.errors import InputError
from cmarlsim.footprints.chain import MOST_NODES
from cmarlsim.footprints.footprint import fitted, strongest
from cmarlsim.footprints.multipliers import Errors, multiplier_errors
from cmarlsim.kernels.world import Floats
from cmarlsim.recordings.recording import Recording

BAND = (0.05, 0.95)
"""Quantiles over repetitions."""

MOST_VALUES = 2**22
"""Errors of so many repetitions, agents and zones are kept: of fewer agents where there are more."""

LOOKS = 6
"""Numbers of rollouts after which errors are looked at."""

NORMS = ("each zone", "max norm", "all agents")
CLAIMS = dict(zip(NORMS, ("(22), each zone", "Proposition 3", "(22), all agents"), strict=True))
"""Claims by the norm of the error that they are about."""

TRANSIENT = "transient"
"""Form of (22) after a number of rollouts."""

AGREEMENT = "simulation and chain"


@dataclass(frozen=True, eq=False)
class MeasuredErrors:
    """What was measured, and what it is compared with."""

    head: Mapping[str, object]  # first columns of its rows
    errors: Mapping[int, Errors]  # by number of rollouts
    bound: MultiplierBound
    N: int
    M: int
    basis: str  # `PROVEN` for the paper's model, else how d_G and p were estimated
    exact: Floats | None = None  # (agents, M) mean of the unprojected error after one rollout, by the chain


def looks(rollouts: int) -> list[int]:
    """Numbers of rollouts after which to look, from the first to the last."""
    return sorted({round(k) for k in np.geomspace(1, rollouts, LOOKS)})


def simulate(group: str, setting: Setting, seed: int) -> MeasuredErrors:
    """Simulate agents at the nodes of a footprint; the first that is followed is as far away as any."""
    footprint = setting.load(seed)
    watch, bound, dual = setting.watch(footprint), setting.bound(footprint), setting.dual
    far = footprint.diametral[1]
    most = max(1, MOST_VALUES // (setting.repetitions * setting.M))
    agents = [far, *(n for n in range(footprint.N) if n != far)][:most]
    runs = multiplier_errors(footprint, watch, dual, setting.repetitions, seed, agents)
    wanted = looks(setting.length)
    errors = {k: found for k, found in enumerate(islice(runs, setting.length), start=1) if k in wanted}
    exact = None
    if footprint.N <= MOST_NODES:
        exact = dual.eta / dual.T0 * watch.missed_on_average(footprint, dual.T0)[agents]
    head = {"group": group, "footprint": setting.footprint, "N": footprint.N, "M": setting.M}
    head |= {"occupancy": setting.occupancy, "c": setting.c}
    return MeasuredErrors(head, errors, bound, footprint.N, setting.M, PROVEN, exact)


def from_recordings(group: str, recordings: Sequence[Recording]) -> list[MeasuredErrors]:
    """Measure runs of one scenario; d_G and p are estimated, in two ways, from who talked to whom.

    Raises
    ------
    InputError
        If there is one agent only, alpha is 0, or the pairs that ever met do not connect all agents.
    """
    scenario, K = recordings[0].scenario, recordings[0].rollouts_done
    N, M = scenario.agents.N, scenario.M
    if N < 2:
        raise InputError(f"{recordings[0].path}: has one agent only, there is no gossip")
    check_contracts(recordings[0])
    runs = [_errors_of(recording, K) for recording in recordings]
    errors = {
        k: Errors(*(np.stack(parts) for parts in zip(*(run[k] for run in runs), strict=True)))
        for k in looks(K)
    }
    head = {"group": group, "footprint": "estimated", "N": N, "M": M, "occupancy": np.nan, "c": np.nan}
    return [MeasuredErrors(head, errors, bound, N, M, how) for how, bound in estimates(recordings).items()]


def estimates(recordings: Sequence[Recording]) -> dict[str, MultiplierBound]:
    """Proposition 3 for runs of one scenario (level ``step``), d_G and p estimated from who talked to whom.

    The keys say how.

    Raises
    ------
    InputError
        If the pairs that ever met do not connect all agents.
    """
    dual, met = recordings[0].scenario.dual, fitted(*recordings)
    best = strongest(met)
    return {
        f"{ESTIMATED}: {how}": MultiplierBound(d_G, float(p), dual.alpha, dual.eta, dual.T0)
        for how, d_G, p in (
            ("smallest p of the pairs it is best for", best.diameter, best.p.min()),
            ("mean p of all pairs that ever met", met.diameter, met.p.mean()),
        )
    }


def _errors_of(recording: Recording, K: int) -> dict[int, tuple[Floats, Floats]]:
    """Errors (N, M) of a run as they are and without projection, by number of rollouts."""
    dual, found = recording.scenario.dual, {}
    unprojected = np.zeros(recording.lam.shape[1:])
    wanted, lam, ideal = looks(K), recording.lam, recording.lam_ideal
    for k in range(1, K + 1):
        first, last = (k - 1) * dual.T0, k * dual.T0
        missed = recording.read("reward", first, last)[:, None] & ~recording.read("estimate", first, last)
        unprojected = (1 - dual.alpha) * unprojected + dual.eta / dual.T0 * missed.sum(axis=0)
        if k in wanted:
            found[k] = (lam[k] - ideal[k], unprojected)
    return found


def worst(samples: Floats) -> Floats:
    """Samples of the column with the largest mean: chosen by the first half of the rows, taken from the rest.

    So its mean is not the larger for having been chosen. A single column is taken whole.

    Parameters
    ----------
    samples : (repetitions, J) array

    Returns
    -------
    (repetitions or half of them,) array
    """
    if samples.shape[1] == 1:
        return samples[:, 0]
    half = len(samples) // 2
    return samples[half:, samples[:half].mean(axis=0).argmax()]


def mean_interval(samples: Floats) -> tuple[float, float, float]:
    """Mean of (repetitions,) samples, and the ends of Student's interval."""
    mean, error = (float(each[0]) for each in mean_and_error(samples[:, None]))
    return mean, mean - error, mean + error


def rows(case: MeasuredErrors) -> pd.DataFrame:
    """One row a number of rollouts, with and without projection, norm and form of bound.

    Columns: `verdicts.COLUMNS`, measured being the mean over repetitions of the `worst` agent, and for ``each
    zone`` of the worst zone; the case's, d_G, p, alpha, eta, T0, k, projection, norm, band_low and band_high
    (`BAND` over repetitions).
    """
    b = case.bound
    parameters = {"d_G": b.d_G, "p": b.p, "alpha": b.alpha, "eta": b.eta, "T0": b.T0}
    found = []
    for k, errors in case.errors.items():
        for projection, values in zip((True, False), errors, strict=True):
            head = {**case.head, **parameters, "k": k, "projection": projection}
            quantity = _quantity(case, k, projection)
            for norm, samples in _norms(values, case.N).items():
                chosen = worst(samples)
                interval, band = mean_interval(chosen), np.quantile(chosen, BAND)
                line = head | {"norm": norm, "band_low": band[0], "band_high": band[1]}
                for form, bound in _bounds(case, k, norm).items():
                    most = b.eta * b.weight(None if form == PRINTED else k)
                    statement = Statement(CLAIMS[norm], form, quantity, bound, case.basis, trivial=most)
                    found.append(statement.row(*interval) | line)
            if not projection and case.exact is not None:
                agreement = _against_exact(values, b.weight(k) * case.exact, quantity)
                found.append(agreement | head | {"norm": NORMS[0]})
    return pd.DataFrame(found)


def _quantity(case: MeasuredErrors, k: int, projection: bool) -> str:
    """What is measured: words that differ where it is not that of the paper's own model."""
    words = "mean error of multipliers" + ("" if projection else " without projection")
    words += "" if case.basis == PROVEN else f" of the {case.head['group']}"
    b = case.bound
    return f"{words}, {case.head['footprint']}, p = {b.p:g}, M = {case.M}, alpha = {b.alpha:g}, k = {k}"


def _norms(values: Floats, N: int) -> dict[str, Floats]:
    """(repetitions, J) errors whose worst column counts, by norm; all agents only if all are followed."""
    repetitions, agents, _ = values.shape
    found = {NORMS[0]: values.reshape(repetitions, -1), NORMS[1]: values.max(axis=2)}
    return found | ({NORMS[2]: values.max(axis=(1, 2))[:, None]} if agents == N else {})


def _bounds(case: MeasuredErrors, k: int, norm: str) -> dict[str, float]:
    b = case.bound
    if norm == NORMS[0]:
        corrected = b.one_zone(k)
    else:
        corrected = (b.one_agent if norm == NORMS[1] else b.all_agents)(case.N, case.M, k)
    return {PRINTED: b.printed(), TRANSIENT: b.printed(k), CORRECTED: corrected}


def _against_exact(values: Floats, exact: Floats, quantity: str) -> dict[str, object]:
    """A row on how far means are from the chain's: of the agent and zone that is farthest beyond its error.

    `values` (repetitions, agents, M) and `exact` (agents, M) are errors without projection.
    """
    mean, error = mean_and_error(values.reshape(len(values), -1))
    apart = np.abs(mean - exact.ravel())
    which = int((apart - error).argmax())
    return Statement(AGREEMENT, AGREEMENT, quantity, float(error[which]), PROVEN).row(apart[which])
