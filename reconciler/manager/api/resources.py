"""/configs, /secrets, /networks"""

from __future__ import annotations

from reconciler.manager import bodies
from reconciler.manager.api import render
from reconciler.manager.api.context import Context, answer, body, version_of
from reconciler.manager.api.filters import Filters, any_of, labels_match, read_filters
from reconciler.manager.api.http import Request, Response
from reconciler.manager.control import resources as control
from reconciler.manager.control.lookup import find_config, find_network, find_secret
from reconciler.manager.control.refusal import not_found
from reconciler.manager.objects import Changes, Config, Network, Secret, State

# --- configs -----------------------------------------------------------------------------------------------------


def list_configs(context: Context, request: Request) -> Response:
    filters = read_filters(request.query.get("filters", ""), ("id", "label", "name"))
    found = sorted(context.manager.state.configs.values(), key=lambda one: one.id)
    return answer([render.config(one) for one in found if _selected(one, filters)])


def _selected(one: Config | Secret, filters: Filters) -> bool:
    return (
        any_of(filters, "name", one.name.startswith)
        and any_of(filters, "names", lambda name: name == one.name)
        and any_of(filters, "id", one.id.startswith)
        and labels_match(filters, "label", one.spec["Labels"])
    )


def inspect_config(context: Context, request: Request, name: str) -> Response:
    return answer(render.config(find_config(context.manager.state, name)))


def create_config(context: Context, request: Request) -> Response:
    spec = body(request, bodies.CONFIG)
    config_id = context.manager.choices.new_id()
    context.manager.transact(
        lambda state, now: Changes(configs=(control.create_config(state, spec, config_id=config_id, now=now),))
    )
    return answer({"ID": config_id}, 201)


def update_config(context: Context, request: Request, name: str) -> Response:
    version, spec = version_of(request, "config"), body(request, bodies.CONFIG)

    def build(state: State, now: float) -> Changes:
        return Changes(configs=(control.update_config(find_config(state, name), spec, version=version, now=now),))

    context.manager.transact(build)
    return Response(200)


def remove_config(context: Context, request: Request, name: str) -> Response:
    def build(state: State, now: float) -> Changes:
        config = find_config(state, name)
        control.check_config_unused(state, config)
        return Changes(removed_configs=(config.id,))

    context.manager.transact(build)
    return Response(204)


# --- secrets -----------------------------------------------------------------------------------------------------


def list_secrets(context: Context, request: Request) -> Response:
    filters = read_filters(request.query.get("filters", ""), ("id", "label", "name", "names"))
    found = sorted(context.manager.state.secrets.values(), key=lambda one: one.id)
    return answer([render.secret(one) for one in found if _selected(one, filters)])


def inspect_secret(context: Context, request: Request, name: str) -> Response:
    return answer(render.secret(find_secret(context.manager.state, name)))


def create_secret(context: Context, request: Request) -> Response:
    spec = body(request, bodies.SECRET)
    manager = context.manager
    secret_id = manager.choices.new_id()

    def build(state: State, now: float) -> Changes:
        seal = manager.store.sealer.seal
        return Changes(secrets=(control.create_secret(state, spec, secret_id=secret_id, now=now, seal=seal),))

    manager.transact(build)
    return answer({"ID": secret_id}, 201)


def update_secret(context: Context, request: Request, name: str) -> Response:
    version, spec = version_of(request, "secret"), body(request, bodies.SECRET)

    def build(state: State, now: float) -> Changes:
        secret = find_secret(state, name)
        data = context.manager.store.sealer.open(secret.id, secret.sealed)
        return Changes(secrets=(control.update_secret(secret, spec, version=version, now=now, data=data),))

    context.manager.transact(build)
    return Response(200)


def remove_secret(context: Context, request: Request, name: str) -> Response:
    def build(state: State, now: float) -> Changes:
        secret = find_secret(state, name)
        control.check_secret_unused(state, secret)
        return Changes(removed_secrets=(secret.id,))

    context.manager.transact(build)
    return Response(204)


# --- networks ----------------------------------------------------------------------------------------------------


def list_networks(context: Context, request: Request) -> Response:
    accepted = ("dangling", "driver", "id", "label", "name", "scope", "type")
    filters = read_filters(request.query.get("filters", ""), accepted)
    state = context.manager.state
    found = sorted(state.networks.values(), key=lambda one: (one.created_at, one.name))
    return answer([render.network(one) for one in found if _network_selected(one, filters)])


def _network_selected(one: Network, filters: Filters) -> bool:
    kind = "builtin" if one.predefined else "custom"
    return (
        any_of(filters, "name", lambda name: name in one.name)
        and any_of(filters, "id", lambda part: part in one.id)
        and any_of(filters, "driver", lambda driver: driver == one.spec["Driver"])
        and any_of(filters, "scope", lambda scope: scope == one.spec["Scope"])
        and any_of(filters, "type", lambda wanted: wanted == kind)
        and labels_match(filters, "label", one.spec.get("Labels", {}))
    )


def inspect_network(context: Context, request: Request, name: str) -> Response:
    network = find_network(context.manager.state, name)
    scope = request.query.get("scope", "")
    if scope and scope != network.spec["Scope"]:
        raise not_found("network", name)
    return answer(render.network(network))


def create_network(context: Context, request: Request) -> Response:
    spec = body(request, bodies.NETWORK)
    network_id = context.manager.choices.new_id()
    context.manager.transact(
        lambda state, now: Changes(networks=(control.create_network(state, spec, network_id=network_id, now=now),))
    )
    return answer({"Id": network_id, "Warning": ""}, 201)


def remove_network(context: Context, request: Request, name: str) -> Response:
    def build(state: State, now: float) -> Changes:
        network = find_network(state, name)
        control.check_network_removable(state, network)
        return Changes(removed_networks=(network.id,))

    context.manager.transact(build)
    return Response(204)
