"""``python -m analysis.links RUN.h5``: links by line of sight against those of the paper's model (4).

Fits the links of recordings (level ``step``): how often each pair could talk, for how long at a time, what
links remember, and how they hang together. Then the same policy, with the same draws, runs over the recorded
links, which makes the recorded run again bit for bit, and over surrogates of them: begun at another step,
whole rows drawn anew, two-state chains, and independent edges, eq. (4). What differs is what the assumption
costs. Writes ``links.csv`` with the verdicts, tables of pairs and costs, a figure, and ``links.md``::

    python -m analysis.links results/team-seed*.h5
    python -m analysis.links --run --runs 20
"""

from __future__ import annotations

from typing import Annotated

import pandas as pd
import typer

from analysis.links.drawing import draw
from analysis.links.fit import Fit, pair_table
from analysis.links.replay import BERNOULLI, CHAIN, RECORDED, cost_table, replays
from analysis.links.verdicts import model_rows
from analysis.markdown import counted, framed
from analysis.options import MOST_RUNS, OUT, POLICIES, Force, Out, Policies, Recordings, Run
from analysis.recordings import label_of, labelled, obtain
from analysis.style import free_stem, save, save_table
from cmarlsim.storage.files import write_whole
from cmarlsim.storage.outputs import check_free
from cmarlsim.terminal.console import command, compilation_announced, progress_bar

NAME = "links"
TABLES = ("pairs", "costs")


def page(verdicts: pd.DataFrame, pairs: pd.DataFrame, costs: pd.DataFrame) -> str:
    """Verdicts, pairs and costs as a page."""
    return (
        "Links of the recordings against eq. (4): tests that they should pass if it were true, the largest "
        f"value that it allows (bound), and the recordings' (measured).\n\n{framed(verdicts)}\n"
        "Pairs of agents: the share p of the steps in which they could talk, and how many steps they could, "
        "or could not, at a time; `iid` is what eq. (4) says; `r` is the autocorrelation at a lag, `chain` "
        f"that of two-state chains.\n\n{framed(pairs)}\n"
        "The same policy and draws over other links, means over recordings with 95 % intervals; "
        "`difference` is to the recorded links. Errors are means over rollouts, of the worst agent.\n\n"
        f"{framed(costs)}"
    )


def summary(costs: pd.DataFrame, verdicts: pd.DataFrame) -> str:
    """What the assumption costs, in words."""
    found = costs.set_index(["links", "quantity"])
    lines = []
    for quantity in ("smallest margin", "multiplier error, max norm"):
        true, iid = (found.loc[(kind, quantity), "value"] for kind in (RECORDED, BERNOULLI))
        row = found.loc[(BERNOULLI, quantity)]
        apart = f"{row['difference']:+.3f} ({row['difference_low']:+.3f} .. {row['difference_high']:+.3f})"
        lines.append(
            f"{quantity}: {true:.3f} over the recorded links, {iid:.3f} if they were independent, "
            f"a difference of {apart}; {found.loc[(CHAIN, quantity), 'value']:.3f} over two-state chains"
        )
    lines.append(f"eq. (4): {counted(verdicts['verdict'])}")
    return "\n".join(lines)


def links(
    recordings: Recordings = None,
    run: Run = False,
    runs: Annotated[
        int, typer.Option(min=1, max=MOST_RUNS, help="With --run: runs with the seeds 0, 1, ...")
    ] = 20,
    draws: Annotated[
        int, typer.Option(min=1, max=MOST_RUNS, help="Draws of each surrogate, for every recording.")
    ] = 5,
    policy: Policies = POLICIES,
    out: Out = OUT,
    force: Force = False,
) -> int:
    """Set links as they were beside links as eq. (4) has them, and say what the assumption costs."""
    stem = free_stem(out, NAME, force, (".png", ".pdf", ".csv", ".md"))
    paths = [out / f"{NAME}-{name}.csv" for name in TABLES]
    for path in paths:
        check_free(path, force)
    policies = labelled(policy)
    recorded = obtain(recordings, run, "step", runs)
    mine, fits = policies[label_of(recorded[0], policies)], [Fit.of(recording) for recording in recorded]
    with compilation_announced(), progress_bar(NAME, len(recorded)) as advance:
        outcomes = replays(recorded, mine, fits, draws, advance)
    costs = cost_table(outcomes, [zone.name for zone in recorded[0].scenario.zones])
    verdicts, pairs = pd.DataFrame(model_rows(fits)), pair_table(fits)
    save(draw(fits, costs), verdicts, stem)
    for path, table in zip(paths, (pairs, costs), strict=True):
        save_table(table, path)
    write_whole(stem.with_suffix(".md"), page(verdicts, pairs, costs).encode())
    print(f"{stem}-{{{','.join(TABLES)}}}.csv\n{stem}.md")
    print(summary(costs, verdicts))
    return 0


if __name__ == "__main__":
    command(links)
