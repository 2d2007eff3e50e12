"""Semantic checks: what a schema cannot say. One per module; each reports to the context and changes nothing.

``EXPLANATION`` of a check's module is what docs/diagnostics.md and SARIF tell a user about its codes: why it matters
and what to do. Each code has a bad and a good case in tests/cases/checks. A module is imported only when a file has one
of the keys that it looks at, so a small file does not pay for all of them.
"""

from __future__ import annotations

from stackc.assemble.context import Context
from stackc.diagnostics import Diagnostic, Suppressed, sort
from stackc.hints import TYPE_CHECKING, Any, Callable, NamedTuple
from stackc.hints import Mapping as Table
from stackc.parse.nodes import Mapping, Node

if TYPE_CHECKING:
    from stackc.plan import StackPlan

STACK, SERVICE, PLAN = "stack", "service", "plan"


class Check(NamedTuple):
    """``sees``: ``check(root, stack, context)`` of the whole canonical tree, ``check(key, service, context)`` of one
    service, or ``check(plan, root, context)`` of the finished plan. ``keys``: it is called when one of them is there
    (always, without any): keys of a service, ``deploy.KEY``, ``deploy.KEY.KEY``, or ``/KEY`` of the top level."""

    module: str
    codes: tuple[str, ...]
    sees: str = SERVICE
    keys: tuple[str, ...] = ()


CHECKS: tuple[Check, ...] = (
    Check("fates", (), STACK),
    # names and what they refer to
    Check("stack_name", ("SC4010",), STACK),
    Check("no_services", ("SC4016",), STACK),
    Check("names", ("SC4009",), STACK),
    Check("same_names", ("SC4014",), STACK),
    Check(
        "references",
        ("SC4001", "SC4002", "SC4003", "SC4004", "SC4005", "SC4053"),
        STACK,
        ("networks", "volumes", "configs", "secrets", "credential_spec", "depends_on"),
    ),
    Check(
        "consistency",
        (),
        STACK,
        (
            "build",
            "network_mode",
            "scale",
            "container_name",
            "cpus",
            "mem_limit",
            "mem_reservation",
            "pids_limit",
            "tmpfs",
            "models",
            "depends_on",
            "healthcheck",
            "develop",
            "/configs",
            "/secrets",
        ),
    ),
    Check("externals", (), STACK, ("/networks", "/configs", "/secrets")),
    Check("unused", ("SC4017",), STACK, ("/networks", "/volumes")),
    # order
    Check("profiles", ("SC4020",), SERVICE, ("depends_on",)),
    Check("cycles", ("SC4006",), STACK, ("depends_on",)),
    Check("waves", ("SC4054",), STACK, ("x-stackc",)),
    Check("completion", ("SC4019",), STACK, ("depends_on",)),
    Check("awaited_health", ("SC4043",), STACK, ("depends_on",)),
    # images
    Check("images", ("SC4008",), STACK),
    Check("tags", ("SC4023",), SERVICE, ("image",)),
    # ports and networks
    Check("ports", ("SC4007",), STACK, ("ports",)),
    Check("port_targets", ("SC4037",), SERVICE, ("ports",)),
    Check("host_ports", ("SC4021",), SERVICE, ("ports",)),
    Check("shared_host_ports", ("SC4022",), STACK, ("ports",)),
    Check("round_robin", ("SC4034",), SERVICE, ("deploy.endpoint_mode",)),
    Check("node_networks", ("SC4029",), STACK, ("/networks",)),
    # files and mounts
    Check("file_sizes", ("SC4012",), PLAN, ("/configs", "/secrets")),
    Check("file_targets", ("SC4013",), SERVICE, ("configs", "secrets")),
    Check("mounts", ("SC4015",), SERVICE, ("volumes",)),
    Check("relative_binds", ("SC4028",), SERVICE, ("volumes",)),
    Check("plain_secrets", ("SC4027",), SERVICE, ("environment",)),
    # health, updates and stopping
    Check("health_commands", ("SC4030", "SC4031"), SERVICE, ("healthcheck",)),
    Check("health_times", ("SC4036",), SERVICE, ("healthcheck",)),
    Check("blind_rollback", ("SC4011",), SERVICE, ("deploy.update_config.failure_action",)),
    Check("monitor", ("SC4024",), SERVICE, ("deploy.update_config.failure_action", "deploy.update_config.monitor")),
    Check("start_first", ("SC4025",), SERVICE, ("deploy.update_config.order", "deploy.rollback_config.order")),
    Check("all_at_once", ("SC4044",), SERVICE, ("deploy.update_config.parallelism",)),
    Check("job_updates", ("SC4041",), SERVICE, ("deploy.update_config",)),
    Check("grace", ("SC4026",), SERVICE, ("stop_grace_period",)),
    # what the engine or its nodes take
    Check("words", ("SC3016",), SERVICE, ("deploy", "ports")),
    Check("ratios", ("SC4035",), SERVICE, ("deploy.update_config.max_failure_ratio",)),
    Check("delays", ("SC4042",), SERVICE, ("deploy", "stop_grace_period")),
    Check("global_replicas", ("SC4045",), SERVICE, ("deploy.mode",)),
    Check("limits", ("SC4032",), SERVICE, ("deploy.resources", "mem_limit", "mem_reservation", "cpus")),
    Check("generic_resources", ("SC4038",), SERVICE, ("deploy.resources.reservations",)),
    Check("constraints", ("SC4039", "SC4040"), SERVICE, ("deploy.placement",)),
    Check(
        "node_values",
        ("SC4033",),
        STACK,
        ("deploy.resources", "mem_limit", "cpus", "volumes", "working_dir", "hostname", "ulimits"),
    ),
    Check(
        "node_access",
        ("SC4050", "SC4051", "SC4052"),
        STACK,
        ("volumes", "cap_add", "security_opt", "network_mode", "networks", "sysctls", "labels", "deploy.labels"),
    ),
)


