"""Damage to the cache of compiled kernels; every case takes a fresh process, and some a compilation."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

from cmarlsim.kernels.cache_folder import cache_folder

from .case import Case
from .damage import damaged
from .oracle import different_datasets
from .specimens import SHORT, Specimens, run_of


def case(random: Random, good: Specimens) -> Case:
    """A run with a private copy of the cache in which a file is damaged, or that is no folder at all."""
    good.copy("small.toml", "small-plan.toml", "policy.h5")
    source, root = cache_folder(), Path("cache")
    way = random.randrange(8)
    if way == 0:
        os.mkfifo(root)
        story = "the cache is a pipe"
    elif way == 1:
        root.write_text("x")
        story = "the cache is a file"
    else:
        shutil.copytree(source, root / source.name)
        files = sorted(path for path in root.rglob("*") if path.suffix in (".nbi", ".nbc"))
        path = random.choice(files)
        story = f"{path.name}: {damaged(path, random)}"

    def verify(code: int) -> Iterator[str]:
        if code == 0:
            yield from different_datasets(Path("out.h5"), good.folder / "rollout.h5")

    environment = {"NUMBA_CACHE_DIR": str(root.absolute())}
    return Case(story, [run_of("rollout", SHORT, "out.h5")], ("out*", "cache/*"), verify, True, environment)
