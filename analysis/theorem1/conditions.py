"""The conditions (23) and (25) in their forms: as printed, as Proposition 4 has them, and sharper."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from analysis.multipliers import estimates
from analysis.theorem1.repeats import Values
from cmarlsim.bounds.proposition3 import MultiplierBound
from cmarlsim.bounds.theorem1 import largest_L, least_slack, slack, unmet_conditions
from cmarlsim.bounds.verdicts import ESTIMATED, PRINTED, PROVEN, SHARPER
from cmarlsim.errors import InputError
from cmarlsim.footprints.footprint import Footprint
from cmarlsim.graphs import footprint_edges
from cmarlsim.kernels.world import Floats
from cmarlsim.recordings.recording import Recording

PROPOSITION_4 = "Proposition 4"
FORMS = (PRINTED, PROPOSITION_4, SHARPER)
"""Factors before epsilon, beta and L are M, sqrt(M) and 1; the last form has the least slack of Lemma 1."""


@dataclass(frozen=True)
class Constants:
    """Constants of Assumptions 1 and 2, as large as some rollouts need them: the true ones are no smaller.

    `mismatch` is epsilon + beta, in the direction of lambda as (15) has it; `norm` is ||V - V_P||, which (32)
    puts in its place.
    """

    mismatch: float
    norm: float
    L: float

    @classmethod
    def of(cls, values: Values) -> Self:
        """The constants that repeated rollouts need."""
        needed = (
            values.mismatch(values.shared),
            values.distance(values.ideal[:, None], values.shared),
            values.slope(values.own),
        )
        return cls(*(float(measured.max()) for measured, _, _ in needed))


@dataclass(frozen=True)
class ErrorBound:
    """Bounds on the mean of max_n ||lambda^n_k - lambda_k||_inf, and what they rest on."""

    basis: str
    printed: float  # (22)
    corrected: float  # for the maximum over all agents and zones

    def error(self, form: str) -> float:
        """The bound that a form of (25) is about."""
        return self.corrected if form == SHARPER else self.printed

    @property
    def how(self) -> str:
        """What was estimated, to be added to the words of a statement; empty if nothing was."""
        how = self.basis.partition(": ")[2]
        return f" ({how})" if how else ""


def delta(form: str, c: Floats, N: int, mismatch: float) -> float:
    """Delta of (23) in one of `FORMS`; `mismatch` is epsilon + beta."""
    if form == SHARPER:
        return least_slack(c, N)[1] - mismatch
    return slack(c, mismatch)[FORMS.index(form)]


def gain_bound(form: str, c: Floats, N: int, mismatch: float) -> float:
    """Lower bound on lambda^T (V_R - c) / ||lambda||, (33); `mismatch` is epsilon + beta + L times the error.

    It is positive where (25) holds.
    """
    return delta(form, c, N, mismatch) / (1 if form == SHARPER else math.sqrt(len(c)))


def most_mismatch(form: str, c: Floats, N: int) -> float:
    """Smallest epsilon + beta for which delta is not above 0 any more."""
    factor = {PRINTED: len(c), PROPOSITION_4: math.sqrt(len(c)), SHARPER: 1}[form]
    return delta(form, c, N, 0.0) / factor


def most_L(form: str, c: Floats, N: int, mismatch: float, error: float) -> float:
    """Largest L for which (25) holds, in one of `FORMS`; 0 where delta is not above 0."""
    room = delta(form, c, N, mismatch)
    if form == SHARPER:
        return max(room, 0) / error if error > 0 else math.inf
    return largest_L(error, len(c), room)[FORMS.index(form)]


def conditions_met(form: str, c: Floats, N: int, constants: Constants, error: float) -> bool:
    """Whether Lemma 1's conditions, (23) and (25) are met: else Theorem 1 promises nothing."""
    if unmet_conditions(c, N) or delta(form, c, N, constants.mismatch) <= 0:
        return False
    return most_L(form, c, N, constants.mismatch, error) >= constants.L


def proposition_3(recordings: Sequence[Recording]) -> dict[str, MultiplierBound]:
    """Proposition 3 for runs of one scenario (level ``step``), by what it rests on; empty if it says nothing.

    On a footprint d_G and p are what the scenario says. Links by sight or range are neither independent nor
    equal: there they are estimated.
    """
    scenario = recordings[0].scenario
    links, dual, N = scenario.links, scenario.dual, scenario.agents.N
    rest = (dual.alpha, dual.eta, dual.T0)
    if N == 1 or links.model == "always":
        return {PROVEN: MultiplierBound(min(1, N - 1), 1.0, *rest)}
    if links.model == "bernoulli" and links.footprint is not None and links.p is not None:
        footprint = Footprint("links", N, footprint_edges(links.footprint, N), np.array(links.p))
        return {PROVEN: MultiplierBound(footprint.diameter, links.p, *rest)}
    try:
        return estimates(recordings)
    except InputError:  # not all agents are connected
        return {}


def error_bounds(bounds: Mapping[str, MultiplierBound], N: int, M: int) -> list[ErrorBound]:
    """What Proposition 3 promises in all, for N agents and M zones; infinite if `bounds` is empty."""
    found = [ErrorBound(basis, bound.printed(), bound.all_agents(N, M)) for basis, bound in bounds.items()]
    return found or [ErrorBound(f"{ESTIMATED}: agents that never hear of each other", math.inf, math.inf)]
