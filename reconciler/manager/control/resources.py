"""Configs, secrets, networks and nodes: create, update, and whether they may go. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network

from reconciler.manager.control.names import check_resource_name, check_service_name
from reconciler.manager.control.refusal import (
    Refused,
    already_exists,
    failed_precondition,
    invalid,
    out_of_sequence,
    unknown,
)
from reconciler.manager.model import Json, Node, Service
from reconciler.manager.objects import Config, Network, Secret, State

CONFIG_LIMIT = 1_024_000
SECRET_LIMIT = 512_000
"""Bytes; data must be shorter."""

_SWARM_DRIVERS = ("overlay",)
_LOCAL_DRIVERS = ("bridge", "macvlan", "ipvlan")


def create_config(state: State, spec: Json, *, config_id: str, now: float) -> Config:
    """``spec`` was read by its shape. Raises Refused."""
    check_resource_name(spec["Name"])
    data = spec.get("Data", b"")
    if not 0 < len(data) < CONFIG_LIMIT:
        raise invalid(f"config data must be larger than 0 and less than {CONFIG_LIMIT} bytes")
    if any(one.name == spec["Name"] for one in state.configs.values()):
        raise already_exists(f"config {spec['Name']} already exists")
    return Config(id=config_id, spec=_without_data(spec), data=data, created_at=now, updated_at=now)


def create_secret(
    state: State, spec: Json, *, secret_id: str, now: float, seal: Callable[[str, bytes], bytes]
) -> Secret:
    """``seal``: (object id, data) → the bytes to keep. Raises Refused."""
    check_resource_name(spec["Name"])
    if "Driver" in spec:
        driver = spec["Driver"].get("Name", "")
        if not driver:
            raise invalid("secret driver must have a name")
        raise unknown(f'plugin "{driver}" not found')
    data = spec.get("Data", b"")
    if not 0 < len(data) < SECRET_LIMIT:
        raise invalid(f"secret data must be larger than 0 and less than {SECRET_LIMIT} bytes")
    if any(one.name == spec["Name"] for one in state.secrets.values()):
        raise already_exists(f"secret {spec['Name']} already exists")
    return Secret(id=secret_id, spec=_without_data(spec), sealed=seal(secret_id, data), created_at=now, updated_at=now)


def update_config(config: Config, spec: Json, *, version: int, now: float) -> Config:
    """Only labels can change. Raises Refused."""
    _check_labels_only(config.name, spec, same_data=spec.get("Data") in (None, config.data))
    if version != config.version:
        raise out_of_sequence()
    return replace(config, spec={**config.spec, "Labels": spec["Labels"]}, updated_at=now)


def update_secret(secret: Secret, spec: Json, *, version: int, now: float, data: bytes) -> Secret:
    """Only labels can change; ``data`` is the secret's. Raises Refused."""
    _check_labels_only(secret.name, spec, same_data=spec.get("Data") in (None, data))
    if version != secret.version:
        raise out_of_sequence()
    return replace(secret, spec={**secret.spec, "Labels": spec["Labels"]}, updated_at=now)


def _check_labels_only(name: str, spec: Json, *, same_data: bool) -> None:
    if spec["Name"] != name or not same_data:
        raise invalid("only updates to Labels are allowed")


def _without_data(spec: Json) -> Json:
    return {name: value for name, value in spec.items() if name != "Data"}


def check_config_unused(state: State, config: Config) -> None:
    """Raises Refused, naming the services whose current spec has it."""
    _refuse_users("config", config.name, _users(state, "Configs", "ConfigID", config.id))


def check_secret_unused(state: State, secret: Secret) -> None:
    """Raises Refused, naming the services whose current spec has it."""
    _refuse_users("secret", secret.name, _users(state, "Secrets", "SecretID", secret.id))


def _users(state: State, field: str, key: str, object_id: str) -> list[Service]:
    return [
        service
        for service in sorted(state.services.values(), key=lambda one: one.id)
        if any(one[key] == object_id for one in service.spec["TaskTemplate"]["ContainerSpec"].get(field, []))
    ]


def _refuse_users(kind: str, name: str, users: list[Service]) -> None:
    if users:
        names = ", ".join(service.name for service in users)
        raise invalid(f"{kind} '{name}' is in use by the following service{'s' if len(users) > 1 else ''}: {names}")


def create_network(state: State, spec: Json, *, network_id: str, now: float) -> Network:
    """A network is a name that services can share; tasks of this manager share the machine's own. Raises Refused."""
    driver = spec["Driver"] or "bridge"
    if not spec["Name"]:
        raise Refused(500, "invalid name: ")
    if driver in ("host", "null"):
        raise Refused(403, f'only one instance of "{driver}" network is allowed')
    if driver not in _SWARM_DRIVERS + _LOCAL_DRIVERS:
        raise Refused(404, f'plugin "{driver}" not found')
    if driver in _SWARM_DRIVERS and spec["Scope"] == "local":
        raise Refused(403, "cannot downgrade network scope for overlay networks")
    scope = "swarm" if driver in _SWARM_DRIVERS else spec["Scope"] or "local"
    if any(one.name == spec["Name"] for one in state.networks.values()):
        raise Refused(409, f"network with name {spec['Name']} already exists")
    check_service_name(spec["Name"])
    for pool in (spec.get("IPAM", {}).get("Config")) or []:
        _check_subnet(pool.get("Subnet", ""))
    return Network(id=network_id, spec={**spec, "Driver": driver, "Scope": scope}, created_at=now)


def _check_subnet(text: str) -> None:
    try:
        ip_network(text, strict=False)
    except ValueError:
        raise Refused(500, f"Invalid subnet {text} : invalid CIDR address: {text}") from None


def check_network_removable(state: State, network: Network) -> None:
    """Raises Refused: predefined, or attached to a service."""
    if network.predefined:
        raise Refused(403, f"{network.name} is a pre-defined network and cannot be removed")
    for service in sorted(state.services.values(), key=lambda one: one.id):
        attachments = (*service.spec["TaskTemplate"].get("Networks", []), *service.spec.get("Networks", []))
        if any(one.get("Target") == network.id for one in attachments):
            raise failed_precondition(f"network {network.id} is in use by service {service.id}")


def predefined_networks(new_id: Callable[[], str], now: float) -> tuple[Network, ...]:
    """The networks that are there from the start, as in a fresh swarm."""
    shapes = (
        ("ingress", "overlay", "swarm"),
        ("bridge", "bridge", "local"),
        ("host", "host", "local"),
        ("none", "null", "local"),
    )
    return tuple(
        Network(
            id=new_id(),
            spec={
                "Name": name,
                "Driver": driver,
                "Scope": scope,
                "EnableIPv6": False,
                "Internal": False,
                "Attachable": False,
                "Ingress": name == "ingress",
            },
            predefined=True,
            created_at=now,
        )
        for name, driver, scope in shapes
    )


def update_node(node: Node, spec: Json, *, version: int, now: float) -> Node:
    """Availability and labels. Raises Refused."""
    availability, role = spec["Availability"], spec["Role"]
    if role not in ("manager", "worker"):
        raise Refused(400, f'invalid Role: "{role}"')
    if availability not in ("active", "pause", "drain"):
        raise Refused(400, f'invalid Availability: "{availability}"')
    if role == "worker":
        raise failed_precondition("attempting to demote the last manager of the swarm")
    if version != node.version:
        raise out_of_sequence()
    return replace(node, availability=availability, labels=spec["Labels"], updated_at=now)
