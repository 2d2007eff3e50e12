"""An image without a fixed tag."""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.parse.nodes import Node
from stackc.parse.read import field, text

EXPLANATION = """\
Without a tag, or with the tag `latest`, an image means whatever was pushed last. Two nodes may run different
programs, a rollback may bring back the very version that it is to undo, and nobody can tell from the file what runs.

Name the version (`nginx:1.27.3`), or pin the digest (`nginx@sha256:…`).
"""


def check(key: str, service: Node, context: Context) -> None:
    image = text(service, "image")
    name = image.rpartition("/")[2]
    if not name or "@" in name or "://" in image or name != name.lower() or not name.isprintable():
        return  # a digest, or no valid reference: that is reported elsewhere
    _, colon, tag = name.partition(":")
    if tag in ("", "latest"):
        message = f"the image of `{key}` has the tag latest" if colon else f"the image of `{key}` has no tag"
        context.report("SC4023", message, field(service, "image"), path=("services", key, "image"))
