"""Placement constraints that are malformed or match nothing."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.parse.nodes import Node, Scalar
from stackc.parse.read import field, items, text

EXPLANATION = """\
A placement constraint is `KEY == VALUE` or `KEY != VALUE`. A malformed one is refused by the engine. One with a key
that no node has is taken, and matches no node: every task stays pending ("scheduling constraints not satisfied"), for
ever and without an error. The keys are `node.id`, `node.hostname`, `node.ip`, `node.role` (manager or worker),
`node.platform.os`, `node.platform.arch`, `node.labels.NAME` and `engine.labels.NAME`.

Nodes call their architecture as the kernel does: `x86_64` and `aarch64`, not `amd64` and `arm64`. A preference can
only spread over `node.labels.NAME` and `engine.labels.NAME`; any other is ignored.
"""

_KEYS = ("node.id", "node.hostname", "node.ip", "node.role", "node.platform.os", "node.platform.arch")
_LABELS = ("node.labels.", "engine.labels.")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
_KEY = _LETTERS | frozenset("0123456789-_.")
_VALUE = _KEY | frozenset(": \t\n\r\f*()?+[]\\^$|/")
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64", "i386": "i686", "386": "i686", "arm": "armv7l"}


def check(key: str, service: Node, context: Context) -> None:
    placement = field(field(service, "deploy"), "placement")
    path = ("services", key, "deploy", "placement")
    for item in items(placement, "constraints"):
        if not isinstance(item, Scalar):
            continue
        constraint = str(item.value)
        problem = malformed(constraint)
        if problem:
            context.report("SC4039", f"the constraint `{constraint}` {problem}", item, path=(*path, "constraints"))
            continue
        problem, hint = unmatched(constraint)
        if problem:
            message = f"no node matches `{constraint}`: {problem}"
            context.report("SC4040", message, item, path=(*path, "constraints"), hint=hint)
    for item in items(placement, "preferences"):
        spread = text(item, "spread")
        if spread and not spread.lower().startswith(_LABELS):
            message = f"the preference to spread over `{spread}` is ignored"
            hint = "one can spread over node.labels.NAME and engine.labels.NAME"
            context.report("SC4040", message, field(item, "spread"), path=(*path, "preferences"), hint=hint)


def _parts(constraint: str) -> tuple[str, str, str]:
    """Key, operator, value; as swarmkit splits: at the first ``==``, if there is none at the first ``!=``."""
    operator = "==" if "==" in constraint else "!="
    key, _, value = constraint.partition(operator)
    return key.strip(), operator, value.strip()


def malformed(constraint: str) -> str:
    """What the engine refuses in a constraint, or ""."""
    if "==" not in constraint and "!=" not in constraint:
        return "has neither == nor !="
    key, _, value = _parts(constraint)
    lower = key.lower()
    if not lower or lower[0] not in _LETTERS | {"_"} or not set(lower) <= _KEY:
        return "has no valid key"
    if not value:
        return "has no value"
    wrong = next((char for char in value.lower() if char not in _VALUE), "")
    return f"has the character `{wrong}`, which a value must not have" if wrong else ""


def unmatched(constraint: str) -> tuple[str, str]:
    """Why no node can match a constraint, and what to do; empty texts if one can."""
    key, operator, value = _parts(constraint)
    lower = key.lower()
    if lower not in _KEYS and not any(lower.startswith(label) and lower != label for label in _LABELS):
        return f"a node has no `{key}`", f"a label of a node is `node.labels.{key}`" if "." not in key else ""
    if operator == "==" and lower == "node.role" and value.lower() not in ("manager", "worker"):
        return "a role is manager or worker", ""
    if operator == "==" and lower == "node.platform.arch" and value.lower() in _ARCHITECTURES:
        name = _ARCHITECTURES[value.lower()]
        return f"nodes call this architecture {name}", f"write node.platform.arch == {name}"
    return "", ""
