"""The API's answers: bodies, status codes and texts as engine 20.10.24 gives them (measured)."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from served_manager import Answer, Served, service_spec

DATA = base64.b64encode(b"hello").decode()
GRPC = "rpc error: code = "
INVALID = GRPC + "InvalidArgument desc = "


def port(published: int, **more: Any) -> dict[str, Any]:
    return {"TargetPort": 80, "PublishedPort": published, **more}


def refuse(shared: Served, spec: Any, status: int, message: str) -> None:
    answer = shared.call("POST", "/services/create", spec)
    assert (answer.status, answer.message) == (status, message)


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"Image": ""}, "ContainerSpec: image reference must be provided"),
        ({"Image": "UPPER CASE"}, 'ContainerSpec: "UPPER CASE" is not a valid repository/tag'),
        (
            {"Mounts": [{"Type": "volume", "Source": s, "Target": "/x"} for s in "ab"]},
            "ContainerSpec: duplicate mount point: /x",
        ),
        ({"Healthcheck": {"Interval": 5}}, "ContainerSpec: Interval in HealthConfig cannot be less than 1ms"),
        ({"Healthcheck": {"Retries": -1}}, "ContainerSpec: Retries in HealthConfig cannot be negative"),
        ({"Configs": [{"ConfigName": "x", "File": {"Name": "x"}}]}, "malformed config reference"),
        ({"Configs": [{"ConfigName": "x", "ConfigID": "a", "File": {"Name": "x"}}]}, "config not found: x"),
        (
            {"Configs": [{"ConfigName": n, "ConfigID": "a", "File": {"Name": "x"}} for n in "xy"]},
            "config references 'x' and 'y' have a conflicting target: 'x'",
        ),
        (
            {"Secrets": [{"SecretName": n, "SecretID": "a", "File": {"Name": n}} for n in "xy"]},
            "secrets not found: x, y",
        ),
        (
            {"Secrets": [{"SecretName": "x", "SecretID": "a"}]},
            "malformed secret reference, no target provided",
        ),
        (
            {"Secrets": [{"SecretName": "x", "SecretID": "a", "File": {"Name": ""}}]},
            "malformed file secret reference, invalid target file name provided",
        ),
    ],
)
def test_container_specs_that_are_refused(shared: Served, container: Any, message: str) -> None:
    refuse(shared, service_spec("r1", container=container), 400, INVALID + message)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"Name": "a.b"}, "name must be valid as a DNS name component"),
        ({"Name": "-a"}, "name must be valid as a DNS name component"),
        ({"Name": "a" * 64}, "name must be 63 characters or fewer"),
        ({"Name": "a" * 62 + "!"}, "name must be valid as a DNS name component"),
        ({"UpdateConfig": {"Delay": -1}}, "TaskSpec: update-delay cannot be negative"),
        ({"UpdateConfig": {"Monitor": -1}}, "TaskSpec: update-monitor cannot be negative"),
        (
            {"UpdateConfig": {"MaxFailureRatio": 1.5}},
            "TaskSpec: update-maxfailureratio cannot be less than 0 or bigger than 1",
        ),
        (
            {"EndpointSpec": {"Ports": [port(8080), {"TargetPort": 81, "PublishedPort": 8080}]}},
            "EndpointSpec: duplicate published ports provided",
        ),
        (
            {"EndpointSpec": {"Mode": "dnsrr", "Ports": [port(800)]}},
            "EndpointSpec: port published with ingress mode can't be used with dnsrr mode",
        ),
        (
            {"EndpointSpec": {"Ports": [port(70000)]}},
            "EndpointSpec: PublishedPort 70000 is no port: it must be between 1 and 65535",
        ),
        ({"Mode": {"ReplicatedJob": {}}, "UpdateConfig": {}}, "Jobs may not have an update config"),
    ],
)
def test_service_specs_that_are_refused(shared: Served, more: Any, message: str) -> None:
    refuse(shared, {**service_spec("r2"), **more}, 400, INVALID + message)


@pytest.mark.parametrize(
    ("task", "status", "message"),
    [
        (
            {"Resources": {"Limits": {"NanoCPUs": 10}}},
            400,
            INVALID + "invalid cpu value 1e-08: Must be at least 0.001",
        ),
        (
            {"Resources": {"Reservations": {"MemoryBytes": 10}}},
            400,
            INVALID + "invalid memory value 10: Must be at least 4MiB",
        ),
        ({"RestartPolicy": {"Delay": -1}}, 400, INVALID + "TaskSpec: restart-delay cannot be negative"),
        ({"RestartPolicy": {"Window": -1}}, 400, INVALID + "TaskSpec: restart-window cannot be negative"),
        (
            {"Placement": {"Constraints": ["node.id=1"]}},
            500,
            GRPC + "Unknown desc = constraint expected one operator from ==, !=",
        ),
        ({"Placement": {"Constraints": ["node id==1"]}}, 500, GRPC + "Unknown desc = key 'node id' is invalid"),
        ({"Networks": [{"Target": "nope"}]}, 500, "network nope not found"),
        (
            {"Networks": [{"Target": "ingress"}]},
            400,
            INVALID + 'Service cannot be explicitly attached to the ingress network "ingress"',
        ),
        ({"Runtime": "foo"}, 400, "unsupported runtime"),
        ({"Runtime": "plugin"}, 400, "mismatched Runtime and *Spec fields"),
    ],
)
def test_task_templates_that_are_refused(shared: Served, task: Any, status: int, message: str) -> None:
    refuse(shared, service_spec("r3", task=task), status, message)


@pytest.mark.parametrize(
    ("container", "begins"),
    [
        ({"Env": ["A={{.Nope}}"]}, 'expanding env failed: expanding env "A={{.Nope}}": '),
        ({"Env": ["A={{.Nope"]}, 'expanding env failed: expanding env "A={{.Nope": '),
        ({"Hostname": "{{.Nope}}"}, 'expanding hostname failed: expanding hostname "{{.Nope}}": '),
    ],
)
def test_templates_that_cannot_be_expanded(shared: Served, container: Any, begins: str) -> None:
    answer = shared.call("POST", "/services/create", service_spec("r5", container=container))
    assert answer.status == 400
    assert answer.message.startswith(INVALID + begins)


def test_templates_that_can(shared: Served) -> None:
    env = ["S={{.Service.Name}}-{{.Task.Slot}}", 'L={{index .Service.Labels "a"}}']
    shared.create("templated", container={"Env": env, "Hostname": "{{.Node.Hostname}}"}, Labels={"a": "b"})


def test_other_refusals_of_create(shared: Served) -> None:
    refuse(shared, {"Name": "x"}, 400, "mismatched Runtime and *Spec fields")
    both = service_spec("r4", Mode={"Replicated": {}, "Global": {}})
    refuse(shared, both, 400, "must specify only one service mode")
    answer = shared.call("POST", "/services/create", service_spec("r4", Mode={"GlobalJob": {}}))
    assert answer.status == 501
    assert "not supported by the built-in manager" in answer.message
    assert shared.call("POST", "/services/create", raw=b"{").message == "unexpected EOF"


def test_create_inspect_remove(shared: Served) -> None:
    answer = shared.call("POST", "/services/create", service_spec("cir", Labels={"a": "b"}))
    assert answer.status == 201
    service_id = answer.body["ID"]
    assert len(service_id) == 25
    for name in (service_id, "cir", service_id[:12]):
        assert shared.call("GET", f"/v1.41/services/{name}").body["ID"] == service_id
    found = shared.call("GET", "/services/cir").body
    assert found["Spec"] == {
        "Name": "cir",
        "Labels": {"a": "b"},
        "TaskTemplate": {
            "ContainerSpec": {"Image": "process/x:1", "Isolation": "default"},
            "ForceUpdate": 0,
            "Runtime": "container",
        },
        "Mode": {"Replicated": {"Replicas": 0}},
    }
    assert found["Endpoint"] == {"Spec": {}}
    refuse(
        shared,
        service_spec("cir"),
        409,
        GRPC + "AlreadyExists desc = name conflicts with an existing object: service cir already exists",
    )
    removed = shared.call("DELETE", "/services/cir")
    assert (removed.status, removed.body) == (200, b"")
    missing = shared.call("DELETE", "/services/cir")
    assert (missing.status, missing.message) == (404, "service cir not found")
    assert shared.call("GET", "/services/cir").status == 404


def test_a_service_without_a_name_gets_one(shared: Served) -> None:
    service_id = shared.create("")
    assert shared.call("GET", f"/services/{service_id}").body["Spec"]["Name"]


def test_insert_defaults(shared: Served) -> None:
    shared.create("defaults")
    spec = shared.call("GET", "/services/defaults?insertDefaults=true").body["Spec"]
    second = 1_000_000_000
    update = {
        "Parallelism": 1,
        "FailureAction": "pause",
        "Monitor": 5 * second,
        "MaxFailureRatio": 0,
        "Order": "stop-first",
    }
    assert spec["UpdateConfig"] == spec["RollbackConfig"] == update
    template = spec["TaskTemplate"]
    assert template["RestartPolicy"] == {"Condition": "any", "Delay": 5 * second, "MaxAttempts": 0}
    assert template["ContainerSpec"]["StopGracePeriod"] == 10 * second
    assert (template["ContainerSpec"]["DNSConfig"], template["Resources"], template["Placement"]) == ({}, {}, {})
    assert "UpdateConfig" not in shared.call("GET", "/services/defaults").body["Spec"]


def test_updates(shared: Served) -> None:
    service_id = shared.create("upd")
    version = shared.version("upd")
    url = f"/services/{service_id}/update"
    spec = service_spec("upd", container={"Env": ["A=1"]})
    cases = [
        (f"?version={version + 1}", spec, 500, GRPC + "Unknown desc = update out of sequence"),
        ("?version=1", spec, 500, GRPC + "Unknown desc = update out of sequence"),
        ("", spec, 400, "invalid service version '': strconv.ParseUint: parsing \"\": invalid syntax"),
        (
            f"?version={version}",
            service_spec("other"),
            501,
            GRPC + "Unimplemented desc = renaming services is not supported",
        ),
        (
            f"?version={version}",
            service_spec("upd", Mode={"Global": {}}),
            501,
            GRPC + "Unimplemented desc = service mode change is not allowed",
        ),
        (f"?version={version}&rollback=foo", spec, 500, "unrecognized rollback option foo"),
        (
            f"?version={version}&rollback=previous",
            spec,
            400,
            GRPC + f"FailedPrecondition desc = service {service_id} does not have a previous spec",
        ),
        (f"?version={version}&registryAuthFrom=zz", spec, 500, "unsupported registryAuthFrom value"),
    ]
    for query, body, status, message in cases:
        answer = shared.call("POST", url + query, body)
        assert (answer.status, answer.message) == (status, message)
    assert shared.version("upd") == version
    answer = shared.call("POST", f"{url}?version={version}", spec)
    assert (answer.status, answer.body) == (200, {"Warnings": None})
    found = shared.call("GET", "/services/upd").body
    assert found["Version"]["Index"] > version
    assert found["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"] == ["A=1"]
    assert "Env" not in found["PreviousSpec"]["TaskTemplate"]["ContainerSpec"]


def test_manual_rollback_swaps_the_specs(served: Served) -> None:
    served.create("rb", Mode={"Replicated": {"Replicas": 1}})
    served.running("rb", 1)
    one, two = (
        service_spec("rb", container={"Env": [env]}, Mode={"Replicated": {"Replicas": 1}}) for env in ("A", "B")
    )
    for spec in (one, two):
        served.update("rb", spec)
    served.update("rb", two, "&rollback=previous")
    found = served.call("GET", "/services/rb").body
    assert found["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"] == ["A"]
    assert found["PreviousSpec"]["TaskTemplate"]["ContainerSpec"]["Env"] == ["B"]
    assert found["UpdateStatus"]["State"] in ("rollback_started", "rollback_completed")


def test_ports(shared: Served) -> None:
    web = shared.create("web", EndpointSpec={"Ports": [port(8088), {"TargetPort": 81}]})
    endpoint = shared.call("GET", "/services/web").body["Endpoint"]
    assert [one["PublishedPort"] for one in endpoint["Ports"]] == [8088, 30000]
    assert "PublishedPort" not in endpoint["Spec"]["Ports"][1]
    used = f"port '8088' is already in use by service 'web' ({web}) as an ingress port"
    refuse(shared, service_spec("clash", EndpointSpec={"Ports": [port(8088)]}), 400, INVALID + used)
    host = {"Ports": [port(8088, PublishMode="host")]}
    refuse(shared, service_spec("clash", EndpointSpec=host), 400, INVALID + used)
    shared.create("udp", EndpointSpec={"Ports": [port(8088, Protocol="udp")]})
    on_host = {"Ports": [port(8090, PublishMode="host")]}
    first = shared.create("host1", EndpointSpec=on_host)
    shared.create("host2", EndpointSpec=on_host)
    answer = shared.call("POST", "/services/create", service_spec("x", EndpointSpec={"Ports": [port(8090)]}))
    assert answer.message.startswith(INVALID + "port '8090' is already in use by service 'host")
    assert answer.message.endswith("as a host-published port")
    assert first
    # An update keeps the port that was allocated, and does not collide with itself.
    spec = service_spec("web", EndpointSpec={"Ports": [port(8088), {"TargetPort": 81}, {"TargetPort": 82}]})
    assert shared.call("POST", f"/services/web/update?version={shared.version('web')}", spec).status == 200
    endpoint = shared.call("GET", "/services/web").body["Endpoint"]
    assert [one["PublishedPort"] for one in endpoint["Ports"]] == [8088, 30000, 30001]


def test_an_allocated_port_stays_with_its_service(served: Served) -> None:
    def published() -> int:
        return int(served.call("GET", "/services/b").body["Endpoint"]["Ports"][0]["PublishedPort"])

    endpoint = {"Ports": [{"TargetPort": 80}]}
    served.create("a", EndpointSpec=endpoint)
    served.create("b", EndpointSpec=endpoint)
    assert published() == 30001
    served.call("DELETE", "/services/a")
    served.update("b", service_spec("b", EndpointSpec=endpoint, Labels={"x": "y"}))
    assert published() == 30001
    served.create("c", EndpointSpec=endpoint)
    assert served.call("GET", "/services/c").body["Endpoint"]["Ports"][0]["PublishedPort"] == 30000


@pytest.mark.parametrize("kind", ["config", "secret"])
def test_configs_and_secrets(shared: Served, kind: str) -> None:
    limit = 1_024_000 if kind == "config" else 512_000
    size = f"{kind} data must be larger than 0 and less than {limit} bytes"
    name = (
        "invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end character must be [a-zA-Z0-9]"
    )
    create = f"/{kind}s/create"
    for body, message in [
        ({"Data": DATA}, "name must be provided"),
        ({"Name": "a b", "Data": DATA}, name),
        ({"Name": "a" * 65, "Data": DATA}, name),
        ({"Name": "e", "Data": ""}, size),
        ({"Name": "e", "Data": base64.b64encode(b"x" * limit).decode()}, size),
    ]:
        answer = shared.call("POST", create, body)
        assert (answer.status, answer.message) == (400, INVALID + message)
    assert shared.call("POST", create, {"Name": "e", "Data": "!!"}).message == "illegal base64 data at input byte 0"
    largest = {"Name": "largest", "Data": base64.b64encode(b"x" * (limit - 1)).decode()}
    assert shared.call("POST", create, largest).status == 201
    made = shared.call("POST", create, {"Name": "c1", "Labels": {"a": "b"}, "Data": DATA})
    assert made.status == 201
    again = shared.call("POST", create, {"Name": "c1", "Data": DATA})
    assert (again.status, again.message) == (409, GRPC + f"AlreadyExists desc = {kind} c1 already exists")
    found = shared.call("GET", f"/{kind}s/c1").body
    expected = {"Name": "c1", "Labels": {"a": "b"}, **({"Data": DATA} if kind == "config" else {})}
    assert found["Spec"] == expected
    version = found["Version"]["Index"]
    update = f"/{kind}s/c1/update?version="
    only = INVALID + "only updates to Labels are allowed"
    changed = shared.call("POST", f"{update}{version}", {"Name": "c1", "Data": "eA=="})
    assert (changed.status, changed.message) == (400, only)
    assert shared.call("POST", f"{update}{version}", {"Name": "other"}).message == only
    late = shared.call("POST", f"{update}{version + 7}", {"Name": "c1"})
    assert (late.status, late.message) == (500, GRPC + "Unknown desc = update out of sequence")
    assert shared.call("POST", f"{update}abc", {"Name": "c1"}).message == f"invalid {kind} version"
    assert shared.call("POST", f"{update}{version}", {"Name": "c1", "Labels": {"q": "r"}, "Data": DATA}).status == 200
    listed = shared.call("GET", f'/{kind}s?filters={{"name":["c"],"label":["q=r"]}}').body
    assert [one["Spec"]["Name"] for one in listed] == ["c1"]
    assert DATA not in str(shared.call("GET", "/secrets").body)
    key, field = f"{kind.capitalize()}ID", f"{kind.capitalize()}s"
    reference = {f"{kind.capitalize()}Name": "c1", key: found["ID"], "File": {"Name": "/c", "Mode": 292}}
    shared.create(f"use-{kind}", container={field: [reference]})
    used = shared.call("DELETE", f"/{kind}s/c1")
    assert (used.status, used.message) == (
        400,
        f"{INVALID}{kind} 'c1' is in use by the following service: use-{kind}",
    )
    shared.call("DELETE", f"/services/use-{kind}")
    assert shared.call("DELETE", f"/{kind}s/c1").status == 204
    assert shared.call("GET", f"/{kind}s/c1").message == f"{kind} c1 not found"


def test_secret_drivers_are_refused(shared: Served) -> None:
    answer = shared.call("POST", "/secrets/create", {"Name": "d", "Driver": {"Name": "x"}})
    assert (answer.status, answer.message) == (500, GRPC + 'Unknown desc = plugin "x" not found')


def test_networks(shared: Served) -> None:
    def create(**body: Any) -> Answer:
        return shared.call("POST", "/networks/create", body)

    for body, status, message in [
        ({"Driver": "overlay"}, 500, "invalid name: "),
        ({"Name": "a b", "Driver": "overlay"}, 400, INVALID + "name must be valid as a DNS name component"),
        ({"Name": "n", "Driver": "nope"}, 404, 'plugin "nope" not found'),
        ({"Name": "n", "Driver": "host"}, 403, 'only one instance of "host" network is allowed'),
        ({"Name": "host", "Driver": "overlay"}, 409, "network with name host already exists"),
        (
            {"Name": "n", "Driver": "overlay", "Scope": "local"},
            403,
            "cannot downgrade network scope for overlay networks",
        ),
        (
            {"Name": "n", "Driver": "overlay", "IPAM": {"Config": [{"Subnet": "bad"}]}},
            500,
            "Invalid subnet bad : invalid CIDR address: bad",
        ),
    ]:
        answer = create(**body)
        assert (answer.status, answer.message) == (status, message)
    made = create(Name="n1", Driver="overlay", Labels={"a": "b"})
    assert (made.status, made.body["Warning"]) == (201, "")
    network = made.body["Id"]
    service = shared.create("netuser", task={"Networks": [{"Target": "n1", "Aliases": ["x"]}]})
    stored = shared.call("GET", "/services/netuser").body["Spec"]["TaskTemplate"]["Networks"]
    assert stored == [{"Target": network, "Aliases": ["x"]}]
    used = shared.call("DELETE", "/networks/n1")
    text = f"FailedPrecondition desc = network {network} is in use by service {service}"
    assert (used.status, used.message) == (400, GRPC + text)
    host = shared.call("DELETE", "/networks/host")
    assert (host.status, host.message) == (403, "host is a pre-defined network and cannot be removed")
    assert create(Name="local").status == 201
    lone = shared.call("POST", "/services/create", service_spec("x", task={"Networks": [{"Target": "local"}]}))
    assert lone.status == 403
    assert "Only networks scoped to the swarm can be used" in lone.message
    shared.call("DELETE", "/services/netuser")
    listed = shared.call("GET", '/networks?filters={"label":["a=b"]}').body
    assert [one["Name"] for one in listed] == ["n1"]
    assert shared.call("GET", "/networks/n1?scope=local").status == 404
    assert shared.call("DELETE", f"/networks/{network[:8]}").status == 204


def test_nodes(served: Served) -> None:
    (node,) = served.call("GET", "/nodes").body
    update = f"/nodes/{node['ID']}/update?version={node['Version']['Index']}"
    good = {"Availability": "drain", "Role": "manager", "Labels": {"zone": "a"}}
    for body, message in [
        ({**good, "Availability": "foo"}, 'invalid Availability: "foo"'),
        ({**good, "Role": ""}, 'invalid Role: ""'),
        (
            {**good, "Role": "worker"},
            GRPC + "FailedPrecondition desc = attempting to demote the last manager of the swarm",
        ),
    ]:
        answer = served.call("POST", update, body)
        assert (answer.status, answer.message) == (400, message)
    served.create("w", Mode={"Replicated": {"Replicas": 1}})
    served.running("w", 1)
    assert served.call("POST", update, good).status == 200
    assert served.call("POST", update, good).message == GRPC + "Unknown desc = update out of sequence"
    hostname = node["Description"]["Hostname"]
    found = served.call("GET", f"/nodes/{hostname}").body
    assert found["Spec"] == {"Labels": {"zone": "a"}, "Role": "manager", "Availability": "drain"}
    assert [len(served.call("GET", f'/nodes?filters={{"node.label":["zone={z}"]}}').body) for z in "ab"] == [1, 0]

    def waiting() -> bool:
        live = [one for one in served.tasks("w") if one["DesiredState"] in ("ready", "running")]
        return [one["Status"]["State"] for one in live] == ["pending"]

    served.wait(waiting, "a drained node runs nothing")
    assert served.call("DELETE", f"/nodes/{node['ID']}?force=1").status == 400


def test_task_lists(served: Served) -> None:
    served.create("a", Mode={"Replicated": {"Replicas": 2}}, Labels={"stack": "x"})
    served.create("b", Mode={"Global": {}})
    served.running("a", 2)
    (b,) = served.running("b", 1)
    assert "Slot" not in b
    node, task = b["NodeID"], b["ID"]
    assert b["Status"]["ContainerStatus"]["PID"] == 4242

    def names(filters: str) -> list[int]:
        return sorted(one.get("Slot", 0) for one in served.call("GET", f"/tasks?filters={filters}").body)

    assert names("{}") == [0, 1, 2]
    assert names('{"label":["stack=x"]}') == [1, 2]
    assert names('{"name":["a.2"]}') == [2]
    assert names('{"name":["a"]}') == names('{"service":["a"]}') == names('{"service":{"a":true}}') == [1, 2]
    assert names(f'{{"node":["{node[:10]}"],"service":["b"]}}') == [0]
    assert names('{"desired-state":["shutdown"]}') == []
    assert names(f'{{"id":["{task}"]}}') == [0]
    for filters, status, message in [
        ('{"service":["nope"]}', 404, "service nope not found"),
        ('{"foo":["x"]}', 400, "Invalid filter 'foo'"),
        ('{"desired-state":["x"]}', 500, "Invalid desired-state filter: 'x'"),
    ]:
        answer = served.call("GET", f"/tasks?filters={filters}")
        assert (answer.status, answer.message) == (status, message)
    assert served.call("GET", "/tasks?filters={bad").status == 400
    assert served.call("GET", f"/tasks/{b['ID'][:12]}").body["ID"] == b["ID"]
    status = {one["Spec"]["Name"]: one["ServiceStatus"] for one in served.call("GET", "/services?status=true").body}
    assert status["a"] == {"RunningTasks": 2, "DesiredTasks": 2, "CompletedTasks": 0}
    assert status["b"] == {"RunningTasks": 1, "DesiredTasks": 1, "CompletedTasks": 0}


def test_tasks_that_are_up_to_date(served: Served) -> None:
    served.create("u", Mode={"Replicated": {"Replicas": 1}})
    (old,) = served.running("u", 1)
    spec = service_spec("u", container={"Env": ["A=1"]}, Mode={"Replicated": {"Replicas": 1}})
    served.call("POST", f"/services/u/update?version={served.version('u')}", spec)

    def current() -> Any:
        found = served.call("GET", '/tasks?filters={"service":["u"],"_up-to-date":["true"]}').body
        return [one["ID"] for one in found if one["Status"]["State"] == "running"]

    assert old["ID"] not in served.wait(current, "the new task runs")


def test_service_filters(shared: Served) -> None:
    shared.create("filter-one", Labels={"l": "1"})
    shared.create("filter-two", Mode={"Global": {}})

    def names(filters: str) -> list[str]:
        found = shared.call("GET", f"/services?filters={filters}").body
        return sorted(one["Spec"]["Name"] for one in found)

    assert names('{"name":["filter-"]}') == ["filter-one", "filter-two"]
    assert names('{"name":["ilter-"]}') == []
    assert names('{"label":["l"]}') == names('{"label":["l=1"]}') == ["filter-one"]
    assert names('{"label":["l=2"]}') == []
    assert names('{"mode":["global"]}') == ["filter-two"]
    assert shared.call("GET", '/services?filters={"foo":["x"]}').message == "Invalid filter 'foo'"


def test_an_ambiguous_prefix(shared: Served) -> None:
    ids = [shared.create(f"prefix-{number}") for number in range(37)]  # more ids than first letters
    letter = next(one[0] for one in ids if sum(other[0] == one[0] for other in shared.manager.state.services) > 1)
    count = sum(one[0] == letter for one in shared.manager.state.services)
    answer = shared.call("GET", f"/services/{letter}")
    assert (answer.status, answer.message) == (500, f"service {letter} is ambiguous ({count} matches found)")


def test_system(shared: Served) -> None:
    ping = shared.call("GET", "/_ping")
    assert (ping.status, ping.body) == (200, b"OK")
    assert ping.headers["Api-Version"] == "1.41"
    assert ping.headers["Swarm"] == "active/manager"
    assert ping.headers["Server"] == "stackc/0.0.1"
    assert shared.call("HEAD", "/_ping").status == 200
    version = shared.call("GET", "/v1.41/version").body
    assert (version["ApiVersion"], version["MinAPIVersion"], version["Version"]) == ("1.41", "1.12", "0.0.1")
    info = shared.call("GET", "/info").body
    assert info["Swarm"]["ControlAvailable"] is True
    assert info["Swarm"]["LocalNodeState"] == "active"
    assert info["Swarm"]["Cluster"]["ID"] == shared.call("GET", "/swarm").body["ID"]
    too_new = shared.call("GET", "/v1.99/version")
    text = "client version 1.99 is too new. Maximum supported API version is 1.41"
    assert (too_new.status, too_new.message) == (400, text)
    assert shared.call("GET", "/v1.5/version").status == 400
    for method, path in [("GET", "/v1.41/nope"), ("POST", "/version"), ("GET", "/configs/"), ("PATCH", "/services")]:
        answer = shared.call(method, path)
        assert (answer.status, answer.message) == (404, "page not found")
    assert shared.call("GET", "/distribution/process/x:1/json").status == 404
    assert shared.call("GET", "/containers/json").body == []
    assert shared.call("GET", "/volumes").body == {"Volumes": [], "Warnings": None}


def test_an_error_of_the_manager_shows_no_traceback(shared: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        raise ZeroDivisionError("the inside")

    monkeypatch.setattr(shared.manager, "transact", broken)
    answer = shared.call("POST", "/services/create", service_spec("x"))
    assert (answer.status, answer.message) == (500, "internal error of the manager; its log tells more")
