"""The figures of the paper: a new one is a module with a `FIGURE`, as each of these has it, named here."""

from __future__ import annotations

from analysis import figure3a, figure3bf, figure4, figure5a, figure5b, figure5c

FIGURES = tuple(module.FIGURE for module in (figure3a, figure3bf, figure4, figure5a, figure5b, figure5c))
