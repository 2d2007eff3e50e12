"""Go templates in a ContainerSpec (environment, hostname, mounts), as far as SwarmKit offers fields for them.

A hand-written scanner, not a template engine: ``{{.Service.Name}}``, ``{{ .Task.Slot }}``, trim markers, and
``{{index .Service.Labels "key"}}``. Anything else is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from reconciler.manager.model import Node, Task


class TemplateError(ValueError):
    """A template that names no known field. ``str()`` says which."""


class TemplateFields(NamedTuple):
    """``values``: field path without its dot → text. ``labels``: the same for the maps, which can be indexed."""

    values: Mapping[str, str]
    labels: Mapping[str, Mapping[str, str]]


def template_fields(task: Task, node: Node) -> TemplateFields:
    """The fields of SwarmKit's template context. A global task has its node's id for a slot."""
    slot = str(task.slot) if task.slot else task.node_id
    values = {
        "Service.ID": task.service_id,
        "Service.Name": task.service_name,
        "Node.ID": node.id,
        "Node.Hostname": node.hostname,
        "Node.Platform.Architecture": node.arch,
        "Node.Platform.OS": node.os,
        "Task.ID": task.id,
        "Task.Name": f"{task.service_name}.{slot}.{task.id}",
        "Task.Slot": slot,
    }
    return TemplateFields(values, {"Service.Labels": task.service_labels})


def expand(text: str, fields: TemplateFields) -> str:
    """``text`` with every ``{{…}}`` replaced. Raises TemplateError."""
    parts: list[str] = []
    position = 0
    trim_next = False
    while True:
        opening = text.find("{{", position)
        literal = text[position:] if opening < 0 else text[position:opening]
        if trim_next:
            literal = literal.lstrip(" \t\r\n")
        if opening < 0:
            parts.append(literal)
            return "".join(parts)
        closing = text.find("}}", opening + 2)
        if closing < 0:
            raise TemplateError(f'unclosed "{{{{" in template {_shown(text)}')
        action = text[opening + 2 : closing]
        if action[:2] in ("- ", "-\t"):
            literal, action = literal.rstrip(" \t\r\n"), action[2:]
        trim_next = action[-2:] in (" -", "\t-")
        if trim_next:
            action = action[:-2]
        parts += (literal, _evaluate(action.strip(" \t\r\n"), fields, text))
        position = closing + 2


def _evaluate(action: str, fields: TemplateFields, text: str) -> str:
    if action.startswith(("index ", "index\t")):
        words = action.split(None, 2)
        key = words[2].strip() if len(words) == 3 else ""
        quoted = len(key) >= 2 and key[0] == key[-1] and key[0] in '"`' and "\\" not in key
        if quoted and words[1][:1] == "." and words[1][1:] in fields.labels:
            return fields.labels[words[1][1:]].get(key[1:-1], "")
    elif action.startswith("."):
        name = action[1:]
        if name in fields.values:
            return fields.values[name]
        if name in fields.labels:
            pairs = " ".join(f"{key}:{value}" for key, value in sorted(fields.labels[name].items()))
            return f"map[{pairs}]"
    known = ", ".join(f".{name}" for name in sorted((*fields.values, *fields.labels)))
    raise TemplateError(f"template {_shown(text)}: {_shown(action)} is unknown (known: {known})")


def _shown(text: str) -> str:
    """Foreign text for a message: bounded, with control characters escaped."""
    return ascii(text if len(text) <= 100 else text[:100] + "…")
