"""How one value becomes one field of the Engine API: the emitters that the table of attributes names.

An emitter takes a node that is not null and returns the API's value, ``NOTHING`` where no field is sent, or ``KEPT``
where the field is not sent but the object around it is. It raises ``Unfit`` for a value that no field can hold.
"""

from __future__ import annotations

from stackc.assemble.quantity import float32, nano_cpus, size
from stackc.hints import Any, Callable
from stackc.lower.image import familiar
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence, plain
from stackc.parse.scalars import go_text

NOTHING: Any = object()
KEPT: Any = object()

Emitter = Callable[[Node], Any]


class Unfit(Exception):  # noqa: N818 - a finding, not a fault
    """A value that has no place in the API. ``code`` is one of ``stackc.codes.CODES``."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        self.code = code
        self.message = message
        self.hint = hint


def _copy(node: Node) -> Any:
    """As it is; nothing for what Go calls the zero value."""
    return plain(node) or NOTHING


def _lower(node: Node) -> Any:
    return _word(node).lower() or NOTHING


def _word(node: Node) -> str:
    value = node.value if isinstance(node, Scalar) else None
    return "" if value is None else str(value)


def _pairs(node: Node) -> Any:
    return _sorted_pairs(node) or NOTHING


def _sorted_pairs(node: Node) -> dict[str, str]:
    """A mapping of strings, in the order of its keys."""
    if not isinstance(node, Mapping):
        return {}
    return {name: _word(child) for name, child in sorted(node.entries.items(), key=lambda pair: pair[0])}


def _kept_list(node: Node) -> Any:
    """docker sends ``DNSConfig: {}`` for an empty list."""
    return plain(node) or KEPT


def _environment(node: Node) -> Any:
    """``K=V`` in byte order; a bare ``K`` where nothing is known of it."""
    if not isinstance(node, Mapping):
        return NOTHING
    lines = []
    for name, child in node.entries.items():
        value = child.value if isinstance(child, Scalar) else None
        lines.append(name if value is None else f"{name}={value}")
    lines.sort(key=lambda line: line.encode("utf-8", "surrogatepass"))
    return lines or NOTHING


def _hosts(node: Node) -> Any:
    """``host:address`` → ``address host``."""
    lines = []
    for item in node.items if isinstance(node, Sequence) else ():
        host, _, address = _word(item).partition(":")
        lines.append(f"{address} {host}")
    return lines or NOTHING


def _image(node: Node) -> Any:
    image = _word(node)
    if not image:  # reported by checks.images
        return NOTHING
    try:
        return familiar(image)
    except ValueError as error:
        raise Unfit("SC3008", f"the image `{image}` {error}") from None


def _ulimits(node: Node) -> Any:
    """Sorted by name."""
    if not isinstance(node, Mapping):
        return NOTHING
    limits = []
    for name, child in sorted(node.entries.items(), key=lambda pair: pair[0]):
        hard, soft = (_number_at(child, side) for side in ("hard", "soft"))
        limits.append({"Name": name, "Hard": hard, "Soft": soft})
    return limits or NOTHING


def _number_at(node: Node, side: str) -> int:
    """One limit of a pair; a single number is both."""
    if isinstance(node, Mapping):
        node = node.entries.get("single") or node.entries.get(side) or node
    value = node.value if isinstance(node, Scalar) else None
    return int(value) if isinstance(value, (int, float)) else 0


def nano(node: Node) -> int:
    """CPUs × 10^9; 0 where nothing is said. Raises Unfit."""
    text = _word(node)
    try:
        return nano_cpus(text) if text else 0
    except ValueError as error:
        raise Unfit("SC3005", f"`{text}` {error}") from None


def byte_count(node: Node) -> int:
    """Bytes, of a number or of a text with a unit. Raises Unfit."""
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = "" if value is None else go_text(value)
    try:
        return -1 if text == "-1" else size(text)
    except ValueError as error:
        raise Unfit("SC3004", f"`{text}` {error}") from None


def whole(node: Node) -> int:
    """A whole number, also one in quotes. Raises Unfit."""
    value = node.value if isinstance(node, Scalar) else None
    text = _word(node)
    try:
        return int(value) if isinstance(value, (int, float)) else int(text)
    except (ValueError, OverflowError):
        raise Unfit("SC3010", f"`{text}` is no whole number") from None


def _permissions(node: Node) -> Any:
    """Permissions; a text is octal, as Compose has it."""
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, (int, float)):
        return int(value)
    text = _word(node)
    if not text or not set(text) <= set("01234567") or len(text) > 8:
        raise Unfit("SC3010", f"`{text}` is no octal number", "write the mode in octal digits, such as 0440")
    return int(text, 8)


def _pids(node: Node) -> Any:
    """-1 and 0 mean no limit."""
    count = whole(node)
    return count if count > 0 else NOTHING


def _float32(node: Node) -> Any:
    value = node.value if isinstance(node, Scalar) else None
    return float32(value) if isinstance(value, (int, float)) else 0


def _non_recursive(node: Node) -> Any:
    word = _word(node)
    if word in ("", "enabled"):
        return NOTHING
    if word == "disabled":
        return True
    raise Unfit(
        "SC2009",
        f"`recursive: {word}` cannot be expressed in a Swarm service",
        "use `recursive: disabled`, or leave it out",
    )


_SYSTEMS = ("linux", "windows", "darwin", "freebsd")
_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "arm": "", "armhf": ""}
"""As docker writes them; 32-bit ARM nodes have many names, so any node will do for it."""


def _platform(node: Node) -> Any:
    text = _word(node)
    if not text:
        return NOTHING
    parts = text.lower().split("/")
    if len(parts) > 3 or "" in parts:
        raise Unfit("SC3016", f"`{text}` is no platform", "write OS/ARCHITECTURE, such as linux/amd64")
    if len(parts) == 1:
        parts = [parts[0], ""] if parts[0] in _SYSTEMS else ["linux", parts[0]]
    return [{"OS": parts[0], "Architecture": _ARCHITECTURES.get(parts[1], parts[1])}]


EMITTERS: dict[str, Emitter] = {
    "copy": _copy,
    "pointer": plain,
    "lower": _lower,
    "pairs": _pairs,
    "kept_pairs": _sorted_pairs,
    "kept_list": _kept_list,
    "environment": _environment,
    "hosts": _hosts,
    "image": _image,
    "ulimits": _ulimits,
    "nano_cpus": lambda node: nano(node) or NOTHING,
    "bytes": lambda node: byte_count(node) or NOTHING,
    "permissions": _permissions,
    "whole": whole,
    "number": lambda node: whole(node) or NOTHING,
    "pids": _pids,
    "float32": _float32,
    "non_recursive": _non_recursive,
    "platform": _platform,
}
OBJECT, EACH = "object", "each"
"""Two more names: an object that is sent as soon as its key is there, and a list of objects."""