def check_tree(root: Mapping, stack: str, context: Context) -> None:
    """Every check of the tree and of its services. Findings go to the context."""
    having = _having(root)
    for check in CHECKS:
        if check.sees == PLAN or not _concerns(check, having):
            continue
        run = check_function(check)
        if check.sees == STACK:
            run(root, stack, context)
            continue
        for key, service in _services(check, having).items():
            run(key, service, context)


def check_plan(plan: StackPlan, root: Mapping, context: Context) -> None:
    """Every check of the plan. Findings go to the context."""
    for check in CHECKS:
        if check.sees == PLAN and any(key[1:] in root.entries for key in check.keys):
            check_function(check)(plan, root, context)


TREE_CHECKS: tuple[Callable[[Mapping, str, Context], None], ...] = (check_tree,)
PLAN_CHECKS: tuple[Callable[[StackPlan, Mapping, Context], None], ...] = (check_plan,)


def module_of(check: Check) -> Any:
    return __import__(f"{__name__}.{check.module}", fromlist=("check",))


def check_function(check: Check) -> Callable[..., None]:
    function: Callable[..., None] = module_of(check).check
    return function


Having = dict[str, dict[str, Node]]
"""A key as ``Check.keys`` names it → the services that have it."""


def _having(root: Mapping) -> Having:
    having: Having = {f"/{key}": {} for key in root.entries}
    services = root.entries.get("services")
    if not isinstance(services, Mapping):
        return having
    for name, service in services.entries.items():
        if not isinstance(service, Mapping):
            continue
        for key in service.entries:
            having.setdefault(key, {})[name] = service
        deploy = service.entries.get("deploy")
        if isinstance(deploy, Mapping):
            for key, section in deploy.entries.items():
                having.setdefault(f"deploy.{key}", {})[name] = service
                if isinstance(section, Mapping):
                    for below in section.entries:
                        having.setdefault(f"deploy.{key}.{below}", {})[name] = service
    return having


def _concerns(check: Check, having: Having) -> bool:
    return not check.keys or any(key in having for key in check.keys)


def _services(check: Check, having: Having) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for key in check.keys:
        found.update(having.get(key, {}))
    return found


def settled(
    context: Context, sources: Table[str, str], *, complete: bool
) -> tuple[list[Diagnostic], tuple[Suppressed, ...]]:
    """All findings of a compile in source order, and apart from them what comments in the ``sources`` switch off.
    ``complete``: every check has run, so a switch that found nothing is of no use and is reported."""
    if any("stackc:" in text for text in sources.values()):
        from stackc.switches import switched

        left, suppressed = switched(context.findings, sources, [*context.inactive.values()] if complete else None)
    else:
        left, suppressed = sort(context.findings), ()
    if len(sources) > 1:  # files in the order in which they were read
        order = {file: number for number, file in enumerate(sources)}
        left.sort(key=lambda one: order.get(one.span.file, len(order)) if one.span is not None else -1)
    return left, suppressed
