"""The plain docker command line client works against the built-in manager's socket."""

from __future__ import annotations

import json
import re
import socket
import sys
import urllib.request
from pathlib import Path

import pytest
from manager_process import DockerClient, ManagerProcess, free_port

pytestmark = pytest.mark.docker_cli

QUICK = ("--update-monitor", "300ms", "--rollback-monitor", "300ms", "--stop-grace-period", "2s")
"""The client waits for the monitor window after everything it does."""

SERVER = (
    "import http.server, os, sys\n"
    "class H(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n"
    "        body = os.environ['ANSWER'].encode()\n"
    "        self.send_response(200); self.send_header('Content-Length', str(len(body))); self.end_headers()\n"
    "        self.wfile.write(body)\n"
    "print('serving', flush=True)\n"
    "http.server.HTTPServer((os.environ['STACKC_ADDRESS'], 8080), H).serve_forever()\n"
)


def test_version_info_and_nodes(docker: DockerClient, manager: ManagerProcess) -> None:
    version = docker("version")
    assert "Server: stackc built-in manager" in version
    assert re.search(r"API version: +1\.41 \(minimum version 1\.12\)", version)
    info = docker("info")
    assert "Swarm: active" in info
    assert "Is Manager: true" in info
    assert f"Docker Root Dir: {manager.state}" in info
    assert "WARNING" not in info
    (row,) = docker.table("node", "ls")
    assert row[1] == "*"
    assert row[3:6] == ["Ready", "Active", "Leader"]
    node = row[0]
    assert re.search(r"Availability:\s+Active", docker("node", "inspect", "--pretty", "self"))
    docker("node", "update", "--label-add", "zone=a", "--availability", "pause", node)
    assert docker("node", "inspect", "-f", "{{.Spec.Labels.zone}} {{.Spec.Availability}}", node) == "a pause\n"
    docker("node", "update", "--availability", "active", node)
    assert docker("node", "ps", "self").splitlines()[0].startswith("ID")
    assert docker("ps").splitlines()[0].startswith("CONTAINER ID")


def test_the_life_of_a_service(docker: DockerClient, manager: ManagerProcess) -> None:
    command = ("sh", "-c", "echo out; echo err >&2; exec sleep 600")
    created = docker("service", "create", "--name", "web", "--replicas", "2", *QUICK, "process/web:1", *command)
    assert "converged" in created
    assert docker.table("service", "ls")[0][1:] == ["web", "replicated", "2/2", "process/web:1"]
    tasks = docker.table("service", "ps", "web")
    assert sorted(row[1] for row in tasks) == ["web.1", "web.2"]
    assert {tuple(row[4:6]) for row in tasks} == {("Running", "Running")}
    pretty = docker("service", "inspect", "--pretty", "web")
    assert re.search(r"Image:\t+process/web:1", pretty)
    assert " Parallelism:\t1" in pretty
    (inspected,) = json.loads(docker("service", "inspect", "web"))
    assert inspected["Spec"]["TaskTemplate"]["ContainerSpec"]["Args"] == list(command)

    def logs() -> list[str]:
        return sorted(re.sub(r" +", " ", line) for line in docker("service", "logs", "web").splitlines())

    host = docker("node", "inspect", "-f", "{{.Description.Hostname}}", "self").strip()
    ids = {row[1]: row[0] for row in tasks}
    manager.wait(lambda: len(logs()) == 2, "logs")
    assert logs() == sorted(f"{name}.{ids[name]}@{host} | out" for name in ids)
    assert docker("service", "logs", "--raw", ids["web.1"]) == "out\n"
    stamped = docker("service", "logs", "--timestamps", ids["web.1"]).split()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", stamped[0])

    updated = docker("service", "update", "--env-add", "A=1", "--image", "process/web:2", "web")
    assert "converged" in updated
    assert {row[2] for row in docker.table("service", "ps", "-f", "desired-state=running", "web")} == {"process/web:2"}
    assert "Scaled" not in docker("service", "scale", "web=3")
    assert docker.table("service", "ls")[0][3] == "3/3"
    rolled_back = docker("service", "rollback", "web")
    assert "converged" in rolled_back
    assert docker.table("service", "ls")[0][3] == "2/2"
    status = json.loads(docker("service", "inspect", "-f", "{{json .UpdateStatus}}", "web"))
    assert status["State"] == "rollback_completed"
    refused = docker("service", "create", "--name", "web", "process/web:1", fails=True)
    assert "name conflicts with an existing object: service web already exists" in refused
    assert docker("service", "rm", "web") == "web\n"
    assert "no such service: web" in docker("service", "inspect", "web", fails=True).lower()
    manager.wait(lambda: not manager.get("/tasks"), "tasks are gone")


def test_an_update_that_fails_is_told(docker: DockerClient) -> None:
    docker("service", "create", "--name", "bad", *QUICK, "--restart-delay", "0s", "process/x:1", "sleep", "600")
    told = docker("service", "update", "--args", "false", "--update-monitor", "2s", "bad", fails=True)
    assert "update paused due to failure or early termination of task" in told
    assert any("task: non-zero exit (1)" in " ".join(row) for row in docker.table("service", "ps", "--no-trunc", "bad"))


def test_an_image_that_cannot_run_is_rejected_with_a_reason(docker: DockerClient, manager: ManagerProcess) -> None:
    docker("service", "create", "--name", "nginx", "--detach", "--restart-condition", "none", "nginx:1.27")
    manager.wait(lambda: "Rejected" in docker("service", "ps", "nginx"), "rejected")
    (row,) = manager.tasks("nginx")
    assert row["Status"]["Err"]


