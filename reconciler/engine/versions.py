"""Which version of the Engine API an engine has. Old managers and nodes drop what they do not know, without a word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from stackc.attributes import BASE_API
from stackc.plan import Json

_RELEASES = (
    ((20, 10), "1.41"),
    ((23, 0), "1.42"),
    ((24, 0), "1.43"),
    ((25, 0), "1.44"),
    ((26, 0), "1.45"),
    ((27, 0), "1.46"),
    ((28, 0), "1.48"),
    ((28, 2), "1.50"),
    ((29, 0), "1.52"),
)
"""First engine release of each API version that changed what services keep."""


class EngineAge(NamedTuple):
    """An engine by the words that people know it by, and its API version."""

    name: str
    api: str


def api_of(version: str) -> str:
    """The API version of an engine release, such as ``27.3.1``; of one that cannot be read the oldest."""
    parts = version.split(".")
    if len(parts) < 2 or not (parts[0].isdigit() and parts[1].isdigit()):
        return BASE_API
    release = (int(parts[0]), int(parts[1]))
    return max((known for known in _RELEASES if known[0] <= release), default=_RELEASES[0])[1]


def oldest(nodes: Iterable[Json]) -> EngineAge:
    """The node with the oldest engine; ``nodes`` as ``GET /nodes`` answers, at least one."""
    ages = []
    for node in nodes:
        description = node.get("Description") or {}
        version = str((description.get("Engine") or {}).get("EngineVersion") or "")
        hostname = description.get("Hostname") or node.get("ID") or "?"
        ages.append(EngineAge(f"node {hostname} (Engine {version or 'unknown'})", api_of(version)))
    return min(ages, key=lambda age: (tuple(map(int, age.api.split("."))), age.name))
