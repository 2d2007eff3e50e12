"""The Engine API calls we make, by their own names. Answers are the API's JSON; refusals are EngineErrors."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from reconciler.engine import patience
from reconciler.engine.errors import EngineError, of_answer
from reconciler.engine.transport import Query, Transport, message_of
from reconciler.engine.versions import EngineAge, oldest
from stackc.attributes import BASE_API
from stackc.diff.fields import needed_api
from stackc.observed import ManagerInfo
from stackc.plan import NAMESPACE_LABEL, Json


class Engine:
    """One manager. ``host`` is shown to people; ``calls`` counts requests by method, for tests and reports.

    A request that fails for the moment is repeated, as long as ``patience`` lasts and as its module says."""

    def __init__(self, transport: Transport, host: str) -> None:
        self.transport = transport
        self.host = host
        self.calls: dict[str, int] = {"read": 0, "write": 0}
        self.patience = patience.Patience()
        self._info: ManagerInfo | None = None
        self._network_names: dict[str, str] = {}

    @contextmanager
    def waiting(self, how: patience.Patience) -> Iterator[None]:
        """With another patience for a while."""
        before, self.patience = self.patience, how
        try:
            yield
        finally:
            self.patience = before

    def _call(self, method: str, path: str, query: Query | None = None, body: Any = None, auth: str = "") -> Any:
        """Once."""
        self.calls["read" if method == "GET" else "write"] += 1
        answer = self.transport.request(method, path, query, body, {"X-Registry-Auth": auth} if auth else None)
        if answer.status >= 400:
            raise of_answer(answer.status, message_of(answer.body), answer.retry_after)
        return answer.body

    def _get(self, path: str, query: Query | None = None) -> Any:
        return patience.read(self.patience, lambda: self._call("GET", path, query))

    def _create(self, kind: str, path: str, body: Json, is_ours: Callable[[Json], bool], auth: str = "") -> str:
        """The new object's id. ``is_ours``: whether an object of this name is the one that we tried to create."""

        def send() -> str:
            answer = self._call("POST", path, None, body, auth)
            return str(answer.get("ID") or answer["Id"])

        def effect() -> str | None:
            for found in self.read(kind, {"name": [body["Name"]]}):
                named = found if kind == "networks" else found["Spec"]
                if named["Name"] == body["Name"] and is_ours(named.get("Labels") or {}):
                    return str(found["Id"] if kind == "networks" else found["ID"])
            return None

        return patience.write(self.patience, send, effect)

    def _update(self, path: str, version: int, body: Json, send_to: str, auth: str = "") -> None:
        """Compare-and-swap. When its answer was lost and the object is at another version now, that is a conflict like
        any other: it was written, and whoever reads it again sees by whom."""

        def send() -> bool:
            self._call("POST", send_to, {"version": version}, body, auth)
            return True

        def effect() -> bool | None:
            if self._get(path)["Version"]["Index"] != version:
                raise EngineError("conflict", "the answer to an update was lost, and the object has changed")
            return None

        patience.write(self.patience, send, effect)

    def manager(self) -> ManagerInfo:
        """Which manager this is, asked once. Raises EngineError «not-manager» with the next step to take."""
        if self._info is None:
            self._info = self._ask_manager()
        return self._info

    def _ask_manager(self) -> ManagerInfo:
        info: Json = self._get("/info")
        swarm = info.get("Swarm") or {}
        state = swarm.get("LocalNodeState") or "inactive"
        if state == "locked":
            raise EngineError("not-manager", f"the swarm at {self.host} is locked: run `docker swarm unlock` there")
        if state != "active":
            raise EngineError(
                "not-manager",
                f"the engine at {self.host} is in no swarm: run `docker swarm init` there, or unset DOCKER_HOST and"
                " the docker context to use the built-in manager",
            )
        if not swarm.get("ControlAvailable"):
            managers = ", ".join(m.get("Addr", "?") for m in swarm.get("RemoteManagers") or ()) or "one of its managers"
            raise EngineError(
                "not-manager", f"the engine at {self.host} is a worker: talk to a manager instead ({managers})"
            )
        return ManagerInfo(
            name=str(info.get("Name") or ""),
            cluster=str((swarm.get("Cluster") or {}).get("ID") or ""),
            version=str(info.get("ServerVersion") or ""),
            builtin=info.get("Driver") == "process",  # storage drivers of Docker have other names
            host=self.host,
            nodes=int(swarm.get("Nodes") or 1),
        )

    # -- reading -------------------------------------------------------------------------------------------

    def read(self, kind: str, filters: Mapping[str, list[str]] | None = None) -> list[Json]:
        """``kind``: services, networks, configs, secrets, tasks or nodes."""
        found = self._get(f"/{kind}", {"filters": filters} if filters else None)
        return found or []

    def read_stack(self, kind: str, stack: str) -> list[Json]:
        return self.read(kind, {"label": [f"{NAMESPACE_LABEL}={stack}"]})

    def inspect_config(self, config_id: str) -> Json:
        found: Json = self._get(f"/configs/{config_id}")
        return found

    def network_name(self, network_id: str) -> str:
        """The name of a network that is in no list, asked once; its id where there is none any more."""
        if network_id not in self._network_names:
            try:
                self._network_names[network_id] = str(self._get(f"/networks/{network_id}")["Name"])
            except EngineError as error:
                if error.kind != "not-found":
                    raise
                self._network_names[network_id] = network_id
        return self._network_names[network_id]

    def unserved_ports(self) -> dict[int, str]:
        """Published ports that the built-in manager cannot listen on, and why. Swarm does not tell such things."""
        if not self.manager().builtin:
            return {}
        found: dict[int, str] = {}
        for warning in self._get("/info").get("Warnings") or ():
            head, _, why = str(warning).removeprefix("WARNING: ").partition(": ")
            number = head.removeprefix("published port ")
            if number != head and number.isascii() and number.isdigit():
                found[int(number)] = why
        return found

    def oldest(self) -> EngineAge:
        """The oldest engine that could be given a task of a plan."""
        if self.manager().builtin:
            return EngineAge("the built-in manager", BASE_API)
        return oldest(self.read("nodes"))

    def tasks(self, stack: str) -> tuple[list[Json], set[str]]:
        """(all tasks of a stack, ids of those that were made from their service's present spec)."""
        label = [f"{NAMESPACE_LABEL}={stack}"]
        everything = self.read("tasks", {"label": label})
        current = self.read("tasks", {"label": label, "_up-to-date": ["true"]})
        return everything, {task["ID"] for task in current}

    def events(self, filters: Mapping[str, list[str]]) -> Iterator[Json]:
        pending = b""
        for chunk in self.transport.stream("/events", {"filters": filters}):
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                if line.strip():
                    yield json.loads(line)

    def service_logs(self, service: str, query: Query) -> Iterator[bytes]:
        return self.transport.stream(f"/services/{service}/logs", query)

    def task_logs(self, task: str, query: Query) -> Iterator[bytes]:
        return self.transport.stream(f"/tasks/{task}/logs", query)

    def inspect_container(self, container: str) -> Json:
        """Only of a container on this very node. Raises EngineError «not-found» otherwise."""
        found: Json = self._get(f"/containers/{container}/json")
        return found

    def distribution(self, image: str, auth: str = "") -> Json:
        """Digest and platforms of an image, asked of its registry by the engine. ``auth``: X-Registry-Auth. Once:
        a registry that counts requests does not want to be asked again."""
        found: Json = self._call("GET", f"/distribution/{image}/json", auth=auth)
        return found

    # -- writing -------------------------------------------------------------------------------------------

    def create_service(self, spec: Json, auth: str = "") -> str:
        """``auth``: registry credentials that nodes may use to pull, kept by the manager with the service."""
        path = f"{_version('services', spec)}/services/create"
        stack = (spec.get("Labels") or {}).get(NAMESPACE_LABEL)
        return self._create("services", path, spec, lambda labels: labels.get(NAMESPACE_LABEL) == stack, auth)

    def update_service(self, service_id: str, version: int, spec: Json, auth: str = "") -> None:
        """Raises EngineError «conflict» when the service is not at ``version`` any more."""
        path = f"/services/{service_id}"
        self._update(path, version, spec, f"{_version('services', spec)}{path}/update", auth)

    def remove_service(self, service_id: str) -> None:
        self.remove("services", service_id)

    def create_network(self, spec: Json) -> str:
        path = f"{_version('networks', spec)}/networks/create"
        return self._create("networks", path, {**spec, "CheckDuplicate": True}, _labelled(spec))

    def create_config(self, spec: Json, data: bytes) -> str:
        return self._create_file("configs", spec, data)

    def create_secret(self, spec: Json, data: bytes) -> str:
        return self._create_file("secrets", spec, data)

    def _create_file(self, kind: str, spec: Json, data: bytes) -> str:
        body = {**spec, "Data": base64.b64encode(data).decode()}
        return self._create(kind, f"/{kind}/create", body, _labelled(spec))

    def update_config(self, config_id: str, version: int, spec: Json) -> None:
        """Only labels can change; the version makes it a compare-and-swap. Raises EngineError «conflict»."""
        path = f"/configs/{config_id}"
        self._update(path, version, spec, f"{path}/update")

    def remove(self, kind: str, object_id: str) -> None:
        """``kind``: services, networks, configs or secrets."""
        patience.remove(self.patience, lambda: self._call("DELETE", f"/{kind}/{object_id}"))

    def close(self) -> None:
        self.transport.close()


def _labelled(spec: Json) -> Callable[[Json], bool]:
    wanted = spec.get("Labels") or {}
    return lambda labels: labels == wanted


def _version(kind: str, spec: Json) -> str:
    """The start of a path: an engine drops fields that are younger than the API version it is talked to in."""
    needed = needed_api(kind, spec)
    return "" if needed == BASE_API else f"/v{needed}"
