"""What comes from outside as text: validated, frozen data, with errors that name file, key and value."""

from cmarlsim.validation.findings import ProblemsError, refusal
from cmarlsim.validation.models import (
    Count,
    Entries,
    Name,
    Number,
    Point,
    Strict,
    names_checked,
    parse,
    repeated,
)
from cmarlsim.validation.settings import apply_settings, dotted, put, setting_value
from cmarlsim.validation.texts import json_of, read_toml, real, toml_of, whole

__all__ = [
    "Count",
    "Entries",
    "Name",
    "Number",
    "Point",
    "ProblemsError",
    "Strict",
    "apply_settings",
    "dotted",
    "json_of",
    "names_checked",
    "parse",
    "put",
    "read_toml",
    "real",
    "refusal",
    "repeated",
    "setting_value",
    "toml_of",
    "whole",
]
