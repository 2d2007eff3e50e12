"""Fields that several keys make together, and those that are always sent. The table of attributes names them."""

from __future__ import annotations

from stackc.attributes import CONTAINER
from stackc.hints import Any, Callable
from stackc.lower import container, deploy, files, mounts, networks, ports, security
from stackc.lower.subject import Subject
from stackc.lower.table import Field

Part = Callable[[Subject], Any]
"""Returns the value of its field, None for none."""

_CONTAINER = tuple(CONTAINER.split("."))

PARTS: dict[str, tuple[Field, Part]] = {
    "labels": ((*_CONTAINER, "Labels"), container.container_labels),
    "service_labels": (("Labels",), container.service_labels),
    "mode": (("Mode",), deploy.mode),
    "privileges": ((*_CONTAINER, "Privileges"), security.privileges),
    "networks": (("TaskTemplate", "Networks"), networks.attachments),
    "healthcheck": ((*_CONTAINER, "Healthcheck"), container.healthcheck),
    "cap_add": ((*_CONTAINER, "CapabilityAdd"), container.cap_add),
    "cap_drop": ((*_CONTAINER, "CapabilityDrop"), container.cap_drop),
    "mounts": ((*_CONTAINER, "Mounts"), mounts.mounts),
    "configs": ((*_CONTAINER, "Configs"), files.configs),
    "secrets": ((*_CONTAINER, "Secrets"), files.secrets),
    "restart_policy": (("TaskTemplate", "RestartPolicy"), deploy.restart_policy),
    "cpu_limit": (("TaskTemplate", "Resources", "Limits", "NanoCPUs"), deploy.cpu_limit),
    "swap": (("TaskTemplate", "Resources", "SwapBytes"), deploy.swap),
    "ports": (("EndpointSpec", "Ports"), ports.ports),
}
ALWAYS = ("labels", "service_labels", "mode", "privileges", "networks", "configs")
"""Asked whether or not one of their keys is there. A credential spec makes a config too."""

OBJECT_PARTS = ("name", "labels", "content")
"""The same for networks, volumes, configs and secrets: ``toplevel`` makes them."""
