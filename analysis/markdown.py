"""Tables of pages in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd


def table(header: Sequence[str], rows: Iterable[Sequence[object]], text: int | None = None) -> str:
    """A table whose first `text` columns are text, by default all; the others are set to the right."""
    text = len(header) if text is None else text
    rule = ["---"] * text + ["---:"] * (len(header) - text)
    lines = ([str(cell).replace("|", r"\|") for cell in line] for line in (header, rule, *rows))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def number(value: object, digits: int = 3) -> str:
    """A value with so many digits if it is no whole number; nothing where there is none."""
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else f"{value:.{digits}g}"
    return str(value)


def framed(frame: pd.DataFrame, digits: int = 3) -> str:
    """A data frame as a table."""
    rows = ([number(value, digits) for value in line] for line in frame.itertuples(index=False))
    return table(list(frame.columns), rows)


def counted(words: pd.Series) -> str:
    """How often each word occurs, the most frequent first: ``holds in 3, fails in 1``."""
    return ", ".join(f"{word} in {count}" for word, count in words.value_counts().items())
