"""Files of others: what each format says, with everything that is wrong told at once."""
