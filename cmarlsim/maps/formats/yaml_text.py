"""YAML that others wrote, read within limits that its parser lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cmarlsim.errors import InputError, one_line, shown
from cmarlsim.storage.files import read_text

MOST_YAML, DEEPEST = 10**7, 50
"""Bytes of YAML, and lists and tables in it inside one another."""


def read_yaml(path: Path) -> Any:
    """Read a YAML file: lists, tables whose keys differ, and texts, as numbers and Booleans are left too.

    Raises
    ------
    InputError
        If it cannot be read, is not YAML, refers to other places of itself (``*name``), is nested too deeply,
        or has a key twice in one table.
    """
    import yaml

    text = read_text(path, MOST_YAML)
    base = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

    class Loader(base):  # type: ignore[misc, valid-type]
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            known: set[str] = set()
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise InputError(f"{path}: line {key.start_mark.line + 1}: a key is a list or table")
                if key.value in known:
                    line = key.start_mark.line + 1
                    raise InputError(f"{path}: line {line}: the key {shown(key.value)} stands here once more")
                known.add(key.value)
            return dict(super().construct_mapping(node, deep))

    try:
        _check_events(yaml.parse(text, Loader=base), path)
        return yaml.load(text, Loader=Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise InputError(f"{path}: {where}not valid YAML: {one_line(problem, 200)}") from None


def _check_events(events: Any, path: Path) -> None:
    """Raise InputError if the YAML refers to itself or is nested too deeply; nothing is built for that."""
    depth = 0
    for event in events:
        line = event.start_mark.line + 1
        kind = type(event).__name__
        if kind == "AliasEvent":
            raise InputError(f"{path}: line {line}: refers to *{event.anchor}; write out what it stands for")
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        if depth > DEEPEST:
            raise InputError(f"{path}: line {line}: lists and tables are more than {DEEPEST} deep")
