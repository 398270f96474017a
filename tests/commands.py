"""What commands say."""


def without_compiling(err: str) -> str:
    """The lines on stderr but those about compiling kernels, which are there the first time only."""
    return "".join(line for line in err.splitlines(keepends=True) if "compil" not in line)
