"""What the paper's theory promises a user's own scenario, by what margin, and what would make it so."""
