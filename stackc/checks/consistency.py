"""A Compose project must not contradict itself: a size or a number of replicas is written in two ways that differ, a
service is on networks and on those of another one at once, a config has no content or two. `docker compose` refuses
such a project as a whole, and so does stackc.

Keep the one that is meant. Where a file and its override both say something, `!override` or `!reset` in the override
takes the earlier one away.
"""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.assemble.quantity import float32
from stackc.diagnostics import Related
from stackc.lower.order import is_required
from stackc.parse.nodes import Mapping, Node, Scalar, Sequence
from stackc.parse.read import entries, field, flag, items, strings, text, value

_ONE = "keep one of the two"


def check(root: Mapping, stack: str, context: Context) -> None:
    """Of the Compose dialect only."""
    services = field(root, "services")
    if context.is_stack or not isinstance(services, Mapping):
        return
    for key, service in services.items():
        if isinstance(service, Mapping):
            _build(key, service, root, context)
            _networks(key, service, context)
            _amounts(key, service, context)
            _mounts(key, service, context)
            _references(key, service, root, context)
            _commands(key, service, context)
    for kind in ("configs", "secrets"):
        for name, node in entries(root, kind):
            sources = _sources(kind, node)
            if len(sources) > 1 and not flag(node, "external"):
                message = f"the {kind[:-1]} `{name}` has both `{sources[0][0]}` and `{sources[1][0]}`"
                context.report("SC3011", message, sources[1][1], path=(kind, name), hint=_ONE)


def check_project(root: Mapping, context: Context) -> None:
    """Everything that makes ``docker compose config`` refuse a project; what becomes of it in a stack is not asked."""
    from stackc.checks import cycles, mounts, references

    known = len(context.findings)
    references.check(root, "", context)
    # a credential spec may be a config that exists already; that matters where there is an engine
    context.findings[known:] = [one for one in context.findings[known:] if one.path[-1:] != ("credential_spec",)]
    cycles.check(root, "", context)
    check(root, "", context)
    for key, service in entries(root, "services"):
        mounts.check(key, service, context)
        _optional(key, service, root, context)
    _images(root, context)
    _contents(root, context)
    if not root.entries:
        context.report("SC1006", "the files say nothing", root.start_span)


def _images(root: Mapping, context: Context) -> None:
    """docker compose is content with something to build; to deploy a stack an image is needed (``checks.images``)."""
    for key, service in entries(root, "services"):
        if text(service, "image") or field(service, "build") is not None or field(service, "provider") is not None:
            continue
        services = field(root, "services")
        assert isinstance(services, Mapping)
        message = f"the service `{key}` has neither `image` nor `build`"
        context.report("SC4008", message, services.key_span(key), path=("services", key))


def _contents(root: Mapping, context: Context) -> None:
    """When a stack is deployed, ``lower.files`` looks at what a config or secret contains."""
    for kind in ("configs", "secrets"):
        parent = field(root, kind)
        for name, node in entries(root, kind):
            # Swarm asks the driver for the content of such a secret; docker compose has no drivers of secrets
            if _sources(kind, node) or flag(node, "external") or text(node, "driver"):
                continue
            assert isinstance(parent, Mapping)
            message = f"the {kind[:-1]} `{name}` has no content"
            hint = "give it `file` or `environment`, or `external: true`"
            context.report("SC2003", message, parent.key_span(name), path=(kind, name), hint=hint)


def _optional(key: str, service: Node, root: Mapping, context: Context) -> None:
    """docker compose wants every dependency to be there; ``required: false`` is for what a profile turns off."""
    depends_on = field(service, "depends_on")
    for name, _ in entries(service, "depends_on"):
        known = field(field(root, "services"), name) is not None or name in context.inactive
        if not known and not is_required(service, name) and isinstance(depends_on, Mapping):
            message = f"`{key}` depends on `{name}`, which is no service"
            hint = "`required: false` is for services that a profile turns off"
            at = depends_on.key_span(name)
            context.report("SC4005", message, at, path=("services", key, "depends_on"), hint=hint)


def _build(key: str, service: Mapping, root: Mapping, context: Context) -> None:
    build, path = field(service, "build"), ("services", key, "build")
    if build is None:
        return
    if text(build, "dockerfile") and text(build, "dockerfile_inline"):
        message = f"the build of `{key}` has both `dockerfile` and `dockerfile_inline`"
        context.report("SC3011", message, field(build, "dockerfile_inline"), path=path, hint=_ONE)
    platform, platforms = text(service, "platform"), strings(build, "platforms")
    if platform and platforms and platform not in platforms:
        message = f"`{key}` runs on {platform}, for which it is not built"
        hint = "add it to build.platforms"
        context.report("SC3011", message, field(service, "platform"), path=path, hint=hint)
    for item in items(build, "secrets"):
        if field(field(root, "secrets"), text(item, "source")) is None:
            message = f"the build of `{key}` uses the secret `{text(item, 'source')}`, which is not defined"
            context.report("SC4004", message, item, path=path, hint="define it under the top-level `secrets:`")
    for name, node in entries(build, "additional_contexts"):
        other = str(value(node)).removeprefix("service:")
        if str(value(node)).startswith("service:") and field(field(root, "services"), other) is None:
            message = f"the context `{name}` of `{key}` is built from `{other}`, which is no service"
            context.report("SC4005", message, node, path=path)


