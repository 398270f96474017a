"""What notebooks show of an object: its one line, and a small table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape


def table(caption: str, columns: Mapping[str, Iterable[object]]) -> str:
    """A table in HTML, of longer ones the beginning and the end, with `caption` above it."""
    import pandas as pd

    frame = pd.DataFrame({name: list(values) for name, values in columns.items()})
    rows = frame.to_html(index=False, max_rows=12, float_format="{:.3g}".format, border=0)
    return f"<p>{escape(caption)}</p>\n{rows}"
