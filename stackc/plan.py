"""StackPlan: what a stack should be, in the Engine API's own JSON (DESIGN: ``stackc.plan/1``).

Keys of the mappings are engine names (``STACK_KEY`` unless the file gives a ``name:``). In a service's spec
network targets, configs and secrets are referred to by name: ``Networks[].Target`` is an engine name,
``Configs[]``/``Secrets[]`` have ``ConfigName``/``SecretName`` and no ID. ``stackc.diff`` binds them to
generations, the rollout binds them to IDs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from stackc.diagnostics import Path, Span

Json = dict[str, Any]

FORMAT = "stackc.plan/1"
NAMESPACE_LABEL = "com.docker.stack.namespace"
IMAGE_LABEL = "com.docker.stack.image"


class ServicePlan(NamedTuple):
    """One service. ``depends_on``: engine name of the dependency to its condition (``service_started``,
    ``service_healthy``, ``service_completed_successfully``)."""

    key: str
    spec: Json
    depends_on: dict[str, str]


class NetworkPlan(NamedTuple):
    """``spec`` is the body of ``POST /networks/create``; an external network has only a ``Name`` and must exist."""

    key: str
    spec: Json
    external: bool


class FilePlan(NamedTuple):
    """A config or a secret: ``spec`` has Name, Labels and Templating/Driver, never Data.

    ``data`` is None for an external object. ``origin`` says where the bytes came from, such as
    ``file ./token.txt``; it is safe to print, the data of a secret is not.
    """

    key: str
    spec: Json
    external: bool
    data: bytes | None
    origin: str

    def __repr__(self) -> str:  # never the bytes, also not in a traceback or an assertion
        return f"FilePlan(key={self.key!r}, name={self.spec.get('Name')!r}, external={self.external}, origin={self.origin!r})"


class VolumePlan(NamedTuple):
    """A named volume as tasks will create it: ``spec`` has Name, Driver, DriverOpts, Labels."""

    key: str
    spec: Json
    external: bool


class StackPlan(NamedTuple):
    """The desired state of one stack. Mappings are in sorted order of their engine names.

    ``order``: waves of engine service names; a service stands in a later wave than all it depends on.
    ``origins``: document path to position, so that an engine's refusal can be shown at a line; no part of
    the digest. ``digest``: ``sha256:<hex>`` of the canonical JSON without digest (secrets count by length only).
    """

    stack: str
    services: dict[str, ServicePlan]
    networks: dict[str, NetworkPlan]
    configs: dict[str, FilePlan]
    secrets: dict[str, FilePlan]
    volumes: dict[str, VolumePlan]
    order: tuple[tuple[str, ...], ...]
    digest: str
    origins: dict[Path, Span]
