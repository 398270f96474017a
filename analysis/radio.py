"""``python -m analysis.radio TRACE.k7.gz``: gossip over a real radio trace, and over its Bernoulli surrogate.

The trace is replayed as it was measured; its surrogate has the same edges, active as often, but independently
at every step, as eq. (4) assumes. For both: with which probability an agent knows what another one observed,
by lag, over all steps and pairs, and for two agents as far apart as any, beside the bounds that hold for the
surrogate. One packet is sent a step, and gets lost as often as at that time.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.options import MOST_RUNS, OUT, Force, Out
from analysis.style import DOUBLE, free_stem, new_figure, save, styled
from cmarlsim.footprints.activations import Copies, active_steps
from cmarlsim.footprints.files import TRACE_STEP
from cmarlsim.footprints.footprint import Footprint
from cmarlsim.footprints.gossip import Gossip
from cmarlsim.footprints.proposition2 import cuts_bound, lags_for, paths_bound
from cmarlsim.footprints.traces import Replay, read_k7
from cmarlsim.kernels.world import Bools, Floats, Ints
from cmarlsim.limits import MOST_SECONDS
from cmarlsim.terminal.console import command, compilation_announced, progress_bar
from cmarlsim.terminal.numbers import within

NAME = "radio"
KINDS = {"replay": ("#1f5fb4", "-"), "surrogate": ("#b2182b", "--")}
"""Colour and line of what gossip goes over."""


def known_by_lag(footprint: Footprint, chunks: Iterable[tuple[int, Bools]], last: int) -> Floats:
    """Share of the steps at whose end agent n knows what agent l observed so many steps ago.

    Parameters
    ----------
    chunks
        Active edges, as from `activations.active_steps`. The first `last` steps do not count.

    Returns
    -------
    (last + 1, N, N) array
    """
    gossip, N = Gossip(Copies(footprint)), footprint.N
    counts: Ints = np.zeros((last + 2, N * N), dtype=np.int64)
    pairs = np.arange(N * N)
    for first, active in chunks:
        for t, row in enumerate(active, start=first):
            gossip.steps([(t, row[None])])
            if t >= last:
                counts[np.minimum(t - gossip.fresh(t)[0].ravel(), last + 1), pairs] += 1
    return np.cumsum(counts[:-1], axis=0).reshape(-1, N, N) / np.maximum(counts.sum(axis=0), 1).reshape(N, N)


def measure(replay: Replay, runs: int) -> pd.DataFrame:
    """One row a kind of links, seed and lag.

    Columns: kind, seed, lag, all (mean over pairs of different agents), farthest (of the pair as far apart as
    any), and for that pair the bounds paths and cuts, which hold for the surrogate.
    """
    footprint, found = replay.surrogate, []
    last = min(lags_for(footprint), replay.steps // 2)
    source, agent = footprint.diametral
    apart = ~np.eye(footprint.N, dtype=np.bool_)
    bounds = [bound(footprint, source, agent, last) for bound in (paths_bound, cuts_bound)]
    with compilation_announced(), progress_bar(NAME, 2 * runs) as advance:
        for seed in range(runs):
            surrogate = active_steps(Copies(footprint), replay.steps, seed)
            for kind, chunks in (("replay", replay.active_steps(seed)), ("surrogate", surrogate)):
                known = known_by_lag(footprint, chunks, last)
                columns = {"kind": kind, "seed": seed, "lag": np.arange(last + 1)}
                columns |= {"all": known[:, apart].mean(axis=1), "farthest": known[:, agent, source]}
                found.append(pd.DataFrame(columns | {"paths": bounds[0], "cuts": bounds[1]}))
                advance(1)
    return pd.concat(found, ignore_index=True)


def _draw_band(axes: Axes, table: pd.DataFrame, column: str) -> None:
    for kind, (colour, line) in KINDS.items():
        band = table[table["kind"] == kind].groupby("lag")[column].agg(["min", "mean", "max"])
        axes.fill_between(band.index, band["min"], band["max"], color=colour, alpha=0.25, linewidth=0)
        axes.plot(band.index, band["mean"], color=colour, linestyle=line, label=kind)


@styled
def draw(table: pd.DataFrame) -> Figure:
    """Draw what is known by lag, of all pairs and of the farthest one, with bands over seeds."""
    figure = new_figure(DOUBLE, 2.6)
    every, farthest = figure.subplots(1, 2, sharex=True, sharey=True)
    _draw_band(every, table, "all")
    _draw_band(farthest, table, "farthest")
    one = table[(table["kind"] == "surrogate") & (table["seed"] == 0)]
    farthest.fill_between(
        one["lag"], one["paths"], one["cuts"], color="0.88", zorder=0, label="between bounds"
    )
    every.set(title="all pairs", ylabel="probability to know", xlabel="lag (steps)")
    farthest.set(title="the farthest pair", xlabel="lag (steps)")
    for axes in (every, farthest):
        axes.grid(linewidth=0.3, color="0.85")
    farthest.legend(loc="lower right")
    return figure


def radio(
    trace: Annotated[Path, typer.Argument(help="Trace in k7 format, plain or gzipped.", show_default=False)],
    step: Annotated[
        float, typer.Option(callback=within(1e-6, MOST_SECONDS), help="Seconds a step.")
    ] = TRACE_STEP,
    runs: Annotated[int, typer.Option(min=1, max=MOST_RUNS, help="Repetitions with the seeds 0, 1, ...")] = 5,
    out: Out = OUT,
    force: Force = False,
) -> int:
    """Set gossip over a radio trace beside gossip over independent edges that are active as often."""
    stem = free_stem(out, NAME, force)
    replay = Replay(read_k7(trace), step)
    footprint = replay.surrogate
    print(
        f"{footprint.N} nodes, {len(footprint.edges)} edges, d_G = {footprint.diameter}, "
        f"p = {footprint.p.min():.3g} .. {footprint.p.max():.3g}; {replay.steps:,} steps"
    )
    table = measure(replay, runs)
    save(draw(table), table, stem)
    for column in ("all", "farthest"):
        mean = table.pivot_table(column, "lag", "kind")
        cost = mean["surrogate"] - mean["replay"]
        lag = int(cost.abs().idxmax())
        print(
            f"{column}: surrogate {mean['surrogate'][lag]:.3f}, replay {mean['replay'][lag]:.3f} at lag {lag}"
        )
    return 0


if __name__ == "__main__":
    command(radio)
