"""Placement constraints: ``node.labels.zone == eu``, their grammar and which nodes they match.

Swarm's grammar, not a pattern language: ``*`` and ``?`` in a value mean themselves. Several constraints are ANDed.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.manager.model import Node

_KEY = re.compile(r"[a-z_][a-z0-9\-_.]+", re.ASCII | re.IGNORECASE)
_VALUE = re.compile(r"[a-z0-9:\-_\s.*()?+\[\]\\^$|/]+", re.ASCII | re.IGNORECASE)
NODE_LABELS = "node.labels."
ENGINE_LABELS = "engine.labels."


class ConstraintError(ValueError):
    """A constraint that Docker refuses; the text is the engine's."""


@dataclass(frozen=True, slots=True)
class Constraint:
    key: str
    equal: bool
    value: str


def parse(expressions: Sequence[str]) -> tuple[Constraint, ...]:
    """Read constraints as Docker does: the operator is the first ``==``, else the first ``!=``.

    Raises ConstraintError for the first one that is malformed. A key that means nothing is not malformed.
    """
    return tuple(_parse_one(expression) for expression in expressions)


def _parse_one(expression: str) -> Constraint:
    for operator in ("==", "!="):
        key, found, value = expression.partition(operator)
        if not found:
            continue
        key, value = key.strip(), value.strip()
        if not _KEY.fullmatch(key):
            raise ConstraintError(f"key '{key}' is invalid")
        if not _VALUE.fullmatch(value):
            raise ConstraintError(f"value '{value}' is invalid")
        return Constraint(key, operator == "==", value)
    raise ConstraintError("constraint expected one operator from ==, !=")


def matches(constraints: Sequence[Constraint], node: Node) -> bool:
    return all(_matches_one(constraint, node) for constraint in constraints)


def node_matches(expressions: Sequence[str], node: Node) -> bool:
    """``matches`` for stored expressions: the API has checked them, so a malformed one constrains nothing."""
    try:
        return matches(parse(expressions), node)
    except ConstraintError:
        return True


def label_value(descriptor: str, node: Node) -> str | None:
    """The value of ``node.labels.K`` or ``engine.labels.K`` ("" when missing), None for any other descriptor.

    The prefix is case-insensitive, the label's name is not.
    """
    for prefix, labels in ((NODE_LABELS, node.labels), (ENGINE_LABELS, node.engine_labels)):
        if len(descriptor) > len(prefix) and descriptor[: len(prefix)].lower() == prefix:
            return labels.get(descriptor[len(prefix) :], "")
    return None


def _matches_one(constraint: Constraint, node: Node) -> bool:
    key = constraint.key.lower()
    if key == "node.ip":
        return _matches_address(constraint, node.address)
    attributes = {
        "node.id": node.id,
        "node.hostname": node.hostname,
        "node.role": node.role,
        "node.platform.os": node.os,
        "node.platform.arch": node.arch,
    }
    actual = attributes.get(key)
    if actual is None:
        actual = label_value(constraint.key, node)
    if actual is None:
        return False  # a key that means nothing matches no node, whatever the operator
    return (actual.lower() == constraint.value.lower()) == constraint.equal


def _matches_address(constraint: Constraint, address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    try:
        inside = found in ipaddress.ip_network(constraint.value, strict=False)
    except ValueError:
        return False  # neither an address nor a network
    return inside == constraint.equal
