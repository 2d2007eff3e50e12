"""Which changes of a spec restart tasks: the table, row by row. Base: a spec with something in every field.

Every row was seen to hold on Engine 20.10.24, apart from the order of networks and from taking Placement away, which
that engine does not survive.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
from orchestration import config, deployed, service

from reconciler.manager.model import Json, Node, TaskState
from reconciler.manager.orchestrator.dirty import is_dirty
from reconciler.manager.simulated import Script, Simulation

BASE = service(
    "1",
    2,
    Labels={"a": "b"},
    EndpointSpec={"Mode": "vip", "Ports": [{"TargetPort": 80, "PublishedPort": 8080}, {"TargetPort": 81}]},
    template={
        "ContainerSpec": {
            "Image": "app:1",
            "Env": ["A=1", "B=2"],
            "StopGracePeriod": 10_000_000_000,
            "Healthcheck": {"Test": ["CMD", "true"]},
        },
        "Resources": {"Limits": {"NanoCPUs": 1000}},
        "RestartPolicy": {"Condition": "any"},
        "Placement": {"Constraints": ["node.hostname == n1"]},
        "LogDriver": {"Name": "json-file"},
        "Networks": [{"Target": "net1"}, {"Target": "net2"}],
        "ForceUpdate": 1,
    },
)
ABSENT = object()


def changed(path: str, value: Any, base: Json = BASE) -> Json:
    """``base`` with the field at the dotted ``path`` set, or taken away."""
    spec = copy.deepcopy(base)
    *parents, last = path.split(".")
    at = spec
    for key in parents:
        at = at.setdefault(key, {})
    if value is ABSENT:
        del at[last]
    else:
        at[last] = value
    return spec


def restarts(before: Json, after: Json) -> bool:
    sim = deployed(before, script=lambda task: Script())
    old = {task.id for task in sim.of("web")}
    version = sim.services["web"].version
    sim.update("web", after)
    sim.run_until_quiet(1000)
    kept = {task.id for task in sim.live("web")} & old
    assert len(kept) in (0, 2)
    updated = sim.services["web"]
    assert updated.version > version
    assert (updated.update_status is None) == bool(kept)  # a status only where something was replaced
    return not kept


T = "TaskTemplate"
C = f"{T}.ContainerSpec"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("Labels", {"a": "c"}),
        ("Labels", ABSENT),
        ("UpdateConfig", config(2, 1)),
        ("UpdateConfig", {}),
        ("RollbackConfig", config(2, 1)),
        (f"{C}.Env", ["A=1", "B=2"]),
        (f"{C}.Labels", {}),  # an empty map is stored as none
        (f"{C}.Args", []),  # and so is an empty list
        (f"{C}.TTY", False),
        (f"{T}.RestartPolicy", {}),  # stored with Condition any
        (f"{T}.RestartPolicy.MaxAttempts", 0),
        (f"{T}.RestartPolicy.Condition", ""),
        (f"{C}.Healthcheck.Interval", 0),
        (f"{C}.Sysctls", {}),
        (f"{C}.Isolation", "default"),
        (f"{C}.Init", None),
        (f"{C}.Secrets", []),
        (f"{T}.LogDriver.Options", {}),
        (f"{T}.Resources.Limits.MemoryBytes", 0),
        (f"{T}.Runtime", "container"),
        (f"{T}.Placement.Constraints", ["node.hostname != n2"]),
        (f"{T}.Placement.Constraints", ABSENT),
        (f"{T}.Placement.Preferences", [{"Spread": {"SpreadDescriptor": "node.labels.zone"}}]),
        (f"{T}.Placement.MaxReplicas", 5),
        (f"{T}.Placement.Platforms", [{"OS": "linux", "Architecture": "amd64"}]),
        (f"{T}.Placement", {}),
        (f"{T}.Placement", ABSENT),
        ("EndpointSpec.Mode", ABSENT),
    ],
)
def test_leaves_the_tasks_alone(path: str, value: Any) -> None:
    assert not restarts(BASE, changed(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{T}.ForceUpdate", 2),
        (f"{C}.Image", "app:2"),
        (f"{C}.Labels", {"x": "y"}),
        (f"{C}.Env", ["A=1", "B=3"]),
        (f"{C}.Env", ["B=2", "A=1"]),
        (f"{C}.StopGracePeriod", 5_000_000_000),
        (f"{C}.StopGracePeriod", 0),
        (f"{C}.Healthcheck", ABSENT),
        (f"{C}.DNSConfig", {}),
        (f"{C}.Init", False),
        (f"{T}.RestartPolicy", ABSENT),
        (f"{T}.RestartPolicy.Delay", 5_000_000_000),  # the default, made explicit
        (f"{T}.RestartPolicy.Delay", 0),
        (f"{T}.Resources.Limits", {}),
        (f"{T}.Resources.Reservations", {}),
        (f"{T}.RestartPolicy.Window", 0),
        (f"{T}.RestartPolicy.Condition", "none"),
        (f"{T}.Resources", ABSENT),
        (f"{T}.LogDriver", ABSENT),
        (f"{T}.Networks", [{"Target": "net2"}, {"Target": "net1"}]),
        ("EndpointSpec.Mode", "dnsrr"),
        ("EndpointSpec.Ports", [{"TargetPort": 81}, {"TargetPort": 80, "PublishedPort": 8080}]),
        ("EndpointSpec.Ports", ABSENT),
        ("EndpointSpec", ABSENT),
    ],
)
def test_replaces_the_tasks(path: str, value: Any) -> None:
    assert restarts(BASE, changed(path, value))


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (f"{T}.Resources", {}, True),
        (f"{T}.LogDriver", {}, True),
        (f"{C}.Privileges", {}, True),
        (f"{C}.DNSConfig", {"Nameservers": []}, True),
        (f"{C}.StopSignal", "", False),
        (f"{T}.ForceUpdate", 0, False),
        (f"{T}.Placement", {"Constraints": []}, False),
        (f"{T}.Placement", {}, False),
        ("EndpointSpec", {"Mode": "vip"}, True),
        ("EndpointSpec", {}, True),
        ("EndpointSpec", {"Mode": "vip", "Ports": []}, True),
        (f"{T}.RestartPolicy", {}, True),
    ],
)
def test_absent_and_empty_differ_where_docker_stores_a_message(path: str, value: Any, expected: bool) -> None:
    bare = service("1", 2)
    assert restarts(bare, changed(path, value, bare)) == expected


def test_an_empty_endpoint_spec_is_the_same_as_its_default_mode() -> None:
    bare = service("1", 2)
    empty = changed("EndpointSpec", {}, bare)
    assert not restarts(empty, changed("EndpointSpec", {"Mode": "vip"}, bare))
    assert not restarts(empty, changed("Labels", {"a": "b"}, empty))


def test_labels_are_data_even_if_they_look_like_defaults() -> None:
    labelled = changed(f"{C}.Labels", {"Mode": "vip", "empty": ""})
    assert restarts(labelled, changed(f"{C}.Labels", {}))
    assert restarts(labelled, changed(f"{C}.Labels", {"Mode": "vip"}))


def test_a_constraint_the_node_does_not_satisfy_stops_one_task_and_then_waits_for_ever() -> None:
    sim = deployed(service("1", 2))
    sim.update("web", service("1", 2, template={"Placement": {"Constraints": ["node.hostname == elsewhere"]}}))
    assert sim.run_until_quiet(100_000)
    assert sim.update_state("web") == "updating"
    states = sorted((task.slot, task.status.state, task.desired) for task in sim.of("web"))
    assert [slot for slot, state, _ in states if state == TaskState.RUNNING] == [2]
    (pending,) = (task for task in sim.of("web") if task.status.state == TaskState.PENDING)
    assert (pending.slot, pending.desired) == (1, TaskState.RUNNING)
    assert pending.status.err == "no suitable node (scheduling constraints not satisfied on 1 node)"


def test_a_constraint_only_change_of_a_task_without_a_node_is_dirty() -> None:
    spec = service("1", 1, template={"Placement": {"Constraints": ["node.hostname == a"]}})
    sim = deployed(spec)
    (task,) = sim.of("web")
    after = service("1", 1, template={"Placement": {"Constraints": ["node.hostname == b"]}})
    sim.update("web", after)
    assert task.node_id == ""
    assert is_dirty(sim.services["web"], task, None)
    assert not is_dirty(sim.services["web"], task, Node(id="b", hostname="b"))


def test_registry_credentials_do_not_matter_to_a_task_that_has_its_image() -> None:
    spec = changed(f"{C}.PullOptions", {"RegistryAuth": "old"})
    sim = Simulation()
    sim.create(spec)
    sim.run_until_quiet(10)
    (task, _) = sim.of("web")
    sim.update("web", changed(f"{C}.PullOptions", {"RegistryAuth": "new"}))
    assert not is_dirty(sim.services["web"], task, sim.nodes["n1"])


def test_the_same_spec_version_is_clean_without_a_comparison() -> None:
    sim = deployed(service("1", 1))
    (task,) = sim.of("web")
    unlike = copy.deepcopy(task)
    unlike.spec["ContainerSpec"]["Image"] = "app:other"
    assert not is_dirty(sim.services["web"], unlike, None)
