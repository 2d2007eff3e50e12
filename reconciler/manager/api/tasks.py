"""/tasks, and the logs of tasks and services"""

from __future__ import annotations

from reconciler.manager.api import render
from reconciler.manager.api.context import Context, answer
from reconciler.manager.api.filters import Filters, any_of, labels_match, read_filters
from reconciler.manager.api.http import Request, Response
from reconciler.manager.api.logs import LogQuery, stream
from reconciler.manager.control.lookup import find_node, find_service, find_task
from reconciler.manager.control.refusal import Refused
from reconciler.manager.events import task_name
from reconciler.manager.model import Task
from reconciler.manager.objects import State
from reconciler.manager.orchestrator.dirty import is_dirty

_ACCEPTED = ("_up-to-date", "desired-state", "id", "label", "name", "node", "runtime", "service")


def list_(context: Context, request: Request) -> Response:
    filters = dict(read_filters(request.query.get("filters", ""), _ACCEPTED))
    state = context.manager.state
    if "service" in filters:
        filters["service"] = tuple(find_service(state, name).id for name in filters["service"])
    if "node" in filters:
        filters["node"] = tuple(find_node(state, name).id for name in filters["node"])
    for wanted in filters.get("desired-state", ()):
        if wanted not in ("running", "shutdown", "accepted"):
            raise Refused(500, f"Invalid desired-state filter: '{wanted}'")
    found = [one for one in state.tasks.values() if _selected(state, one, filters)]
    return answer([render.task(one) for one in sorted(found, key=lambda one: one.id)])


def _selected(state: State, task: Task, filters: Filters) -> bool:
    return (
        any_of(filters, "service", lambda service_id: service_id == task.service_id)
        and any_of(filters, "node", lambda node_id: node_id == task.node_id)
        and any_of(filters, "id", task.id.startswith)
        and any_of(filters, "name", task_name(task).startswith)
        and any_of(filters, "desired-state", lambda wanted: wanted == task.desired.name.lower())
        and any_of(filters, "runtime", lambda runtime: runtime == "container")
        and labels_match(filters, "label", task.service_labels)
        and (not _asks_for_current(filters) or _is_current(state, task))
    )


def _asks_for_current(filters: Filters) -> bool:
    return any(value.lower() in ("1", "true") for value in filters.get("_up-to-date", ()))


def _is_current(state: State, task: Task) -> bool:
    service = state.services.get(task.service_id)
    return service is not None and not is_dirty(service, task, state.nodes.get(task.node_id))


def inspect(context: Context, request: Request, name: str) -> Response:
    return answer(render.task(find_task(context.manager.state, name)))


def service_logs(context: Context, request: Request, name: str) -> Response:
    service = find_service(context.manager.state, name)
    return stream(context, LogQuery.of(request), service_id=service.id, tty=_tty(service.spec["TaskTemplate"]))


def task_logs(context: Context, request: Request, name: str) -> Response:
    task = find_task(context.manager.state, name)
    return stream(context, LogQuery.of(request), task_id=task.id, tty=_tty(task.spec))


def _tty(template: dict[str, dict[str, object]]) -> bool:
    return bool(template["ContainerSpec"].get("TTY"))
