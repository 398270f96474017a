"""The same policy and the same draws over other links: as recorded, and over surrogates of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.links.fit import Fit
from cmarlsim.errors import InputError
from cmarlsim.kernels.scene import Chunk
from cmarlsim.kernels.world import Bools, Floats
from cmarlsim.policies.policy import Policy
from cmarlsim.randomness import stream
from cmarlsim.recordings.recording import Recording
from cmarlsim.simulation.link_trace import LinkTraceRun

CONFIDENCE = 0.95

RECORDED, SHIFTED, ROWS = "recorded", "shifted", "rows"
CHAIN, BERNOULLI = "two-state", "bernoulli"


def _shifted(fit: Fit, seed: int, number: int) -> Bools:
    return np.roll(fit.up, stream(seed, "links/shift", number).integers(1, len(fit.up)), axis=0)


def _rows(fit: Fit, seed: int, number: int) -> Bools:
    return fit.up[stream(seed, "links/rows", number).integers(len(fit.up), size=len(fit.up))]


KINDS: Mapping[str, Callable[[Fit, int, int], Bools]] = {
    RECORDED: lambda fit, seed, number: fit.up,
    SHIFTED: _shifted,
    ROWS: _rows,
    CHAIN: lambda fit, seed, number: fit.law.draw(len(fit.up), seed, number),
    BERNOULLI: lambda fit, seed, number: fit.law.forgetful.draw(len(fit.up), seed, number),
}
"""Links by name, from a fit, a seed and the number of the draw.

As they were; begun at a random step and closed to a ring, so that they no longer depend on where agents are;
whole rows drawn independently, so that memory is lost as well; two-state chains, which have memory but depend
neither on agents nor on each other; and eq. (4).
"""


class Outcome(NamedTuple):
    """What came of one run, or of several, stacked along leading axes."""

    margin: Floats  # (.., M)
    zone_error: Floats  # (.., N, M) of lambda^n - lambda, eq. (18) and (16), mean over rollouts
    max_error: Floats  # (.., N) mean over rollouts of its max norm over zones


def _run_over(recording: Recording, policy: Policy, up: Bools) -> Chunk:
    run = LinkTraceRun(recording.scenario, policy, recording.seed, up)
    return run.advance(recording.rollouts_done, keep_steps=False)


def replay(recording: Recording, policy: Policy, up: Bools) -> Outcome:
    """Run a recording's scenario, policy and draws over other links (T, F)."""
    chunk = _run_over(recording, policy, up)
    error = np.abs(chunk.lam - chunk.lam_ideal[:, None])
    margin = chunk.reward_mean.mean(axis=0) - recording.scenario.c
    return Outcome(margin, error.mean(axis=0), error.max(axis=2).mean(axis=0))


def check_repeats(recording: Recording, policy: Policy, fit: Fit) -> None:
    """Raise InputError unless the recorded links make the recorded run again, bit for bit."""
    chunk = _run_over(recording, policy, fit.up)
    for name in ("lam", "lam_ideal", "reward_mean"):
        values = getattr(chunk, name)
        if not np.array_equal(values, recording.read(name)[-len(values) :]):
            raise InputError(
                f"{recording.path}: its links do not make its '{name}' again: "
                "it is of another version of cmarlsim, or damaged; record it again"
            )


def replays(
    recordings: Sequence[Recording],
    policy: Policy,
    fits: Sequence[Fit],
    draws: int,
    advance: Callable[[int], object],
) -> dict[str, Outcome]:
    """Outcomes by kind of links, with leading axes (recordings, draws); of recorded links there is one draw.

    Raises
    ------
    InputError
        If a recording cannot be repeated bit for bit.
    """
    found: dict[str, list[list[Outcome]]] = {kind: [] for kind in KINDS}
    for recording, fit in zip(recordings, fits, strict=True):
        check_repeats(recording, policy, fit)
        for kind, make in KINDS.items():
            numbers = range(1 if kind == RECORDED else draws)
            found[kind].append(
                [replay(recording, policy, make(fit, recording.seed, number)) for number in numbers]
            )
        advance(1)
    return {
        kind: Outcome(*(np.array([[run[part] for run in runs] for runs in several]) for part in range(3)))
        for kind, several in found.items()
    }


def samples(values: Floats) -> Floats:
    """Samples from (recordings, draws, ..): a mean for each recording, or the draws of the only one."""
    return values[0] if len(values) == 1 else values.mean(axis=1)


def interval(values: Floats) -> tuple[float, float, float]:
    """Mean of (samples,) and its Student interval; without end for one sample."""
    from scipy.stats import t

    mean, count = float(values.mean()), len(values)
    if count < 2:
        return mean, -np.inf, np.inf
    error = float(t.ppf((1 + CONFIDENCE) / 2, count - 1) * values.std(ddof=1) / np.sqrt(count))
    return mean, mean - error, mean + error


def quantities(outcome: Outcome, zones: Sequence[str]) -> dict[str, Floats]:
    """What is compared, by name, each (recordings, draws)."""
    found = {"smallest margin": outcome.margin.min(axis=-1)}
    found |= {f"margin of zone {zone}": outcome.margin[..., m] for m, zone in enumerate(zones)}
    found["multiplier error, max norm"] = outcome.max_error.max(axis=-1)
    error = outcome.zone_error.max(axis=-2)
    return found | {f"multiplier error of zone {zone}": error[..., m] for m, zone in enumerate(zones)}


def cost_table(outcomes: Mapping[str, Outcome], zones: Sequence[str]) -> pd.DataFrame:
    """One row a kind of links and quantity: its mean, and what it is above that of the recorded links.

    Columns: links, quantity, value, low, high (interval), difference, difference_low, difference_high (mean
    over recordings of the difference within each). Errors are means over rollouts, of the worst agent.
    """
    truth, rows = quantities(outcomes[RECORDED], zones), []
    for kind, outcome in outcomes.items():
        for name, values in quantities(outcome, zones).items():
            line = dict(zip(("value", "low", "high"), interval(samples(values)), strict=True))
            if kind != RECORDED:
                apart = interval(samples(values - truth[name]))
                names = ("difference", "difference_low", "difference_high")
                line |= dict(zip(names, apart, strict=True))
            rows.append({"links": kind, "quantity": name, **line})
    return pd.DataFrame(rows)
