"""What notebooks show of an object: its one line, and a small table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

MOST_ROWS = 12
"""A longer table is cut off, and says so."""


def table(caption: str, columns: Mapping[str, Iterable[object]]) -> str:
    """A table in HTML.

    Parameters
    ----------
    caption
        What stands above it.
    columns
        The values of each column under its name; numbers are rounded to three digits.
    """
    rows = list(zip(*columns.values(), strict=True))
    lines = ["<table>", f"<caption>{escape(caption)}</caption>", _row("th", columns)]
    lines += [_row("td", row) for row in rows[:MOST_ROWS]]
    if len(rows) > MOST_ROWS:
        lines.append(_row("td", [f"... and {len(rows) - MOST_ROWS} more"]))
    return "\n".join([*lines, "</table>"])


def _row(tag: str, cells: Iterable[object]) -> str:
    texts = (f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in cells)
    return "<tr>" + "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts) + "</tr>"
