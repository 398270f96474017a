"""Lemmas 3 to 6, Proposition 4, (24) and the local certificate, along trajectories.

Statements of the paper suppose (26), lambda_k^T (V_R - c) >= 0 in every rollout, which Theorem 1 derives from
assumptions on the policy: rows about them have the basis ``assumed``. Whether (26) itself holds is sampled.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from analysis.intervals import mean_and_error
from analysis.multipliers import looks, mean_interval
from analysis.theorem1.counterexamples import lemma5_rows, lemma6_rows
from analysis.theorem1.paths import (
    CERTIFICATE,
    LARGEST,
    MEASURED,
    MISS,
    TAIL,
    UNROLLED,
    Paths,
    certificates,
    invariant_slacks,
)
from analysis.theorem1.repeats import Sample
from cmarlsim.bounds.verdicts import (
    ASSUMED,
    COLUMNS,
    CORRECTED,
    ESTIMATED,
    FAILS,
    OURS,
    PRINTED,
    PROVEN,
    SHARPER,
    UNDECIDED,
    Statement,
)
from cmarlsim.kernels.world import Floats

IN_TAIL = f"after {TAIL:.0%} of any run"

FINITE = "finite time"
"""Form of bounds that hold at all times at once, but with probability `MISS`."""

CERTIFIES = "local certificate"

Row = dict[str, object]


def rows(paths: Paths, samples: Sequence[Sample] = ()) -> pd.DataFrame:
    """Verdicts on statements along trajectories.

    Parameters
    ----------
    samples
        Rollouts of the first run, repeated (`repeats.sampled`); without them nothing is said of means given
        the past.

    Returns
    -------
    pd.DataFrame
        Columns as `COLUMNS`.

    Raises
    ------
    InputError
        If alpha is 0.
    """
    paths.bounds.largest()  # alpha = 0 is refused before anything runs
    parts = (averaged_rows, lemma4_rows, path_rows, proposition4_rows, feasibility_rows, certificate_rows)
    found = list(conditional_rows(paths, samples)) + [row for part in parts for row in part(paths)]
    found += lemma5_rows(paths.runs[0].scenario) + lemma6_rows()
    return pd.DataFrame(found, columns=list(COLUMNS))


def conditional_rows(paths: Paths, samples: Sequence[Sample]) -> Iterator[Row]:
    """(26) and (52) in rollouts that were repeated, each with Student's interval."""
    for sample in samples:
        where = f"rollout {sample.k} of seed {paths.runs[0].seed}"
        statement = Statement("(26)", PRINTED, f"lambda^T (V_R - c) in {where}", 0.0, ASSUMED, at_least=True)
        yield statement.row(*mean_interval(sample.inner(paths.bounds.c)))
        before = np.asarray((sample.ideal**2).sum())
        most = float((paths.bounds.largest(sample.k + 1) ** 2).sum())
        for form, step in paths.steps.items():
            bound = float(paths.bounds.next_square(before, step))
            quantity = f"E ||lambda_(k+1)||^2 given the past, {where}"
            statement = Statement("Lemma 3", form, quantity, bound, ASSUMED, trivial=most)
            yield statement.row(*mean_interval(sample.square))


def averaged_rows(paths: Paths) -> Iterator[Row]:
    """(26) and (52) on average along each path."""
    quantity = "mean over k of lambda_k^T (r_k - c), least of all runs"
    yield Statement("(26)", PRINTED, quantity, 0.0, ASSUMED, at_least=True).row(paths.inner.min())
    grown = (paths.square[:, 1:] - paths.bounds.kept * paths.square[:, :-1]).mean(axis=1)
    quantity = "mean over k of ||lambda_(k+1)||^2 - (1 - alpha)^2 ||lambda_k||^2, most of all runs"
    for form, step in paths.steps.items():
        bound = float(paths.bounds.next_square(np.zeros(()), step))
        yield Statement("Lemma 3", form, quantity, bound, ASSUMED).row(grown.max())


def lemma4_rows(paths: Paths) -> Iterator[Row]:
    """Means over runs: ||lambda_k||^2 in some rollouts, and running means of each zone's multiplier."""
    for k in looks(paths.K):
        most = float((paths.bounds.largest(k) ** 2).sum())
        (numbers,) = _over_runs(paths.square[:, k, None], np.array([most]))
        for form, step in paths.steps.items():
            bound = paths.bounds.mean_square(step, k)
            statement = Statement("Lemma 4", form, f"E ||lambda_{k}||^2, (61)", bound, ASSUMED, trivial=most)
            yield statement.row(*numbers)
    largest = paths.bounds.largest()
    found = zip(paths.zones, largest, _over_runs(paths.running[:, -1], largest), strict=True)
    for zone, most, numbers in found:
        quantity = f"running mean of E lambda_m after {paths.K} rollouts, {zone}"
        yield from _multiplier_rows("Lemma 4", paths, quantity, most, numbers)


def _over_runs(samples: Floats, most: Floats) -> Floats:
    """Means of the columns of (R, J) over runs and intervals no wider than what is possible, (J, 3)."""
    if len(samples) == 1:
        return np.stack([samples[0], np.zeros(len(most)), most], axis=1)
    mean, error = mean_and_error(samples)
    return np.stack([mean, np.maximum(mean - error, 0), np.minimum(mean + error, most)], axis=1)


