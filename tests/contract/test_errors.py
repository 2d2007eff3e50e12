"""Status code and text of every refusal. Clients tell errors apart by the text, so it is part of the contract."""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
from typing import Any

import pytest
from lab.managers import Json, Manager, service


def data(content: bytes) -> str:
    return base64.b64encode(content).decode()


def container(**fields: Any) -> Json:
    return {"container": fields}


RPC = "rpc error: code = InvalidArgument desc = "
UNKNOWN = "rpc error: code = Unknown desc = "
FILE = {"UID": "0", "GID": "0", "Mode": 292}

# What is changed in a good service, and how that is refused.
REFUSED_SERVICES: dict[str, tuple[Json, int, str]] = {
    "name with a blank": ({"Name": "bad name"}, 400, RPC + "name must be valid as a DNS name component"),
    "name with a leading dash": ({"Name": "-x"}, 400, RPC + "name must be valid as a DNS name component"),
    "long name": ({"Name": "a" * 64}, 400, RPC + "name must be 63 characters or fewer"),
    "no image": (container(Image=""), 400, RPC + "ContainerSpec: image reference must be provided"),
    "bad image": (
        container(Image="Bad::name"),
        400,
        RPC + 'ContainerSpec: "Bad::name" is not a valid repository/tag',
    ),
    "no template": ({"TaskTemplate": {}}, 400, "mismatched Runtime and *Spec fields"),
    "two modes": ({"Mode": {"Global": {}, "Replicated": {}}}, 400, "must specify only one service mode"),
    "constraint without operator": (
        {"task": {"Placement": {"Constraints": ["node.labels.x=1"]}}},
        500,
        UNKNOWN + "constraint expected one operator from ==, !=",
    ),
    "constraint without value": (
        {"task": {"Placement": {"Constraints": ["node.labels.x=="]}}},
        500,
        UNKNOWN + "value '' is invalid",
    ),
    "unknown network": ({"task": {"Networks": [{"Target": "nope"}]}}, 500, "network nope not found"),
    "unknown config": (
        container(Configs=[{"ConfigID": "nope", "ConfigName": "nope", "File": {"Name": "/x", **FILE}}]),
        400,
        RPC + "config not found: nope",
    ),
    "config without id": (
        container(Configs=[{"ConfigName": "nope", "File": {"Name": "/x", **FILE}}]),
        400,
        RPC + "malformed config reference",
    ),
    "unknown secret": (
        container(Secrets=[{"SecretID": "nope", "SecretName": "nope", "File": {"Name": "x", **FILE}}]),
        400,
        RPC + "secret not found: nope",
    ),
    "little cpu": (
        {"task": {"Resources": {"Limits": {"NanoCPUs": 1}}}},
        400,
        RPC + "invalid cpu value 1e-09: Must be at least 0.001",
    ),
    "little memory": (
        {"task": {"Resources": {"Reservations": {"MemoryBytes": 1}}}},
        400,
        RPC + "invalid memory value 1: Must be at least 4MiB",
    ),
    "restart condition": ({"restart": {"Condition": "sometimes"}}, 400, 'invalid RestartCondition: "sometimes"'),
    "restart delay": ({"restart": {"Delay": -1}}, 400, RPC + "TaskSpec: restart-delay cannot be negative"),
    "failure action": (
        {"UpdateConfig": {"FailureAction": "explode"}},
        400,
        "unrecognized update failure action explode",
    ),
    "update order": ({"UpdateConfig": {"Order": "sideways"}}, 400, "unrecognized update order sideways"),
    "failure ratio": (
        {"UpdateConfig": {"MaxFailureRatio": 2}},
        400,
        RPC + "TaskSpec: update-maxfailureratio cannot be less than 0 or bigger than 1",
    ),
    "update delay": ({"UpdateConfig": {"Delay": -1}}, 400, RPC + "TaskSpec: update-delay cannot be negative"),
    "update monitor": ({"UpdateConfig": {"Monitor": -1}}, 400, RPC + "TaskSpec: update-monitor cannot be negative"),
    "dnsrr with an ingress port": (
        {"EndpointSpec": {"Mode": "dnsrr", "Ports": [{"TargetPort": 80, "PublishedPort": 18081}]}},
        400,
        RPC + "EndpointSpec: port published with ingress mode can't be used with dnsrr mode",
    ),
    "endpoint mode": ({"EndpointSpec": {"Mode": "funny"}}, 400, 'invalid resolution mode: "funny"'),
    "port twice": (
        {
            "EndpointSpec": {
                "Ports": [{"TargetPort": 80, "PublishedPort": 18081}, {"TargetPort": 81, "PublishedPort": 18081}]
            }
        },
        400,
        RPC + "EndpointSpec: duplicate published ports provided",
    ),
    "mount type": (
        container(Mounts=[{"Type": "weird", "Source": "/a", "Target": "/b"}]),
        400,
        'invalid MountType: "weird"',
    ),
    "health interval": (
        container(Healthcheck={"Test": ["CMD", "x"], "Interval": 1}),
        400,
        RPC + "ContainerSpec: Interval in HealthConfig cannot be less than 1ms",
    ),
    "health retries": (
        container(Healthcheck={"Test": ["CMD", "x"], "Retries": -1}),
        400,
        RPC + "ContainerSpec: Retries in HealthConfig cannot be negative",
    ),
    "health timeout": (
        container(Healthcheck={"Test": ["CMD", "x"], "Timeout": -1}),
        400,
        RPC + "ContainerSpec: Timeout in HealthConfig cannot be less than 1ms",
    ),
    "command as a string": (
        container(Command="sleep"),
        400,
        (
            "json: cannot unmarshal string into Go struct field "
            "ContainerSpec.TaskTemplate.ContainerSpec.Command of type []string"
        ),
    ),
    "name as a number": (
        {"Name": 1},
        400,
        "json: cannot unmarshal number into Go struct field ServiceSpec.Name of type string",
    ),
}


