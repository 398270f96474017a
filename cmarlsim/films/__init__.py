"""Films of recordings: `moments` are read, `stage` and its `panels` draw them, `film` writes the pictures."""
