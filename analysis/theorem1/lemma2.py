"""Lemma 2 and (31)-(33), (23) and (25) with measured epsilon, beta and L, and what is left of Theorem 1."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from analysis.multipliers import mean_interval
from analysis.theorem1.conditions import (
    FORMS,
    Constants,
    ErrorBound,
    conditions_met,
    delta,
    gain_bound,
    most_L,
    most_mismatch,
)
from analysis.theorem1.repeats import NEARER, Values
from cmarlsim.bounds.proposition4 import PathBounds
from cmarlsim.bounds.theorem1 import feasibility_error
from cmarlsim.bounds.verdicts import CORRECTED, ESTIMATED, OURS, PRINTED, PROVEN, SHARPER, VACUOUS, Statement
from cmarlsim.kernels.world import Floats
from cmarlsim.recordings.recording import Recording

Row = dict[str, object]


def largest(numbers: Floats) -> tuple[float, float, float]:
    """The largest of what was measured, (3, K), with its interval."""
    measured, low, high = map(float, numbers.max(axis=1))
    return measured, low, high


def assumption_1(values: Values) -> Iterator[Row]:
    """Whether epsilon + beta leave room for delta > 0 in (23)."""
    K = len(values.lam)
    both = largest(values.mismatch(values.shared))
    norm = largest(values.distance(values.ideal[:, None], values.shared))
    beta = largest(values.mismatch(values.frozen))
    along = f"largest lambda^T (V - V_P) / ||lambda||, {K} rollouts"
    for form, words, numbers in (
        *((form, f"epsilon + beta: {along}", both) for form in FORMS),
        (PRINTED, f"largest ||V - V_P||, which (32) takes for epsilon + beta, {K} rollouts", norm),
        (PRINTED, f"beta alone, T0 to infinity: {along}", beta),
    ):
        bound = most_mismatch(form, values.c, values.N)
        yield Statement("(23)", form, words, bound, ESTIMATED).row(*numbers)


def condition_25(values: Values, constants: Constants, bounds: Sequence[ErrorBound]) -> Iterator[Row]:
    """Whether L is small enough for (25), with epsilon and beta as measured, and if they were 0."""
    L, nearer = largest(values.slope(values.own)), largest(values.slope(values.nearer, NEARER))
    tried = (
        ("L, epsilon and beta measured", constants.mismatch, L),
        ("L, epsilon and beta if 0", 0.0, L),
        (f"L at {NEARER:g} of the distance, epsilon and beta if 0", 0.0, nearer),
    )
    for each in bounds:
        for form in FORMS:
            for words, mismatch, slope in tried:
                most = most_L(form, values.c, values.N, mismatch, each.error(form))
                yield Statement("(25)", form, f"{words}{each.how}", most, ESTIMATED).row(*slope)


def inequality_31(values: Values, constants: Constants, bounds: Sequence[ErrorBound]) -> Iterator[Row]:
    """(31), in rollouts of other runs than those that the constants are from."""
    M, K = len(values.c), len(values.lam)
    most = math.sqrt(min(values.N, M))  # ||V|| is at most that, and V_R is not negative
    measured = largest(values.mismatch(values.own))
    for each in bounds:
        for form, error in ((PRINTED, math.sqrt(M) * each.printed), (CORRECTED, each.corrected)):
            bound = constants.mismatch + constants.L * error
            words = f"(31): largest lambda^T (V - V_R) / ||lambda||, {K} other rollouts{each.how}"
            yield Statement("Lemma 2", form, words, bound, ESTIMATED, trivial=most).row(*measured)


def inequality_32(values: Values, constants: Constants) -> Iterator[Row]:
    """(32) solved for L, in rollouts of other runs than those that the constants are from."""
    apart = values.distance(values.ideal[:, None], values.own) - constants.norm
    some = values.away > 0
    if some.any():
        needed = largest(apart[:, some] / values.away[some])
        words = f"(32): largest (||V - V_R|| - epsilon - beta) / error of lambda, {some.sum()} other rollouts"
        yield Statement("Lemma 2", PRINTED, words, constants.L, ESTIMATED).row(*needed)


def inequality_33(values: Values, constants: Constants, bounds: Sequence[ErrorBound]) -> Iterator[Row]:
    """(33), which promises (26) where its right side is positive, and (26) itself."""
    gain = [float(number) for number in values.gain().min(axis=1)]
    words = f"least lambda^T (V_R - c) / ||lambda||, {len(values.lam)} other rollouts"
    for each in bounds:
        for form in FORMS:
            mismatch = constants.mismatch + constants.L * each.error(form)
            bound = gain_bound(form, values.c, values.N, mismatch)
            quantity = f"(33): {words}{each.how}"
            yield Statement("Lemma 2", form, quantity, bound, ESTIMATED, True, trivial=0.0).row(*gain)
    yield Statement("(26)", PRINTED, words, 0.0, ESTIMATED, at_least=True).row(*gain)


def errors_of(recording: Recording) -> Floats:
    """max_n ||lambda^n_k - lambda_k||_inf at the beginning of every rollout, (K,)."""
    return np.abs(recording.lam[:-1] - recording.lam_ideal[:-1, None]).max(axis=(1, 2))


def given_the_past(recordings: Sequence[Recording], bounds: Sequence[ErrorBound]) -> Iterator[Row]:
    """Whether the errors of multipliers are as small as Lemma 2 takes them: on average, and in every rollout.

    (33) is put to use given F_k, in Lemma 3. There the error of rollout k is not random any more, and
    Proposition 3 says nothing about it.
    """
    errors = np.stack([errors_of(recording) for recording in recordings])
    dual = recordings[0].scenario.dual
    measured = {
        "mean over rollouts": mean_interval(errors.mean(axis=1)),
        "given F_k, largest of all rollouts": (float(errors.max()),),
    }
    for each in bounds:
        for form, bound, best in ((PRINTED, each.printed, PROVEN), (CORRECTED, each.corrected, OURS)):
            for words, numbers in measured.items():
                quantity = f"max_n ||lambda^n_k - lambda_k||_inf: {words}{each.how}"
                basis = best if each.basis == PROVEN else ESTIMATED
                statement = Statement("Lemma 2", form, quantity, bound, basis, trivial=dual.eta / dual.alpha)
                yield statement.row(*numbers)


def theorem_1(
    recordings: Sequence[Recording], constants: Constants, bounds: Sequence[ErrorBound]
) -> Iterator[Row]:
    """(24): vacuous in every form whose conditions are not met, and what holds without (25)."""
    scenario = recordings[0].scenario
    c, N = scenario.c, scenario.agents.N
    paths = PathBounds(c, scenario.dual.alpha, scenario.dual.eta)
    measured = mean_interval(np.array([(c - recording.satisfaction()).max() for recording in recordings]))
    words, most = f"largest c - satisfaction, {recordings[0].steps:,} steps", float(c.max())
    promised = dict.fromkeys(FORMS, feasibility_error(paths.alpha, scenario.M))
    promised[SHARPER] = paths.shortfall(paths.largest_step)
    for each in bounds:
        for form, error in promised.items():
            statement = Statement("Theorem 1", form, f"{words}{each.how}", error, ESTIMATED, trivial=most)
            line = statement.row(*measured)
            met = conditions_met(form, c, N, constants, each.error(form))
            yield line if met else line | {"verdict": VACUOUS}
    error = error_without_25(paths, N, constants, np.concatenate([errors_of(run) for run in recordings]))
    quantity = f"{words}, without (25)"
    yield Statement("Theorem 1", CORRECTED, quantity, error, ESTIMATED, trivial=most).row(*measured)


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
    recordings: Sequence[Recording], values: Values, constants: Constants, bounds: Sequence[ErrorBound]
) -> pd.DataFrame:
    """Lemma 2 and Theorem 1 for runs of one scenario, in the columns of `verdicts.COLUMNS`.

    Parameters
    ----------
    values
        Of repeated rollouts of these runs.
    constants
        From all of them, or assumed. (31)-(33) are tried on the second half of the rollouts, with constants
        from the first.
    """
    found = [*assumption_1(values), *condition_25(values, constants, bounds)]
    first, others = values.halves()
    if len(others.lam):
        tried = Constants.of(first)
        found += inequality_31(others, tried, bounds)
        found += inequality_32(others, tried)
        found += inequality_33(others, tried, bounds)
    found += given_the_past(recordings, bounds)
    found += theorem_1(recordings, constants, bounds)
    return pd.DataFrame(found)
