"""``python -m analysis.figure4 RECORDINGS``: the paper's Fig. 4, constraint satisfaction over time.

Five runs of the paper's scenario and its figure::

    python -m cmarlsim.run --runs 5 --record rollout --out results/figure4.h5
    python -m analysis.figure4 results/figure4-seed*.h5
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from cmarlsim.console import command
from cmarlsim.errors import InputError
from cmarlsim.hdf5 import check_free
from cmarlsim.picture import draw_satisfaction
from cmarlsim.recording import Recording


def load(paths: Sequence[Path]) -> list[Recording]:
    """Open recordings and make sure that they are different runs of one scenario and policy."""
    recordings = [Recording.open(path) for path in paths]
    first, seeds = recordings[0], set()
    for recording in recordings:
        mine, other = recording.scenario, first.scenario
        keys = [key for key in type(mine).model_fields if getattr(mine, key) != getattr(other, key)]
        if recording.policy_sha256 != first.policy_sha256:
            keys.append("policy")
        if keys:
            raise InputError(f"{recording.path}: differs from {first.path} in: {', '.join(keys)}")
        if recording.seed in seeds:
            raise InputError(f"{recording.path}: seed {recording.seed} is there twice")
        if recording.level == "summary":
            raise InputError(
                f"{recording.path}: level 'summary' keeps no curve; record with --record rollout"
            )
        seeds.add(recording.seed)
    return recordings


def tabulate(recordings: Sequence[Recording]) -> pd.DataFrame:
    """One row a run and zone: seed, zone, c, satisfaction, margin."""
    rows = [
        {"seed": recording.seed, "zone": zone.name, "c": zone.c, "satisfaction": satisfaction}
        for recording in recordings
        for zone, satisfaction in zip(recording.scenario.zones, recording.satisfaction(), strict=True)
    ]
    return pd.DataFrame(rows).assign(margin=lambda table: table["satisfaction"] - table["c"])


def draw(recordings: Sequence[Recording], path: Path) -> None:
    """Write the figure: a band over runs and the threshold for every zone."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5), layout="constrained")
    draw_satisfaction(figure.subplots(), recordings)
    figure.savefig(path, dpi=150)


def figure4(
    recordings: Annotated[list[Path], typer.Argument(help="Recordings of one scenario.")],
    out: Annotated[Path, typer.Option(help="PNG file; the table goes beside it as CSV.")] = Path(
        "figure4.png"
    ),
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
) -> int:
    """Draw constraint satisfaction over time with the band over runs, and tabulate the margins."""
    runs = load(recordings)
    if out.suffix != ".png":
        raise InputError(f"--out {out}: must name a PNG file, such as figure4.png")
    for path in (out, out.with_suffix(".csv")):
        check_free(path, force)
    table = tabulate(runs)
    table.to_csv(out.with_suffix(".csv"), index=False)
    draw(runs, out)
    print(table.groupby(["zone", "c"], sort=False)["margin"].agg(["min", "mean", "max"]).round(3).to_string())
    print(f"figure: {out}\ntable:  {out.with_suffix('.csv')}")
    return 0


if __name__ == "__main__":
    command(figure4)
