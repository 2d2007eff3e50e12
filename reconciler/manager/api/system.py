"""Who is answering, what happens, and the corners of the API that a manager of processes has nothing in."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator

from reconciler.manager.api import render
from reconciler.manager.api.context import API_VERSION, MIN_API_VERSION, Context, answer, encode
from reconciler.manager.api.filters import Filters, any_of, read_filters
from reconciler.manager.api.http import Request, Response
from reconciler.manager.control.refusal import Refused
from reconciler.manager.model import Json, TaskState

_PLATFORM = "stackc built-in manager"
_GO_ARCH = {"x86_64": "amd64", "aarch64": "arm64"}


def ping(context: Context, request: Request) -> Response:
    headers = (
        ("Cache-Control", "no-cache, no-store, must-revalidate"),
        ("Pragma", "no-cache"),
        ("Swarm", "active/manager"),
        ("Builder-Version", "1"),
        ("Content-Type", "text/plain; charset=utf-8"),
    )
    return Response(200, b"OK", headers)


def version(context: Context, request: Request) -> Response:
    machine = platform.machine()
    arch = _GO_ARCH.get(machine, machine)
    go = f"none (Python {platform.python_version()})"
    details = {
        "ApiVersion": API_VERSION,
        "Arch": arch,
        "Experimental": "false",
        "GitCommit": "none",
        "GoVersion": go,
        "KernelVersion": platform.release(),
        "MinAPIVersion": MIN_API_VERSION,
        "Os": sys.platform,
    }
    return answer(
        {
            "Platform": {"Name": _PLATFORM},
            "Components": [{"Name": "Engine", "Version": context.version, "Details": details}],
            "Version": context.version,
            "ApiVersion": API_VERSION,
            "MinAPIVersion": MIN_API_VERSION,
            "GitCommit": "none",
            "GoVersion": go,
            "Os": sys.platform,
            "Arch": arch,
            "KernelVersion": platform.release(),
        }
    )


def info(context: Context, request: Request) -> Response:
    state = context.manager.state
    node = state.nodes[state.identity.node_id]
    alive = [one for one in state.tasks.values() if one.status.state >= TaskState.STARTING]
    running = sum(one.status.state == TaskState.RUNNING for one in alive)
    swarm: Json = {
        "NodeID": node.id,
        "NodeAddr": node.address,
        "LocalNodeState": "active",
        "ControlAvailable": True,
        "Error": "",
        "RemoteManagers": [{"NodeID": node.id, "Addr": node.address}],
        "Nodes": len(state.nodes),
        "Managers": 1,
        "Cluster": render.cluster(state),
    }
    return answer(
        {
            "ID": state.identity.cluster_id,
            "Containers": len(alive),
            "ContainersRunning": running,
            "ContainersPaused": 0,
            "ContainersStopped": len(alive) - running,
            "Images": 0,
            "Driver": "process",
            "DriverStatus": [["Tasks", "processes of this machine (images process/NAME:TAG)"]],
            "Plugins": {"Volume": ["local"], "Network": ["host"], "Authorization": None, "Log": ["json-file"]},
            "MemoryLimit": True,
            "SwapLimit": True,
            "CpuCfsPeriod": True,
            "CpuCfsQuota": True,
            "CPUShares": True,
            "CPUSet": True,
            "PidsLimit": True,
            "IPv4Forwarding": True,
            "BridgeNfIptables": True,
            "BridgeNfIp6tables": True,
            "OomKillDisable": False,
            "NGoroutines": 0,
            "SystemTime": render.timestamp(context.manager.clock.now()),
            "LoggingDriver": "json-file",
            "CgroupDriver": "none",
            "NEventsListener": 0,
            "KernelVersion": platform.release(),
            "OperatingSystem": _operating_system(),
            "OSVersion": "",
            "OSType": sys.platform,
            "Architecture": node.arch,
            "IndexServerAddress": "",
            "RegistryConfig": None,
            "NCPU": node.nano_cpus // 1_000_000_000,
            "MemTotal": node.memory_bytes,
            "GenericResources": None,
            "DockerRootDir": context.root,
            "Name": node.hostname,
            "Labels": [],
            "ExperimentalBuild": False,
            "ServerVersion": context.version,
            "Runtimes": {"process": {"path": sys.executable}},
            "DefaultRuntime": "process",
            "Swarm": swarm,
            "LiveRestoreEnabled": True,
            "Isolation": "",
            "InitBinary": "",
            "SecurityOptions": [],
            "Warnings": [f"WARNING: {text}" for text in context.manager.warnings] or None,
        }
    )


def _operating_system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {os.uname().release}"


def swarm(context: Context, request: Request) -> Response:
    """Without join tokens: there is nothing to join."""
    return answer({**render.cluster(context.manager.state), "JoinTokens": {"Worker": "", "Manager": ""}})


def distribution(context: Context, request: Request, name: str) -> Response:
    raise Refused(404, f"no digest for {name}: the built-in manager runs process images, which are in no registry")


def nothing(context: Context, request: Request) -> Response:
    return answer([])


def volumes(context: Context, request: Request) -> Response:
    return answer({"Volumes": [], "Warnings": None})


def no_container(context: Context, request: Request, name: str) -> Response:
    raise Refused(404, f"No such container: {name}")


def no_image(context: Context, request: Request, name: str) -> Response:
    raise Refused(404, f"no such image: {name}: No such image: {name}")


# --- events ------------------------------------------------------------------------------------------------------


def events(context: Context, request: Request) -> Response:
    filters = read_filters(request.query.get("filters", ""), None)
    since = _moment(request.query.get("since", ""), "since")
    until = _moment(request.query.get("until", ""), "until")
    stream = context.manager.events
    position = stream.position()
    return Response(200, _events(context, filters, since, until, position), (("Content-Type", "application/json"),))


def _moment(text: str, name: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        raise Refused(400, f'could not parse {name}: "{text}" is no Unix time') from None


def _events(
    context: Context, filters: Filters, since: float | None, until: float | None, position: int
) -> Iterator[bytes]:
    manager = context.manager

    def ended() -> bool:
        return until is not None and manager.clock.now() >= until

    stream = manager.events.follow(0 if since is not None else position, ended)
    for event in stream:
        if event is None:
            yield b""
            continue
        when = event["timeNano"] / 1e9
        if (since is not None and when < since) or (until is not None and when > until):
            continue
        if _wanted(event, filters):
            yield encode(event)


def _wanted(event: Json, filters: Filters) -> bool:
    attributes = event["Actor"]["Attributes"]
    return (
        any_of(filters, "type", lambda kind: kind == event["Type"])
        and any_of(filters, "scope", lambda scope: scope == event["scope"])
        and any_of(
            filters, "event", lambda action: action == event["Action"] or action == event["Action"].split(":")[0]
        )
        and any_of(filters, "image", lambda image: image in (attributes.get("image", ""), event.get("from", "")))
        and any_of(filters, "label", lambda label: _labelled(label, attributes))
        and all(
            _about(event, kind, filters) for kind in ("service", "node", "network", "secret", "config", "container")
        )
        and not filters.keys() - _EVENT_FILTERS
    )


_EVENT_FILTERS = frozenset(
    ("type", "scope", "event", "image", "label", "service", "node", "network", "secret", "config", "container")
)


def _labelled(label: str, attributes: dict[str, str]) -> bool:
    key, equals, value = label.partition("=")
    return key in attributes and (not equals or attributes[key] == value)


def _about(event: Json, kind: str, filters: Filters) -> bool:
    """Names and beginnings of ids; a task's container is also about its service and its node."""
    actor = event["Actor"]
    attributes = actor["Attributes"]
    if event["Type"] == kind:
        known = (actor["ID"], attributes.get("name", ""))
    else:
        known = (attributes.get(f"com.docker.swarm.{kind}.id", ""), attributes.get(f"com.docker.swarm.{kind}.name", ""))
    return any_of(filters, kind, lambda wanted: any(one.startswith(wanted) for one in known if one))
