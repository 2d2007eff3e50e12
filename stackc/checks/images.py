"""Every service needs an image; in the Compose dialect ``build`` without one is not enough either."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.lower.read import field, text
from stackc.parse.nodes import Mapping


def check(root: Mapping, stack: str, context: Context) -> None:
    services = field(root, "services")
    if not isinstance(services, Mapping):
        return
    for key, service in services.items():
        if text(service, "image"):
            continue
        hint = ""
        if field(service, "build") is not None:
            hint = "build and push the image first, and name it with `image:`"
        context.report(
            "SC4008", f"the service `{key}` has no image", services.key_span(key), path=("services", key), hint=hint
        )
