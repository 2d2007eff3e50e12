"""The lab's swarm of five nodes keeps its promises: traffic between nodes, faults, and nothing left behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from lab.cluster import Cluster, Node

TESTS = Path(__file__).parents[2]
pytestmark = pytest.mark.engine
BOX = "process/box:v1"


@pytest.fixture(autouse=True)
def whole(cluster: Cluster) -> object:
    yield
    cluster.settle()


def services(leader: Node, *names: str) -> Callable[[], bool]:
    """Whether all of them have their replicas."""

    def complete() -> bool:
        rows = dict(
            line.split() for line in leader.docker("service", "ls", "--format", "{{.Name}} {{.Replicas}}").splitlines()
        )
        return all(rows[name].split("/")[0] == rows[name].split("/")[1] for name in names)

    return complete


def test_tasks_on_different_nodes_talk_over_an_overlay_network_by_name(cluster: Cluster) -> None:
    leader = cluster.leader()
    leader.docker("network", "create", "--driver", "overlay", "cl-net")
    flags = ["--detach", "--quiet", "--network", "cl-net", "--endpoint-mode", "dnsrr", "--stop-signal", "SIGKILL"]
    server, client = cluster.workers
    port = "mode=host,published=8097,target=80"
    leader.docker(
        "service", "create", *flags, "--name", "cl-server", "--constraint", f"node.hostname=={server.name}",
        "--publish", port, BOX, "sh", "-c", "mkdir /w; hostname >/w/index.html; exec httpd -f -h /w",
    )  # fmt: skip
    leader.docker(
        "service", "create", *flags, "--name", "cl-client", "--constraint", f"node.hostname=={client.name}",
        BOX, "sh", "-c", "until ping -c1 -W1 cl-server; do sleep .2; done; echo reached; exec sleep 600",
    )  # fmt: skip
    try:
        cluster.wait(services(leader, "cl-server", "cl-client"), "both run")
        cluster.wait(
            lambda: "reached" in leader.docker("service", "logs", "cl-client"), "the client reaches the server"
        )
        with cluster.switch.connect(8097, server.address) as http:
            http.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert http.recv(17).endswith(b" 200 OK\r\n")
    finally:
        leader.docker("service", "rm", "cl-server", "cl-client")
        cluster.wait(lambda: not leader.docker("network", "rm", "cl-net", check=False) and _gone(leader), "no network")


def _gone(node: Node) -> bool:
    return "cl-net" not in node.docker("network", "ls", "--format", "{{.Name}}")


@pytest.mark.soak
def test_a_node_without_its_cable_is_down_and_comes_back(cluster: Cluster) -> None:
    worker = cluster.workers[0]
    worker.cut()
    cluster.wait(lambda: cluster.state(worker) == "Down", "the worker is missed")
    assert worker.docker("info"), "alive, and alone"
    cluster.settle()
    assert cluster.state(worker) == "Ready"


@pytest.mark.soak
def test_what_a_killed_run_with_a_cluster_leaves_goes_with_the_next(cluster: Cluster) -> None:
    assert cluster  # the fixture decides whether it can run here
    program = (
        "from lab.cluster import Cluster; c = Cluster(1, 1);"
        " print(*[p.folder for p in (c.switch, *c.nodes)], flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        folders = run.stdout.readline().split()
        assert len(folders) == 3
        assert all(_named(folder) for folder in folders)
        run.kill()
    cluster.wait(lambda: not any(_named(folder) for folder in folders), "every process has ended")
    subprocess.run(
        [sys.executable, "-c", "from lab.engine import clear_leftovers; clear_leftovers()"], cwd=TESTS, check=True
    )
    assert not any(Path(folder).exists() for folder in folders)
    assert cluster.leader().docker("info"), "a cluster that is in use stays"


def _named(folder: str) -> bool:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            if folder in path.read_text(errors="replace"):
                return True
    return False
