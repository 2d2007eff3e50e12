"""A private Docker engine that leaves nothing behind.

dockerd runs in mount, network, PID, IPC and UTS namespaces of its own. So its bridges and firewall rules never
meet those of the machine (or of another test run), it cannot reach any other network, and the kernel itself ends
every process (containerd, shims, containers) and drops every mount when the first process of the namespaces ends,
however the test run ended. Only files and empty cgroups are left, and ``remove`` takes those away; those of a test
run that was killed go when the next engine is made.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

START_DEADLINE = 60.0  # seconds; 0.4 s on an idle machine
NEEDED = ("dockerd", "containerd", "runc", "iptables", "docker", "unshare", "busybox")
DEBIAN = "docker.io iptables busybox-static util-linux"

_PR_SET_PDEATHSIG = 1
_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)

# The first process of the namespaces: a shell that waits for dockerd also collects orphaned shims. LAB_SETUP: more to
# do before the engine starts.
_INIT = """
set -e
busybox ip link set lo up
eval "$LAB_SETUP"
for d in /etc/docker /run/docker; do mkdir -p $d; mount -t tmpfs tmpfs $d; done
if [ -e /etc/resolv.conf ]; then mount --bind "$1/resolv.conf" /etc/resolv.conf; fi
shift
dockerd "$@" && exit
"""


class LabError(Exception):
    """The engine did not start, or a docker command failed; the message holds what it said."""


def unavailable() -> str | None:
    """Why no engine can be started here, or None."""
    if sys.platform != "linux":
        return "needs Linux"
    if os.geteuid() != 0:
        return "needs root"
    missing = [name for name in NEEDED if shutil.which(name, path=_path()) is None]
    return f"needs {', '.join(missing)} (Debian: apt install {DEBIAN})" if missing else None


def _path() -> str:
    """dockerd and iptables live in sbin, which is not on everyone's PATH."""
    return os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"


