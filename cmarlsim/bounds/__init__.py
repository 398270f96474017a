"""The bounds of the paper, as printed and as they hold."""