def _networks(key: str, service: Mapping, context: Context) -> None:
    networks = field(service, "networks")
    if text(service, "network_mode") and isinstance(networks, Mapping) and networks.entries:
        message = f"`{key}` has both `network_mode` and `networks`"
        at = field(service, "network_mode")
        context.report("SC3011", message, at, path=("services", key, "network_mode"), hint=_ONE)


def _amounts(key: str, service: Mapping, context: Context) -> None:
    """What can be said with and without ``deploy``."""
    deploy = field(service, "deploy")
    scale = field(service, "scale")
    replicas = scale if scale is not None else field(deploy, "replicas")
    if scale is not None and value(field(deploy, "replicas")) not in (None, value(scale)):
        _differ(key, "scale", "deploy.replicas", scale, context)
    if replicas is not None and _number(replicas) > 1 and text(service, "container_name"):
        message = f"`{key}` has a `container_name`, and {value(replicas)} containers"
        at = field(service, "container_name")
        context.report("SC3011", message, at, path=("services", key, "container_name"), hint="remove `container_name`")
    resources = field(deploy, "resources")
    for name, part, other in _TWICE:
        given, group = field(service, name), field(resources, part)
        if given is None or group is None or not _number(given):
            continue
        if _number(given) != _number(field(group, other)):
            _differ(key, name, f"deploy.resources.{part}.{other}", given, context)


_TWICE = (
    ("cpus", "limits", "cpus"),
    ("mem_limit", "limits", "memory"),
    ("mem_reservation", "reservations", "memory"),
    ("pids_limit", "limits", "pids"),
)


def _number(node: Node | None) -> float:
    found = value(node)
    if isinstance(found, str):
        return float32(float(found)) if found else 0.0
    return found if isinstance(found, (int, float)) else 0.0


def _differ(key: str, one: str, other: str, at: Node, context: Context) -> None:
    message = f"`{one}` and `{other}` of `{key}` differ"
    context.report("SC3011", message, at, path=("services", key, one), hint="keep one, or give both the same value")


def _mounts(key: str, service: Mapping, context: Context) -> None:
    """``tmpfs`` and ``volumes`` together; two volumes with one target are ``checks.mounts``'."""
    taken: dict[str, Node] = {}
    tmpfs = field(service, "tmpfs")
    for item in tmpfs.items if isinstance(tmpfs, Sequence) else ():
        target = str(value(item)).partition(":")[0]
        _mount(key, "tmpfs", target, item, taken, context)
        taken.setdefault(target, item)
    for item in items(service, "volumes"):
        _mount(key, "volumes", text(item, "target"), item, taken, context)


def _mount(key: str, section: str, target: str, item: Node, taken: dict[str, Node], context: Context) -> None:
    if target in taken:
        message = f"two mounts of `{key}` have the target `{target}`"
        related = (Related(taken[target].span, "first mounted here"),)
        context.report("SC4015", message, item, path=("services", key, section), related=related, hint=_ONE)


def _references(key: str, service: Mapping, root: Mapping, context: Context) -> None:
    """Those that ``checks.references`` leaves out."""
    for name, node in entries(service, "models"):
        if field(field(root, "models"), name) is None:
            message = f"the service `{key}` uses the model `{name}`, which is not defined"
            path = ("services", key, "models")
            context.report("SC4046", message, node, path=path)


def _commands(key: str, service: Mapping, context: Context) -> None:
    test = strings(field(service, "healthcheck"), "test")
    if test and test[0] not in ("CMD", "CMD-SHELL", "NONE"):
        message = f"the health check of `{key}` starts with `{test[0]}`: it must be CMD, CMD-SHELL or NONE"
        at = field(field(service, "healthcheck"), "test")
        context.report("SC2004", message, at, path=("services", key, "healthcheck", "test"))
    for item in items(field(service, "develop"), "watch"):
        if not text(item, "path"):
            context.report("SC2003", "the `path` is empty", item, path=("services", key, "develop", "watch"))
        if text(item, "action") not in ("rebuild", "restart") and not text(item, "target"):
            message = f"the action {text(item, 'action')} needs a `target`"
            context.report("SC2003", message, item, path=("services", key, "develop", "watch"))


def _sources(kind: str, node: Node) -> list[tuple[str, Scalar]]:
    ways = ("file", "environment", "content") if kind == "configs" else ("file", "environment")
    found = [(way, field(node, way)) for way in ways]
    return [(way, one) for way, one in found if isinstance(one, Scalar)]
