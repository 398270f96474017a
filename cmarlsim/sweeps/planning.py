"""Planning a sweep: every task is checked before any of them is run."""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, product
from pathlib import Path
from typing import Any

from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.errors import InputError, MisfitError, is_whole, nearest, one_line, shown
from cmarlsim.limits import free_bytes
from cmarlsim.policies.policy import RANK, Policy
from cmarlsim.randomness import check_seed
from cmarlsim.recordings.datasets import choose_links
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import STEPS, whole_rollouts
from cmarlsim.simulation.memory_limits import check_memory
from cmarlsim.simulation.work import Work, is_little, work_of_a_step
from cmarlsim.storage import shipped
from cmarlsim.storage.files import as_path, check_folder, problem_at, write_whole
from cmarlsim.storage.provenance import versions
from cmarlsim.sweeps.axes import (
    MOST_TASKS,
    MOST_TASKS_EVER,
    OWN_KEYS,
    AxisBlock,
    Sweep,
    axes_of,
    flat,
    shape_of,
)
from cmarlsim.sweeps.manifest import FORMAT, PARTS, Manifest, Sources
from cmarlsim.sweeps.results import manifests_of
from cmarlsim.validation import parse, put, read_toml

_BATCH_STEPS = 10_000_000
_FEWEST_BATCHES = 64
_MOST_IN_A_BATCH = 250


def plan_sweep(
    reference: str | Path,
    out: str | Path,
    *,
    yes: bool = False,
    batch: int | None = None,
    progress: Callable[[int], None] = lambda tasks: None,
) -> Manifest:
    """Expand a sweep file into numbered tasks, check each, and write the manifest into a folder.

    Parameters
    ----------
    reference : str or Path
        A sweep's TOML file, or a shipped name.
    out : str or Path
        Folder of the sweep. Planning the same sweep there again keeps its results, and puts back a manifest
        or policies that were lost or damaged.
    yes : bool
        Allow more than `MOST_TASKS` tasks, and work that takes this machine more than a day or much disk.
    batch : int, optional
        Tasks that are run by one process and whose results are in one file; by default a second's worth.
    progress : callable
        Called with the number of tasks checked since the last call.

    Returns
    -------
    Manifest

    Raises
    ------
    InputError
        If anything in any task cannot be, there are too many, or `out` is something else's.
    """
    out, source = as_path("out", out), shipped.find("sweeps", reference, ".toml")
    for folder in (out, *(out / part for part in PARTS)):
        check_folder(folder)
    sweep = Sweep.load(source)
    _check_size(shape_of(sweep, source), source, yes)
    axes = axes_of(sweep, source)
    policies = _policies(sweep, axes, source)
    manifest = _manifest(sweep, axes, source, policies, batch)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sources = Sources(manifest, out, policies)
        sizes = _check_tasks(manifest, sources, source, progress)
        _work_of(manifest, sources, sizes).check(f"{source}: its tasks", free_bytes(out / "results"), yes)
    for warning in caught[:1]:
        more = f" (and {len(caught) - 1} more like it)" if len(caught) > 1 else ""
        warnings.warn(f"{warning.message}{more}", stacklevel=2)
    return _settle(manifest, out, source)


def _check_size(lengths: Sequence[int], source: Path, yes: bool) -> None:
    size = math.prod(lengths)
    shape = " x ".join(f"{length:,}" for length in lengths) + (f" = {size:,}" if len(lengths) > 1 else "")
    if size > MOST_TASKS_EVER:
        raise InputError(f"{source}: {shape} tasks, more than a sweep can have ({MOST_TASKS_EVER:,})")
    if size > MOST_TASKS and not yes:
        raise InputError(f"{source}: {shape} tasks, more than {MOST_TASKS:,}: add yes=True to allow that")


def _base(sweep: Sweep, keys: Sequence[str], source: Path) -> dict[str, Any]:
    """The scenario that tasks change, as TOML; its floor plan by a name that can be found from here."""
    with _named(source, "scenario", sweep.scenario):
        path = shipped.find("scenarios", sweep.scenario, ".toml", beside=source.parent)
    data, fixed = read_toml(path), flat(sweep.set, f"{source}: set")
    tops = {*Scenario.model_fields, *OWN_KEYS}
    for key in (*fixed, *keys):  # the rest of each key is checked with each scenario
        if key.split(".")[0] not in tops:
            leaves = [f"{top}.{name}" for top in data if isinstance(data[top], dict) for name in data[top]]
            raise InputError(f"{source}: unknown key {shown(key)}{nearest(key, [*leaves, *tops])}")
    for key, value in fixed.items():
        if key in OWN_KEYS:
            raise InputError(f"{source}: set: {key}: is no key of a scenario; write it above [set]")
        if key in keys:
            raise InputError(f"{source}: set: {one_line(key, 80)}: is an axis as well")
        put(data, key.split("."), value, f"{source}: set")
    beside = path.parent / _text(data.get("floorplan"), path, "floorplan")
    if not problem_at(beside) and beside.exists():
        data["floorplan"] = str(beside.resolve())
    return data