def _multiplier_rows(
    claim: str, paths: Paths, quantity: str, most: float, numbers: Iterable[float], first: int = 0
) -> Iterator[Row]:
    """A zone's multiplier on average, or the norm of all, against each form of its bound from `first` on."""
    bounds = paths.bounds
    forms = {
        PRINTED: bounds.printed_U(),
        CORRECTED: math.sqrt(bounds.mean_square(bounds.M)),
        SHARPER: math.sqrt(bounds.mean_square(bounds.largest_step)),
    }
    for form, bound in list(forms.items())[first:]:
        yield Statement(claim, form, quantity, bound, ASSUMED, trivial=most).row(*numbers)


def path_rows(paths: Paths) -> Iterator[Row]:
    """What holds on every path: Lemma 5 and (39), for all runs, rollouts and zones."""
    bounds, norm = paths.bounds, float(np.sqrt(paths.square.max()))
    quantity = "max_k ||lambda_k||, most of all runs"
    most = float(np.linalg.norm(bounds.largest()))
    yield Statement("Lemma 5", PRINTED, quantity, bounds.printed_U(), ASSUMED, trivial=most).row(norm)
    yield Statement("Lemma 5", CORRECTED, quantity, bounds.proven_U(), OURS).row(norm)
    found = [invariant_slacks(run) for run in paths.runs]
    for claim, form, name, basis in (
        ("Lemma 5", SHARPER, LARGEST, OURS),
        ("(39)", CORRECTED, UNROLLED, OURS),
        (CERTIFIES, PRINTED, CERTIFICATE, PROVEN),
    ):
        least = min(each[name] for each in found)
        yield Statement(claim, form, f"least slack of: {name}", 0.0, basis, at_least=True).row(least)


def proposition4_rows(paths: Paths) -> Iterator[Row]:
    """Running means of multipliers against (34): the most in the last part of any run, zone by zone."""
    claim, bounds, last = "Proposition 4", paths.bounds, paths.running[:, paths.tail]
    for zone, most, value in zip(paths.zones, bounds.largest(), last.max(axis=(0, 1)), strict=True):
        quantity = f"running mean of lambda_m, most {IN_TAIL}, {zone}"
        yield from _multiplier_rows(claim, paths, quantity, most, (value,))
    norm, most = float(np.linalg.norm(last, axis=2).max()), float(np.linalg.norm(bounds.largest()))
    quantity = f"norm of the running mean of lambda, most {IN_TAIL}"
    yield from _multiplier_rows(claim, paths, quantity, most, (norm,), first=1)
    k = np.arange(1, paths.K + 1)
    mean = np.cumsum(paths.square[:, 1:], axis=1) / k
    worst = float((mean / bounds.running_square(bounds.largest_step, k, MISS)).max())
    quantity = f"running mean of ||lambda_k||^2 by its bound at all k at once (probability {1 - MISS:g})"
    yield Statement(claim, FINITE, quantity, 1.0, ASSUMED).row(worst)


def feasibility_rows(paths: Paths) -> Iterator[Row]:
    """Satisfaction against (24): the least in the last part of any run, zone by zone, and for all at once."""
    bounds, both = paths.bounds, (paths.satisfaction, paths.settled)
    least = zip(*(values[:, paths.tail].min(axis=(0, 1)) for values in both), strict=True)
    bases = dict.fromkeys(paths.shortfalls, ASSUMED) | {MEASURED: ESTIMATED}
    for zone, c, values in zip(paths.zones, bounds.c, least, strict=True):
        for form, error in paths.shortfalls.items():
            quantity = f"satisfaction, least {IN_TAIL}, {zone}"
            statement = Statement("(24)", form, quantity, c - error, bases[form], at_least=True, trivial=0.0)
            yield _in_the_end(statement, *values)
    missing, left = (np.linalg.norm(np.maximum(bounds.c - values, 0), axis=2) for values in both)
    most = float(np.linalg.norm(bounds.c))
    for form, error in list(paths.shortfalls.items())[1:]:
        quantity = f"norm of [c - satisfaction]_+, most {IN_TAIL}"
        statement = Statement("(24)", form, quantity, error, bases[form], trivial=most)
        yield _in_the_end(statement, missing[:, paths.tail].max(), left[:, paths.tail].max())
    bound = float(bounds.shortfall_by(bounds.largest_step, paths.K, MISS))
    quantity = f"norm of [c - satisfaction]_+ after {paths.K} rollouts (probability {1 - MISS:g})"
    yield Statement("(24)", FINITE, quantity, bound, ASSUMED, trivial=most).row(missing[:, -1].max())


def _in_the_end(statement: Statement, measured: float, settled: float) -> Row:
    """A row on a limit: undecided where it fails only by what vanishes with 1 / K."""
    line = statement.row(measured)
    if line["verdict"] == FAILS and statement.row(settled)["verdict"] != FAILS:
        line |= {"verdict": UNDECIDED, "quantity": f"{statement.quantity} (run too short)"}
    return line


def certificate_rows(paths: Paths) -> Iterator[Row]:
    """What the best-informed agent certifies at the end of the runs, beside (24)."""
    found = np.min([certificates(run, run.lam)[-1].max(axis=0) for run in paths.runs], axis=0)
    for zone, certified, c in zip(paths.zones, found, paths.bounds.c, strict=True):
        quantity = f"what the best-informed agent certifies, against c - sqrt(alpha M), {zone}"
        promise = c - paths.shortfalls[PRINTED]
        beside = Statement(CERTIFIES, "beside (24)", quantity, promise, PROVEN, True, trivial=0.0)
        yield beside.row(certified)
