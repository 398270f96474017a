"""What a result file says about the software that made it."""

from __future__ import annotations

import platform

import h5py
import numba
import numpy as np

from cmarlsim.version import __version__


def versions() -> dict[str, str]:
    """Versions that can change numbers, by attribute name."""
    return {
        "version_cmarlsim": __version__,
        "version_python": platform.python_version(),
        "version_numpy": np.__version__,
        "version_numba": numba.__version__,
        "version_h5py": h5py.__version__,
    }
