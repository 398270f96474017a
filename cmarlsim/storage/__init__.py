"""Files: published whole, HDF5, journals, what ships, and what made a result."""
