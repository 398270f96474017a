"""Every numbered claim of the paper, and what the scripts that check it say."""
