"""Planning a sweep: every task is checked before any of them is run."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.errors import InputError, is_whole, nearest
from cmarlsim.policies.policy import RANK, Policy
from cmarlsim.randomness import check_seed
from cmarlsim.recordings.datasets import choose_links
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import STEPS, whole_rollouts
from cmarlsim.simulation.memory_limits import check_memory
from cmarlsim.storage import shipped
from cmarlsim.storage.files import write_whole
from cmarlsim.storage.provenance import versions
from cmarlsim.sweeps.axes import MOST_TASKS, MOST_TASKS_EVER, OWN_KEYS, Axes, Sweep, axes_of, flat
from cmarlsim.sweeps.manifest import FORMAT, NAME, PARTS, Manifest, Sources
from cmarlsim.sweeps.results import manifests_of
from cmarlsim.validation import parse, put, read_toml

_BATCH_STEPS = 10_000_000
_FEWEST_BATCHES = 64
_MOST_IN_A_BATCH = 250


def plan(
    reference: str | Path,
    out: Path,
    *,
    yes: bool = False,
    batch: int | None = None,
    progress: Callable[[int], None] = lambda tasks: None,
) -> Manifest:
    """Expand a sweep file into numbered tasks, check each, and write the manifest into a folder.

    Parameters
    ----------
    reference
        A sweep's TOML file, or a shipped name.
    out
        Where the sweep is to live. Planning the same sweep there again keeps its results, and puts back a
        manifest or policies that were lost or damaged.
    yes
        Allow more than `MOST_TASKS` tasks.
    batch
        Tasks that are run by one process and whose results are in one file; by default a second's worth.
    progress
        Called with the number of tasks checked since the last call.

    Raises
    ------
    InputError
        If anything in any task cannot be, there are too many, or `out` is something else's.
    """
    source = shipped.find("sweeps", reference, ".toml")
    sweep = Sweep.load(source)
    axes = axes_of(sweep, source)
    _check_size(axes, source, yes)
    data, policies = _base(sweep, axes, source), _policies(sweep, axes, source)
    _check_keys(axes.keys, data, source)
    manifest = _manifest(sweep, axes, data, source, policies, batch)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _check_tasks(manifest, Sources(manifest, out, policies), source, progress)
    for warning in caught[:1]:
        more = f" (and {len(caught) - 1} more like it)" if len(caught) > 1 else ""
        warnings.warn(f"{warning.message}{more}", stacklevel=2)
    return _settle(manifest, out, source)


def _check_size(axes: Axes, source: Path, yes: bool) -> None:
    if axes.size > MOST_TASKS_EVER:
        raise InputError(f"{source}: {axes.shape} tasks, more than a sweep can have ({MOST_TASKS_EVER:,})")
    if axes.size > MOST_TASKS and not yes:
        raise InputError(f"{source}: {axes.shape} tasks, more than {MOST_TASKS:,}: add --yes to allow that")


def _base(sweep: Sweep, axes: Axes, source: Path) -> dict[str, Any]:
    """The scenario that tasks change, as TOML; its floor plan by a name that can be found from here."""
    path = shipped.find("scenarios", sweep.scenario, ".toml", beside=source.parent)
    data = read_toml(path)
    _check_keys(list(flat(sweep.set)), data, source)
    for key, value in flat(sweep.set).items():
        if key in OWN_KEYS:
            raise InputError(f"{source}: set: {key}: is no key of a scenario; write it above [set]")
        if key in axes.keys:
            raise InputError(f"{source}: set: {key}: is an axis as well")
        put(data, key.split("."), value, f"{source}: set")
    data["floorplan"] = str(data.get("floorplan", ""))
    beside = path.parent / data["floorplan"]
    if data["floorplan"] and beside.is_file():
        data["floorplan"] = str(beside.resolve())
    return data


def _policies(sweep: Sweep, axes: Axes, source: Path) -> dict[str, Policy]:
    found = {}
    for name in _column(axes, "policy", sweep.policy):
        if not isinstance(name, str):
            raise InputError(f"{source}: policy = {name!r}: must be a policy's file or shipped name")
        found[name] = Policy.load(name if name == RANK else _policy_file(name, source))
    return found


def _policy_file(name: str, source: Path) -> Path:
    return shipped.find("policies", name, ".h5", beside=source.parent)


def _column(axes: Axes, key: str, otherwise: Any) -> Iterable[Any]:
    """Values of an axis, each once; or the only one if there is no such axis."""
    for block in axes.blocks:
        if key in block.keys:
            i = block.keys.index(key)
            return list({json.dumps(row[i], default=str): row[i] for row in block.rows}.values())
    return [otherwise]


def _check_keys(keys: Iterable[str], data: Mapping[str, Any], source: Path) -> None:
    """Refuse keys that begin with no part of a scenario; the rest is checked with each scenario."""
    tops = {*Scenario.model_fields, *OWN_KEYS}
    for key in keys:
        if key.split(".")[0] not in tops:
            leaves = [
                f"{top}.{name}" for top, part in data.items() if isinstance(part, dict) for name in part
            ]
            raise InputError(f"{source}: unknown key '{key}'{nearest(key, [*leaves, *tops])}")


def _manifest(
    sweep: Sweep,
    axes: Axes,
    data: dict[str, Any],
    source: Path,
    policies: Mapping[str, Policy],
    batch: int | None,
) -> Manifest:
    longest = max(
        steps for steps in [STEPS, *_column(axes, "steps", sweep.steps)] if is_whole(steps) and steps > 0
    )
    fitting = min(_MOST_IN_A_BATCH, _BATCH_STEPS // longest, axes.size // _FEWEST_BATCHES)
    plain = {
        "format": FORMAT,
        "name": sweep.name,
        "scenario": data,
        "floorplans": {
            name: FloorPlan.load(name, beside=source.parent).to_toml()
            for name in _column(axes, "floorplan", data["floorplan"])
        },
        "policies": {name: policy.sha256 for name, policy in policies.items()},
        "policy": sweep.policy,
        "seed": sweep.seed,
        "steps": sweep.steps,
        "record": sweep.record,
        "keys": axes.keys,
        "tasks": list(axes.rows()),
        "batch": batch or max(1, fitting),
        "versions": versions(),
    }
    return parse(Manifest, json.loads(json.dumps(plain, default=str)), source)


def _check_tasks(manifest: Manifest, sources: Sources, source: Path, progress: Callable[[int], None]) -> None:
    """Make every task's scenario, once for each of them that differ, and look whether it could be run."""
    seen: set[str] = set()
    for number in range(len(manifest.tasks)):
        settings = manifest.settings(number)
        seed = settings.pop("seed", manifest.seed)
        text = json.dumps(settings)
        try:
            check_seed(seed)
            if text not in seen:
                seen.add(text)
                task = sources.task(number)
                rollouts = whole_rollouts(task.steps, task.scenario.dual.T0)
                choose_links(task.scenario, rollouts * task.scenario.dual.T0, manifest.record, "auto")
                check_memory(task.scenario, task.policy)
                task.policy.weights(task.scenario.agents.N, task.scenario.world)
        except InputError as error:
            raise InputError(f"{source}: {manifest.label(number)}: {error}") from None
        progress(1)


