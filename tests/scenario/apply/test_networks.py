"""A network whose options changed: named in the plan, and replaced without services losing sight of each other."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from apply_bench import Bench, on_manager
from lab import images
from lab.engine import Engine

from reconciler.engine import connect

pytestmark = pytest.mark.engine

SERVER = "import http.server as h; h.ThreadingHTTPServer(('', 8000), h.SimpleHTTPRequestHandler).serve_forever()"
CLIENT = """\
import socket, sys, time
while True:
    try:
        socket.create_connection(('server', 8000), 2).close()
        print('reached', flush=True)
    except socket.gaierror:
        print('LOST', flush=True)
    except OSError:
        print('refused', flush=True)
    time.sleep(0.1)
"""
STACK = {
    "services": {
        "server": {
            "image": "lab/python:v1",
            "command": ["/usr/bin/python3", "-c", SERVER],
            "stop_signal": "SIGKILL",
            "healthcheck": {"test": "nc -w 1 127.0.0.1 8000 < /dev/null", "interval": "500ms"},
            "deploy": {
                "endpoint_mode": "dnsrr",
                "replicas": 2,
                "update_config": {"order": "start-first", "monitor": "500ms"},
            },
        },
        "client": {
            "image": "lab/python:v1",
            "command": ["/usr/bin/python3", "-c", CLIENT],
            "stop_signal": "SIGKILL",
            "depends_on": {"server": {"condition": "service_healthy"}},
            "deploy": {"endpoint_mode": "dnsrr", "update_config": {"order": "start-first", "monitor": "1s"}},
        },
    },
    "networks": {"default": {"driver_opts": {"com.docker.network.driver.mtu": "1400"}}},
}


@pytest.fixture
def bench(engine: Engine) -> Iterator[Bench]:
    images.provide(engine, "python", "lab/python:v1")
    with on_manager(engine.host, "moving") as made:
        yield made


def write(bench: Bench, mtu: int) -> None:
    STACK["networks"]["default"]["driver_opts"]["com.docker.network.driver.mtu"] = str(mtu)
    (bench.folder / "compose.yaml").write_text(json.dumps(STACK))


def networks(bench: Bench) -> list[str]:
    engine = connect(bench.host, {})
    found = [str(n["Name"]) for n in engine.read_stack("networks", bench.stack)]
    engine.close()
    return found


def test_a_changed_network_is_replaced_in_two_steps(bench: Bench) -> None:
    write(bench, 1400)
    bench.apply()
    assert networks(bench) == ["moving_default"]
    write(bench, 1300)
    said = bench.run("plan", "--detailed-exitcode", bench.stack)
    assert "Options changed in the file" in said
    assert "--replace-network" in said
    said = bench.apply("--replace-network")
    assert "join the new network" in said
    (now,) = networks(bench)
    assert now.startswith("moving_default-")
    assert "No changes" in bench.run("plan", "--detailed-exitcode", bench.stack)
    seen = bench.run("logs", bench.stack, "client").split()
    assert seen.count("reached") > 20
    assert seen.count("LOST") == 0
