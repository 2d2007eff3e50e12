"""An external network, config or secret exists already: it is looked up by its name and nothing is made, so whatever
else the file says of it has no effect. Remove those keys, or `external` if the object is to be made. (Of an external
volume both dialects refuse them.)
"""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.parse.nodes import Mapping
from stackc.parse.read import entries, flag

_HEEDED = ("name", "external")


def check(root: Mapping, stack: str, context: Context) -> None:
    for kind in ("networks", "configs", "secrets"):
        for name, node in entries(root, kind):
            if not isinstance(node, Mapping) or not flag(node, "external"):
                continue
            for key in node.entries:
                if key not in _HEEDED and key in node.keys and not key.startswith("x-"):
                    message = f"`{key}` has no effect: the {kind[:-1]} `{name}` is external"
                    context.report("SC2101", message, node.key_span(key), path=(kind, name, key))
