"""What is stored of what was sent, lists, filters, look-ups by prefix, events, and what the engine tells of itself."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab.managers import SECOND, Json, Manager, copy, service, without_times

GOLDEN = Path(__file__).parent / "golden"
CORPUS = Path(__file__).parents[3] / "shared" / "corpus"

# As sent. `golden/` holds what Swarm makes of them; STACKC_TEST_RECORD=1 writes it anew (on Swarm only).
SPECS: dict[str, Json] = {
    "minimal": {"TaskTemplate": {"ContainerSpec": {"Image": "process/box:v1"}}},
    "empty_parts": {
        "Labels": None,
        "TaskTemplate": {
            "ContainerSpec": {"Image": "process/box:v1", "Env": [], "Labels": {}, "Mounts": [], "Healthcheck": {}},
            "Resources": {},
            "RestartPolicy": {},
            "Placement": {},
            "LogDriver": {},
            "Networks": [],
        },
        "Mode": {"Replicated": {}},
        "UpdateConfig": {},
        "RollbackConfig": {},
        "EndpointSpec": {},
    },
    "full": {
        "Labels": {"b": "2", "a": "1"},
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "process/box:v1@sha256:" + "a" * 64,
                "Labels": {"z": "1", "y": ""},
                "Command": ["sh", "-c"],
                "Args": ["sleep 600"],
                "Hostname": "h-{{.Task.Slot}}",
                "Env": ["B=2", "A=1", "EMPTY=", "BARE"],
                "Dir": "/srv",
                "User": "nobody",
                "Groups": ["g"],
                "StopSignal": "SIGINT",
                "StopGracePeriod": 1_500_000_000,
                "TTY": True,
                "OpenStdin": True,
                "ReadOnly": True,
                "Init": True,
                "Hosts": ["10.0.0.1 one two", "10.0.0.2 three"],
                "DNSConfig": {"Nameservers": ["8.8.8.8"], "Search": ["example.org"], "Options": ["ndots:2"]},
                "Sysctls": {"net.core.somaxconn": "128"},
                "CapabilityAdd": ["CAP_NET_ADMIN"],
                "CapabilityDrop": ["CAP_CHOWN"],
                "Ulimits": [{"Name": "nofile", "Soft": 10, "Hard": 20}],
                "Privileges": {"CredentialSpec": None, "SELinuxContext": None, "NoNewPrivileges": False},
                "Healthcheck": {
                    "Test": ["CMD-SHELL", "true"],
                    "Interval": SECOND,
                    "Timeout": SECOND,
                    "StartPeriod": SECOND,
                    "Retries": 4,
                },
                "Mounts": [
                    {"Type": "bind", "Source": "/a", "Target": "/b", "ReadOnly": True, "BindOptions": {}},
                    {"Type": "volume", "Source": "v", "Target": "/v", "VolumeOptions": {"NoCopy": True}},
                    {"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"SizeBytes": 4096, "Mode": 448}},
                ],
            },
            "Resources": {
                "Limits": {"NanoCPUs": 500_000_000, "MemoryBytes": 64 << 20, "Pids": 10},
                "Reservations": {"NanoCPUs": 1_000_000, "MemoryBytes": 4 << 20},
            },
            "RestartPolicy": {"Condition": "on-failure", "Delay": 0, "MaxAttempts": 3, "Window": 5 * SECOND},
            "Placement": {
                "Constraints": ["node.role == manager", "node.labels.x!=y"],
                "Preferences": [{"Spread": {"SpreadDescriptor": "node.labels.zone"}}],
                "MaxReplicas": 2,
            },
            "LogDriver": {"Name": "json-file", "Options": {"max-size": "1m"}},
            "ForceUpdate": 7,
        },
        "Mode": {"Replicated": {"Replicas": 0}},
        "UpdateConfig": {
            "Parallelism": 2,
            "Delay": SECOND,
            "FailureAction": "rollback",
            "Monitor": SECOND,
            "MaxFailureRatio": 0.25,
            "Order": "start-first",
        },
        "RollbackConfig": {"Parallelism": 0, "FailureAction": "continue", "Order": "stop-first"},
        "EndpointSpec": {
            "Ports": [
                {"Protocol": "tcp", "TargetPort": 81, "PublishedPort": 18101, "PublishMode": "ingress"},
                {"Name": "web", "Protocol": "udp", "TargetPort": 80, "PublishedPort": 18100, "PublishMode": "host"},
                {"TargetPort": 82, "PublishedPort": 18102},
            ]
        },
    },
    "global": {
        "TaskTemplate": {
            "ContainerSpec": {"Image": "process/box:v1"},
            "Placement": {"Constraints": ["node.hostname==nowhere"]},
        },
        "Mode": {"Global": {}},
        "EndpointSpec": {"Mode": "dnsrr"},
    },
}


def stored(manager: Manager, name: str, sent: Json) -> Json:
    """Both readings of a service that is made and removed: with and without the defaults filled in."""
    identity = manager.create({**copy(sent), "Name": name})
    try:
        raw = manager.service(identity)
        filled = manager.ok("GET", f"/services/{identity}", {"insertDefaults": "true"})
    finally:
        manager.ok("DELETE", f"/services/{identity}")
    return {"raw": raw["Spec"], "filled": filled["Spec"]}


@pytest.mark.parametrize("case", SPECS)
def test_stored_spec(manager: Manager, name: str, case: str) -> None:
    found = stored(manager, "stored", SPECS[case])
    path = GOLDEN / f"{case}.json"
    if manager.name == "swarm" and os.environ.get("STACKC_TEST_RECORD"):
        path.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(path.read_text())


def recorded() -> Iterator[Json]:
    """Service specs that `docker stack deploy` has sent for real files, without what names other objects."""
    seen: set[str] = set()
    for source in ("stack-golden.jsonl", "probes-golden.jsonl"):
        for line in (CORPUS / source).read_text().splitlines():
            for request in json.loads(line).get("requests") or []:
                if not request["path"].startswith("/services/create"):
                    continue
                spec: Json = request["body"]
                spec["TaskTemplate"].pop("Networks", None)
                for key in ("Configs", "Secrets"):
                    spec["TaskTemplate"]["ContainerSpec"].pop(key, None)
                if "Replicated" in spec["Mode"]:
                    spec["Mode"] = {"Replicated": {"Replicas": 0}}
                else:
                    spec["TaskTemplate"]["Placement"]["Constraints"] = ["node.labels.nowhere==1"]
                spec["Name"] = "recorded"
                key = json.dumps(spec, sort_keys=True)
                if key not in seen:
                    seen.add(key)
                    yield spec


@pytest.mark.engine
def test_real_specs_are_stored_alike(swarm: Manager, builtin: Manager) -> None:
    if not CORPUS.is_dir():
        pytest.skip(f"the recorded stack files are not here ({CORPUS})")

    def reading(manager: Manager, spec: Json) -> Any:
        answer = manager.request("POST", "/services/create", None, spec)
        if answer.status >= 400:
            return answer
        path = f"/services/{answer.body['ID']}"
        try:
            raw = manager.ok("GET", path)["Spec"]
            return raw, manager.ok("GET", path, {"insertDefaults": "true"})["Spec"]
        finally:
            manager.ok("DELETE", path)

    specs = list(recorded())
    assert len(specs) > 200
    different = []
    for spec in specs:
        expected, got = reading(swarm, spec), reading(builtin, spec)
        if expected != got:
            different.append({"sent": spec, "swarm": expected, "builtin": got})
    assert not different, f"{len(different)} of {len(specs)}: {json.dumps(different[:3])}"


def test_a_service_is_found_by_name_id_and_prefix(manager: Manager, name: str) -> None:
    identity = manager.create(service(name, replicas=0, Labels={"team": "red", name: ""}))
    manager.create(service(name + "-b", replicas=0, Labels={"team": "blue"}))
    for key in (name, identity, identity[:10]):
        assert manager.service(key)["ID"] == identity

    def found(**filters: Any) -> list[str]:
        answer = manager.ok("GET", "/services", {"filters": filters})
        return sorted(s["Spec"]["Name"] for s in answer if s["Spec"]["Name"].startswith(name))

    both = [name, name + "-b"]
    assert found() == both
    assert found(name=[name]) == both, "a name is a prefix"
    assert found(name=[name + "-b"]) == [name + "-b"]
    assert found(name=[name[1:]]) == []
    assert found(id=[identity]) == [name]
    assert found(id=[identity[:8]]) == [name]
    assert found(label=["team=red"]) == [name]
    assert found(label=["team"]) == both
    assert found(label=["team=green"]) == []
    assert found(mode=["global"]) == []
    assert found(mode=["replicated"], name=[name]) == both
    assert found(name=["no-such"]) == []


def test_status_of_a_service(manager: Manager, name: str) -> None:
    manager.create(service(name, replicas=2))
    manager.running(name, 2)
    (listed,) = manager.ok("GET", "/services", {"status": "true", "filters": {"name": [name]}})
    assert listed["ServiceStatus"] == {"RunningTasks": 2, "DesiredTasks": 2, "CompletedTasks": 0}
    (plain,) = manager.ok("GET", "/services", {"filters": {"name": [name]}})
    assert "ServiceStatus" not in plain


def test_published_ports(manager: Manager, name: str) -> None:
    """A port that is not given is chosen from 30000 on, and kept in Endpoint, not in the spec."""
    ports = [{"TargetPort": 80}, {"TargetPort": 81, "PublishedPort": 18120, "Protocol": "tcp"}]
    manager.create(service(name, replicas=0, EndpointSpec={"Ports": ports}))
    found = manager.wait(lambda: (s := manager.service(name))["Endpoint"].get("Ports") and s)
    chosen = {port["TargetPort"]: port for port in found["Endpoint"]["Ports"]}
    assert chosen[81] == {"Protocol": "tcp", "TargetPort": 81, "PublishedPort": 18120, "PublishMode": "ingress"}
    assert 30000 <= chosen[80].pop("PublishedPort") <= 32767
    assert chosen[80] == {"Protocol": "tcp", "TargetPort": 80, "PublishMode": "ingress"}
    assert found["Endpoint"]["Spec"]["Mode"] == "vip"
    assert all(
        "PublishedPort" not in port for port in found["Spec"]["EndpointSpec"]["Ports"] if port["TargetPort"] == 80
    )


@pytest.mark.parametrize("kind", ["configs", "secrets"])
def test_contents(manager: Manager, name: str, kind: str) -> None:
    body = {"Name": name, "Labels": {"a": "b"}, "Data": base64.b64encode(b"\x00x").decode()}
    identity = manager.ok("POST", f"/{kind}/create", None, body)["ID"]
    expected = {"Name": name, "Labels": {"a": "b"}}
    if kind == "configs":
        expected["Data"] = body["Data"]
    for key in (name, identity, identity[:10]):
        found = manager.ok("GET", f"/{kind}/{key}")
        assert found["ID"] == identity
        assert found["Spec"] == expected
    for filters in ({"name": [name]}, {"id": [identity]}, {"label": ["a=b"], "name": [name]}):
        assert [c["ID"] for c in manager.ok("GET", f"/{kind}", {"filters": filters})] == [identity], filters
    assert manager.request("DELETE", f"/{kind}/{name}").status == 204
    assert manager.request("GET", f"/{kind}/{identity}").status == 404


def test_networks(manager: Manager, name: str) -> None:
    body = {"Name": name, "Driver": "overlay", "Attachable": True, "Labels": {"a": "b"}}
    identity = manager.ok("POST", "/networks/create", None, body)["Id"]
    manager.wait(lambda: manager.ok("GET", f"/networks/{identity}")["Driver"])  # allocated a moment later
    for key in (name, identity, identity[:10]):
        found = manager.ok("GET", f"/networks/{key}")
        assert (found["Id"], found["Name"], found["Driver"], found["Scope"]) == (identity, name, "overlay", "swarm")
        assert (found["Attachable"], found["Internal"], found["Ingress"]) == (True, False, False)
        assert found["Labels"] == {"a": "b"}
    for filters in ({"name": [name]}, {"id": [identity]}, {"label": ["a=b"], "name": [name]}):
        assert [n["Id"] for n in manager.ok("GET", "/networks", {"filters": filters})] == [identity], filters
    listed = manager.ok("GET", "/networks", {"filters": {"scope": ["swarm"], "driver": ["overlay"]}})
    assert "ingress" in [n["Name"] for n in listed]
    manager.create(service(name, replicas=0, task={"Networks": [{"Target": name, "Aliases": ["x"]}]}))
    reference = manager.service(name)["Spec"]["TaskTemplate"]["Networks"]
    assert reference == [{"Target": identity, "Aliases": ["x"]}], "stored by id"


def events(manager: Manager, since: int, **filters: Any) -> list[Json]:
    """What happened up to now."""
    query = {"since": since, "until": int(time.time()) + 1, "filters": filters}
    return [json.loads(line) for line in b"".join(manager.transport.stream("/events", query)).splitlines() if line]


def test_events(manager: Manager, name: str) -> None:
    since = int(time.time())
    identity = manager.create(service(name, replicas=0))
    manager.update(name, service(name, replicas=1, container={"Image": "process/box:v2"}))
    manager.ok("DELETE", f"/services/{name}")
    for kind in ("configs", "secrets"):
        manager.ok("POST", f"/{kind}/create", None, {"Name": name, "Data": "eA=="})
        manager.ok("DELETE", f"/{kind}/{name}")
    manager.ok("POST", "/networks/create", None, {"Name": name, "Driver": "overlay"})
    manager.ok("DELETE", f"/networks/{name}")
    own = [e for e in events(manager, since, scope=["swarm"]) if e["Actor"]["Attributes"].get("name") == name]
    assert {e["scope"] for e in own} == {"swarm"}
    kinds: dict[str, list[str]] = {}
    for event in own:
        kinds.setdefault(event["Type"], []).append(event["Action"])
        assert abs(event["time"] - since) < 60
        assert event["timeNano"] // SECOND == event["time"]
    for actions in kinds.values():
        assert (actions[0], actions[-1]) == ("create", "remove")
        assert set(actions[1:-1]) <= {"update"}
    assert set(kinds) == {"service", "config", "secret", "network"}
    changes = [e["Actor"] for e in own if e["Type"] == "service" and "image.new" in e["Actor"]["Attributes"]]
    assert changes == [
        {
            "ID": identity,
            "Attributes": {
                "name": name,
                "image.new": "process/box:v2",
                "image.old": "process/box:v1",
                "replicas.new": "1",
                "replicas.old": "0",
            },
        }
    ]


def test_events_arrive_while_they_happen(manager: Manager, name: str) -> None:
    stream = manager.transport.stream("/events", {"filters": {"type": ["config"], "config": [name]}})
    seen: list[bytes] = []

    def listen() -> None:
        for chunk in stream:
            seen.append(chunk)
            if b"remove" in chunk:
                break
        stream.close()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()

    def delivered() -> bool:
        """Made again and again: nobody says when a listener has begun to listen."""
        manager.ok("POST", "/configs/create", None, {"Name": name, "Data": "eA=="})
        manager.ok("DELETE", f"/configs/{name}")
        listener.join(0.2)
        return not listener.is_alive()

    manager.wait(delivered)
    assert json.loads(seen[0].splitlines()[0])["Type"] == "config"


def test_events_tell_how_an_update_goes(manager: Manager, name: str) -> None:
    quick = {"Parallelism": 1, "Monitor": SECOND}
    since = int(time.time())
    manager.create(service(name, UpdateConfig=quick))
    manager.running(name, 1)
    manager.update(name, service(name, container={"Env": ["A=1"]}, UpdateConfig=quick))
    manager.update_state(name, "completed")
    states = [
        (a.get("updatestate.old"), a.get("updatestate.new"))
        for e in events(manager, since, type=["service"], service=[name])
        if "updatestate.new" in (a := e["Actor"]["Attributes"])
    ]
    assert states == [(None, "updating"), ("updating", "completed")]


def test_the_engine_introduces_itself(manager: Manager) -> None:
    info = manager.ok("GET", "/info")
    swarm = info["Swarm"]
    (node,) = manager.ok("GET", "/nodes")
    assert (swarm["LocalNodeState"], swarm["ControlAvailable"], swarm["NodeID"]) == ("active", True, node["ID"])
    assert (swarm["Nodes"], swarm["Managers"]) == (1, 1)
    assert info["Name"] == node["Description"]["Hostname"]
    assert {"NCPU", "MemTotal", "ServerVersion", "OSType", "Architecture"} <= set(info)
    assert (node["Status"]["State"], node["Spec"]["Availability"], node["Spec"]["Role"]) == (
        "ready",
        "active",
        "manager",
    )
    assert node["ManagerStatus"]["Leader"] is True
    assert node["Description"]["Platform"]["OS"] == "linux"
    for key in (node["ID"], node["ID"][:8], node["Description"]["Hostname"]):
        assert manager.ok("GET", f"/nodes/{key}")["ID"] == node["ID"]
    version = manager.ok("GET", "/version")
    assert {"Version", "ApiVersion", "MinAPIVersion", "Os", "Arch"} <= set(version)
    assert manager.ok("GET", "/swarm")["ID"] == swarm["Cluster"]["ID"]


def test_same_answers_but_for_ids_and_times(manager: Manager, name: str) -> None:
    """The shape of a fresh service, to the key."""
    manager.create(service(name, replicas=0))
    found = without_times(manager.service(name))
    assert found == {
        "Spec": {
            "Name": name,
            "Labels": {},
            "TaskTemplate": {
                "ContainerSpec": {
                    "Image": "process/box:v1",
                    "Command": ["sleep", "600"],
                    "StopSignal": "SIGKILL",
                    "Isolation": "default",
                },
                "RestartPolicy": {"Condition": "any", "Delay": 0, "MaxAttempts": 0},
                "Placement": {},
                "ForceUpdate": 0,
                "Runtime": "container",
            },
            "Mode": {"Replicated": {"Replicas": 0}},
        },
        "Endpoint": {"Spec": {}},
    }
