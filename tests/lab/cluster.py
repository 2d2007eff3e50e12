"""A swarm of several nodes on one machine, with a registry, that leaves nothing behind.

Each node is an engine in namespaces of its own (``lab.engine``) with a host name, an address and a cable, a veth pair,
to a bridge in yet another network namespace, the switch. There the registry listens. The machine's own network is
never touched, and no packet leaves: a cable and the switch end with the processes that hold their namespaces.

What does not work here: kernels without IPVS carry no traffic to virtual IPs and ingress ports. ``endpoint_mode:
dnsrr`` and ports in host mode do carry traffic, between nodes too.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, TypeVar

from lab import engine as lab_engine
from lab import registry as lab_registry
from lab.engine import Engine, LabError, clear, clear_leftovers, connect_inside, end_with_parent, locked
from lab.registry import Registry

MANAGERS, WORKERS = 3, 2
SWITCH = "198.51.100.1"  # an address that RFC 5737 keeps for examples: no network of a machine uses it
REGISTRY_PORT = 5000
HEARTBEAT = "2s"  # from node to manager; 5 s by default: a dead node is noticed after three of them
PATIENCE = 60.0  # seconds

NEEDED = ("ip", "nsenter", "unshare")

Found = TypeVar("Found")

_SWITCH = f"""
set -e
ip link set lo up
ip link add bridge type bridge
ip address add {SWITCH}/24 dev bridge
ip link set bridge up
echo ready
exec sleep infinity
"""
_CABLE = """
ip link add cable type veth peer name {port} netns /proc/self/fd/{switch}
nsenter --net=/proc/self/fd/{switch} ip link set {port} master bridge up
ip address add {address}/24 dev cable
ip link set cable up
ip route add default via {gateway}
busybox hostname {name}
"""
_PROBE = """
set -e
ip link add probe0 type bridge
ip link add probe1 type veth peer name probe2
ip link add probe3 type vxlan id 9 dstport 4789
"""


def unavailable() -> str | None:
    """Why no swarm of several nodes can be made here for want of programs or rights, or None."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    needs = f"needs {', '.join(missing)} (Debian: apt install iproute2 util-linux)" if missing else None
    return lab_engine.unavailable() or lab_registry.unavailable() or needs


def impossible() -> str | None:
    """Why this kernel cannot do it, or None."""
    probe = subprocess.run(["unshare", "--net", "sh", "-c", _PROBE], capture_output=True, text=True, check=False)
    return f"the kernel makes no veth, bridge or vxlan: {probe.stderr.strip()}" if probe.returncode else None


