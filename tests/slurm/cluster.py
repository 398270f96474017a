"""A throw-away Slurm on this machine: a controller and nodes of one core on loopback, for one user."""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "sinfo")
PACKAGES = "slurmctld slurmd slurm-client munge"

# No cgroups, no accounts, nothing that listens to the outside. Jobs of ``urgent`` push those of ``main`` back
# into the queue. The times are short, so that what goes wrong is noticed in seconds.
_CONFIGURATION = """
ClusterName=throwaway
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={root}/munge.socket
SlurmctldPort={control}
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.%n.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd.%n.log
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool.%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,batch_sched_delay=0,sched_min_interval=0,requeue_delay=0,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
SlurmdParameters=config_overrides
SlurmctldTimeout=10
SlurmdTimeout=30
KillWait=5
MessageTimeout=20
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=0
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""


def missing() -> str:
    """Why there can be no cluster here; empty if there can."""
    lost = [program for program in PROGRAMS if not shutil.which(program, path=_path())]
    if lost:
        return f"needs {', '.join(lost)}: apt-get install --no-install-recommends {PACKAGES}"
    return "" if os.geteuid() == 0 else "a slurmd that starts jobs must be root"


class Cluster:
    """A context manager with a running cluster; `environment` is what Slurm's commands need.

    Parameters
    ----------
    root
        An empty folder with a short name, for sockets' names are short.
    nodes
        How many.
    """

    def __init__(self, root: Path, nodes: int = 2) -> None:
        self._root, self._nodes = root, [f"n{i}" for i in range(nodes)]
        self._daemons: list[subprocess.Popen[bytes]] = []
        self._waiting: dict[str, float] = {}
        self.environment = {"SLURM_CONF": str(root / "slurm.conf"), "PATH": _path()}

    def __enter__(self) -> Self:
        for folder in ("state", *(f"spool.{node}" for node in self._nodes)):
            (self._root / folder).mkdir()
        self._root.chmod(0o755)
        self._write_configuration()
        key = self._root / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        files = [
            f"--{name}={self._root}/munge.{name}" for name in ("socket", "pid-file", "log-file", "seed-file")
        ]
        try:
            self._start("munged", "--foreground", "--force", f"--key-file={key}", *files)
            self._wait((self._root / "munge.socket").exists)
            self._start("slurmctld", "-D")
            for node in self._nodes:
                self._start("slurmd", "-D", "-N", node)
            self._wait(lambda: self._idle() == len(self._nodes))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(subprocess.SubprocessError, RuntimeError):  # jobs end before those who watch over them
            self.call("scancel", f"--user={getpass.getuser()}")
            self._wait(lambda: not self.call("squeue", "-h"))
        for daemon in reversed(self._daemons):
            daemon.send_signal(signal.SIGTERM)
        for daemon in reversed(self._daemons):
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def call(self, *command: str) -> str:
        """What one of Slurm's commands prints."""
        environment = os.environ | self.environment
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout.strip()

    def hurry(self) -> None:
        """Let jobs that were put back into the queue begin; otherwise they wait for minutes.

        Not in the second in which they ended: a node would not take them.
        """
        waiting = self.call("squeue", "-h", "-r", "-t", "PD", "-o", "%A").split()
        self._waiting = {job: self._waiting.get(job, time.monotonic()) for job in waiting}
        for job, since in self._waiting.items():
            if time.monotonic() - since > 2:
                with suppress(subprocess.CalledProcessError):  # it has begun
                    self.call("scontrol", "update", f"JobId={job}", "StartTime=now")

    def _idle(self) -> int:
        with suppress(subprocess.SubprocessError):
            return self.call("sinfo", "-h", "-p", "main", "-N", "-o", "%t").split().count("idle")
        return 0

    def _start(self, *command: str) -> None:
        with (self._root / f"{command[0]}.out").open("ab") as said:
            environment = os.environ | self.environment
            self._daemons.append(subprocess.Popen(command, env=environment, stdout=said, stderr=said))

    def _wait(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + 30
        while not condition():
            if time.monotonic() > until:
                said = [path.read_text()[-500:] for path in self._root.glob("*.out")]
                raise RuntimeError(f"the throw-away Slurm did not come up: {said}")
            time.sleep(0.1)

    def _write_configuration(self) -> None:
        host = socket.gethostname().partition(".")[0]
        control, *ports = _free_ports(1 + len(self._nodes))
        nodes = "\n".join(
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1 RealMemory=8192"
            for node, port in zip(self._nodes, ports, strict=True)
        )
        text = _CONFIGURATION.format(
            host=host, user=getpass.getuser(), root=self._root, control=control, nodes=nodes
        )
        (self._root / "slurm.conf").write_text(text)


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
