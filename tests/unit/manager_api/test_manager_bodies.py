"""Bodies are stored as engine 20.10.24 stores them; the pairs below were measured on one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.manager import bodies, gojson
from reconciler.manager.gojson import BodyError

FIELD = "Go struct field"
REPLICAS = f"into {FIELD} ReplicatedService.Mode.Replicated.Replicas of type uint64"
CONTAINER = f"into {FIELD} ContainerSpec.TaskTemplate.ContainerSpec"


def stored(value: Any) -> Any:
    return gojson.read(bodies.SERVICE, gojson.load(json.dumps(value).encode()))


def container(**fields: Any) -> Any:
    return stored({"Name": "s", "TaskTemplate": {"ContainerSpec": {"Image": "i", **fields}}})["TaskTemplate"][
        "ContainerSpec"
    ]


def test_empty_values_vanish_and_pointers_stay() -> None:
    sent = {
        "Labels": {}, "Env": [], "Command": [], "Args": [], "Healthcheck": {}, "DNSConfig": {}, "Privileges": {},
        "Init": False, "TTY": False, "StopGracePeriod": 0, "Hosts": [], "Mounts": [], "Secrets": [], "Configs": [],
        "Sysctls": {}, "Ulimits": [], "CapabilityAdd": [],
    }  # fmt: skip
    assert container(**sent) == {
        "Image": "i",
        "Privileges": {"CredentialSpec": None, "SELinuxContext": None},
        "Init": False,
        "StopGracePeriod": 0,
        "Healthcheck": {},
        "DNSConfig": {},
        "Isolation": "default",
    }


def test_task_template_keeps_empty_structs() -> None:
    sent = {"Placement": {}, "Resources": {"Limits": {}, "Reservations": {}}, "Networks": [], "LogDriver": {}}
    template = stored({"Name": "s", "TaskTemplate": {"ContainerSpec": {"Image": "i"}, **sent}})["TaskTemplate"]
    del template["ContainerSpec"]
    assert template == {
        "Placement": {},
        "Resources": {"Limits": {}, "Reservations": {}},
        "LogDriver": {},
        "ForceUpdate": 0,
    }


def test_enums_get_their_defaults() -> None:
    spec = stored(
        {
            "Name": "s",
            "TaskTemplate": {"ContainerSpec": {"Image": "i"}, "RestartPolicy": {}},
            "UpdateConfig": {},
            "EndpointSpec": {"Ports": [{"TargetPort": 80, "Protocol": "UDP"}, {"TargetPort": 81, "PublishMode": "x"}]},
        }
    )
    assert spec["TaskTemplate"]["RestartPolicy"] == {"Condition": "any", "MaxAttempts": 0}
    assert spec["UpdateConfig"] == {
        "Parallelism": 0,
        "FailureAction": "pause",
        "MaxFailureRatio": 0,
        "Order": "stop-first",
    }
    assert spec["EndpointSpec"] == {
        "Mode": "vip",
        "Ports": [
            {"Protocol": "udp", "TargetPort": 80, "PublishMode": "ingress"},
            {"Protocol": "tcp", "TargetPort": 81, "PublishMode": "ingress"},
        ],
    }


def test_mounts_privileges_and_ulimits() -> None:
    found = container(
        Mounts=[
            {"Type": "volume", "Target": "/v", "Consistency": "default", "VolumeOptions": {"DriverConfig": {}}},
            {"Target": "/q"},
        ],
        Privileges={"CredentialSpec": {"File": "x"}, "NoNewPrivileges": True},
        Ulimits=[{"Name": "nofile", "Soft": 0, "Hard": -1}],
    )
    assert found["Mounts"] == [
        {"Type": "volume", "Target": "/v", "VolumeOptions": {"DriverConfig": {}}},
        {"Type": "bind", "Target": "/q"},
    ]
    assert found["Privileges"] == {
        "CredentialSpec": {"Config": "", "File": "x", "Registry": ""},
        "SELinuxContext": None,
    }
    assert found["Ulimits"] == [{"Name": "nofile", "Hard": -1, "Soft": 0}]


def test_unknown_keys_are_dropped_and_case_does_not_matter() -> None:
    found = stored({"name": "s", "Foo": 1, "taskTemplate": {"containerSpec": {"image": "i", "Bar": 2}}})
    assert found["Name"] == "s"
    assert found["TaskTemplate"]["ContainerSpec"] == {"Image": "i", "Isolation": "default"}


def test_of_two_spellings_of_a_key_the_last_one_counts() -> None:
    assert container(image="other")["Image"] == "other"


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"Name": 5}, "json: cannot unmarshal number into Go struct field ServiceSpec.Name of type string"),
        (
            {"Labels": ["a"]},
            "json: cannot unmarshal array into Go struct field ServiceSpec.Labels of type map[string]string",
        ),
        (
            {"Mode": {"Replicated": {"Replicas": "x"}}},
            f"json: cannot unmarshal string {REPLICAS}",
        ),
        (
            {"Mode": {"Replicated": {"Replicas": -1}}},
            f"json: cannot unmarshal number -1 {REPLICAS}",
        ),
        (
            {"TaskTemplate": {"ContainerSpec": {"Env": "a"}}},
            f"json: cannot unmarshal string {CONTAINER}.Env of type []string",
        ),
        (
            {"TaskTemplate": {"ContainerSpec": {"StopGracePeriod": "10s"}}},
            f"json: cannot unmarshal string {CONTAINER}.StopGracePeriod of type time.Duration",
        ),
        ({"TaskTemplate": {"RestartPolicy": {"Condition": "Any"}}}, 'invalid RestartCondition: "Any"'),
        ({"UpdateConfig": {"Order": "random"}}, "unrecognized update order random"),
        ({"UpdateConfig": {"FailureAction": "explode"}}, "unrecognized update failure action explode"),
        ({"EndpointSpec": {"Mode": "x"}}, 'invalid resolution mode: "x"'),
        ({"TaskTemplate": {"ContainerSpec": {"Mounts": [{"Type": "image"}]}}}, 'invalid MountType: "image"'),
        ([], "json: cannot unmarshal array into Go value of type swarm.ServiceSpec"),
    ],
)
def test_type_errors_have_the_engines_text(sent: Any, message: str) -> None:
    with pytest.raises(BodyError) as caught:
        stored(sent)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "got EOF while reading request body"),
        (b"{", "unexpected EOF"),
        (b'{"Name": "x', "unexpected EOF"),
        (b"{bad", "invalid character 'b' looking for beginning of object key string"),
        (b"[" * 200_000, "exceeded max depth"),
        (b'{"Name": NaN}', "invalid character 'N' looking for beginning of value"),
    ],
)
def test_broken_json(body: bytes, message: str) -> None:
    with pytest.raises(BodyError) as caught:
        gojson.load(body)
    assert str(caught.value) == message


def test_what_cannot_be_stored_is_replaced() -> None:
    found = gojson.read(bodies.SERVICE, gojson.load(b'{"Name": "a\\ud800b", "Labels": {"k\xff": null}}'))
    assert found["Name"] == "a\ufffdb"
    assert found["Labels"] == {"k\ufffd": ""}


def test_base64() -> None:
    assert gojson.read(bodies.CONFIG, {"Data": "aGk="})["Data"] == b"hi"
    with pytest.raises(BodyError, match="illegal base64 data at input byte 0"):
        gojson.read(bodies.CONFIG, {"Data": "!!"})
