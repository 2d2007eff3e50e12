"""When is a task out of date? Docker's rule, to the letter: a deep, ordered comparison of *stored* specs.

An absent field and its explicit default differ (``Resources`` absent and ``{}``), and so do two orders of the same
list, because Docker compares what it stored and not what it means. What it stores differs a little from what it was
sent: empty lists and maps and scalars with their zero value vanish on the way, and a few enumerations get a name.
``_stored`` repeats exactly that.
"""

from __future__ import annotations

from typing import Any

from reconciler.manager import specs
from reconciler.manager.constraints import node_matches
from reconciler.manager.model import Json, Node, Service, Task, TaskState

# Free-form maps: their content is data, and an empty one is stored as an absent one.
_MAPS = frozenset({"Labels", "Options", "DriverOpts", "Sysctls"})
# Scalars that Docker stores with a presence bit, so that zero is not absent.
_OPTIONAL = frozenset({"Init", "StopGracePeriod", "Delay", "Window", "MemorySwappiness"})
# Enumerations whose default is stored whether it was sent or not.
_DEFAULTS = {
    "Mode": "vip",
    "Protocol": "tcp",
    "PublishMode": "ingress",
    "Condition": "any",
    "Runtime": "container",
    "Isolation": "default",
}


def is_dirty(service: Service, task: Task, node: Node | None) -> bool:
    """Must ``task`` be replaced to match ``service``? ``node``: where the task is, if it is anywhere.

    1. The same spec version is clean without a look.
    2. If only the placement differs and the node satisfies the new constraints, the task stays where it is.
    3. Otherwise task template and endpoint spec are compared as they are stored.
    """
    if task.spec_version == service.spec_version:
        return False
    wanted, has = specs.task_template(service.spec), task.spec
    endpoint = service.spec.get("EndpointSpec")
    if wanted == has and (endpoint or {}) == task.endpoint and endpoint != {}:
        return False
    wanted, has = _stored(wanted), _stored(has)
    if _has_its_image(task):
        wanted, has = _without_pull_options(wanted), _without_pull_options(has)
    if _only_placement_differs(wanted, has) and node is not None and _satisfies(wanted, node):
        return False
    return bool(wanted != has or _stored_endpoint(endpoint) != _stored_endpoint(task.endpoint or None))


def _has_its_image(task: Task) -> bool:
    """Registry credentials no longer matter to a task that has pulled its image and is to run."""
    return task.desired <= TaskState.RUNNING and TaskState.READY <= task.status.state <= TaskState.RUNNING


def _only_placement_differs(wanted: Json, has: Json) -> bool:
    rest = {**wanted, "Placement": None} == {**has, "Placement": None}
    return rest and wanted.get("Placement") != has.get("Placement")


def _satisfies(template: Json, node: Node) -> bool:
    return node_matches(specs.placement(template).get("Constraints") or (), node)


def _without_pull_options(template: Json) -> Json:
    container = template.get("ContainerSpec")
    if not container or "PullOptions" not in container:
        return template
    return {**template, "ContainerSpec": {key: value for key, value in container.items() if key != "PullOptions"}}


def _stored_endpoint(endpoint: Json | None) -> Any:
    """None when there is none: Docker tells an absent EndpointSpec from an empty one."""
    return None if endpoint is None else _stored(endpoint)


def _stored(value: Any) -> Any:
    if isinstance(value, list):
        return [_stored(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept: Json = {}
    for key, item in value.items():
        if key in _MAPS:
            if item:
                kept[key] = item
        elif item is None or _DEFAULTS.get(key) == item:
            continue
        elif item or isinstance(item, dict) or key in _OPTIONAL:  # other empty lists and scalars vanish
            kept[key] = _stored(item)
    return kept
