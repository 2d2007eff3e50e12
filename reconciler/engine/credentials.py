"""Registry credentials of this user, as docker's own tools find them: config.json, credential stores and helpers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docker.auth import AuthConfig


def registry_auth(env: Mapping[str, str]) -> Callable[[str], str]:
    """A function from an image to its ``X-Registry-Auth`` header, "" where nothing is known of its registry.

    A configuration and its helper program are asked once per registry, when first needed. What cannot be read counts as
    nothing: a public image needs none, and the registry's refusal says the rest.
    """
    known: dict[str, str] = {}

    def header(image: str) -> str:
        from docker import auth
        from docker.errors import DockerException

        try:
            registry, _ = auth.resolve_repository_name(image)
            if registry not in known:
                found = _config(env).resolve_authconfig(registry)
                known[registry] = auth.encode_header(found).decode() if found else ""
        except (DockerException, OSError, ValueError):
            return ""
        return known[registry]

    return header


def _config(env: Mapping[str, str]) -> AuthConfig:
    from docker import auth

    folder = env.get("DOCKER_CONFIG") or os.path.join(env.get("HOME", "/"), ".docker")  # noqa: PTH118
    path = os.path.join(folder, "config.json")  # noqa: PTH118
    if not os.path.exists(path):  # noqa: PTH110  (docker-py would go on to look in the home folder of the process)
        return auth.AuthConfig({}, dict(env))
    return auth.load_config(config_path=path, credstore_env=dict(env))
