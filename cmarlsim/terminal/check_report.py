"""What a check prints: every finding in a line of its own, and how many there are."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from cmarlsim.checking.checker import KINDS, Checked
from cmarlsim.errors import one_line

_SHADES = {"error": "red", "warning": "yellow", "hint": "blue"}


def print_check(checked: Checked) -> None:
    """Print all findings, numbered as in the picture, and how many there are of each kind."""
    console = Console(emoji=False, highlight=False, soft_wrap=True)
    for number, finding in enumerate(checked.findings, 1):
        kind = (finding.kind, _SHADES[finding.kind])
        console.print(Text.assemble(f"{number:>3} ", kind, f" {one_line(str(finding))}"))
    counts = [f"{checked.count(kind)} {kind}{'s' * (checked.count(kind) != 1)}" for kind in KINDS]
    console.print(Text(f"{one_line(checked.name)}: {', '.join(counts)}"))
