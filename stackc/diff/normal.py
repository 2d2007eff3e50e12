"""One form for the spec we would send and the spec an engine stores, so that equal means equal.

An engine adds defaults, turns empty lists into absent ones and never stores what it does not know. Rules
measured on Engine 20.10 (stored differs from sent); list order is kept everywhere, for order restarts tasks.
"""

from __future__ import annotations

from stackc.diff.fields import NEVER_KEPT
from stackc.hints import Any
from stackc.plan import Json

_UPDATE_DEFAULTS = {"FailureAction": "pause", "Order": "stop-first", "MaxFailureRatio": 0}
_PORT_DEFAULTS = {"Protocol": "tcp", "PublishMode": "ingress"}


def normal(spec: Json) -> Json:
    """The comparable form of a ServiceSpec. Never to be sent: absent and empty are one here."""
    task = dict(spec.get("TaskTemplate") or {})
    container = dict(task.get("ContainerSpec") or {})
    if container.get("Isolation") == "default":
        del container["Isolation"]
    for kind in ("Configs", "Secrets"):
        container[kind] = [_reference(r) for r in container.get(kind) or ()]
    container["Mounts"] = [_mount(mount) for mount in container.get("Mounts") or ()]
    task["ContainerSpec"] = container
    if task.get("Runtime") == "container":
        del task["Runtime"]
    task.pop("ForceUpdate", None)
    restart = task.get("RestartPolicy")
    if restart is not None:
        task["RestartPolicy"] = {"Condition": "any", "MaxAttempts": 0, **_set(restart)}
    result = {**spec, "TaskTemplate": task, "Mode": _mode(spec.get("Mode") or {})}
    for key in ("UpdateConfig", "RollbackConfig"):
        if spec.get(key) is not None:
            result[key] = {**_UPDATE_DEFAULTS, **_set(spec[key])}
    result["EndpointSpec"] = _endpoint(spec.get("EndpointSpec") or {})
    cleaned = _clean(result)
    assert isinstance(cleaned, dict)
    return cleaned


def _set(value: Json) -> Json:
    return {k: v for k, v in value.items() if v not in (None, "")}


def _mount(mount: Json) -> Json:
    kept = {k: v for k, v in mount.items() if k not in NEVER_KEPT}
    bind = kept.get("BindOptions") or {}
    if bind.get("NonRecursive"):
        kept["BindOptions"] = {"Propagation": "rprivate", **_set(bind)}
    return kept


def _reference(reference: Json) -> Json:
    return {k: v for k, v in reference.items() if k not in ("ConfigID", "SecretID")}


def _mode(mode: Json) -> Json:
    if "Replicated" in mode:
        return {"Replicated": {"Replicas": 1, **(mode["Replicated"] or {})}}
    return {kind: value or "set" for kind, value in mode.items()}  # an empty mode object still says the mode


def _endpoint(endpoint: Json) -> Json:
    ports = [{**_PORT_DEFAULTS, **_set(port)} for port in endpoint.get("Ports") or ()]
    return {"Mode": endpoint.get("Mode") or "vip", "Ports": ports}


_USER_KEYED = ("Labels", "Options", "Sysctls", "DriverOpts")  # here "" is a value that somebody wrote


def _clean(value: Any, keep_empty_text: bool = False) -> Any:
    """Without what an engine does not tell apart: null, empty lists and mappings, and unset flags."""
    if isinstance(value, dict):
        result = {}
        for key, raw in value.items():
            item = _clean(raw, key in _USER_KEYED)
            unset = item is None or item in ({}, []) or (item is False and key != "Init")
            if not unset and (item != "" or keep_empty_text):
                result[key] = item
        return result
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value