@pytest.mark.parametrize("case", REFUSED_SERVICES)
def test_refused_service(manager: Manager, name: str, case: str) -> None:
    change, status, message = REFUSED_SERVICES[case]
    spec = service(**{"name": name, "replicas": 0, **{k: v for k, v in change.items() if k != "Name"}})
    spec["Name"] = change.get("Name", name)
    created = manager.request("POST", "/services/create", None, spec)
    assert (created.status, created.body) == (status, {"message": message})
    if "Name" in change:
        return
    manager.create(service(name, replicas=0))
    version = manager.service(name)["Version"]["Index"]
    updated = manager.request("POST", f"/services/{name}/update", {"version": version}, spec)
    assert (updated.status, updated.body) == (status, {"message": message})
    assert manager.service(name)["Version"]["Index"] == version, "a refused update writes nothing"


def test_name_taken(manager: Manager, name: str) -> None:
    manager.create(service(name, replicas=0))
    again = manager.request("POST", "/services/create", None, service(name, replicas=0))
    text = (
        f"rpc error: code = AlreadyExists desc = name conflicts with an existing object: service {name} already exists"
    )
    assert (again.status, again.body) == (409, {"message": text})
    for kind in ("config", "secret"):
        body = {"Name": name, "Data": data(b"x")}
        manager.ok("POST", f"/{kind}s/create", None, body)
        again = manager.request("POST", f"/{kind}s/create", None, body)
        text = f"rpc error: code = AlreadyExists desc = {kind} {name} already exists"
        assert (again.status, again.body) == (409, {"message": text})
    manager.ok("POST", "/networks/create", None, {"Name": name, "Driver": "overlay"})
    again = manager.request("POST", "/networks/create", None, {"Name": name, "Driver": "overlay"})
    assert (again.status, again.body) == (409, {"message": f"network with name {name} already exists"})


@pytest.mark.parametrize("kind", ["service", "task", "node", "network", "config", "secret"])
def test_unknown_object(manager: Manager, kind: str) -> None:
    expected = (404, {"message": f"{kind} nope not found"})
    got = manager.request("GET", f"/{kind}s/nope")
    assert (got.status, got.body) == expected
    if kind in ("service", "node", "network", "config", "secret"):
        deleted = manager.request("DELETE", f"/{kind}s/nope")
        assert (deleted.status, deleted.body) == expected