class Switch:
    """A network namespace with a bridge, and a folder; both as ``Registry`` wants them."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lab-", dir="/tmp"))
        self._lock = locked(self.folder)
        self._process = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", _SWITCH],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=end_with_parent,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if said != b"ready\n":
            self.remove()
            raise LabError(f"no switch: {said.decode()}")
        self.descriptor = os.open(self.network, os.O_RDONLY)

    @property
    def network(self) -> str:
        return f"/proc/{self._process.pid}/ns/net"

    def connect(self, port: int, address: str = SWITCH, timeout: float = 10) -> socket.socket:
        return connect_inside(self.network, address, port, timeout)

    def ip(self, *arguments: str) -> None:
        _inside(self.network, "ip", *arguments)

    def remove(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        with suppress(AttributeError):
            os.close(self.descriptor)
        clear(self.folder)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class Node(Engine):
    """An engine with a name, an address and a cable."""

    settings: ClassVar[dict[str, object]] = {"insecure-registries": [f"{SWITCH}/32"]}
    pulls = True

    def __init__(self, switch: Switch, number: int) -> None:
        super().__init__()
        self.name = f"node-{number}"
        self.address = f"{SWITCH.rpartition('.')[0]}.{10 + number}"
        # Engines put another name server in place of 127.0.0.1. Here nobody listens: foreign names are refused at once.
        (self.folder / "resolv.conf").write_text(f"nameserver {SWITCH}\n")
        self.alive = False
        self._switch = switch
        self._number = number
        self._boots = 0
        self._port = ""

    def launch(self, setup: str = "", descriptors: Sequence[int] = ()) -> None:
        self._boots += 1  # the kernel takes its time to remove the port of the life before
        self._port = f"port{self._number}.{self._boots}"
        cable = _CABLE.format(
            port=self._port,
            switch=self._switch.descriptor,
            address=self.address,
            gateway=SWITCH,
            name=self.name,
        )
        super().launch(cable + setup, (*descriptors, self._switch.descriptor))
        self.alive = True

    def kill(self) -> None:
        super().kill()
        self.alive = False

    def cut(self) -> None:
        """Pulls the cable: the node is alive and alone."""
        self._switch.ip("link", "set", self._port, "down")

    def join(self) -> None:
        """Plugs the cable in again."""
        self._switch.ip("link", "set", self._port, "up")

    def bar(self, address: str) -> None:
        """Lets the node reach everything but this address; refused at once."""
        _inside(self.network, "ip", "route", "replace", "unreachable", f"{address}/32")

    def allow(self, address: str) -> None:
        """Takes ``bar`` back; nothing if there is nothing to take back."""
        with suppress(LabError):
            _inside(self.network, "ip", "route", "del", "unreachable", f"{address}/32")


def _inside(network: str, *command: str) -> None:
    done = subprocess.run(["nsenter", f"--net={network}", *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip()}")


class Cluster:
    """``nodes``: managers first. ``registry.push(source, name, node)`` makes an image available to all."""

    def __init__(self, managers: int = MANAGERS, workers: int = WORKERS) -> None:
        self.switch = Switch()
        self.nodes: list[Node] = []
        self.registry: Registry
        self._managers = managers
        try:
            self.nodes = [Node(self.switch, number + 1) for number in range(managers + workers)]
            for node in self.nodes:
                node.launch()
            self.registry = Registry(self.switch, REGISTRY_PORT, host=SWITCH)
            for node in self.nodes:
                node.wait()
            self._form()
        except BaseException:
            self.remove()
            raise

    @property
    def managers(self) -> list[Node]:
        return self.nodes[: self._managers]

    @property
    def workers(self) -> list[Node]:
        return self.nodes[self._managers :]

    def node(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

    def _form(self) -> None:
        first = self.nodes[0]
        first.docker("swarm", "init", "--advertise-addr", first.address, "--dispatcher-heartbeat", HEARTBEAT)

        def join(node: Node, role: str) -> None:
            token = tokens[role]
            node.docker("swarm", "join", "--token", token, "--advertise-addr", node.address, first.address)

        tokens = {role: first.docker("swarm", "join-token", "-q", role).strip() for role in ("manager", "worker")}
        for node in self.managers[1:]:
            join(node, "manager")
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda node: join(node, "worker"), self.workers))
        self.settle()

    def leader(self) -> Node:
        """Waits for one, at most a minute, whom more than half of the managers can reach."""
        return self.wait(self._leader, "a leader")

    def _leader(self) -> Node | None:
        for asked in self.managers:
            for row in self._rows(asked):
                if row["ManagerStatus"] == "Leader" and self.node(row["Hostname"]).alive:
                    return self.node(row["Hostname"])
        return None

    def followers(self) -> list[Node]:
        """The living managers that do not lead."""
        leader = self.leader()
        return [node for node in self.managers if node.alive and node is not leader]

    def state(self, node: Node, asked: Node | None = None) -> str:
        """Ready or Down, as a living manager sees the node; "" when none answers."""
        for manager in [asked] if asked else self.managers:
            for row in self._rows(manager):
                if row["Hostname"] == node.name:
                    return row["Status"]
        return ""

    def _rows(self, asked: Node) -> list[dict[str, str]]:
        if not asked.alive:
            return []
        try:
            said = asked.docker("node", "ls", "--format", "{{json .}}", timeout=30)
        except (LabError, subprocess.TimeoutExpired):
            return []
        return [json.loads(line) for line in said.splitlines()]

    def settle(self) -> None:
        """Starts what is down, plugs in every cable, and waits until all nodes are ready and all managers agree."""
        dead = [node for node in self.nodes if not node.alive]
        for node in dead:
            node.launch()
        for node in dead:
            node.wait()
        for node in self.nodes:
            node.join()
            node.allow(SWITCH)
        self.wait(self._settled, "every node ready and every manager reachable")

    def _settled(self) -> bool:
        views = [self._rows(manager) for manager in self.managers]
        return all(
            len(view) == len(self.nodes)
            and all(row["Status"] == "Ready" for row in view)
            and sum(row["ManagerStatus"] in ("Leader", "Reachable") for row in view) == len(self.managers)
            for view in views
        )

    def wait(self, condition: Callable[[], Found | None], what: str, seconds: float = PATIENCE) -> Found:
        """What the condition answers once that is true. Raises LabError."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            if time.monotonic() > deadline:
                raise LabError(f"not within {seconds:.0f} s: {what}")
            time.sleep(0.1)
        return found

    def remove(self) -> None:
        """Ends all nodes and deletes everything that belonged to them."""
        for node in self.nodes:
            node.remove()
        with suppress(AttributeError):
            self.registry.stop()
        self.switch.remove()


def new_cluster() -> Cluster:
    """A running swarm of 3 managers and 2 workers. Raises LabError after taking away what was left of the attempt."""
    clear_leftovers()
    return Cluster()


def memory(node: Node) -> int:
    """Resident bytes of all processes of a node (each shared page counted once per process)."""
    inside = os.readlink(node.network)  # noqa: PTH115
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.readlink(folder / "ns/net") == inside:  # noqa: PTH115
                total += int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return total