@contextmanager
def _named(source: Path, key: str, value: object) -> Iterator[None]:
    """What cannot be used is told with the file and the key that name it."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{source}: {key} = {shown(value)}: {error}") from None


def _text(value: object, source: Path, key: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{source}: {key} = {shown(value)}: must be the name of a file or a shipped one")
    return value


def _policies(sweep: Sweep, axes: Sequence[AxisBlock], source: Path) -> dict[str, Policy]:
    found = {}
    for name in _column(axes, "policy", sweep.policy):
        _text(name, source, "policy")
        with _named(source, "policy", name):
            found[name] = Policy.load(name if name == RANK else _policy_file(name, source))
    return found


def _floorplans(names: Iterable[Any], source: Path) -> dict[str, str]:
    found = {}
    for name in names:
        _text(name, source, "floorplan")
        with _named(source, "floorplan", name):
            found[name] = FloorPlan.load(name, beside=source.parent).to_toml()
    return found


def _policy_file(name: str, source: Path) -> Path:
    return shipped.find("policies", name, ".h5", beside=source.parent)


def _column(axes: Sequence[AxisBlock], key: str, otherwise: Any) -> Iterable[Any]:
    """Values of an axis, each once; or the only one if there is no such axis."""
    for block in axes:
        if key in block.keys:
            i = block.keys.index(key)
            return list({json.dumps(row[i]): row[i] for row in block.rows}.values())
    return [otherwise]


def _manifest(
    sweep: Sweep,
    axes: Sequence[AxisBlock],
    source: Path,
    policies: Mapping[str, Policy],
    batch: int | None,
) -> Manifest:
    keys = [key for block in axes for key in block.keys]
    scenario = _base(sweep, keys, source)
    tasks = [list(chain(*rows)) for rows in product(*(block.rows for block in axes))]
    steps = [STEPS, *_column(axes, "steps", sweep.steps)]
    longest = max(count for count in steps if is_whole(count) and count > 0)
    fitting = min(_MOST_IN_A_BATCH, _BATCH_STEPS // longest, len(tasks) // _FEWEST_BATCHES)
    plain = sweep.model_dump(include={"name", "policy", "seed", "steps", "record"}) | {
        "format": FORMAT,
        "scenario": scenario,
        "floorplans": _floorplans(_column(axes, "floorplan", scenario["floorplan"]), source),
        "policies": {name: policy.sha256 for name, policy in policies.items()},
        "keys": keys,
        "tasks": tasks,
        "batch": batch or max(1, fitting),
        "versions": versions(),
    }
    return parse(Manifest, json.loads(json.dumps(plain)), source)


def _check_tasks(
    manifest: Manifest, sources: Sources, source: Path, progress: Callable[[int], None]
) -> list[int]:
    """Make every task's scenario, once for each of them that differ, and look whether it could be run.

    Returns
    -------
    list of int
        Of each task, its steps times its agents and zones.
    """
    seen: dict[str, int] = {}
    sizes = []
    for number in range(len(manifest.tasks)):
        settings = manifest.settings(number)
        seed = settings.pop("seed", manifest.seed)
        text = json.dumps(settings)
        try:
            check_seed(seed)
            if text not in seen:
                task = sources.task(number)
                rollouts = whole_rollouts(task.steps, task.scenario.dual.T0)
                choose_links(task.scenario, rollouts * task.scenario.dual.T0, manifest.record, "auto")
                check_memory(task.scenario, task.policy)
                task.policy.weights(task.scenario.agents.N, task.scenario.world)
                seen[text] = rollouts * task.scenario.dual.T0 * (task.scenario.agents.N + task.scenario.M)
            sizes.append(seen[text])
        except InputError as error:
            raise InputError(f"{source}: {manifest.label(number)}: {error}") from None
        progress(1)
    return sizes


def _work_of(manifest: Manifest, sources: Sources, sizes: Sequence[int]) -> Work:
    """What all tasks take on the cores of this machine, by the largest of them."""
    largest = sources.task(max(range(len(sizes)), key=sizes.__getitem__))
    scenario, record = largest.scenario, manifest.record
    sparse = choose_links(scenario, 0, record, "auto")
    steps = sum(sizes) // (scenario.agents.N + scenario.M)
    if is_little(scenario, steps, record, sparse):
        return Work(0.0, 0.0)
    each = work_of_a_step(scenario, largest.policy, record, sparse)
    return Work(each.seconds * steps / len(os.sched_getaffinity(0)), each.bytes * steps)


def _settle(manifest: Manifest, out: Path, source: Path) -> Manifest:
    """Write policies and the manifest, last of all; a folder that has lost its manifest gets it back."""
    try:
        present = Manifest.load(out)
    except InputError:
        present = None
    if present and present.sha256 != manifest.sha256:
        keys = [key for key in Manifest.model_fields if getattr(manifest, key) != getattr(present, key)]
        raise MisfitError(
            f"{out}: belongs to another sweep, these differ: {', '.join(keys)}; choose another folder"
        )
    _make_folders(manifest, out)
    for name, sha256 in manifest.policies.items():
        if name != RANK:
            write_whole(out / "policies" / f"{sha256}.h5", _policy_file(name, source).read_bytes())
    if present is None:
        manifest.save(out)
    return manifest


def _make_folders(manifest: Manifest, out: Path) -> None:
    """Make the sweep's folders, unless `out` holds something else; a sweep that lost its manifest is none."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        found = manifests_of(out)
        if found - {manifest.sha256}:
            raise MisfitError(
                f"{out}: holds results of a sweep that is not this one: its file, a policy, its batch "
                "size or a version differs; plan it as it was, or choose another folder"
            )
        strange = [path.name for path in out.iterdir() if path.name not in PARTS and path.name[0] != "."]
        if strange and not all((out / part).is_dir() for part in PARTS):
            raise InputError(f"{out}: is not empty (it holds {strange[0]}); choose another folder")
        for part in PARTS:
            (out / part).mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"{error.filename or out}: cannot be made or read: {error.strerror}") from None
