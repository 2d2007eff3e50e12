"""/services"""

from __future__ import annotations

from reconciler.manager import bodies
from reconciler.manager.api import render
from reconciler.manager.api.context import Context, answer, body, version_of
from reconciler.manager.api.filters import any_of, labels_match, read_filters
from reconciler.manager.api.http import Request, Response
from reconciler.manager.control import services as control
from reconciler.manager.control.lookup import find_service
from reconciler.manager.control.refusal import Refused
from reconciler.manager.model import Service
from reconciler.manager.objects import Changes, State


def list_(context: Context, request: Request) -> Response:
    filters = read_filters(request.query.get("filters", ""), ("name", "id", "label", "mode", "runtime"))
    state = context.manager.state
    found: list[object] = []
    for one in sorted(state.services.values(), key=lambda one: one.id):
        if (
            any_of(filters, "name", one.name.startswith)
            and any_of(filters, "id", one.id.startswith)
            and any_of(filters, "mode", _mode(one).__eq__)
            and any_of(filters, "runtime", "container".__eq__)
            and labels_match(filters, "label", one.spec["Labels"])
        ):
            shown = render.service(one, defaults=request.flag("insertDefaults"))
            if request.flag("status"):
                shown["ServiceStatus"] = render.service_status(one, state.tasks.values())
            found.append(shown)
    return answer(found)


def _mode(service: Service) -> str:
    return "replicated" if "Replicated" in service.spec["Mode"] else "global"


def inspect(context: Context, request: Request, name: str) -> Response:
    return answer(render.service(find_service(context.manager.state, name), defaults=request.flag("insertDefaults")))


def create(context: Context, request: Request) -> Response:
    spec = body(request, bodies.SERVICE)
    service_id = context.manager.choices.new_id()

    def build(state: State, now: float) -> Changes:
        named = {**spec, "Name": spec["Name"] or control.free_name(state, context.manager.choices)}
        return Changes(services=(control.create_service(state, named, service_id=service_id, now=now),))

    context.manager.transact(build)
    return answer({"ID": service_id}, 201)


def update(context: Context, request: Request, name: str) -> Response:
    spec = body(request, bodies.SERVICE)
    version = _version(request)
    rollback = request.query.get("rollback", "")
    if rollback not in ("", "previous"):
        raise Refused(500, f"unrecognized rollback option {rollback}")
    if request.query.get("registryAuthFrom", "") not in ("", "spec", "previous-spec"):
        raise Refused(500, "unsupported registryAuthFrom value")

    def build(state: State, now: float) -> Changes:
        service = find_service(state, name)
        if rollback:
            return Changes(services=(control.roll_back_service(state, service, version=version, now=now),))
        return Changes(services=(control.update_service(state, service, spec, version=version, now=now),))

    context.manager.transact(build)
    return answer({"Warnings": None})


def _version(request: Request) -> int:
    try:
        return version_of(request, "service")
    except Refused:
        text = request.query.get("version", "")
        raise Refused(
            400, f"invalid service version '{text}': strconv.ParseUint: parsing \"{text}\": invalid syntax"
        ) from None


def remove(context: Context, request: Request, name: str) -> Response:
    context.manager.transact(lambda state, now: Changes(removed_services=(find_service(state, name).id,)))
    return Response(200)
