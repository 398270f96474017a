"""Where the time of a run goes, by its stages: draw, simulate, write."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_here = threading.local()


class Seconds(dict[str, float]):
    """Seconds by stage."""

    def add(self, stage: str, seconds: float) -> None:
        """Add seconds to a stage."""
        self[stage] = self.get(stage, 0.0) + seconds

    def merge(self, other: Mapping[str, float]) -> None:
        """Add the seconds of each stage of `other`."""
        for stage, seconds in other.items():
            self.add(stage, seconds)


@contextmanager
def stopwatch() -> Iterator[Seconds]:
    """Add up the seconds that this thread spends in each stage; yields them by the stage's name."""
    before, _here.seconds = getattr(_here, "seconds", None), Seconds()
    try:
        yield _here.seconds
    finally:
        _here.seconds = before


def timed(stage: str) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Decorator of a function whose time belongs to `stage`, where a `stopwatch` runs; stages do not nest."""

    def decorate(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        @wraps(function)
        def wrapped(*arguments: Parameters.args, **options: Parameters.kwargs) -> Result:
            seconds = getattr(_here, "seconds", None)
            if seconds is None:
                return function(*arguments, **options)
            start = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                seconds.add(stage, time.perf_counter() - start)

        return wrapped

    return decorate
