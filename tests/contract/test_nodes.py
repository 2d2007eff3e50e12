"""Availability of nodes, and what keeps a task pending. Alone on the manager: these concern every service there is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lab.managers import Json, Manager, brief, service


def available(manager: Manager, availability: str) -> None:
    def done() -> bool:
        node = manager.ok("GET", "/nodes")[0]
        query = {"version": node["Version"]["Index"]}
        body = {**node["Spec"], "Availability": availability}
        return manager.request("POST", f"/nodes/{node['ID']}/update", query, body).status == 200

    manager.wait(done)


@pytest.fixture
def node(manager: Manager) -> Iterator[None]:
    yield
    available(manager, "active")


def pending(manager: Manager, name: str) -> Json:
    """Waits for the reason why a task cannot be placed; the task."""

    def found() -> Json | None:
        waiting = [t for t in manager.tasks(name) if t["Status"]["State"] == "pending" and t["Status"].get("Err")]
        return waiting[-1] if waiting else None

    return manager.wait(found, lambda: brief(manager.tasks(name)))


NOT_AVAILABLE = "no suitable node (1 node not available for new tasks)"


def test_drain_takes_the_tasks_away_and_active_brings_them_back(manager: Manager, name: str, node: None) -> None:
    manager.create(service(name))
    manager.create({**service(name + "-g"), "Mode": {"Global": {}}})
    (before,) = manager.running(name, 1)
    manager.running(name + "-g", 1)
    available(manager, "drain")
    assert pending(manager, name)["Status"]["Err"] == NOT_AVAILABLE
    manager.wait(lambda: manager.ok("GET", f"/tasks/{before['ID']}")["Status"]["State"] == "shutdown")
    manager.wait(lambda: [t["Status"]["State"] for t in manager.tasks(name + "-g")] == ["shutdown"])
    available(manager, "active")
    manager.running(name, 1)
    manager.running(name + "-g", 1)


def test_pause_keeps_what_runs(manager: Manager, name: str, node: None) -> None:
    spec = service(name)
    manager.create(spec)
    (before,) = manager.running(name, 1)
    available(manager, "pause")
    manager.update(name, {**spec, "Mode": {"Replicated": {"Replicas": 2}}})
    assert pending(manager, name)["Status"]["Err"] == NOT_AVAILABLE
    assert manager.ok("GET", f"/tasks/{before['ID']}")["Status"]["State"] == "running"
    available(manager, "active")
    assert before["ID"] in [t["ID"] for t in manager.running(name, 2)]


def test_a_host_port_is_there_once(manager: Manager, name: str) -> None:
    ports = [{"Protocol": "tcp", "TargetPort": 8080, "PublishedPort": 18130, "PublishMode": "host"}]
    manager.create(service(name, EndpointSpec={"Ports": ports}))
    manager.running(name, 1)
    manager.create(service(name + "-b", EndpointSpec={"Ports": ports}))
    waiting = pending(manager, name + "-b")
    assert waiting["Status"]["Err"] == "no suitable node (host-mode port already in use on 1 node)"
    manager.ok("DELETE", f"/services/{name}")
    manager.running(name + "-b", 1)


def test_no_more_than_the_maximum_for_a_node(manager: Manager, name: str) -> None:
    manager.create(service(name, replicas=2, task={"Placement": {"MaxReplicas": 1}}))
    waiting = pending(manager, name)
    assert waiting["Status"]["Err"] == "no suitable node (max replicas per node limit exceed)"
    assert len([t for t in manager.tasks(name) if t["Status"]["State"] == "pending"]) == 1


def test_a_job_runs_once(manager: Manager, name: str) -> None:
    job = service(name, "true", restart={"Condition": "none"})
    job["Mode"] = {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 2}}
    manager.create(job)
    manager.wait(lambda: [t["Status"]["State"] for t in manager.tasks(name)] == ["complete", "complete"])
    assert sorted(t.get("Slot", 0) for t in manager.tasks(name)) == [0, 1]