def test_update_refused(manager: Manager, name: str) -> None:
    spec = service(name, replicas=0)
    identity = manager.create(spec)
    version = manager.service(name)["Version"]["Index"]

    def refused(query: Json, body: Json) -> tuple[int, str]:
        answer = manager.request("POST", f"/services/{name}/update", query, body)
        return answer.status, answer.body["message"]

    sequence = (500, UNKNOWN + "update out of sequence")
    assert refused({"version": version - 1}, spec) == sequence
    assert refused({"version": version + 1000}, spec) == sequence
    invalid = "invalid service version '{0}': strconv.ParseUint: parsing \"{0}\": invalid syntax"
    assert refused({}, spec) == (400, invalid.format(""))
    assert refused({"version": "x"}, spec) == (400, invalid.format("x"))
    unimplemented = "rpc error: code = Unimplemented desc = "
    renamed = {**spec, "Name": name + "-b"}
    assert refused({"version": version}, renamed) == (501, unimplemented + "renaming services is not supported")
    global_ = {**spec, "Mode": {"Global": {}}}
    assert refused({"version": version}, global_) == (501, unimplemented + "service mode change is not allowed")
    assert refused({"version": version, "rollback": "previous"}, spec) == (
        400,
        f"rpc error: code = FailedPrecondition desc = service {identity} does not have a previous spec",
    )
    assert refused({"version": version, "rollback": "foo"}, spec) == (500, "unrecognized rollback option foo")
    assert refused({"version": version, "registryAuthFrom": "foo"}, spec) == (500, "unsupported registryAuthFrom value")
    answer = manager.request("POST", "/services/nope/update", {"version": 1}, spec)
    assert (answer.status, answer.body["message"]) == (404, "service nope not found")
    assert manager.service(name)["Version"]["Index"] == version


def test_port_in_use(manager: Manager, name: str) -> None:
    def publishing(suffix: str, mode: str) -> Json:
        ports = [{"TargetPort": 80, "PublishedPort": 18090, "PublishMode": mode}]
        return service(name + suffix, replicas=0, EndpointSpec={"Ports": ports})

    identity = manager.create(publishing("-a", "ingress"))
    text = RPC + f"port '18090' is already in use by service '{name}-a' ({identity}) as an ingress port"
    for mode in ("ingress", "host"):
        answer = manager.request("POST", "/services/create", None, publishing("-b", mode))
        assert (answer.status, answer.body) == (400, {"message": text})
    manager.ok("DELETE", f"/services/{identity}")
    manager.create(publishing("-b", "ingress"))  # free at once


LIMITS = {"config": 1_024_000, "secret": 512_000}
NAMES = (
    RPC + "invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end character must be [a-zA-Z0-9]"
)


@pytest.mark.parametrize("kind", ["config", "secret"])
def test_refused_content(manager: Manager, name: str, kind: str) -> None:
    size = RPC + f"{kind} data must be larger than 0 and less than {LIMITS[kind]} bytes"

    def create(**body: str) -> tuple[int, Any]:
        answer = manager.request("POST", f"/{kind}s/create", None, body)
        return answer.status, answer.body.get("message")

    assert create(Name=name) == (400, size)
    assert create(Name=name, Data=data(b"x" * LIMITS[kind])) == (400, size)
    assert create(Data=data(b"x")) == (400, RPC + "name must be provided")
    for bad in ("bad name", "x" * 65, "-x"):
        assert create(Name=bad, Data=data(b"x")) == (400, NAMES)
    assert create(Name=name, Data="%%%") == (400, "illegal base64 data at input byte 0")
    assert create(Name=name, Data=data(b"x" * (LIMITS[kind] - 1))) == (201, None)


def test_refused_network(manager: Manager, name: str) -> None:
    def create(**body: Any) -> tuple[int, Any]:
        answer = manager.request("POST", "/networks/create", None, {"Driver": "overlay", **body})
        return answer.status, answer.body.get("message")

    assert create(Name="") == (500, "invalid name: ")
    assert create(Name="bad name") == (400, RPC + "name must be valid as a DNS name component")


def test_in_use(manager: Manager, name: str) -> None:
    network = manager.ok("POST", "/networks/create", None, {"Name": name, "Driver": "overlay"})["Id"]
    content = {"Name": name, "Data": data(b"x")}
    config = manager.ok("POST", "/configs/create", None, content)["ID"]
    secret = manager.ok("POST", "/secrets/create", None, content)["ID"]
    references = {
        "Configs": [{"ConfigID": config, "ConfigName": name, "File": {"Name": "/x", **FILE}}],
        "Secrets": [{"SecretID": secret, "SecretName": name, "File": {"Name": "x", **FILE}}],
    }
    user = service(name, replicas=0, container=references, task={"Networks": [{"Target": name}]})
    identity = manager.create(user)
    for kind in ("config", "secret"):
        for key in (name, config if kind == "config" else secret):
            answer = manager.request("DELETE", f"/{kind}s/{key}")
            text = RPC + f"{kind} '{name}' is in use by the following service: {name}"
            assert (answer.status, answer.body) == (400, {"message": text})
    answer = manager.request("DELETE", f"/networks/{name}")
    text = f"rpc error: code = FailedPrecondition desc = network {network} is in use by service {identity}"
    assert (answer.status, answer.body) == (400, {"message": text})
    manager.ok("DELETE", f"/services/{name}")
    for kind in ("config", "secret", "network"):
        assert manager.request("DELETE", f"/{kind}s/{name}").status == 204


