"""Generations of networks: an engine cannot change a network in place, so changed options need a new one.

The first generation bears docker's name ``STACK_KEY``, a later one ``STACK_KEY-<12 hex>``. Services are moved in two
steps, first into both networks and then out of the old one, so that old and new tasks can talk all the time. Pure.
"""

from __future__ import annotations

import hashlib
import json

from stackc.hints import Iterator, Mapping, NamedTuple
from stackc.observed import Observed, ObservedObject
from stackc.plan import NAMESPACE_LABEL, Json, NetworkPlan

GENERATION_LABEL = "stackc.generation-of"


class Chosen(NamedTuple):
    """``bodies``: engine name → body to create; ``names``: name in the plan → name of its generation; ``notes``: what
    differs and stays as it is."""

    bodies: dict[str, Json]
    names: dict[str, str]
    notes: tuple[str, ...]


def choose(plan: Mapping[str, NetworkPlan], observed: Observed, *, replace: bool) -> Chosen:
    """The generation of every network of the plan; a new one for changed options only if ``replace``."""
    bodies: dict[str, Json] = {}
    names: dict[str, str] = {}
    notes: list[str] = []
    for base, network in plan.items():
        if network.external:
            names[base] = base
            continue
        generations = [o for o in observed.networks.values() if base_of(o, observed.stack) == base]
        fitting = [o for o in generations if not differences(network.spec, o)]
        if fitting or not generations:
            name = _preferred(fitting, base).name if fitting else base
            names[base], bodies[name] = name, _body(network.spec, base, name)
            continue
        current = _in_use(generations, observed) or _preferred(generations, base)
        if replace:
            name = f"{base}-{_fingerprint(network.spec)}"
            names[base], bodies[name] = name, _body(network.spec, base, name)
        else:
            names[base], bodies[current.name] = current.name, _body(network.spec, base, current.name)
            notes.append(
                f"network {current.name}: {', '.join(differences(network.spec, current))} changed in the file, and no"
                " engine can change a network in place: it stays as it is; --replace-network moves the services to a"
                " new one"
            )
    return Chosen(bodies, names, tuple(notes))


def base_of(network: ObservedObject, stack: str) -> str:
    """The plan's name for a network of this stack; "" of a foreign one."""
    if network.labels.get(NAMESPACE_LABEL) != stack:
        return ""
    return network.labels.get(GENERATION_LABEL) or network.name


def differences(body: Json, live: ObservedObject) -> list[str]:
    """Options that the file sets and the network has otherwise, as the Engine API names them."""
    found = []
    for key in ("Driver", "Attachable", "Internal", "EnableIPv6", "EnableIPv4"):
        wanted = body.get(key)
        if wanted is not None and bool_or_text(wanted) != bool_or_text(live.spec.get(key)):
            found.append(key)
    options = live.spec.get("Options") or {}
    if any(options.get(name) != value for name, value in (body.get("Options") or {}).items()):
        found.append("Options")
    if list(_addresses(body)) and list(_addresses(body)) != list(_addresses(live.spec)):
        found.append("IPAM")
    return found


def bool_or_text(value: object) -> object:
    return value if isinstance(value, str) and value else bool(value)


def _addresses(body: Json) -> Iterator[tuple[str, ...]]:
    """What the file says of addresses; an engine adds a gateway of its own."""
    for config in (body.get("IPAM") or {}).get("Config") or ():
        if config.get("Subnet"):
            yield str(config["Subnet"]), str(config.get("IPRange") or "")


def _in_use(generations: list[ObservedObject], observed: Observed) -> ObservedObject | None:
    targets = {n.get("Target") for s in observed.services.values() for n in attached(s.spec)}
    return next((o for o in sorted(generations, key=lambda o: o.name, reverse=True) if o.name in targets), None)


def _preferred(networks: list[ObservedObject], base: str) -> ObservedObject:
    return min(networks, key=lambda o: (o.name != base, o.name))


def _body(spec: Json, base: str, name: str) -> Json:
    if name == base:
        return spec
    return {**spec, "Name": name, "Labels": {**(spec.get("Labels") or {}), GENERATION_LABEL: base}}


def _fingerprint(spec: Json) -> str:
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:12]


def attached(spec: Json) -> list[Json]:
    return list((spec.get("TaskTemplate") or {}).get("Networks") or ())


def renamed(spec: Json, names: Mapping[str, str]) -> Json:
    """A service's spec with its networks at their generations."""
    networks = attached(spec)
    if all(names.get(n["Target"], n["Target"]) == n["Target"] for n in networks):
        return spec
    moved = [{**n, "Target": names.get(n["Target"], n["Target"])} for n in networks]
    return {**spec, "TaskTemplate": {**spec["TaskTemplate"], "Networks": sorted(moved, key=lambda n: str(n["Target"]))}}


def in_both(live: Json, wanted: Json, bases: Mapping[str, str]) -> Json | None:
    """What runs, attached to the wanted generations as well as to its own; None when it is in no old generation.
    ``bases``: name of a generation → the plan's name of the network."""
    now = {n["Target"] for n in attached(live)}
    families = {bases.get(target, target) for target in now}
    extra = [n for n in attached(wanted) if n["Target"] not in now and bases.get(n["Target"], n["Target"]) in families]
    if not extra:
        return None
    networks = sorted([*attached(live), *extra], key=lambda n: str(n["Target"]))
    return {**live, "TaskTemplate": {**live["TaskTemplate"], "Networks": networks}}
