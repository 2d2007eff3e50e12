"""Services: create, update, roll back, remove; and their published ports. Pure."""

from __future__ import annotations

from dataclasses import replace

from reconciler.manager.control.lookup import find_network
from reconciler.manager.control.refusal import (
    Refused,
    already_exists,
    failed_precondition,
    invalid,
    out_of_sequence,
    unimplemented,
)
from reconciler.manager.control.validation import check_references, check_spec
from reconciler.manager.model import Json, Service
from reconciler.manager.objects import State
from reconciler.manager.orchestrator import Choices
from reconciler.manager.orchestrator.revision import revert, revise

_FIRST_DYNAMIC = 30000
_LAST_DYNAMIC = 32767


def normalised(state: State, spec: Json) -> Json:
    """A spec that was read by its shape, as it is stored: defaults that swarmkit writes, network names as ids.

    Raises Refused for an unknown network, or one that services cannot use.
    """
    task = spec["TaskTemplate"]
    mode = dict(spec["Mode"]) or {"Replicated": {}}
    if "Replicated" in mode:
        mode["Replicated"] = {"Replicas": mode["Replicated"].get("Replicas", 1)}
    task = {**task, "Runtime": task.get("Runtime") or "container"}
    if "Networks" in task:
        task["Networks"] = _resolved(state, task["Networks"])
    result = {**spec, "TaskTemplate": task, "Mode": mode}
    if "Networks" in spec:
        result["Networks"] = _resolved(state, spec["Networks"])
    return result


def _resolved(state: State, attachments: list[Json]) -> list[Json]:
    return [{**one, "Target": _network_id(state, one.get("Target", ""))} for one in attachments]


def _network_id(state: State, target: str) -> str:
    try:
        network = find_network(state, target)
    except Refused as refusal:
        raise Refused(500, str(refusal)) from None
    if network.spec.get("Ingress"):
        raise invalid(f'Service cannot be explicitly attached to the ingress network "{network.name}"')
    if network.spec["Scope"] != "swarm" and not network.predefined:
        raise Refused(
            403,
            f"The network {target} cannot be used with services. Only networks scoped to the swarm can be used, "
            "such as those created with the overlay driver.",
        )
    return network.id


def create_service(state: State, spec: Json, *, service_id: str, now: float) -> Service:
    """A new service of ``spec`` (read by its shape). Raises Refused."""
    spec = normalised(state, spec)
    check_spec(spec)
    check_references(state, spec)
    if any(one.name == spec["Name"] for one in state.services.values()):
        raise already_exists(f"name conflicts with an existing object: service {spec['Name']} already exists")
    return Service(
        id=service_id,
        spec=spec,
        spec_version=state.index + 1,
        version=0,
        created_at=now,
        updated_at=now,
        ports=allocated_ports(state, spec, service_id, ()),
    )


def update_service(state: State, service: Service, spec: Json, *, version: int, now: float) -> Service:
    """The service with a new spec; every accepted update, even an equal one, makes the old spec the previous one and
    clears the update status. Raises Refused."""
    spec = normalised(state, spec)
    check_spec(spec)
    check_references(state, spec, service.id)
    if spec["Name"] != service.name:
        raise unimplemented("renaming services is not supported")
    if spec["Mode"].keys() != service.spec["Mode"].keys():
        raise unimplemented("service mode change is not allowed")
    if version != service.version:
        raise out_of_sequence()
    ports = allocated_ports(state, spec, service.id, service.ports)
    return replace(revise(service, spec, version=state.index + 1, now=now), ports=ports)


def roll_back_service(state: State, service: Service, *, version: int, now: float) -> Service:
    """The service with spec and previous spec exchanged. Raises Refused."""
    reverted = revert(service, version=state.index + 1, now=now)
    if reverted is None:
        raise failed_precondition(f"service {service.id} does not have a previous spec")
    check_references(state, reverted.spec, service.id)
    if version != service.version:
        raise out_of_sequence()
    return replace(reverted, ports=allocated_ports(state, reverted.spec, service.id, service.ports))


def allocated_ports(state: State, spec: Json, service_id: str, held: tuple[Json, ...]) -> tuple[Json, ...]:
    """The spec's ports, each with its published port: a port that was allocated before is kept, a new one is the
    lowest free port from 30000 on. Ports in host mode without a published port stay without. Raises Refused."""
    taken = {
        (port["Protocol"], port["PublishedPort"])
        for other in state.services.values()
        if other.id != service_id
        for port in other.ports
        if port.get("PublishedPort")
    }
    wanted = spec.get("EndpointSpec", {}).get("Ports", [])
    taken |= {(port["Protocol"], port["PublishedPort"]) for port in wanted if port.get("PublishedPort")}
    kept = {_target(port): port["PublishedPort"] for port in held if port.get("PublishedPort")}
    result: list[Json] = []
    for port in wanted:
        number = port.get("PublishedPort")
        if not number and port["PublishMode"] == "ingress":
            number = kept.get(_target(port))
            if number is None or (port["Protocol"], number) in taken:
                number = _lowest_free(port["Protocol"], taken)
            taken.add((port["Protocol"], number))
        result.append(_published(port, number))
    return tuple(result)


def _target(port: Json) -> tuple[str, int, str]:
    return port["Protocol"], port.get("TargetPort", 0), port.get("Name", "")


def _lowest_free(protocol: str, taken: set[tuple[str, int]]) -> int:
    for number in range(_FIRST_DYNAMIC, _LAST_DYNAMIC + 1):
        if (protocol, number) not in taken:
            return number
    raise failed_precondition(f"no free {protocol} port between {_FIRST_DYNAMIC} and {_LAST_DYNAMIC}")


def _published(port: Json, number: int | None) -> Json:
    """In the API's field order: Name, Protocol, TargetPort, PublishedPort, PublishMode."""
    result = {name: value for name, value in port.items() if name not in ("PublishedPort", "PublishMode")}
    if number:
        result["PublishedPort"] = number
    result["PublishMode"] = port["PublishMode"]
    return result


_ADJECTIVES = ("amber", "brisk", "calm", "clear", "early", "fair", "gentle", "keen", "lucid", "mild", "quiet", "steady")
_NOUNS = ("birch", "brook", "cedar", "cliff", "dune", "fjord", "grove", "heath", "meadow", "ridge", "shore", "willow")


def free_name(state: State, choices: Choices) -> str:
    """A name for a service that was given none."""
    taken = {one.name for one in state.services.values()}
    for name in choices.shuffle([f"{adjective}_{noun}" for adjective in _ADJECTIVES for noun in _NOUNS]):
        if name not in taken:
            return name
    return f"service_{choices.new_id()}"
