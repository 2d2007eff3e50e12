"""The networks that a service's tasks are in."""

from __future__ import annotations

from stackc.hints import Any
from stackc.lower.names import is_predefined
from stackc.lower.subject import Subject
from stackc.parse.nodes import Node
from stackc.parse.read import entries, field, strings, text

Json = dict[str, Any]
DEFAULT = "default"
MODES = ("host", "bridge")
"""``network_mode``: networks of the node itself that tasks can be in."""


def attachments(subject: Subject) -> list[Json]:
    """Sorted by target; networks that are not defined are left out. A predefined one has no aliases."""
    given = _network_mode(subject)
    if given is not None:
        return given
    listed: list[tuple[str, Node | None]] = list(entries(subject.service, "networks"))
    result = []
    for name, node in listed or [(DEFAULT, None)]:
        target = subject.targets.get(name)
        if target is None:
            continue
        attachment: Json = {"Target": target}
        aliases = strings(node, "aliases")
        if not is_predefined(target):
            aliases = [*aliases, subject.key]
        if aliases:
            attachment["Aliases"] = aliases
        result.append(subject.filler.fill(node, subject.table["services.*.networks.*"], attachment))
    return sorted(result, key=lambda entry: str(entry["Target"]))


def mode_of(service: Node, is_stack: bool) -> str:
    """``network_mode``, where the dialect heeds it and it says something else than the default."""
    word = "" if is_stack else text(service, "network_mode")
    return "" if word == DEFAULT else word


def _network_mode(subject: Subject) -> list[Json] | None:
    mode = mode_of(subject.service, subject.context.is_stack)
    if not mode:
        return None
    node = field(subject.service, "network_mode")
    if mode not in MODES:
        hint = "use `networks:`; services on one network reach each other by name"
        message = f"`network_mode: {mode}` cannot be expressed in a Swarm service"
        subject.report("SC2009", message, node, "network_mode", hint=hint)
    elif mode == "host" and field(subject.service, "ports") is not None:
        message = "with `network_mode: host` the ports of the task are the ports of its node: nothing is published"
        at = field(subject.service, "ports")
        subject.report("SC3011", message, at, "ports", hint="remove `ports`, or use another network")
    return [{"Target": mode}]