def test_configs_secrets_and_networks(docker: DockerClient) -> None:
    config = docker("config", "create", "-l", "a=b", "c1", "-", stdin="hello").strip()
    assert docker.table("config", "ls")[0][:2] == [config, "c1"]
    assert "hello" in docker("config", "inspect", "--pretty", "c1")
    secret = docker("secret", "create", "s1", "-", stdin="hidden").strip()
    assert docker.table("secret", "ls")[0][:2] == [secret, "s1"]
    assert "hidden" not in docker("secret", "inspect", "s1")
    network = docker("network", "create", "-d", "overlay", "--label", "a=b", "n1").strip()
    assert [row[1:] for row in docker.table("network", "ls", "-f", "name=n1")] == [["n1", "overlay", "swarm"]]
    assert json.loads(docker("network", "inspect", "n1"))[0]["Id"] == network
    shown = "cat /proc/self/fd/3 2>/dev/null; cat ./run/secrets/s1 ./c1 2>/dev/null || cat run/secrets/s1 c1; sleep 600"
    docker(
        *("service", "create", "--detach", "--name", "use", "--config", "c1", "--secret", "s1", "--network", "n1"),
        *("process/x:1", "sh", "-c", shown),
    )
    for kind, name in (("config", "c1"), ("secret", "s1")):
        assert f"{kind} '{name}' is in use by the following service: use" in docker(kind, "rm", name, fails=True)
    assert "is in use by service" in docker("network", "rm", "n1", fails=True)
    docker("service", "rm", "use")
    assert docker("config", "rm", "c1") == "c1\n"
    assert docker("secret", "rm", "s1") == "s1\n"
    assert docker("network", "rm", "n1") == "n1\n"
    assert docker.table("config", "ls") == docker.table("secret", "ls") == []


def test_a_stack(docker: DockerClient, manager: ManagerProcess, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "c.txt").write_text("configured")
    (tmp_path / "server.py").write_text(SERVER)

    def deploy(answer: str) -> str:
        (tmp_path / "stack.yml").write_text(f"""
version: "3.8"
services:
  web:
    image: process/web:1
    command: ["{sys.executable}", "{tmp_path}/server.py"]
    environment: {{ANSWER: "{answer}"}}
    ports: ["{port}:8080"]
    configs: [c]
    secrets: [s]
    stop_grace_period: 2s
    healthcheck: {{test: ["CMD", "true"], interval: 100ms}}
    deploy:
      replicas: 2
      update_config: {{parallelism: 1, monitor: 300ms, order: start-first, failure_action: rollback}}
  back:
    image: process/back:1
    command: sleep 600
    networks: [inner]
    deploy: {{mode: global, update_config: {{monitor: 300ms}}}}
configs: {{c: {{file: c.txt}}}}
secrets: {{s: {{file: c.txt}}}}
networks: {{inner: {{}}}}
""")
        return docker("stack", "deploy", *wait, "-c", str(tmp_path / "stack.yml"), "st")

    # clients before 26 do not know the flag and never wait
    wait = ["--detach=false"] if "--detach" in docker("stack", "deploy", "--help") else []

    def deployed(answer: str) -> None:
        assert deploy(answer).count("converged") == (2 if wait else 0)
        manager.wait(lambda: docker.table("stack", "services", "st") and served(answer), f"all of it answers {answer}")

    def served(answer: str) -> bool:
        replicas = {row[3] for row in docker.table("stack", "services", "st")}
        try:
            return replicas == {"2/2", "1/1"} and {answered() for _ in range(4)} == {answer}
        except OSError:
            return False

    def answered() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            return str(answer.read().decode())

    deployed("one")
    assert [row[:2] for row in docker.table("stack", "ls")] == [["st", "2"]]
    services = {row[1]: row[2:5] for row in docker.table("stack", "services", "st")}
    assert services == {
        "st_web": ["replicated", "2/2", "process/web:1"],
        "st_back": ["global", "1/1", "process/back:1"],
    }
    assert f"*:{port}->8080/tcp" in docker("stack", "services", "st")
    assert sum(row[1].startswith("st_web.") for row in docker.table("stack", "ps", "st")) == 2
    before = {one["ID"] for one in manager.running("st_back", 1)}
    deployed("two")
    assert {one["ID"] for one in manager.running("st_back", 1)} == before, "an unchanged service keeps its tasks"
    removed = docker("stack", "rm", "st")
    for what in ("service st_web", "secret st_s", "config st_c", "network st_inner"):
        assert f"Removing {what}" in removed
    assert docker.table("service", "ls") == []
    assert docker.table("network", "ls", "-f", "label=com.docker.stack.namespace=st") == []


def test_events(docker: DockerClient, manager: ManagerProcess) -> None:
    docker("service", "create", "--detach", "--name", "ev", "process/x:1", "true")
    docker("service", "rm", "ev")

    def told() -> str:  # the client asks in whole seconds, so the last one is not yet told
        return docker("events", "--since", "10m", "--until", "0s", "--filter", "type=service")

    manager.wait(lambda: "service remove" in told(), "the events")
    assert re.search(r"service create \w{25} \(name=ev\)", told())
    assert re.search(r"service remove \w{25} \(name=ev\)", told())


def test_a_published_port_that_is_taken_is_told(docker: DockerClient, manager: ManagerProcess) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        docker("service", "create", "--detach", "--name", "p", "-p", f"{port}:80", "process/x:1", "sleep", "600")
        warning = f"published port {port}: cannot listen on 127.0.0.1:{port}: Address already in use"
        manager.wait(lambda: f"WARNING: {warning}" in docker_warnings(docker), "a warning in info")
        assert warning in manager.log
    manager.wait(lambda: not docker_warnings(docker), "it is listened on once the port is free")


def docker_warnings(docker: DockerClient) -> str:
    found = json.loads(docker("info", "--format", "{{json .Warnings}}"))
    return "\n".join(found or ())
