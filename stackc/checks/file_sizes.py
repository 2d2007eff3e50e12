"""A config or secret of a size that the engine refuses."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.parse.nodes import Mapping
from stackc.parse.read import field
from stackc.plan import StackPlan

EXPLANATION = """\
The content of a secret must have 1 to 511999 bytes, of a config 1 to 1023999 bytes; the engine refuses all else, and
only when the networks of the stack exist already. An empty file is most often one that was never filled in.

What is larger belongs into the image or a volume. Swarm keeps configs and secrets in the memory of every manager and
sends them to each node, so stay well below the limit.
"""

LIMITS = {"configs": 1000 * 1024, "secrets": 500 * 1024}
"""Exclusive, in bytes; 0 bytes are refused as well."""


def check(plan: StackPlan, root: Mapping, context: Context) -> None:
    for kind, files in (("configs", plan.configs), ("secrets", plan.secrets)):
        for one in files.values():
            if one.data is None or one.origin == "nothing" or 0 < len(one.data) < LIMITS[kind]:
                continue
            node = field(field(root, kind), one.key)
            at = field(node, "file") or field(node, "content") or field(node, "environment") or node
            size = "is empty" if not one.data else f"has {len(one.data)} bytes"
            if not one.data and any(
                d.path == (kind, one.key) or d.span == (at.span if at else None) for d in context.findings
            ):
                continue  # its content could not be read: said already
            message = f"the {kind[:-1]} `{one.key}` {size}; the engine takes 1 to {LIMITS[kind] - 1}"
            context.report("SC4012", message, at, path=(kind, one.key))
