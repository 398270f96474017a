"""Damage to the cache of compiled kernels; every case takes a fresh process, and some a compilation."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

from .case import Case
from .damage import damaged
from .oracle import different_datasets
from .specimens import SHORT, Specimens, run_of


def case(random: Random, good: Specimens) -> Case:
    """A run with a private copy of the cache in which a file is damaged, or that is no folder at all."""
    good.copy("small.toml", "small-plan.toml", "policy.h5")
    root = Path("cache")
    way = random.randrange(8)
    if way == 0:
        os.mkfifo(root)
        story = "the cache is a pipe"
    elif way == 1:
        root.write_text("x")
        story = "the cache is a file"
    else:
        shutil.copytree(good.folder / "cache", root, copy_function=os.link)
        files = sorted(path for path in root.rglob("*") if path.suffix in (".nbi", ".nbc"))
        path = random.choice(files)
        shutil.copyfile(path, "damaged")
        story = f"{path.name}: {damaged(Path('damaged'), random)}"
        os.replace("damaged", path)

    def verify() -> Iterator[str]:
        return different_datasets(Path("out.h5"), good.folder / "rollout.h5")

    environment = {"NUMBA_CACHE_DIR": str(root.absolute())}
    return Case(story, [run_of("rollout", SHORT, "out.h5")], ("out*", "cache/*"), verify, True, environment)
