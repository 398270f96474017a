"""The manifest of a sweep: all that its tasks are determined by, in one folder that can be copied."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from shlex import quote
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.errors import DamagedError, InputError, MisfitError, listed, shown
from cmarlsim.policies.policy import RANK, Policy
from cmarlsim.scenario import Scenario
from cmarlsim.storage.files import file_at, read_text, write_whole
from cmarlsim.storage.provenance import versions
from cmarlsim.validation import Count, Entries, Strict, json_of, parse, put, toml_of

FORMAT: Literal["cmarlsim-sweep/1"] = "cmarlsim-sweep/1"
NAME = "manifest.json"
PARTS = ("results", "recordings", "locks", "policies", "slurm")
"""Folders beside the manifest."""

MOST_BYTES = 2**30
"""Bytes of the manifest, and of a file of results, at most: 1 GiB."""

_AGAIN = "plan the same sweep into it again, which keeps its results"


class Task(NamedTuple):
    """One run of a sweep."""

    scenario: Scenario
    policy: Policy
    steps: int | None
    seed: int


class Manifest(Strict):
    """What a sweep is: its base, its axes, and the values of the axes in every task.

    Attributes
    ----------
    scenario
        The base scenario as parsed TOML.
    floorplans
        TOML of each floor plan by the name that scenarios have for it.
    policies
        Hash of each policy, `Policy.sha256`, by what the sweep file calls it.
    keys, tasks
        The axes, and a row of their values for every task.
    batch
        Consecutive tasks that are run by one process and whose results are in one file.
    versions
        What it was planned with; other versions may give other numbers.
    """

    format: Literal["cmarlsim-sweep/1"]
    name: str
    scenario: dict[str, Any]
    floorplans: dict[str, str]
    policies: dict[str, str]
    policy: str
    seed: int
    steps: Count | None
    record: Literal["summary", "rollout", "step"]
    keys: Entries[Annotated[str, Field(min_length=1)]]
    tasks: Entries[tuple[Any, ...]]
    batch: Count
    versions: dict[str, str]

    @classmethod
    def load(cls, out: Path) -> Self:
        """Read the manifest in a folder; InputError if there is none, or its checksum is wrong."""
        path = out / NAME
        if not file_at(path):
            lost = any((out / "results").glob("*.jsonl"))
            what = f"its manifest is lost; {_AGAIN}" if lost else "holds no sweep; plan one"
            raise InputError(f"{out}: {what}: cmarlsim sweep plan SWEEP.toml {quote(str(out))}")
        text, _, check = read_text(path, MOST_BYTES).rstrip("\n").rpartition("\n")
        if check != hashlib.sha256(text.encode()).hexdigest():
            raise DamagedError(f"{path}: is damaged (its checksum is wrong); {_AGAIN}")
        try:
            data = json_of(text)
        except ValueError as error:
            raise DamagedError(f"{path}: is damaged: {error}; {_AGAIN}") from None
        if not isinstance(data, dict):
            raise DamagedError(f"{path}: is damaged: no table of keys; {_AGAIN}")
        return parse(cls, data, path)

    @model_validator(mode="after")
    def _rows_have_values_for_all_keys(self) -> Self:
        for number, row in enumerate(self.tasks):
            if len(row) != len(self.keys):
                raise ValueError(f"tasks[{number}]: must have {len(self.keys)} values, one for each key")
        return self

    def save(self, out: Path) -> None:
        """Write the manifest, last of all that is in the folder."""
        write_whole(out / NAME, f"{self._text}\n{self.sha256}\n".encode())

    @cached_property
    def _text(self) -> str:
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False)

    @cached_property
    def sha256(self) -> str:
        """What tells this sweep from others."""
        return hashlib.sha256(self._text.encode()).hexdigest()

    @property
    def batches(self) -> int:
        """Number of batches."""
        return -(-len(self.tasks) // self.batch)

    def batch_of(self, number: int) -> range:
        """Numbers of a batch's tasks."""
        return range(number * self.batch, min((number + 1) * self.batch, len(self.tasks)))

    def label(self, number: int) -> str:
        """A task's number and settings, for messages."""
        settings = [f"{key} = {shown(value)}" for key, value in self.settings(number).items()]
        return f"task {number} ({listed(settings)})"

    def settings(self, number: int) -> dict[str, Any]:
        """Values of the axes in a task."""
        return dict(zip(self.keys, self.tasks[number], strict=True))

    def check_versions(self, out: Path) -> None:
        """Raise MisfitError where the sweep was planned with other versions than are here."""
        here = versions()
        wrong = [
            f"{key.removeprefix('version_')} is {here.get(key)} here and {planned} there"
            for key, planned in self.versions.items()
            if here.get(key) != planned
        ]
        if wrong:
            raise MisfitError(
                f"{out}: was planned with other versions, which may give other numbers: {listed(wrong)}; "
                "use those, or plan the sweep again in another folder"
            )


class Sources:
    """What tasks are made from, each part read once: scenarios by their settings, floor plans, policies."""

    def __init__(self, manifest: Manifest, out: Path, loaded: Mapping[str, Policy] | None = None) -> None:
        self._manifest, self._out = manifest, out
        self._plans: dict[str, FloorPlan] = {}
        self._loaded = dict(loaded or {})
        self._scenario = lru_cache(maxsize=64)(self._build)

    def task(self, number: int) -> Task:
        """A task with its scenario and policy; InputError if they do not belong together."""
        manifest, settings = self._manifest, self._manifest.settings(number)
        policy = self.policy(settings.pop("policy", manifest.policy))
        seed, steps = settings.pop("seed", manifest.seed), settings.pop("steps", manifest.steps)
        return Task(self._scenario(json.dumps(settings)), policy, steps, seed)

    def _build(self, settings: str) -> Scenario:
        data = copy.deepcopy(self._manifest.scenario)
        for key, value in json.loads(settings).items():
            put(data, key.split("."), value, key)
        return parse(Scenario, data | {"floorplan": self._plan(data.get("floorplan"))}, "its scenario")

    def _plan(self, name: object) -> FloorPlan:
        if not isinstance(name, str) or name not in self._manifest.floorplans:
            raise DamagedError(f"{self._out}: floorplan = {shown(name)}: its manifest has none of this name")
        if name not in self._plans:
            place = f"{self._out}: floorplan = {shown(name)}"
            self._plans[name] = parse(FloorPlan, toml_of(self._manifest.floorplans[name], place), place)
        return self._plans[name]

    def check_policies(self) -> None:
        """Raise InputError if the file of any policy is missing, damaged or another one."""
        for name in self._manifest.policies:
            self.policy(name)

    def policy(self, name: object) -> Policy:
        """A policy by its name in the manifest; InputError if its file is missing, damaged or another one."""
        if not isinstance(name, str) or name not in self._manifest.policies:
            raise DamagedError(f"{self._out}: policy = {shown(name)}: its manifest has none of this name")
        if name not in self._loaded:
            sha256 = self._manifest.policies[name]
            path = RANK if name == RANK else self._out / "policies" / f"{sha256}.h5"
            try:
                policy = Policy.load(path)
            except InputError as error:
                raise InputError(f"{error}; {_AGAIN} and puts it back") from None
            if policy.sha256 != sha256:
                raise MisfitError(f"{path}: is another policy than the one that was planned; {_AGAIN}")
            self._loaded[name] = policy
        return self._loaded[name]