@pytest.mark.parametrize("kind", ["config", "secret"])
def test_content_is_immutable(manager: Manager, name: str, kind: str) -> None:
    identity = manager.ok("POST", f"/{kind}s/create", None, {"Name": name, "Data": data(b"x"), "Labels": {"a": "b"}})[
        "ID"
    ]
    path = f"/{kind}s/{identity}"
    version = manager.ok("GET", path)["Version"]["Index"]
    only = (400, {"message": RPC + "only updates to Labels are allowed"})
    for body in ({"Name": name, "Data": data(b"y")}, {"Name": name + "-b"}):
        answer = manager.request("POST", path + "/update", {"version": version}, body)
        assert (answer.status, answer.body) == only
    answer = manager.request("POST", path + "/update", {"version": version + 55}, {"Name": name})
    assert (answer.status, answer.body) == (500, {"message": UNKNOWN + "update out of sequence"})
    manager.ok("POST", path + "/update", {"version": version}, {"Name": name, "Labels": {"k": "v"}})
    stored = manager.ok("GET", path)
    assert stored["Version"]["Index"] > version
    assert stored["Spec"]["Labels"] == {"k": "v"}
    assert stored["Spec"].get("Data") == (data(b"x") if kind == "config" else None), "a secret is never handed out"


@pytest.mark.parametrize("kind", ["services", "tasks", "nodes", "networks", "configs", "secrets"])
def test_unknown_filter(manager: Manager, kind: str) -> None:
    answer = manager.request("GET", f"/{kind}", {"filters": {"foo": ["x"]}})
    assert (answer.status, answer.body) == (400, {"message": "Invalid filter 'foo'"})


def test_bad_filter_value(manager: Manager) -> None:
    answer = manager.request("GET", "/tasks", {"filters": {"service": ["nope"]}})
    assert (answer.status, answer.body) == (404, {"message": "service nope not found"})
    answer = manager.request("GET", "/tasks", {"filters": {"desired-state": ["nope"]}})
    assert (answer.status, answer.body) == (500, {"message": "Invalid desired-state filter: 'nope'"})
    answer = manager.request("GET", "/services", {"filters": "x"})
    assert (answer.status, answer.body) == (400, {"message": "invalid character 'x' looking for beginning of value"})


def raw(manager: Manager, method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
    """A request as no well-behaved client would send it."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(manager.host.removeprefix("unix://"))
        head = f"{method} {path} HTTP/1.1\r\nHost: engine\r\nContent-Type: application/json\r\n"
        client.sendall(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        with http.client.HTTPResponse(client, method=method) as response:
            response.begin()
            content = response.read()
    return response.status, json.loads(content) if content.startswith(b"{") else content


def test_malformed_requests(manager: Manager) -> None:
    path = "/v1.41/services/create"
    assert raw(manager, "POST", path, b"{nope") == (
        400,
        {"message": "invalid character 'n' looking for beginning of object key string"},
    )
    assert raw(manager, "POST", path) == (400, {"message": "got EOF while reading request body"})
    assert raw(manager, "POST", path, b"[]") == (
        400,
        {"message": "json: cannot unmarshal array into Go value of type swarm.ServiceSpec"},
    )
    not_found = (404, {"message": "page not found"})
    assert raw(manager, "GET", "/v1.41/nope") == not_found
    assert raw(manager, "PUT", "/v1.41/services") == not_found
    assert raw(manager, "GET", "/_ping") == (200, b"OK")
    assert raw(manager, "HEAD", "/_ping") == (200, b"")
    status, answer = raw(manager, "GET", "/v1.99/info")
    assert status == 400
    assert re.fullmatch(
        r"client version 1\.99 is too new\. Maximum supported API version is 1\.\d\d", answer["message"]
    )


def test_node_update_refused(manager: Manager) -> None:
    node = manager.ok("GET", "/nodes")[0]
    path, good = f"/nodes/{node['ID']}", node["Spec"]

    def refused(version: int, **change: str) -> tuple[int, str]:
        answer = manager.request("POST", path + "/update", {"version": version}, {**good, **change})
        return answer.status, answer.body["message"]

    version = node["Version"]["Index"]
    assert refused(version, Availability="nope") == (400, 'invalid Availability: "nope"')
    precondition = "rpc error: code = FailedPrecondition desc = "
    assert refused(version, Role="worker") == (400, precondition + "attempting to demote the last manager of the swarm")
    assert refused(version + 1000) == (500, UNKNOWN + "update out of sequence")
