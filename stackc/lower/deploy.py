"""How a service runs: mode, restarts, and the resources that several keys speak of."""

from __future__ import annotations

from stackc.assemble.quantity import integer
from stackc.hints import Any
from stackc.lower.emit import byte_count, nano, whole
from stackc.lower.subject import Subject
from stackc.parse.read import field, text, value

Json = dict[str, Any]
_PERIOD = 100_000  # microseconds; the kernel's own


def mode(subject: Subject) -> Json | None:
    deploy = field(subject.service, "deploy")
    name = text(deploy, "mode")
    replicas = field(deploy, "replicas")
    scale = field(subject.service, "scale") if not subject.context.is_stack else None
    replicas = replicas if replicas is not None else scale
    count: Json = {"Replicas": value(replicas)} if replicas is not None else {}
    if name in ("", "replicated"):
        return {"Replicated": count}
    if name == "replicated-job":
        return {"ReplicatedJob": {k: n for k in ("MaxConcurrent", "TotalCompletions") for n in count.values()}}
    if name not in ("global", "global-job"):
        subject.report("SC3012", f"the mode `{name}` is unknown", field(deploy, "mode"), "deploy", "mode")
        return None
    return {"Global": {}} if name == "global" else {"GlobalJob": {}}


def restart_policy(subject: Subject) -> Json | None:
    """``deploy.restart_policy`` wins, also an empty one."""
    node = field(field(subject.service, "deploy"), "restart_policy")
    if node is not None:
        return subject.fill(node, "services.*.deploy.restart_policy")
    given = text(subject.service, "restart")
    name, _, count = given.partition(":")
    try:
        attempts = integer(count) if count else 0
    except ValueError:
        name = given
    if name == "on-failure":
        return {"Condition": "on-failure", "MaxAttempts": attempts % 2**64}  # docker wraps a negative one around
    if name in ("always", "unless-stopped"):
        return {"Condition": "any"}
    if name != "no" and given:
        at = field(subject.service, "restart")
        subject.report("SC3009", f"the restart policy `{given}` is unknown", at, "restart")
    return None


def cpu_limit(subject: Subject) -> int | None:
    """Nano-CPUs, as ``deploy``, ``cpus`` or ``cpu_quota`` over ``cpu_period`` give them (checks.consistency holds the
    first two against each other)."""
    service = subject.service
    node = field(field(field(field(service, "deploy"), "resources"), "limits"), "cpus")
    limit = subject.number(nano, node, "deploy", "resources", "limits", "cpus")
    if subject.context.is_stack:
        return limit or None
    limit = subject.number(nano, field(service, "cpus"), "cpus") or limit
    quota = _quota(subject)
    if limit and quota and limit != quota:
        message = f"`cpu_quota` and the limit of CPUs of `{subject.key}` differ"
        hint = "keep one of the two"
        subject.report("SC3011", message, field(service, "cpu_quota"), "cpu_quota", hint=hint)
    return limit or quota or None


def _quota(subject: Subject) -> int | None:
    """Nano-CPUs of so many microseconds out of every period. -1 means no limit."""
    quota = subject.number(whole, field(subject.service, "cpu_quota"), "cpu_quota")
    period = subject.number(whole, field(subject.service, "cpu_period"), "cpu_period") or _PERIOD
    return quota * 10**9 // period if quota is not None and quota > 0 and period > 0 else None


def swap(subject: Subject) -> int | None:
    """Compose counts memory and swap together, the Engine API the swap alone. -1 means no limit."""
    node = field(subject.service, "memswap_limit")
    both = subject.number(byte_count, node, "memswap_limit")
    if not both or both < 0:
        return -1 if both else None
    limits = field(field(field(subject.service, "deploy"), "resources"), "limits")
    memory_node = field(subject.service, "mem_limit") or field(limits, "memory")
    memory = subject.number(byte_count, memory_node, "mem_limit")
    if not memory or both < memory:
        what = "is less than the memory limit" if memory else "needs a memory limit"
        subject.report(
            "SC3011", f"`memswap_limit` {what}", node, "memswap_limit", hint="it is memory and swap together"
        )
        return None
    return both - memory
