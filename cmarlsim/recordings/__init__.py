"""What a run leaves behind, in memory and in HDF5: columns, summaries and comparisons."""
