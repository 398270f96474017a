"""Gathering what a sweep has found: one table, and one HDF5 file."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import h5py

from cmarlsim.errors import InputError
from cmarlsim.notes import log
from cmarlsim.recordings.datasets import FORMAT as RECORDING
from cmarlsim.storage import hdf5
from cmarlsim.storage.files import published
from cmarlsim.storage.hdf5 import damage_told, open_readable
from cmarlsim.sweeps.manifest import Manifest
from cmarlsim.sweeps.results import Census, recording_of

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "cmarlsim-collection/1"
KINDS = (".parquet", ".csv")

_MOST_SHOWN = 5


def default_kind() -> str:
    """``.parquet`` where pyarrow is installed, else ``.csv``."""
    return KINDS[importlib.util.find_spec("pyarrow") is None]


def collect(out: str | Path, partial: bool = False) -> pd.DataFrame:
    """The results of a sweep in one table with a row for each task and zone, ordered by task.

    Parameters
    ----------
    out : str or Path
        The folder of the sweep.
    partial : bool
        Leave out tasks that are not done.

    Returns
    -------
    pandas.DataFrame
        Columns: ``task``; one for each axis, by its key (numbers and texts on one axis become texts);
        ``zone``, ``c``, ``satisfaction``, ``margin``, and ``certified``, the largest satisfaction that an
        agent can certify.

    Raises
    ------
    InputError
        If tasks are missing, failed or damaged, unless `partial` is set.
    """
    import pandas as pd

    manifest = Manifest.load(Path(out))
    census = complete(Path(out), manifest, partial)
    rows = [
        {"task": number}
        | {key: _plain(value) for key, value in manifest.settings(number).items()}
        | {"zone": zone, "c": c, "satisfaction": value, "margin": value - c, "certified": certified}
        for number in sorted(census.done)
        for zone, c, value, certified in census.done[number].zones
    ]
    columns = ["task", *manifest.keys, "zone", "c", "satisfaction", "margin", "certified"]
    table = pd.DataFrame(rows, columns=columns)
    for key in manifest.keys:
        if pd.api.types.infer_dtype(table[key]).startswith("mixed"):
            table[key] = table[key].astype(str)
    return table


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table, as its name ends; InputError if that is not in `KINDS`, or it cannot be written."""
    if path.suffix not in KINDS:
        raise InputError(f"{path}: must end in {' or '.join(KINDS)}")
    try:
        with published(path) as scratch:
            if path.suffix == ".csv":
                table.to_csv(scratch, index=False)
            else:
                table.to_parquet(scratch, index=False)
    except ImportError:
        raise InputError(f"{path}: Parquet needs pyarrow: pip install pyarrow, or name a .csv file") from None


def write_hdf5(out: Path, table: pd.DataFrame, path: Path) -> None:
    """Write one HDF5 file: ``/table/COLUMN``, the manifest, and every recording as ``/recording/TASK``."""
    manifest = Manifest.load(out)
    with hdf5.published(path) as file:
        file.attrs["format"] = FORMAT
        file["manifest"] = json.dumps(manifest.model_dump(mode="json"))
        for name, column in table.items():
            dtype = column.dtype if column.dtype.kind in "biuf" else h5py.string_dtype()
            file.create_dataset(f"table/{name}", data=column.to_numpy(), dtype=dtype)
        for number in sorted(set(table["task"])) if manifest.record != "summary" else ():
            with open_readable(recording_of(out, number), RECORDING) as recording:
                group = file.create_group(f"recording/{number:06d}")
                with damage_told(recording.filename):
                    group.attrs.update(recording.attrs)
                    for name in recording:
                        recording.copy(name, group)


def complete(out: Path, manifest: Manifest, partial: bool) -> Census:
    """What a sweep has found, its files checked; InputError if tasks are not done, unless it is `partial`."""
    census = Census.of(out, manifest)
    missing = len(manifest.tasks) - len(census.done)
    if missing and not partial:
        first = next(number for number in range(len(manifest.tasks)) if number not in census.done)
        why = f": {census.failed[first].why}" if first in census.failed else ""
        more = f"; and {len(census.damaged) - _MOST_SHOWN} more" if len(census.damaged) > _MOST_SHOWN else ""
        damage = "".join(f"; {message}" for message in census.damaged[:_MOST_SHOWN]) + more
        raise InputError(
            f"{out}: {missing:,} of {len(manifest.tasks):,} tasks are not done, the first is "
            f"{manifest.label(first)}{why}{damage}; this does them: cmarlsim sweep run {quote(str(out))}"
        )
    for message in census.damaged:
        log.warning(f"warning: {message}; `run` does it again")
    return census


def recordings_in(out: Path) -> list[Path]:
    """Recordings of a sweep, by task; InputError if it keeps none, or not all of them are there."""
    manifest = Manifest.load(out)
    if manifest.record == "summary":
        raise InputError(f"{out}: keeps no recordings; its file must say record = 'rollout' or 'step'")
    return [recording_of(out, number) for number in sorted(complete(out, manifest, partial=False).done)]
