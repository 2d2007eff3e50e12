"""The short form of ports as docker's nat package reads it: ``[ip:][host[-host]:]container[-container][/protocol]``.

A published range for one container port is written out by docker's stack files, and left to the engine by Compose.
"""

from __future__ import annotations

from stackc.hints import NamedTuple


class Port(NamedTuple):
    """``published`` is 0 where the engine chooses. ``address`` as written; Swarm cannot honour it."""

    target: int
    published: int
    protocol: str
    address: str


class Published(NamedTuple):
    """A port of a Compose file. ``published`` is text: "" where the engine chooses, ``8000-8005`` to choose from."""

    target: int
    published: str
    protocol: str
    address: str


def parse_ports(text: str) -> list[Port]:
    """All ports of one short form, in docker's order: range members sort as text. Raises ValueError."""
    address, protocol, (first, last), published = _read(text)
    if published is None:
        pairs = [(target, 0) for target in range(first, last + 1)]
    else:
        low, high = published
        if last - first == high - low:
            pairs = [(first + step, low + step) for step in range(last - first + 1)]
        else:
            pairs = [(first, published) for published in range(low, high + 1)]
    ports = [Port(target, published, protocol, address) for target, published in pairs]
    if first != last:
        ports.sort(key=lambda port: f"{port.target}/{protocol}")
    return ports


def parse_published(text: str) -> list[Published]:
    """The same as Compose reads it: a range for one container port stays a range, and port 0 is no target."""
    address, protocol, (first, last), published = _read(text)
    if first == 0:
        raise ValueError("the container port is 0")
    ports = []
    for target in range(first, last + 1):
        if published is None:
            words = ""
        elif published[0] == published[1] or last > first:
            words = str(published[0] + target - first)
        else:
            words = f"{published[0]}-{published[1]}"
        ports.append(Published(target, words, protocol, address))
    if first != last:
        ports.sort(key=lambda port: f"{port.target}/{protocol}")
    return ports


def _read(text: str) -> tuple[str, str, tuple[int, int], tuple[int, int] | None]:
    """Address, protocol, the range of container ports and the published one."""
    address, host, container = _parts(text)
    bare, _, protocol = container.partition("/")
    protocol = (protocol.partition("/")[0] or "tcp").lower()
    if protocol not in ("tcp", "udp", "sctp"):
        raise ValueError(f"the protocol `{protocol}` is none of tcp, udp and sctp")
    if address:
        check_address(address)
    if not bare:
        raise ValueError("no container port stands here")
    first, last = _range(bare, "container port")
    if not host:
        return address.strip("[]"), protocol, (first, last), None
    low, high = _range(host, "published port")
    if last - first != high - low and first != last:
        raise ValueError("the two ranges have different lengths")
    return address.strip("[]"), protocol, (first, last), (low, high)


def _parts(text: str) -> tuple[str, str, str]:
    parts = text.split(":")
    if len(parts) == 1:
        return "", "", parts[0]
    if len(parts) == 2:
        return "", parts[0], parts[1]
    return ":".join(parts[:-2]), parts[-2], parts[-1]


def _range(text: str, what: str) -> tuple[int, int]:
    low, dash, rest = text.partition("-")
    first = _port(low, what)
    last = _port(rest.partition("-")[0], what) if dash else first  # what a second dash brings is not looked at
    if last < first:
        raise ValueError(f"the {what} range {text} runs backwards")
    return first, last


def _port(text: str, what: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        raise ValueError(f"`{text}` is no {what}")
    number = int(text)
    if number > 65535:
        raise ValueError(f"the {what} {text} is greater than 65535")
    return number


def check_address(text: str) -> None:
    """Raises ValueError for what is no IP address, with or without brackets."""
    bare = text
    if text.startswith("["):
        if not text.endswith("]"):
            raise ValueError(f"`{text}` is no IP address")
        bare = text[1:-1]
    if not (_is_ipv4(bare) or (":" in bare and _is_ipv6(bare))):
        raise ValueError(f"`{text}` is no IP address")


def _is_ipv4(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 4 and all(
        p.isascii() and p.isdigit() and len(p) <= 3 and int(p) < 256 and (len(p) == 1 or p[0] != "0") for p in parts
    )


def _is_ipv6(text: str) -> bool:
    if text.count("::") > 1 or ":::" in text:
        return False
    head, double, tail = text.partition("::")
    groups = [g for g in (*head.split(":"), *tail.split(":")) if g]
    if "" in (head.split(":") if head else []) or "" in (tail.split(":") if tail else []):
        return False
    width = 0
    for position, group in enumerate(groups):
        if "." in group:
            if position != len(groups) - 1 or not _is_ipv4(group):
                return False
            width += 2
        elif len(group) <= 4 and set(group) <= set("0123456789abcdefABCDEF"):
            width += 1
        else:
            return False
    return width <= 7 if double else width == 8
