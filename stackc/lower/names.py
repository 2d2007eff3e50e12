"""From the keys of a file to the names of the engine."""

from __future__ import annotations

from stackc.parse.nodes import Mapping, Node
from stackc.parse.read import field, flag, text
from stackc.plan import NAMESPACE_LABEL

PREDEFINED = ("host", "bridge", "none", "default")
"""Networks that every engine has; tasks in them have no aliases."""


def object_name(stack: str, key: str, node: Node | None) -> str:
    """The engine's name of a top-level object: ``name:`` as it is, else ``STACK_KEY``; external ones are not scoped."""
    given = text(node, "name")
    if given:
        return given
    return key if flag(node, "external") else f"{stack}_{key}"


def labelled(stack: str, labels: dict[str, str]) -> dict[str, str]:
    return dict(sorted({**labels, NAMESPACE_LABEL: stack}.items()))


def objects(root: Mapping, kind: str) -> dict[str, Node]:
    node = field(root, kind)
    return node.entries if isinstance(node, Mapping) else {}


def is_predefined(name: str) -> bool:
    return name in PREDEFINED or name.startswith("container:")
