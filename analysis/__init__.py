"""One script a claim or figure of the paper: load, compute, draw."""
