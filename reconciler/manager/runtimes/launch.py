"""From a task to what is to be started: pure, so that what can be refused is refused before a byte is written."""

from __future__ import annotations

import re
import resource
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from reconciler.manager.health import Healthcheck, HealthError, healthcheck_of
from reconciler.manager.model import Json, Node, Task
from reconciler.manager.templates import TemplateError, TemplateFields, expand, template_fields

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_GRACE = 10.0
_IMAGE = re.compile(
    r"(?:docker\.io/)?process/[a-z0-9][a-z0-9._-]{0,127}(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?",
    re.ASCII,
)
_VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}", re.ASCII)
_TASK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,12})([kmg]?)b?", re.ASCII)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


class RejectedError(Exception):
    """The task cannot be started as its spec asks. ``str()`` is the task's ``err``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentFile:
    """A config or secret as a file: ``target`` are the path's parts below the task's root."""

    kind: str  # "config" or "secret"
    id: str
    name: str
    target: tuple[str, ...]
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """``kind``: volume (``source`` "" = one of the task's own), bind or tmpfs."""

    kind: str
    source: str
    target: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLimits:
    """How much of a task's output is kept: ``files`` files of ``size`` bytes each; 0 files: nothing."""

    size: int = 5 << 20
    files: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What it takes to start one task as a process. ``grace``: whole seconds; ``limits``: (resource, soft, hard)."""

    task_id: str
    address: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    directory: tuple[str, ...]
    user: str
    groups: tuple[str, ...]
    files: tuple[ContentFile, ...]
    mounts: tuple[Mount, ...]
    limits: tuple[tuple[int, int, int], ...]
    stop_signal: int
    grace: float
    healthcheck: Healthcheck | None
    log: LogLimits


def launch_of(task: Task, node: Node, *, address: str, root: str, path: str = DEFAULT_PATH) -> Launch:
    """What to start for ``task``, its working folder being ``root``. Raises RejectedError.

    The environment is what the spec gives and PATH, HOME, HOSTNAME, STACKC_*: never the manager's own.
    cpu and memory limits and reservations, capabilities, Init, TTY, read-only roots and mounts, and DNS options are
    not enforced: a process shares the machine with everything else.
    """
    spec: Json = task.spec.get("ContainerSpec") or {}
    _check_image(str(spec.get("Image") or ""))
    if not _TASK_ID.fullmatch(task.id):
        raise RejectedError(f"task id {task.id!a} is no name for a folder")
    argv = tuple(str(word) for word in (*(spec.get("Command") or ()), *(spec.get("Args") or ())))
    if not argv or not argv[0]:
        raise RejectedError("no command specified: a process/… image has none of its own; set entrypoint or command")
    if any("\0" in word for word in argv):
        raise RejectedError("the command contains a NUL character")
    try:
        fields = template_fields(task, node)
        env = _environment(task, spec, fields, address=address, root=root, path=path)
        mounts = _mounts(spec, fields)
        healthcheck = healthcheck_of(spec.get("Healthcheck"))
    except (TemplateError, HealthError) as error:
        raise RejectedError(str(error)) from None
    return Launch(
        task_id=task.id,
        address=address,
        argv=argv,
        env=env,
        directory=below_root(str(spec.get("Dir") or "/"), "working directory"),
        user=str(spec.get("User") or ""),
        groups=tuple(str(group) for group in spec.get("Groups") or ()),
        files=files_of(spec),
        mounts=mounts,
        limits=_limits(spec),
        stop_signal=_stop_signal(str(spec.get("StopSignal") or "SIGTERM")),
        grace=grace_of(spec),
        healthcheck=healthcheck,
        log=_log_limits(task.spec.get("LogDriver") or {}),
    )


def grace_of(spec: Mapping[str, Any]) -> float:
    """Seconds between the stop signal and SIGKILL: whole seconds, truncated, as the engine counts them."""
    nanoseconds = spec.get("StopGracePeriod")
    return DEFAULT_GRACE if nanoseconds is None else float(max(0, int(nanoseconds)) // 10**9)


def below_root(path: str, what: str) -> tuple[str, ...]:
    """The parts of ``path`` below the task's root, whether it is absolute or not. Raises RejectedError for ``..``."""
    parts = tuple(part for part in PurePosixPath(path).parts if part != "/" and part != "//")
    if ".." in parts or "\0" in path:
        raise RejectedError(f"invalid {what} {path!a}: it must stay inside the task's root folder")
    return parts


def _check_image(image: str) -> None:
    if not _IMAGE.fullmatch(image):
        raise RejectedError(
            f'image "{ascii(image)[1:-1]}" needs a container runtime: this manager runs process/NAME:TAG images on this'
            " machine; use Docker Swarm for container images"
        )


def _environment(
    task: Task, spec: Json, fields: TemplateFields, *, address: str, root: str, path: str
) -> Mapping[str, str]:
    env = {
        "PATH": path,
        "HOME": root,
        "HOSTNAME": expand(str(spec.get("Hostname") or ""), fields) or task.id[:12],
    }
    for entry in spec.get("Env") or ():
        key, equals, value = str(entry).partition("=")
        if not key or "\0" in entry:
            raise RejectedError(f"invalid environment entry {key!a}")
        if equals:
            env[expand(key, fields)] = expand(value, fields)
        else:
            env.pop(key, None)  # `K` alone unsets K, as in a container
    env |= {
        "STACKC_ADDRESS": address,
        "STACKC_ROOT": root,
        "STACKC_TASK_ID": task.id,
        "STACKC_SLOT": fields.values["Task.Slot"],
    }
    return env


def _mounts(spec: Json, fields: TemplateFields) -> tuple[Mount, ...]:
    mounts = []
    for given in spec.get("Mounts") or ():
        kind = str(given.get("Type") or "volume")
        source = expand(str(given.get("Source") or ""), fields)
        text = expand(str(given.get("Target") or ""), fields)
        target = below_root(text, "mount target")
        if not target:
            raise RejectedError(f'invalid mount config for type "{kind}": the target cannot be {text!a}')
        if kind not in ("volume", "bind", "tmpfs"):
            raise RejectedError(f"mount type {kind!a} is not supported for process/… images")
        if kind == "volume" and source and not _VOLUME.fullmatch(source):
            raise RejectedError(f"invalid volume name {source!a}: it must be [a-zA-Z0-9][a-zA-Z0-9_.-]*")
        driver = ((given.get("VolumeOptions") or {}).get("DriverConfig") or {}).get("Name") or "local"
        if kind == "volume" and driver != "local":
            raise RejectedError(f"volume driver {driver!a} is not supported for process/… images")
        if kind == "bind" and not source.startswith("/"):
            raise RejectedError(
                f'invalid mount config for type "bind": invalid mount path: {source!a} must be absolute'
            )
        mounts.append(Mount(kind=kind, source=source, target=target))
    return tuple(sorted(mounts, key=lambda mount: mount.target))


def files_of(spec: Json) -> tuple[ContentFile, ...]:
    """The configs and secrets of a ContainerSpec, in the order of their targets. Raises RejectedError."""
    files = []
    for kind, given in (
        *(("secret", entry) for entry in spec.get("Secrets") or ()),
        *(("config", entry) for entry in spec.get("Configs") or ()),
    ):
        file = given.get("File")
        if not file:
            continue  # a config that is only used by name (Runtime) is no file
        name = str(given.get(f"{kind.title()}Name") or "")
        path = str(file.get("Name") or name)
        if kind == "secret" and not path.startswith("/"):
            path = f"/run/secrets/{path}"
        target = below_root(path, f"{kind} target")
        if not target:
            raise RejectedError(f"invalid {kind} target {path!a}")
        files.append(
            ContentFile(
                kind=kind,
                id=str(given.get(f"{kind.title()}ID") or ""),
                name=name,
                target=target,
                mode=int(file.get("Mode") or 0o444) & 0o7777,
                uid=_number(file.get("UID"), f"{kind} UID"),
                gid=_number(file.get("GID"), f"{kind} GID"),
            )
        )
    return tuple(sorted(files, key=lambda entry: entry.target))


def _number(value: object, what: str) -> int:
    text = str(value or "0")
    if not (text.isascii() and text.isdigit()) or len(text) > 10:
        raise RejectedError(f"invalid {what} {text!a}: it must be a number")
    return int(text)


def _limits(spec: Json) -> tuple[tuple[int, int, int], ...]:
    limits = []
    for given in spec.get("Ulimits") or ():
        name = str(given.get("Name") or "")
        number = getattr(resource, f"RLIMIT_{name.upper()}", None) if name.isascii() and name.isalpha() else None
        if not isinstance(number, int):
            raise RejectedError(f"invalid ulimit type: {name!a}")
        soft, hard = int(given.get("Soft") or 0), int(given.get("Hard") or 0)
        infinity = resource.RLIM_INFINITY
        limits.append((number, infinity if soft < 0 else soft, infinity if hard < 0 else hard))
    return tuple(limits)


def _stop_signal(name: str) -> int:
    if name.isascii() and name.isdigit() and len(name) < 4 and 0 < int(name) < signal.NSIG:
        return int(name)
    found = getattr(signal, name.upper() if name.upper().startswith("SIG") else f"SIG{name.upper()}", None)
    if not isinstance(found, signal.Signals):
        raise RejectedError(f"invalid stop signal: {name!a}")
    return int(found)


def _log_limits(driver: Mapping[str, Any]) -> LogLimits:
    """json-file's ``max-size`` and ``max-file`` are honoured; driver ``none`` keeps nothing; others get the default."""
    if driver.get("Name") == "none":
        return LogLimits(files=0)
    options = driver.get("Options") or {}
    default = LogLimits()
    size = _SIZE.fullmatch(str(options.get("max-size") or "").lower())
    count = str(options.get("max-file") or "")
    return LogLimits(
        size=max(1 << 16, int(size[1]) * _UNITS[size[2]]) if size else default.size,
        files=min(100, max(1, int(count))) if count.isascii() and count.isdigit() and len(count) < 9 else default.files,
    )
