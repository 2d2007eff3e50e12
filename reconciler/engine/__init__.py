"""The one client of both managers: Docker's Swarm manager and the built-in one speak the same Engine API."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from reconciler.engine.client import Engine
from reconciler.engine.errors import EngineError
from reconciler.engine.transport import DockerTransport, Transport
from reconciler.engine.transport import connect as open_transport

__all__ = ["Engine", "EngineError", "connect"]

DEFAULT_SOCKET = "/var/run/docker.sock"
BUILTIN = "builtin"


def connect(host: str | None, env: Mapping[str, str], *, start: bool = True) -> Engine:
    """The manager that the command line and the environment name; else the built-in one of this user.

    ``builtin`` as host names the built-in manager also where docker is there. Else in this order: ``--host``,
    ``DOCKER_HOST``, the current docker context, an existing default socket, the
    built-in manager (started when ``start``). An engine that was named is used or is an error; there is no
    silent fall-back. Raises EngineError.
    """
    named = host or env.get("DOCKER_HOST")
    if named == BUILTIN:
        return builtin(env, start=start)
    if named:
        return Engine(_open(named, env), named)
    context = current_context(env)
    if context != "default":
        return _of_context(context)
    if os.path.exists(DEFAULT_SOCKET):  # noqa: PTH110
        return Engine(open_transport(f"unix://{DEFAULT_SOCKET}"), f"unix://{DEFAULT_SOCKET}")
    return builtin(env, start=start)


def builtin(env: Mapping[str, str], *, start: bool = True) -> Engine:
    """The built-in manager of this user, started on demand. Raises EngineError."""
    from reconciler.manager.launch import LaunchError, ensure_running
    from reconciler.manager.paths import PathError, Paths

    try:
        paths = Paths.of(env)
        if start:
            ensure_running(paths)
    except (PathError, LaunchError) as error:
        raise EngineError("unreachable", str(error)) from error
    host = f"unix://{paths.socket}"
    return Engine(open_transport(host), host)


def _open(host: str, env: Mapping[str, str]) -> Transport:
    if env.get("DOCKER_TLS_VERIFY") and host.startswith("tcp://"):
        from docker.tls import TLSConfig

        folder = env.get("DOCKER_CERT_PATH") or os.path.join(env.get("HOME", "/"), ".docker")  # noqa: PTH118
        pair = (f"{folder}/cert.pem", f"{folder}/key.pem")
        return DockerTransport(host, TLSConfig(client_cert=pair, ca_cert=f"{folder}/ca.pem", verify=True))
    return open_transport(host)


def current_context(env: Mapping[str, str]) -> str:
    """The name of the current docker context, as the docker CLI finds it; ``default`` where there is none."""
    if env.get("DOCKER_CONTEXT"):
        return env["DOCKER_CONTEXT"]
    folder = env.get("DOCKER_CONFIG") or os.path.join(env.get("HOME", "/"), ".docker")  # noqa: PTH118
    try:
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:  # noqa: PTH118, PTH123
            return str(json.load(file).get("currentContext") or "default")
    except (OSError, ValueError, AttributeError):
        return "default"


def _of_context(name: str) -> Engine:
    from docker.context import ContextAPI
    from docker.errors import DockerException

    try:
        context = ContextAPI.get_context(name)
    except (DockerException, OSError, ValueError) as error:
        raise EngineError("unreachable", f"the docker context {name!r} cannot be read: {error}") from error
    if context is None or not context.Host:
        raise EngineError("unreachable", f"the docker context {name!r} does not exist; see `docker context ls`")
    host = str(context.Host)
    transport = open_transport(host) if host.startswith("unix://") else DockerTransport(host, context.TLSConfig)
    return Engine(transport, host)
