"""Theorem 1 and its parts, against what happens."""