class Engine:
    """One engine: ``start``, use ``host`` or ``docker(...)``, ``kill`` and ``start`` again if wanted, ``remove``."""

    settings: ClassVar[dict[str, object]] = {}
    """dockerd's daemon.json."""
    pulls: ClassVar[bool] = False
    """Whether a task asks the registry for its image; else images must be there, and nothing waits for a registry."""

    def __init__(self) -> None:
        # Short: a unix socket's path may have 107 bytes, and containerd puts its own below exec.
        self.folder = Path(tempfile.mkdtemp(prefix="lab-", dir="/tmp"))
        self.host = f"unix://{self.folder}/s"
        self._cgroup = f"stackc-{self.folder.name}"
        self._lock = locked(self.folder)
        assert self._lock is not None
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("data", "exec", "client"):
            (self.folder / name).mkdir()
        (self.folder / "daemon.json").write_text(json.dumps(self.settings))  # the machine's own one is not ours
        (self.folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")  # refuses at once

    @property
    def environment(self) -> dict[str, str]:
        """For child processes that are to see this engine and no configuration of the user."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("DOCKER_")}
        return {**kept, "DOCKER_HOST": self.host, "DOCKER_CONFIG": str(self.folder / "client")}

    def start(self) -> None:
        """Returns when the engine answers. Raises LabError."""
        self.launch()
        self.wait()

    def launch(self, setup: str = "", descriptors: Sequence[int] = ()) -> None:
        """Starts dockerd and does not wait for it. The engine ends with the thread that calls this.

        ``setup``: shell lines that run first inside the namespaces, with the open ``descriptors``.
        """
        (self.folder / "s").unlink(missing_ok=True)
        (self.folder / "pid").unlink(missing_ok=True)  # written in another PID namespace: says nothing here
        shutil.rmtree(self.folder / "exec", ignore_errors=True)
        (self.folder / "exec").mkdir()
        arguments = ["--config-file", f"{self.folder}/daemon.json", "--data-root", f"{self.folder}/data"]
        arguments += ["--exec-root", f"{self.folder}/exec", "--pidfile", f"{self.folder}/pid", "-H", self.host]
        arguments += ["--cgroup-parent", f"/{self._cgroup}", "--exec-opt", "native.cgroupdriver=cgroupfs"]
        namespaces = ["--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child=SIGKILL", "--mount-proc"]
        offline = {} if self.pulls else {"DOCKER_SERVICE_PREFER_OFFLINE_IMAGE": "1"}
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["unshare", *namespaces, "sh", "-c", _INIT, "engine", str(self.folder), *arguments],
                env={**os.environ, "PATH": _path(), **offline, "LAB_SETUP": setup},
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent,
            )

    def wait(self) -> None:
        """Until the engine answers. Raises LabError after ending it."""
        assert self._process is not None
        deadline = time.monotonic() + START_DEADLINE
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                tail = self.log()[-2000:]
                self.kill()
                raise LabError(f"dockerd did not start:\n{tail}")
            time.sleep(0.02)

    def init_swarm(self) -> None:
        self.docker("swarm", "init", "--advertise-addr", "127.0.0.1")

    def docker(self, *arguments: str, check: bool = True, stdin: bytes = b"", timeout: float = 120) -> str:
        """Runs the docker command line against this engine and answers its standard output. Raises LabError."""
        command = ["docker", *arguments]
        done = subprocess.run(
            command, env=self.environment, input=stdin, capture_output=True, timeout=timeout, check=False
        )
        if check and done.returncode:
            raise LabError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.decode()}")
        return done.stdout.decode()

    def import_image(self, archive: Path, tag: str) -> None:
        self.docker("import", str(archive), tag)

    def connect(self, port: int, address: str = "127.0.0.1", timeout: float = 10) -> socket.socket:
        """A TCP connection opened inside the engine's network namespace: for host-mode published ports."""
        return connect_inside(self.network, address, port, timeout)

    @property
    def network(self) -> str:
        """The engine's network namespace, as nsenter takes it."""
        if self._process is None:
            raise LabError("the engine is not running")
        return f"/proc/{self._process.pid}/ns/net"

    def log(self) -> str:
        try:
            return (self.folder / "log").read_text(errors="replace")
        except OSError:
            return ""

    def kill(self) -> None:
        """A power cut: every process of the engine ends at once; its data stays, and ``start`` boots it again."""
        if self._process is None:
            return
        # The kernel lets the first process of a PID namespace go only after all others, and unshare waits for it.
        for child in self._children() or [self._process.pid]:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def remove(self) -> None:
        """Ends the engine and deletes everything that belonged to it."""
        self.kill()
        clear(self.folder)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            try:
                client.connect(f"{self.folder}/s")
                client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b" 200 " in client.recv(64)
            except OSError:
                return False

    def _children(self) -> list[int]:
        assert self._process is not None
        pid = self._process.pid
        try:
            return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except OSError:
            return []


def connect_inside(network: str, address: str, port: int, timeout: float) -> socket.socket:
    """A TCP connection that is opened inside a network namespace and stays in it. Raises OSError."""
    result: list[socket.socket | OSError] = []
    worker = threading.Thread(target=_connect_in_namespace, args=(network, (address, port), timeout, result))
    worker.start()
    worker.join()
    if isinstance(result[0], OSError):
        raise result[0]
    return result[0]


def cgroups(folder: Path) -> list[Path]:
    root = Path("/sys/fs/cgroup")  # version 2, or version 1 with one folder for each controller
    name = f"stackc-{folder.name}"
    return [path for path in (root / name, *root.glob(f"*/{name}")) if path.is_dir()]


def locked(folder: Path) -> int | None:
    """A lock that lasts as long as this process: what is not locked was left by a test run that was killed."""
    descriptor = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def clear(folder: Path) -> None:
    for cgroup in cgroups(folder):
        for path, _, _ in os.walk(cgroup, topdown=False):
            os.rmdir(path)  # noqa: PTH106
    shutil.rmtree(folder)


def clear_leftovers() -> None:
    for lock in Path("/tmp").glob("lab-*/lock"):
        descriptor = locked(lock.parent)
        if descriptor is not None:
            with suppress(OSError):  # two test runs may be at it at once
                clear(lock.parent)
            os.close(descriptor)


def new_engine(*, swarm: bool = True) -> Engine:
    """A running engine. Raises LabError after taking away what was left of the attempt."""
    clear_leftovers()
    engine = Engine()
    try:
        engine.start()
        if swarm:
            engine.init_swarm()
    except BaseException:
        engine.remove()
        raise
    return engine


def end_with_parent() -> None:
    """In a child before it starts its program: it ends with the thread that made it, even if that is killed."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _connect_in_namespace(
    namespace: str, address: tuple[str, int], timeout: float, result: list[socket.socket | OSError]
) -> None:
    """Runs in a thread of its own: the namespace is the thread's, the socket stays in it for good."""
    try:
        descriptor = os.open(namespace, os.O_RDONLY)
        try:
            if _LIBC.setns(descriptor, _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(descriptor)
        result.append(socket.create_connection(address, timeout))
    except OSError as error:
        result.append(error)


def describe(engine: Engine) -> str:
    """For the header of a test run."""
    version = json.loads(engine.docker("version", "--format", "{{json .}}"))
    return f"engine {version['Server']['Version']}, docker client {version['Client']['Version']}"
