"""From method and path to a handler; from whatever a handler raises to the engine's error body."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from reconciler.manager.api import nodes, resources, services, system, tasks
from reconciler.manager.api.context import API_VERSION, MIN_API_VERSION, Context, answer
from reconciler.manager.api.http import Request, Response
from reconciler.manager.control.refusal import Refused
from reconciler.manager.gojson import BodyError
from reconciler.manager.store import StoreError

_log = logging.getLogger(__name__)

Handle = Callable[..., Response]

_ROUTES: tuple[tuple[str, str, Handle], ...] = (
    ("GET", "/_ping", system.ping),
    ("GET", "/version", system.version),
    ("GET", "/info", system.info),
    ("GET", "/swarm", system.swarm),
    ("GET", "/events", system.events),
    ("GET", "/distribution/(.+)/json", system.distribution),
    ("GET", "/containers/json", system.nothing),
    ("GET", "/containers/([^/]+)/json", system.no_container),
    ("GET", "/images/json", system.nothing),
    ("GET", "/images/(.+)/json", system.no_image),
    ("GET", "/plugins", system.nothing),
    ("GET", "/volumes", system.volumes),
    ("GET", "/nodes", nodes.list_),
    ("GET", "/nodes/([^/]+)", nodes.inspect),
    ("POST", "/nodes/([^/]+)/update", nodes.update),
    ("DELETE", "/nodes/([^/]+)", nodes.remove),
    ("GET", "/services", services.list_),
    ("POST", "/services/create", services.create),
    ("GET", "/services/([^/]+)", services.inspect),
    ("POST", "/services/([^/]+)/update", services.update),
    ("DELETE", "/services/([^/]+)", services.remove),
    ("GET", "/services/([^/]+)/logs", tasks.service_logs),
    ("GET", "/tasks", tasks.list_),
    ("GET", "/tasks/([^/]+)", tasks.inspect),
    ("GET", "/tasks/([^/]+)/logs", tasks.task_logs),
    ("GET", "/networks", resources.list_networks),
    ("POST", "/networks/create", resources.create_network),
    ("GET", "/networks/([^/]+)", resources.inspect_network),
    ("DELETE", "/networks/([^/]+)", resources.remove_network),
    ("GET", "/configs", resources.list_configs),
    ("POST", "/configs/create", resources.create_config),
    ("GET", "/configs/([^/]+)", resources.inspect_config),
    ("POST", "/configs/([^/]+)/update", resources.update_config),
    ("DELETE", "/configs/([^/]+)", resources.remove_config),
    ("GET", "/secrets", resources.list_secrets),
    ("POST", "/secrets/create", resources.create_secret),
    ("GET", "/secrets/([^/]+)", resources.inspect_secret),
    ("POST", "/secrets/([^/]+)/update", resources.update_secret),
    ("DELETE", "/secrets/([^/]+)", resources.remove_secret),
)
_COMPILED = tuple((method, re.compile(pattern), handle) for method, pattern, handle in _ROUTES)
_VERSION = re.compile(r"/v([0-9]{1,3})\.([0-9]{1,3})(?=/)", re.ASCII)


class Router:
    """Answers every request, whatever happens; nothing is raised."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._headers = (
            ("Api-Version", API_VERSION),
            ("Docker-Experimental", "false"),
            ("Ostype", "linux"),
            ("Server", f"stackc/{context.version}"),
        )

    def __call__(self, request: Request) -> Response:
        response = self._answer(request)
        return response._replace(headers=(*self._headers, *response.headers))

    def _answer(self, request: Request) -> Response:
        try:
            return self._dispatch(request)
        except Refused as refusal:
            return answer({"message": str(refusal)}, refusal.status)
        except BodyError as error:
            return answer({"message": str(error)}, 400)
        except StoreError as error:
            return answer({"message": str(error)}, 500)
        except Exception:
            _log.exception("%s %s failed", request.method, request.path)
            return answer({"message": "internal error of the manager; its log tells more"}, 500)

    def _dispatch(self, request: Request) -> Response:
        path = request.path
        if found := _VERSION.match(path):
            _check_version(int(found[1]), int(found[2]))
            path = path[found.end() :]
        method = "GET" if request.method == "HEAD" and path == "/_ping" else request.method
        for wanted, pattern, handle in _COMPILED:
            if wanted == method and (match := pattern.fullmatch(path)):
                _log.debug("%s %s", request.method, request.path)
                return handle(self._context, request, *match.groups())
        raise Refused(404, "page not found")


def _check_version(major: int, minor: int) -> None:
    asked = f"{major}.{minor}"
    if (major, minor) > _numbers(API_VERSION):
        raise Refused(400, f"client version {asked} is too new. Maximum supported API version is {API_VERSION}")
    if (major, minor) < _numbers(MIN_API_VERSION):
        raise Refused(
            400,
            f"client version {asked} is too old. Minimum supported API version is {MIN_API_VERSION}, "
            "please upgrade your client to a newer version",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
