"""Processes begun as `multiprocessing` begins them, but never left without what they are to do."""

from __future__ import annotations

import io
import os
from multiprocessing import popen_spawn_posix, process, reduction, resource_tracker, spawn, util
from multiprocessing.context import SpawnContext, SpawnProcess, set_spawning_popen
from typing import Any


class _Launch(popen_spawn_posix.Popen):
    """Python's begins the process before it writes what that reads, and may be killed in between."""

    _fds: list[int]

    def _launch(self, process_obj: process.BaseProcess) -> None:
        content = io.BytesIO()
        set_spawning_popen(self)
        try:
            reduction.dump(spawn.get_preparation_data(process_obj.name), content)
            reduction.dump(process_obj, content)
        finally:
            set_spawning_popen(None)
        self.sentinel, held = os.pipe()
        read, written = os.pipe()  # which is open as long as this process lives
        self.finalizer = util.Finalize(self, _close, (self.sentinel, written))
        try:
            os.write(written, content.getbuffer())  # some kilobytes, which a pipe holds
            tracker: Any = resource_tracker.getfd()
            command = spawn.get_command_line(tracker_fd=tracker, pipe_handle=read)
            passed = [*self._fds, tracker, read, held]
            self.pid = util.spawnv_passfds(os.fsencode(spawn.get_executable()), command, passed)
        finally:
            _close(read, held)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


class _Process(SpawnProcess):
    @staticmethod
    def _Popen(process_obj: process.BaseProcess) -> _Launch:
        return _Launch(process_obj)


class Context(SpawnContext):
    """The context of `multiprocessing` for freshly started processes."""

    Process = _Process
