"""Files of others that some tests read, where they are there."""

from pathlib import Path

import pytest

MAPS = Path(__file__).parents[2] / "shared" / "maps"

needed = pytest.mark.skipif(
    not MAPS.is_dir(), reason="the collection of others' maps is not beside the project"
)
