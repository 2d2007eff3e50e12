"""Engine API answers → Observed. The reading is five GETs whatever the stack's size; the translation is pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Set
from dataclasses import replace
from typing import Any

from reconciler.engine.client import Engine
from stackc.observed import ManagerInfo, Observed, ObservedObject, ObservedService, ObservedTask
from stackc.plan import Json, StackPlan


def observe(engine: Engine, stack: str, plan: StackPlan | None = None, *, tasks: bool = False) -> Observed:
    """One look at a stack, and at the external objects that ``plan`` refers to."""
    manager = engine.manager()
    services = engine.read_stack("services", stack)
    networks = engine.read("networks")
    unlisted = _unlisted(engine, services, {n["Id"] for n in networks})
    networks += [{"Id": identity, "Name": name} for identity, name in unlisted.items()]
    configs = engine.read_stack("configs", stack) + _external(engine, "configs", plan.configs if plan else {})
    secrets = engine.read_stack("secrets", stack) + _external(engine, "secrets", plan.secrets if plan else {})
    found, current = engine.tasks(stack) if tasks else ([], set())
    return translate(stack, manager, services, networks, configs, secrets, found, current)


def refresh(engine: Engine, observed: Observed) -> Observed:
    """Services and tasks anew (three reads); networks, configs and secrets as they were."""
    services = engine.read_stack("services", observed.stack)
    found, current = engine.tasks(observed.stack)
    network_names = {o.id: o.name for o in observed.networks.values()}
    network_names |= _unlisted(engine, services, network_names.keys())
    names = {s["ID"]: str(s["Spec"]["Name"]) for s in services}
    return replace(
        observed,
        services={o.name: o for o in sorted((_service(s, network_names) for s in services), key=lambda o: o.name)},
        tasks=tuple(sorted((_task(t, names, current) for t in found), key=_task_order)),
    )


def _unlisted(engine: Engine, services: list[Json], listed: Set[str]) -> dict[str, str]:
    """Id to name of the networks that services are in and no list has: ``host`` and ``bridge`` of the nodes have ids of
    their own in a swarm. Read once each."""
    attached = (n for s in services for n in (s["Spec"].get("TaskTemplate") or {}).get("Networks") or ())
    targets = {str(network["Target"]) for network in attached}
    return {target: engine.network_name(target) for target in sorted(targets - listed)}


def _external(engine: Engine, kind: str, files: Mapping[str, Any]) -> list[Json]:
    names = [name for name, file in files.items() if file.external]
    if not names:
        return []
    exact = set(names)  # the engine's name filter matches prefixes
    return [o for o in engine.read(kind, {"name": names}) if o["Spec"]["Name"] in exact]


def translate(
    stack: str,
    manager: ManagerInfo,
    services: list[Json],
    networks: list[Json],
    configs: list[Json],
    secrets: list[Json],
    tasks: list[Json],
    current: set[str],
) -> Observed:
    network_names = {n["Id"]: n["Name"] for n in networks}
    names = {s["ID"]: str(s["Spec"]["Name"]) for s in services}
    return Observed(
        stack=stack,
        manager=manager,
        services={o.name: o for o in sorted((_service(s, network_names) for s in services), key=lambda o: o.name)},
        networks={o.name: o for o in sorted(map(_network, networks), key=lambda o: o.name)},
        configs={o.name: o for o in sorted((file_object(c, readable=True) for c in configs), key=lambda o: o.name)},
        secrets={o.name: o for o in sorted((file_object(s, readable=False) for s in secrets), key=lambda o: o.name)},
        tasks=tuple(sorted((_task(t, names, current) for t in tasks), key=_task_order)),
    )


def _service(raw: Json, network_names: Mapping[str, str]) -> ObservedService:
    update = raw.get("UpdateStatus") or {}
    return ObservedService(
        id=raw["ID"],
        version=raw["Version"]["Index"],
        spec=by_name(raw["Spec"], network_names),
        update_state=update.get("State") or "",
        update_message=update.get("Message") or "",
        created_at=raw.get("CreatedAt") or "",
    )


def by_name(spec: Json, network_names: Mapping[str, str]) -> Json:
    """A stored spec with network ids replaced by names; ConfigID and SecretID are dropped, the names stay."""
    task = dict(spec.get("TaskTemplate") or {})
    if task.get("Networks"):
        task["Networks"] = [{**n, "Target": network_names.get(n["Target"], n["Target"])} for n in task["Networks"]]
    container = dict(task.get("ContainerSpec") or {})
    for key, id_key in (("Configs", "ConfigID"), ("Secrets", "SecretID")):
        if container.get(key):
            container[key] = [{k: v for k, v in r.items() if k != id_key} for r in container[key]]
    if container:
        task["ContainerSpec"] = container
    return {**spec, "TaskTemplate": task}


def by_id(spec: Json, observed: Observed) -> Json:
    """The inverse, for sending. A name that is not there stays; the engine's refusal then names it."""
    task = dict(spec["TaskTemplate"])
    if task.get("Networks"):
        task["Networks"] = [{**n, "Target": _id_of(observed.networks, n["Target"])} for n in task["Networks"]]
    container = dict(task["ContainerSpec"])
    for key, id_key, name_key, found in (
        ("Configs", "ConfigID", "ConfigName", observed.configs),
        ("Secrets", "SecretID", "SecretName", observed.secrets),
    ):
        if container.get(key):
            container[key] = [{**r, id_key: _id_of(found, r[name_key])} for r in container[key]]
    task["ContainerSpec"] = container
    task["Placement"] = task.get("Placement") or {}  # its absence can crash a manager for good (before 29.7)
    return {**spec, "TaskTemplate": task}


def _id_of(found: Mapping[str, ObservedObject], name: str) -> str:
    return found[name].id if name in found else name


def _network(raw: Json) -> ObservedObject:
    return ObservedObject(id=raw["Id"], name=raw["Name"], version=0, spec=raw, labels=dict(raw.get("Labels") or {}))


def file_object(raw: Json, *, readable: bool) -> ObservedObject:
    """A config or a secret; ``readable``: whether the answer has its content."""
    spec = raw["Spec"]
    return ObservedObject(
        id=raw["ID"],
        name=spec["Name"],
        version=raw["Version"]["Index"],
        spec={k: v for k, v in spec.items() if k != "Data"},
        labels=dict(spec.get("Labels") or {}),
        data=base64.b64decode(spec.get("Data") or "") if readable else None,
    )


def _task(raw: Json, names: Mapping[str, str], current: set[str]) -> ObservedTask:
    status = raw.get("Status") or {}
    container = status.get("ContainerStatus") or {}
    service = names.get(raw.get("ServiceID") or "", "")
    return ObservedTask(
        id=raw["ID"],
        service=service or f"(removed) {raw.get('ServiceID', '')}",
        slot=raw.get("Slot") or 0,
        node=raw.get("NodeID") or "",
        desired=raw.get("DesiredState") or "",
        state=status.get("State") or "new",
        since=status.get("Timestamp") or "",
        message=status.get("Message") or "",
        err=status.get("Err") or "",
        exit_code=container.get("ExitCode"),
        current=raw["ID"] in current,
        created_at=raw.get("CreatedAt") or "",
        container=container.get("ContainerID") or "",
    )


def _task_order(task: ObservedTask) -> tuple[str, int, str, str, str]:
    return task.service, task.slot, task.node, task.created_at, task.id
