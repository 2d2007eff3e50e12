"""References of a service to configs and secrets, by name: ``diff`` and the rollout bind them to objects and IDs."""

from __future__ import annotations

from typing import Any

from stackc.assemble.context import Context
from stackc.lower.names import object_name, objects
from stackc.lower.read import field, items, number, text
from stackc.parse.nodes import Mapping

Json = dict[str, Any]
_DEFAULT_MODE = 0o444


def file_references(kind: str, stack: str, key: str, service: Mapping, root: Mapping, context: Context) -> list[Json]:
    """Sorted by engine name, then target. What is not defined is left out (checks.references reports it)."""
    name_key = "ConfigName" if kind == "configs" else "SecretName"
    known = objects(root, kind)
    references: list[Json] = []
    targets: dict[str, str] = {}
    for item in items(service, kind):
        source = text(item, "source")
        if source not in known:
            continue
        target = text(item, "target") or source
        if kind == "secrets" and not context.is_stack:
            target = target.removeprefix("/run/secrets/")
        if target in targets:
            message = f"two {kind} of `{key}` have the target `{target}`"
            context.report(
                "SC4013", message, item, path=("services", key, kind), hint="give one of them another `target:`"
            )
        targets[target] = source
        mode = number(item, "mode") if field(item, "mode") is not None else _DEFAULT_MODE
        file = {"Name": target, "UID": text(item, "uid") or "0", "GID": text(item, "gid") or "0", "Mode": mode}
        references.append({"File": file, name_key: object_name(stack, source, known[source])})
    if kind == "configs":
        spec_config = text(field(service, "credential_spec"), "config")
        if spec_config in known:
            references.append({"Runtime": {}, name_key: object_name(stack, spec_config, known[spec_config])})
    references.sort(key=lambda ref: (ref[name_key], ref.get("File", {}).get("Name", "")))
    return references
