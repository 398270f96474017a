"""The conditions (23) and (25) in their forms: as printed, as Proposition 4 has them, and sharper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from analysis.multipliers import estimates
from analysis.theorem1.repeats import Values
from cmarlsim.bounds.proposition3 import MultiplierBound
from cmarlsim.bounds.theorem1 import least_slack, unmet_conditions
from cmarlsim.bounds.verdicts import ESTIMATED, PRINTED, PROVEN, SHARPER
from cmarlsim.errors import InputError
from cmarlsim.footprints.footprint import Footprint
from cmarlsim.graphs import footprint_edges
from cmarlsim.kernels.world import Floats
from cmarlsim.recordings.recording import Recording

PROPOSITION_4 = "Proposition 4"
FORMS = (PRINTED, PROPOSITION_4, SHARPER)
"""Forms of (23) and (25); the last has the least slack of Lemma 1 for 1 - ||c||_inf."""


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


def _factor(form: str, M: int) -> float:
    """What epsilon, beta and L are multiplied by in (23) and (25)."""
    return {PRINTED: M, PROPOSITION_4: math.sqrt(M), SHARPER: 1}[form]


def delta(form: str, c: Floats, N: int, mismatch: float) -> float:
    """Delta of (23) in one of `FORMS`; `mismatch` is epsilon + beta."""
    room = least_slack(c, N)[1] if form == SHARPER else 1 - float(np.max(c))
    return room - _factor(form, len(c)) * mismatch


def gain_bound(form: str, c: Floats, N: int, mismatch: float) -> float:
    """Lower bound on lambda^T (V_R - c) / ||lambda||, (33); `mismatch` is epsilon + beta + L times the error.

    It is positive where (25) holds.
    """
    return delta(form, c, N, mismatch) / (1 if form == SHARPER else math.sqrt(len(c)))


def most_mismatch(form: str, c: Floats, N: int) -> float:
    """Smallest epsilon + beta for which delta is not above 0 any more."""
    return delta(form, c, N, 0.0) / _factor(form, len(c))


def most_L(form: str, c: Floats, N: int, mismatch: float, error: float) -> float:
    """Largest L for which (25) holds, in one of `FORMS`; 0 where delta is not above 0."""
    room = max(delta(form, c, N, mismatch), 0)
    return room / (_factor(form, len(c)) * error) if error > 0 else math.inf


def conditions_met(form: str, c: Floats, N: int, constants: Constants, error: float) -> bool:
    """Whether Lemma 1's conditions, (23) and (25) are met: else Theorem 1 promises nothing."""
    if unmet_conditions(c, N) or delta(form, c, N, constants.mismatch) <= 0:
        return False
    return most_L(form, c, N, constants.mismatch, error) >= constants.L


def error_bounds(recordings: Sequence[Recording]) -> list[ErrorBound]:
    """What Proposition 3 promises for runs of one scenario (level ``step``); infinite if it says nothing.

    On a footprint d_G and p are what the scenario says. Links by sight or range are neither independent nor
    equal: there they are estimated, in two ways.
    """
    scenario = recordings[0].scenario
    links, dual, N = scenario.links, scenario.dual, scenario.agents.N
    rest = (dual.alpha, dual.eta, dual.T0)
    if N == 1 or links.model == "always":
        found = {PROVEN: MultiplierBound(min(1, N - 1), 1.0, *rest)}
    elif links.model == "bernoulli" and links.footprint is not None and links.p is not None:
        footprint = Footprint("links", N, footprint_edges(links.footprint, N), np.array(links.p))
        found = {PROVEN: MultiplierBound(footprint.diameter, links.p, *rest)}
    else:
        try:
            found = estimates(recordings)
        except InputError:
            return [ErrorBound(f"{ESTIMATED}: agents that never hear of each other", math.inf, math.inf)]
    return [
        ErrorBound(basis, bound.printed(), bound.all_agents(N, scenario.M)) for basis, bound in found.items()
    ]
