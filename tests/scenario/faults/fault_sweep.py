"""One fault at one call of the reference rollout, then the same again without: where does it end?"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

from fault_rollout import APPLY, Rig
from lab.faults import Fault

from reconciler.engine import EngineError
from reconciler.engine.transport import connect


class Point:
    """What came of one point. ``fired``: whether the rollout had so many calls at all."""

    def __init__(self, number: int, fault: Fault) -> None:
        self.number = number
        self.fault = fault
        self.fired = False
        self.call = ""
        self.ok = False
        self.warned = False  # done, but for what the next run cleans up
        self.said = ""

    def __str__(self) -> str:
        return f"{self.fault.value} at {self.number} ({self.call}): {'ok' if self.ok else 'exit 1'}: {self.said}"


def settled(rig: Rig) -> dict[str, Any]:
    """The state after three steps that went well: so it is after every good step. The first deploys, the second has
    no former revision to keep."""
    for _ in range(3):
        rig.write(rig.step + 1)
        outcome = rig.rollout(rig.manager)
        assert outcome.ok, outcome
    return rig.state()


def harmed(
    rig: Rig, number: int, fault: Fault, expected: dict[str, Any], *, only_writes: bool = False, **more: Any
) -> Point:
    """In this process. The next step with the fault, again without; whatever happens the end is the expected one."""
    point = Point(number, fault)
    rig.write(rig.step + 1)
    rig.faults.arm(number, fault, only_writes=only_writes)
    try:
        outcome = rig.rollout(rig.faults.host, **more)
        point.ok, point.said = outcome.ok, f"{outcome.reason} {outcome.failures}"
        point.warned = bool(outcome.failures)
    except EngineError as error:
        point.said = error.message
    point.fired, point.call = rig.faults.fired, rig.faults.harmed
    assert point.said.strip(), point
    if point.ok and not point.warned:
        assert rig.state() == expected, f"a false success: {point}"
    again = rig.rollout(rig.manager)
    assert again.ok, f"{point}; again: {again}"
    assert rig.state() == expected, f"{point}; again: {again}; {rig.notes}"
    return point


def killed(rig: Rig, number: int, fault: Fault, expected: dict[str, Any], *, only_writes: bool = False) -> Point:
    """The same with the real command line, which is killed at that call."""
    point = Point(number, fault)
    rig.write(rig.step + 1)
    victims: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()

    def kill() -> None:
        victim = victims.get()
        victim.kill()
        victim.wait()

    rig.faults.arm(number, fault, kill, only_writes=only_writes)
    process = rig.start(*APPLY, rig.stack)
    victims.put(process)
    out, err = process.communicate(timeout=150)
    point.fired, point.call = rig.faults.fired, rig.faults.harmed
    point.ok, point.said = process.returncode == 0, out + err
    assert point.fired or point.ok, point
    code, said = rig.apply(through=rig.manager)
    assert code == 0, f"{point}\nagain:\n{said}"
    assert rig.state() == expected, f"{point}\nagain:\n{said}"
    return point


@contextmanager
def foreign(manager: str, name: str) -> Iterator[Any]:
    """A service, a config, a secret and a network of somebody else; a function that asserts that nobody wrote them."""
    client = connect(manager)
    labels = {"com.docker.stack.namespace": name}
    spec = {"Name": name, "Labels": labels}
    service = {
        **spec,
        "TaskTemplate": {"ContainerSpec": {"Image": "process/box:v1"}, "Placement": {}},
        "Mode": {"Replicated": {"Replicas": 0}},
    }
    bodies = {
        "services": service,
        "configs": {**spec, "Data": "eA=="},
        "secrets": {**spec, "Data": "eA=="},
        "networks": {**spec, "Driver": "overlay"},
    }

    def listed() -> dict[str, Any]:
        found = {}
        for kind in bodies:
            answer = client.request("GET", f"/{kind}", {"filters": {"name": [name]}})
            found[kind] = [{k: v for k, v in one.items() if k != "Peers"} for one in answer.body]
            assert found[kind], kind
        return found

    for kind, body in bodies.items():
        answer = client.request("POST", f"/{kind}/create", None, body)
        assert answer.status < 300, answer
    before = listed()
    while True:  # the allocator writes addresses a little later
        time.sleep(0.5)
        if (later := listed()) == before:
            break
        before = later

    def untouched() -> None:
        assert listed() == before

    try:
        yield untouched
        untouched()
    finally:
        for kind in bodies:
            for one in client.request("GET", f"/{kind}", {"filters": {"name": [name]}}).body:
                client.request("DELETE", f"/{kind}/{one.get('ID') or one.get('Id')}")
        client.close()
