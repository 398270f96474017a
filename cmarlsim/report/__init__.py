"""Pictures and films of recordings."""
