"""Engine releases and API versions."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.engine.client import Engine
from reconciler.engine.transport import Answer, target
from reconciler.engine.versions import EngineAge, api_of, oldest


@pytest.mark.parametrize(
    ("version", "api"),
    [
        ("20.10.24+dfsg1", "1.41"),
        ("19.03.1", "1.41"),
        ("23.0.6", "1.42"),
        ("24.0.7", "1.43"),
        ("25.0.3", "1.44"),
        ("26.1.0", "1.45"),
        ("27.3.1", "1.46"),
        ("28.0.4", "1.48"),
        ("28.1.1", "1.48"),
        ("28.2.2", "1.50"),
        ("28.5.0", "1.50"),
        ("29.0.0", "1.52"),
        ("30.1.0", "1.52"),
        ("", "1.41"),
        ("dev", "1.41"),
    ],
)
def test_each_release_has_an_api_version(version: str, api: str) -> None:
    assert api_of(version) == api


def node(name: str, version: str) -> dict[str, Any]:
    return {"ID": f"id-{name}", "Description": {"Hostname": name, "Engine": {"EngineVersion": version}}}


def test_the_oldest_node_counts() -> None:
    nodes = [node("a", "28.2.2"), node("b", "24.0.7"), node("c", "27.0.1")]
    assert oldest(nodes) == EngineAge("node b (Engine 24.0.7)", "1.43")
    assert oldest([node("a", "29.1.0"), {"ID": "x"}]) == EngineAge("node x (Engine unknown)", "1.41")


class Recorded:
    """A transport that notes what is asked and answers an id."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def request(self, method: str, path: str, query: Any = None, body: Any = None, headers: Any = None) -> Answer:
        self.asked.append(target(path, query))
        return Answer(201, {"ID": "x", "Id": "x"})

    def stream(self, path: str, query: Any = None) -> Any:
        raise AssertionError

    def close(self) -> None:
        pass


def test_a_body_with_a_young_field_is_sent_in_that_version() -> None:
    transport = Recorded()
    engine = Engine(transport, "unix:///x")
    young = {"TaskTemplate": {"ContainerSpec": {"OomScoreAdj": 1}}}
    engine.create_service({"TaskTemplate": {"ContainerSpec": {}}})
    engine.create_service(young)
    engine.update_service("id", 7, young)
    engine.create_network({"EnableIPv4": False})
    assert transport.asked == [
        "/v1.41/services/create",
        "/v1.46/services/create",
        "/v1.46/services/id/update?version=7",
        "/v1.48/networks/create",
    ]
