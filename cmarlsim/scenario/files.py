"""The files that a scenario is read from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cmarlsim.errors import InputError, shown
from cmarlsim.storage import shipped
from cmarlsim.validation import apply_settings, read_toml


def read_scenario(
    reference: str | Path, overrides: str | Sequence[str]
) -> tuple[Path, dict[str, Any], list[str]]:
    """The path of a scenario's file, its TOML with the overrides, and these as a list."""
    path = shipped.find("scenarios", reference, ".toml")
    data = read_toml(path)
    settings = apply_settings(data, overrides)
    if not isinstance(data.get("floorplan"), str):
        found = f"floorplan = {shown(data['floorplan'])}" if "floorplan" in data else "floorplan is missing"
        raise InputError(f"{path}: {found}: must be a path relative to this file or a shipped name")
    return path, data, settings


def files_of(reference: str | Path, overrides: str | Sequence[str] = ()) -> list[Path]:
    """The files that `Scenario.load` reads with the same arguments: the scenario's and its plan's."""
    path, data, _ = read_scenario(reference, overrides)
    return [path, shipped.find("floorplans", data["floorplan"], ".toml", path.parent)]
