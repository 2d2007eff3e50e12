"""Events and logs, as streams."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from served_manager import Served, UnixConnection, service_spec

from reconciler.manager.runtimes.tasklog import LogLine


def short(found: list[Any]) -> list[str]:
    return [f"{one['Type']} {one['Action']} {one['Actor']['Attributes']['name']}" for one in found]


def raw_events(served: Served, query: str) -> list[Any]:
    connection = UnixConnection(served.path)
    try:
        connection.request("GET", "/events?" + query.replace('"', "%22"))
        answer = connection.getresponse()
        assert answer.getheader("Transfer-Encoding") == "chunked"
        return [json.loads(line) for line in answer.read().splitlines()]
    finally:
        connection.close()


def past(served: Served, filters: str = "{}") -> list[Any]:
    return raw_events(served, f"since=0&until={time.time():.6f}&filters={filters}")


def test_objects_come_and_go(served: Served) -> None:
    served.call("POST", "/configs/create", {"Name": "c", "Data": "aGk="})
    served.call("POST", "/secrets/create", {"Name": "s", "Data": "aGk="})
    served.call("POST", "/networks/create", {"Name": "n", "Driver": "overlay"})
    version = served.call("GET", "/configs/c").body["Version"]["Index"]
    served.call("POST", f"/configs/c/update?version={version}", {"Name": "c", "Labels": {"a": "b"}})
    for path in ("/configs/c", "/secrets/s", "/networks/n"):
        served.call("DELETE", path)
    assert short(past(served)) == [
        "config create c",
        "secret create s",
        "network create n",
        "config update c",
        "config remove c",
        "secret remove s",
        "network remove n",
    ]
    (event,) = past(served, '{"type":["secret"],"event":["remove"]}')
    assert event["scope"] == "swarm"
    assert event["timeNano"] // 1_000_000_000 == event["time"]


def test_a_service_and_its_tasks(served: Served) -> None:
    checked = {"Healthcheck": {"Test": ["CMD", "true"]}}
    served.create("web", container=checked, Mode={"Replicated": {"Replicas": 1}})
    (task,) = served.running("web", 1)
    served.agent.fail(served.manager.state.tasks[task["ID"]], "task: non-zero exit (3)", 3)

    def died() -> list[Any]:
        return past(served, '{"type":["container"],"event":["die"]}')

    (die,) = served.wait(died, "die")
    attributes = die["Actor"]["Attributes"]
    assert attributes["exitCode"] == "3"
    assert attributes["com.docker.swarm.task.id"] == task["ID"]
    assert attributes["com.docker.swarm.service.name"] == "web"
    assert attributes["name"] == f"web.1.{task['ID']}"
    assert (die["status"], die["from"], die["scope"]) == ("die", "process/x:1", "local")
    actions = [one["Action"] for one in past(served, f'{{"container":["{task["ID"]}"]}}')]
    assert actions == ["create", "start", "health_status: healthy", "die"]
    assert past(served, '{"event":["health_status"],"service":["web"]}')
    assert not past(served, '{"service":["other"]}')
    spec = service_spec("web", Mode={"Replicated": {"Replicas": 2}}, container={**checked, "Image": "process/x:2"})
    served.update("web", spec)
    change = next(one for one in past(served, '{"type":["service"]}') if one["Action"] == "update")
    assert (
        change["Actor"]["Attributes"].items()
        >= {
            "image.old": "process/x:1",
            "image.new": "process/x:2",
            "replicas.old": "1",
            "replicas.new": "2",
        }.items()
    )
    states = served.wait(
        lambda: [one for one in past(served) if one["Actor"]["Attributes"].get("updatestate.new") == "updating"],
        "state",
    )
    assert states


def test_events_come_as_they_happen(served: Served) -> None:
    found: list[Any] = []
    started = threading.Event()

    def listen() -> None:
        connection = UnixConnection(served.path)
        try:
            connection.request("GET", "/events?filters=%7B%22type%22%3A%5B%22service%22%5D%7D")
            answer = connection.getresponse()
            started.set()
            while len(found) < 2:
                found.append(json.loads(answer.readline()))
        finally:
            connection.close()

    served.create("early")
    listener = threading.Thread(target=listen)
    listener.start()
    assert started.wait(20)
    served.create("late")
    served.call("DELETE", "/services/late")
    listener.join(20)
    assert short(found) == ["service create late", "service remove late"]


# --- logs --------------------------------------------------------------------------------------------------------


def frames(data: bytes) -> list[tuple[int, bytes]]:
    found = []
    while data:
        length = int.from_bytes(data[4:8], "big")
        assert data[1:4] == b"\0\0\0"
        found.append((data[0], data[8 : 8 + length]))
        data = data[8 + length :]
    return found


def with_lines(served: Served, **container: Any) -> list[str]:
    served.create("log", Mode={"Replicated": {"Replicas": 2}}, container=container)
    ids = [one["ID"] for one in served.running("log", 2)]
    served.agent.lines = {
        ids[0]: [LogLine(1000.5, "stdout", b"one"), LogLine(1002.0, "stderr", b"three \xff")],
        ids[1]: [LogLine(1001.25, "stdout", b"two")],
    }
    return ids


def test_service_logs(served: Served) -> None:
    ids = with_lines(served)
    url = "/services/log/logs?"
    both = "stdout=1&stderr=true"
    assert frames(served.call("GET", url + both).body) == [(1, b"one\n"), (1, b"two\n"), (2, b"three \xff\n")]
    assert frames(served.call("GET", url + "stderr=1").body) == [(2, b"three \xff\n")]
    assert frames(served.call("GET", url + both + "&since=1001").body) == [(1, b"two\n"), (2, b"three \xff\n")]
    assert frames(served.call("GET", url + both + "&tail=1").body) == [(1, b"two\n"), (2, b"three \xff\n")]
    node, service = served.manager.state.identity.node_id, served.call("GET", "/services/log").body["ID"]
    context = f"com.docker.swarm.node.id={node},com.docker.swarm.service.id={service},com.docker.swarm.task.id={ids[1]}"
    found = frames(served.call("GET", f"/tasks/{ids[1]}/logs?{both}&details=1&timestamps=1").body)
    assert found == [(1, f"1970-01-01T00:16:41.250000000Z {context} two\n".encode())]


def test_logs_of_a_task_with_a_tty_are_raw(served: Served) -> None:
    with_lines(served, TTY=True)
    answer = served.call("GET", "/services/log/logs?stdout=1&stderr=1")
    assert answer.body == b"one\ntwo\nthree \xff\n"
    assert answer.headers["Content-Type"] == "application/vnd.docker.raw-stream"


def test_log_parameters(shared: Served) -> None:
    shared.create("params")
    for query, message in [
        ("", "Bad parameters: you must choose at least one stream"),
        ("stdout=1&tail=x", 'tail value must be a positive integer or "all"'),
        ("stdout=1&since=foo", 'could not parse since timestamp: strconv.ParseInt: parsing "foo": invalid syntax'),
    ]:
        answer = shared.call("GET", f"/services/params/logs?{query}")
        assert (answer.status, answer.message) == (500, message)
    assert shared.call("GET", "/services/nope/logs?stdout=1").message == "service nope not found"
    assert shared.call("GET", "/tasks/nope/logs?stdout=1").message == "task nope not found"


def test_followed_logs_go_on(served: Served) -> None:
    ids = with_lines(served)
    connection = UnixConnection(served.path)
    try:
        connection.request("GET", "/services/log/logs?stdout=1&stderr=1&follow=1")
        answer = connection.getresponse()
        received = b""
        while len(received) < 3 * 8 + len(b"one\ntwo\nthree \xff\n"):
            received += answer.read1(1000)
        served.agent.lines[ids[1]].append(LogLine(1003.0, "stdout", b"four"))
        while b"four\n" not in received:
            received += answer.read1(1000)
    finally:
        connection.close()

    def readers() -> list[str]:
        return [one.name for one in threading.enumerate() if one.name == "logs"]

    served.wait(lambda: not readers(), "the readers of the logs have ended")
