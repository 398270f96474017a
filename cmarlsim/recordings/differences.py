"""What makes a run what it is, and in which of these things two runs differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cmarlsim.errors import MisfitError
from cmarlsim.recordings.datasets import FORMAT
from cmarlsim.scenario import Scenario
from cmarlsim.storage.provenance import versions
from cmarlsim.validation import dotted


def made_with(
    scenario: Scenario, seed: int, policy_sha256: str, level: str, sparse: bool
) -> dict[str, str | int]:
    """What a recording is determined by, but for its length: attributes of its file."""
    return {
        "format": FORMAT,
        "scenario": scenario.to_toml(),
        "floorplan": scenario.floorplan.to_toml(),
        "seed": int(seed),
        "policy_sha256": policy_sha256,
        "record": level,
        "links": "sparse" if sparse else "dense",
        **versions(),
    }


def check_same(found: Mapping[str, Any], wanted: Mapping[str, Any], path: object) -> None:
    """Make sure that what is at `path` is of the run that is wanted; both as `made_with` gives them.

    Raises
    ------
    MisfitError
        If not; the message names the keys that differ.
    """
    keys = made_differences(found, wanted)
    if not keys:
        return
    what = shown(with_versions(keys, found, wanted))
    if set(keys) <= set(versions()):
        raise MisfitError(
            f"{path}: was made with other versions, these differ: {what}; "
            "go on with those it was made with, or name another file"
        )
    raise MisfitError(
        f"{path}: is of another run, these differ: {what}; repeat its command, or name another file"
    )


def with_versions(keys: Sequence[str], found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Differing keys for a message; of versions, which one is there and which one here."""
    return [
        f"{key} ({found.get(key, 'unknown')} there, {wanted[key]} here)" if key in versions() else key
        for key in keys
    ]


def made_differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Keys in which what two recordings were made with differs: of the scenario, ``policy``, versions, ..."""
    differing = [key for key, value in wanted.items() if str(found.get(key)) != str(value)]
    keys = [key.removesuffix("_sha256") for key in differing if key not in ("scenario", "floorplan")]
    if len(keys) < len(differing):
        one, other = (
            Scenario.from_toml(str(made.get("scenario")), str(made.get("floorplan")), "recording")
            for made in (found, wanted)
        )
        keys = (scenario_differences(one, other) or ["scenario"]) + keys
    return keys


def scenario_differences(first: Scenario, second: Scenario) -> list[str]:
    """Keys in which two scenarios differ, written as users do; the floor plan is one key."""
    data = [scenario.model_dump(exclude={"floorplan"}) for scenario in (first, second)]
    one, other = (dict(_leaves(each)) for each in data)
    places = [place for place in one | other if one.get(place) != other.get(place)]
    return ["floorplan"] * (first.floorplan != second.floorplan) + [
        dotted(place, data[0]) for place in places
    ]


def shown(keys: Sequence[str]) -> str:
    """Keys for a message, the first five of them."""
    more = f" and {len(keys) - 5} more" if len(keys) > 5 else ""
    return ", ".join(keys[:5]) + more


def _leaves(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, Mapping):
        items: Any = value.items()
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    else:
        yield place, value
        return
    for key, part in items:
        yield from _leaves(part, (*place, key))
