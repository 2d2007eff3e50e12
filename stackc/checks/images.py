"""A service has no image."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.parse.nodes import Mapping
from stackc.parse.read import field, text

EXPLANATION = """\
A task is started from an image, and every node must be able to pull it. Building is no part of a deployment, so with
`build:` alone there is nothing to run: build the image, push it to a registry, and name it with `image:`.
"""


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
