"""Lemma 2 and (31)-(33), (23) and (25) with measured epsilon, beta and L, and what is left of Theorem 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from analysis.intervals import mean_and_error
from analysis.theorem1.forms import FORMS, Gossip, delta, gain_bound, most_L, most_mismatch
from analysis.theorem1.values import NEARER, Samples, largest, smallest
from cmarlsim.bounds.proposition4 import PathBounds
from cmarlsim.bounds.theorem1 import feasibility_error, unmet_conditions
from cmarlsim.bounds.verdicts import CORRECTED, ESTIMATED, OURS, PRINTED, PROVEN, SHARPER, VACUOUS, Statement
from cmarlsim.kernels.world import Floats
from cmarlsim.recordings.recording import Recording

Row = dict[str, object]


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
    def of(cls, samples: Samples) -> Self:
        """Those that repeated rollouts need."""
        return cls(
            largest(samples.mismatch(samples.shared))[0],
            largest(samples.distance(samples.ideal[:, None], samples.shared))[0],
            largest(samples.slope(samples.own))[0],
        )


def assumption_1(samples: Samples) -> list[Row]:
    """Whether epsilon + beta leave room for delta > 0 in (23)."""
    c, N, K = samples.c, samples.N, len(samples.lam)
    both = largest(samples.mismatch(samples.shared))
    found = []
    for form in FORMS:
        words = f"epsilon + beta: largest lambda^T (V - V_P) / ||lambda||, {K} rollouts"
        found.append(Statement("(23)", form, words, most_mismatch(form, c, N), ESTIMATED).row(*both))
    words = f"largest ||V - V_P||, which (32) takes for epsilon + beta, {K} rollouts"
    norm = largest(samples.distance(samples.ideal[:, None], samples.shared))
    found.append(Statement("(23)", PRINTED, words, most_mismatch(PRINTED, c, N), ESTIMATED).row(*norm))
    words = f"beta alone, T0 to infinity: largest lambda^T (V - V_P) / ||lambda||, {K} rollouts"
    statement = Statement("(23)", PRINTED, words, most_mismatch(PRINTED, c, N), ESTIMATED)
    return [*found, statement.row(*largest(samples.mismatch(samples.frozen)))]


def condition_25(samples: Samples, constants: Constants, bounds: Sequence[Gossip]) -> list[Row]:
    """Whether L is small enough for (25), with epsilon and beta as measured, and if they were 0."""
    c, N = samples.c, samples.N
    nearer = f"L at {NEARER:g} of the distance"
    tried = (
        ("L", "measured", constants.mismatch, samples.slope(samples.own)),
        ("L", "if 0", 0.0, samples.slope(samples.own)),
        (nearer, "if 0", 0.0, samples.slope(samples.nearer, NEARER)),
    )
    found = []
    for each in bounds:
        for form in FORMS:
            for words, some, mismatch, slope in tried:
                most = most_L(form, c, N, mismatch, each.error(form))
                quantity = f"{words}, epsilon and beta {some}{_how(each)}"
                found.append(Statement("(25)", form, quantity, most, ESTIMATED).row(*largest(slope)))
    return found


def inequality_31(samples: Samples, constants: Constants, bounds: Sequence[Gossip]) -> list[Row]:
    """(31), in rollouts of other runs than those that the constants are from."""
    M, K = len(samples.c), len(samples.lam)
    most = math.sqrt(min(samples.N, M))  # of ||V||, and V_R is not negative
    found = []
    for each in bounds:
        for form, error in ((PRINTED, math.sqrt(M) * each.printed), (CORRECTED, each.corrected)):
            bound = constants.mismatch + constants.L * error
            words = f"(31): largest lambda^T (V - V_R) / ||lambda||, {K} other rollouts{_how(each)}"
            statement = Statement("Lemma 2", form, words, bound, ESTIMATED, trivial=most)
            found.append(statement.row(*largest(samples.mismatch(samples.own))))
    return found


def inequality_32(samples: Samples, constants: Constants) -> list[Row]:
    """(32) solved for L, in rollouts of other runs than those that the constants are from."""
    apart = samples.distance(samples.ideal[:, None], samples.own) - constants.norm
    some = samples.away > 0
    if not some.any():
        return []
    needed = largest(apart[:, some] / samples.away[some])
    words = f"(32): largest (||V - V_R|| - epsilon - beta) / error of lambda, {some.sum()} other rollouts"
    return [Statement("Lemma 2", PRINTED, words, constants.L, ESTIMATED).row(*needed)]


def inequality_33(samples: Samples, constants: Constants, bounds: Sequence[Gossip]) -> list[Row]:
    """(33), which promises (26) where its right side is positive, and (26) itself."""
    c, N, K = samples.c, samples.N, len(samples.lam)
    gain = smallest(samples.gain())
    words = f"least lambda^T (V_R - c) / ||lambda||, {K} other rollouts"
    found = []
    for each in bounds:
        for form in FORMS:
            bound = gain_bound(form, c, N, constants.mismatch + constants.L * each.error(form))
            quantity = f"(33): {words}{_how(each)}"
            statement = Statement("Lemma 2", form, quantity, bound, ESTIMATED, at_least=True, trivial=0.0)
            found.append(statement.row(*gain))
    return [*found, Statement("(26)", PRINTED, words, 0.0, ESTIMATED, at_least=True).row(*gain)]


def errors_of(recording: Recording) -> Floats:
    """max_n ||lambda^n_k - lambda_k||_inf at the beginning of every rollout, (K,)."""
    return np.abs(recording.lam[:-1] - recording.lam_ideal[:-1, None]).max(axis=(1, 2))


def given_the_past(recordings: Sequence[Recording], bounds: Sequence[Gossip]) -> list[Row]:
    """Whether the errors of multipliers are as small as Lemma 2 takes them: on average, and in every rollout.

    (33) is put to use given F_k, in Lemma 3. There the error of rollout k is not random any more, and
    Proposition 3 says nothing about it.
    """
    errors = np.stack([errors_of(recording) for recording in recordings])
    dual = recordings[0].scenario.dual
    ceiling = dual.eta / dual.alpha  # which no error exceeds
    middle, wide = (float(each[0]) for each in mean_and_error(errors.mean(axis=1)[:, None]))
    found = []
    for each in bounds:
        for form, bound in ((PRINTED, each.printed), (CORRECTED, each.corrected)):
            for words, numbers in (
                ("mean over rollouts", (middle, middle - wide, middle + wide)),
                ("given F_k, largest of all rollouts", (float(errors.max()),)),
            ):
                quantity = f"max_n ||lambda^n_k - lambda_k||_inf: {words}{_how(each)}"
                basis = _weaker(each.basis, OURS if form == CORRECTED else PROVEN)
                statement = Statement("Lemma 2", form, quantity, bound, basis, trivial=ceiling)
                found.append(statement.row(*numbers))
    return found


def theorem_1(recordings: Sequence[Recording], constants: Constants, bounds: Sequence[Gossip]) -> list[Row]:
    """(24): vacuous in every form whose conditions are not met, and what holds without (25)."""
    scenario = recordings[0].scenario
    c, N, dual = scenario.c, scenario.agents.N, scenario.dual
    paths = PathBounds(c, dual.alpha, dual.eta)
    shortfall = np.array([(c - recording.satisfaction()).max() for recording in recordings])
    middle, wide = (float(each[0]) for each in mean_and_error(shortfall[:, None]))
    measured = (middle, middle - wide, middle + wide)
    words, most = f"largest c - satisfaction, {recordings[0].steps:,} steps", float(c.max())
    found = []
    for each in bounds:
        for form in FORMS:
            error = feasibility_error(dual.alpha, scenario.M)
            if form == SHARPER:
                error = paths.shortfall(paths.largest_step)
            statement = Statement("Theorem 1", form, f"{words}{_how(each)}", error, ESTIMATED, trivial=most)
            line = statement.row(*measured)
            allowed = most_L(form, c, N, constants.mismatch, each.error(form))
            met = delta(form, c, N, constants.mismatch) > 0 and allowed >= constants.L
            if not met or unmet_conditions(c, N):
                line["verdict"] = VACUOUS
            found.append(line)
    error = error_without_25(paths, N, constants, np.concatenate([errors_of(run) for run in recordings]))
    quantity = f"{words}, without (25)"
    found.append(Statement("Theorem 1", CORRECTED, quantity, error, ESTIMATED, trivial=most).row(*measured))
    return found


def error_without_25(bounds: PathBounds, N: int, constants: Constants, errors: Floats) -> float:
    """What takes the place of sqrt(alpha M) in (24), whether (25) holds or not; `docs/theorem1.md` proves it.

    In rollout k lambda_k^T (V_R - c) >= (s - L e_k) ||lambda_k||, where s is the least slack of Lemma 1 less
    epsilon + beta, and it is never below -||c|| ||lambda_k||. In the long run that costs no more than a slack
    of -rms [L e_k - s]_+ in all rollouts, or leaves their least one if all are positive.

    Parameters
    ----------
    errors : (K,) array
        e_k = max_n ||lambda^n_k - lambda_k||_inf.
    """
    excess = constants.L * errors - delta(SHARPER, bounds.c, N, constants.mismatch)
    excess = np.minimum(excess, np.linalg.norm(bounds.c))
    slack = -float(excess.max() if excess.max() <= 0 else np.sqrt((np.maximum(excess, 0) ** 2).mean()))
    return bounds.shortfall(bounds.largest_step, slack)


def rows(
    recordings: Sequence[Recording], samples: Samples, constants: Constants, bounds: Sequence[Gossip]
) -> pd.DataFrame:
    """Lemma 2 and Theorem 1 for runs of one scenario.

    Parameters
    ----------
    samples
        Repeated rollouts of these runs.
    constants
        From all of them, or assumed. (31)-(33) are tried on the second half of the rollouts, with constants
        from the first.

    Returns
    -------
    DataFrame
        Columns as `verdicts.COLUMNS`.
    """
    found = [*assumption_1(samples), *condition_25(samples, constants, bounds)]
    first, others = samples.halves()
    if len(others.lam):
        tried = Constants.of(first)
        found += inequality_31(others, tried, bounds)
        found += inequality_32(others, tried)
        found += inequality_33(others, tried, bounds)
    found += given_the_past(recordings, bounds)
    return pd.DataFrame(found + theorem_1(recordings, constants, bounds))


def _how(bound: Gossip) -> str:
    return f" ({bound.how})" if bound.how else ""


def _weaker(basis: str, best: str) -> str:
    """What a bound rests on that would be `best` if d_G and p were known."""
    return best if basis == PROVEN else ESTIMATED