def _settle(manifest: Manifest, out: Path, source: Path) -> Manifest:
    """Write policies and the manifest, or those of them that are missing or damaged."""
    present, fresh = Manifest.whole(out), not (out / NAME).exists()
    if present and present.sha256 != manifest.sha256:
        keys = ", ".join(manifest.differences(present))
        raise InputError(f"{out}: belongs to another sweep, these differ: {keys}; choose another folder")
    _make_folders(manifest, out)
    for name, sha256 in manifest.policies.items():
        if name != RANK and not _is_policy(out / "policies" / f"{sha256}.h5", sha256):
            write_whole(out / "policies" / f"{sha256}.h5", _policy_file(name, source).read_bytes())
    if present is None:
        manifest.save(out, fresh)
    return manifest


def _is_policy(path: Path, sha256: str) -> bool:
    try:
        return Policy.load(path).sha256 == sha256
    except InputError:
        return False


def _make_folders(manifest: Manifest, out: Path) -> None:
    """Make the sweep's folders, unless `out` holds something else; a sweep that lost its manifest is none."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        found = manifests_of(out)
        if found - {manifest.sha256}:
            raise InputError(
                f"{out}: holds results of a sweep that is not this one: its file, a policy, --batch or a "
                "version differs; plan it as it was, or choose another folder"
            )
        strange = [path.name for path in out.iterdir() if path.name not in PARTS and path.name[0] != "."]
        if strange and not all((out / part).is_dir() for part in PARTS):
            raise InputError(f"{out}: is not empty (it holds {strange[0]}); choose another folder")
        for part in PARTS:
            (out / part).mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"{out}: cannot be made or read: {error.strerror}") from None
