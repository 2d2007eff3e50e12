"""Every diagnostic code: what it means and what to do. A code never changes its meaning and is never used again.

SC10xx reading and YAML · SC11xx versions and dialects · SC12xx interpolation · SC13xx projects of several files ·
SC20xx schema · SC21xx what is ignored · SC30xx values · SC40xx semantics of a stack · SC41xx switches. On the start-up
path: no heavy imports.
"""

from __future__ import annotations

from stackc.diagnostics import Diagnostic, Path, Related, Severity, Span
from stackc.hints import NamedTuple


class Code(NamedTuple):
    """``summary`` names the fault in general; ``hint`` is used where a finding has no better one of its own.
    ``switchable``: a comment in the file may switch it off, with a reason: it is a judgement, not a fault of the plan.
    ``hides``: the rest of the source line is not shown, because a secret stands there."""

    severity: Severity
    summary: str
    hint: str = ""
    switchable: bool = False
    hides: bool = False


_E, _W = Severity.ERROR, Severity.WARNING
_SEVERAL = "keep one document per file and give several files with -c"
_EVERYWHERE = "Swarm publishes on all interfaces of every node: remove the address"
_NAME = "letters, digits, - and _; at most 63 characters with the stack's name"
_POWER = "give it less, or say in the file why it needs this"
_BLIND = "without `healthcheck:` only a task that exits counts as failed"
_EARLIER = "remove it, or correct the path: it takes away what earlier files say"
_ENDS = "use a job (deploy.mode) or a restart policy that ends"
_ONE_EACH = "use `mode: ingress`, or say with `max_replicas_per_node: 1` that this is meant"
_PLAIN = "use a secret: the environment is shown by `docker inspect` and inherited by every child process"
_EVERY_NODE = "use a config, a volume, or a placement constraint for the node that has it"
_ALL_AT_ONCE = "use `parallelism: 1`, or `order: start-first`"

CODES: dict[str, Code] = {
    "SC1001": Code(_E, "a file cannot be read", "relative paths start at the folder of the first -c file"),
    "SC1002": Code(_E, "a file stands outside the project folder", "put it at or below the first -c file's folder"),
    "SC1003": Code(_E, "a file is too large"),
    "SC1004": Code(_E, "a file is not UTF-8", "save the file as UTF-8"),
    "SC1005": Code(_E, "not valid YAML", "look at the indentation (blanks, no tabs) and the quotes up to here"),
    "SC1006": Code(_E, "the document is empty", "a stack file has at least `services:` with one service"),
    "SC1007": Code(_E, "the top of the file is not a mapping"),
    "SC1008": Code(_E, "a key is defined twice", "keep one of the two"),
    "SC1009": Code(_E, "a key is not a string", "write the key in quotes"),
    "SC1010": Code(_E, "nested too deeply"),
    "SC1011": Code(_E, "too many values or anchors"),
    "SC1012": Code(_E, "aliases expand to too much", "aliases of aliases grow exponentially: write the values out"),
    "SC1013": Code(_E, "an alias without a usable anchor"),
    "SC1014": Code(_E, "a merge key with something else than mappings", "merge a mapping: `<<: *anchor`"),
    "SC1015": Code(_E, "a tag that is not understood", "remove the tag"),
    "SC1017": Code(_E, "a character that YAML does not allow"),
    "SC1018": Code(_W, "a tag that docker ignores", "remove the tag"),
    "SC1019": Code(_W, "a further document that docker ignores", _SEVERAL),
    "SC1101": Code(_E, "an unsupported file version"),
    "SC1102": Code(_E, "files of different versions", "give all files the same `version:`"),
    "SC1103": Code(_E, "files of different dialects", "give all files a `version:`, or none, or choose with --dialect"),
    "SC1201": Code(_E, "an invalid interpolation", "write $$ for a literal $"),
    "SC1202": Code(_E, "a required variable is not set"),
    "SC1203": Code(_W, "a variable is not set", "set it, or give a default: ${NAME:-default}", True),
    "SC1204": Code(_E, "a variable's value has the wrong type", "set another value, or give a default: ${NAME:-1}"),
    "SC1205": Code(_E, "interpolation grows too large"),
    "SC1301": Code(_E, "values that cannot be merged"),
    "SC1302": Code(_E, "an `include` or `extends` that names nothing"),
    "SC1303": Code(_E, "a file that would have to be fetched"),
    "SC1304": Code(_E, "files or services in a circle", "remove one of the references"),
    "SC1305": Code(_E, "a service to extend that is not there"),
    "SC1306": Code(_E, "two different definitions under one name"),
    "SC1307": Code(_E, "a project of too many files or layers", "a file may be included or extended only so often"),
    "SC1308": Code(_W, "a !reset of nothing", _EARLIER, True),
    "SC1309": Code(_W, "an item of a list that a later one replaces", "keep one of the two", True),
    "SC1206": Code(_W, "a variable that docker stack reads otherwise than it looks", "", True),
    "SC2001": Code(_E, "an unknown key"),
    "SC2002": Code(_E, "a wrong type"),
    "SC2003": Code(_E, "a required key is missing"),
    "SC2004": Code(_E, "a value that is not allowed"),
    "SC2005": Code(_E, "an item stands twice in a list", "keep one of the two"),
    "SC2006": Code(_E, "a key of the Compose Specification that stack files do not have"),
    "SC2007": Code(_E, "a key that stack files must not use"),
    "SC2008": Code(_E, "a key of a newer file version"),
    "SC2009": Code(_E, "a key that cannot be expressed in a Swarm service"),
    "SC2101": Code(_W, "a key without effect in a stack", "remove it, so that nobody relies on it", True),
    "SC2102": Code(_W, "a deprecated key", "", True),
    "SC3001": Code(_E, "an invalid port", 'write "PUBLISHED:TARGET", such as "8080:80", or the long form'),
    "SC3002": Code(_E, "an invalid volume"),
    "SC3003": Code(_E, "an invalid duration", "write a number with a unit, such as 10s, 1m30s or 500ms"),
    "SC3004": Code(_E, "an invalid size in bytes", "write a number with a unit, such as 64m or 1.5g"),
    "SC3005": Code(_E, "an invalid number of CPUs", 'write a decimal number in quotes, such as "0.5"'),
    "SC3006": Code(_E, "an invalid command line", "close the quote, or write the command as a list"),
    "SC3007": Code(_E, "an invalid line in an env file"),
    "SC3008": Code(_E, "an invalid image reference", "write NAME:TAG, such as nginx:1.27 or example.com/team/app:2"),
    "SC3009": Code(_E, "an invalid restart policy", "one of no, always, unless-stopped, on-failure[:N]"),
    "SC3010": Code(_E, "an invalid number"),
    "SC3011": Code(_E, "options that exclude each other"),
    "SC3012": Code(_E, "an invalid deploy mode", "one of replicated, global, replicated-job, global-job"),
    "SC3013": Code(_W, "an IP address that a published port ignores", _EVERYWHERE, True),
    "SC3015": Code(_W, "a volume name of one letter, which docker reads as a drive", "give it a longer name", True),
    "SC3014": Code(_E, "a port bound to one address", _EVERYWHERE),
    "SC3016": Code(_E, "an invalid value for a Swarm service"),
    "SC4001": Code(_E, "an undefined network"),
    "SC4002": Code(_E, "an undefined volume"),
    "SC4003": Code(_E, "an undefined config"),
    "SC4004": Code(_E, "an undefined secret"),
    "SC4005": Code(_E, "an undefined dependency"),
    "SC4006": Code(_E, "services depend on each other in a circle", "remove one of the dependencies"),
    "SC4007": Code(_E, "a published port is used twice"),
    "SC4008": Code(_E, "a service has no image", "give it an `image:`; a stack runs images that were built before"),
    "SC4009": Code(_E, "a name that the engine refuses", _NAME),
    "SC4010": Code(_E, "no or an invalid stack name"),
    "SC4011": Code(_W, "an automatic rollback without a health check", _BLIND, True),
    "SC4012": Code(_E, "a config or secret of a size that the engine refuses"),
    "SC4013": Code(_E, "two files with one target in a service", "give one of them another `target:`"),
    "SC4014": Code(_E, "two objects with one name"),
    "SC4015": Code(_E, "two mounts with one target"),
    "SC4016": Code(_E, "no services"),
    "SC4017": Code(_W, "a defined object that no service uses", "use it, or remove it", True),
    "SC4018": Code(_E, "too many services"),
    "SC4019": Code(_W, "a dependency that never completes", _ENDS, True),
    "SC4020": Code(_E, "a dependency that its profile turns off", "turn it on, or write `required: false`"),
    "SC4021": Code(_W, "a host port with more replicas than one node can hold", _ONE_EACH, True),
    "SC4022": Code(_W, "a host port that two services want", "give one of them another port, or its own nodes", True),
    "SC4023": Code(_W, "an image without a fixed tag", "name the version: image:1.2.3, or a digest", True),
    "SC4024": Code(_W, "a monitor window that is shorter than the health check", "", True),
    "SC4025": Code(_W, "start-first where there is no room for two tasks", "use `order: stop-first`", True),
    "SC4026": Code(_W, "a grace period that does not fit how tasks are stopped", "", True),
    "SC4027": Code(_W, "a secret in plain environment", _PLAIN, True, True),
    "SC4028": Code(_W, "a bind mount with a relative path", _EVERY_NODE, True),
    "SC4029": Code(_W, "a network of one node only", "use `driver: overlay`, or leave `driver` out", True),
    "SC4030": Code(_W, "a health check that cannot pass", 'write `test: ["CMD", PROGRAM, ARGUMENT]` or a string'),
    "SC4031": Code(_E, "a health check without a command", 'write `test: ["CMD", PROGRAM, ARGUMENT]` or a string'),
    "SC4032": Code(_E, "a resource below what the engine takes", "write more, or leave it out"),
    "SC4033": Code(_W, "a value that every node refuses"),
    "SC4034": Code(_E, "DNS round robin with an ingress port", "give the port `mode: host`, or use `vip`"),
    "SC4035": Code(_E, "a failure ratio outside 0 to 1", "0.25 tolerates a quarter of the tasks"),
    "SC4036": Code(_E, "a duration of a health check below 1ms", "write a unit: 10s, 500ms"),
    "SC4037": Code(_W, "a published port without a target"),
    "SC4038": Code(_E, "an empty generic resource", "give it a `discrete_resource_spec`, or remove it"),
    "SC4039": Code(_E, "an invalid placement constraint", "such as node.role == worker or node.labels.disk != hdd"),
    "SC4040": Code(_W, "a placement that matches nothing", "", True),
    "SC4041": Code(_E, "a job with an `update_config`", "a job is run again as a whole: remove it"),
    "SC4042": Code(_E, "a negative delay"),
    "SC4043": Code(_W, "waiting for the health of a service without a health check", "", True),
    "SC4044": Code(_W, "an update that replaces all tasks at once", _ALL_AT_ONCE, True),
    "SC4045": Code(_E, "a global service with a number of replicas"),
    "SC4046": Code(_E, "an undefined model", "define it under the top-level `models:`"),
    "SC4050": Code(_W, "a task that is given power over its node", _POWER, True),
    "SC4051": Code(_W, "a kernel setting that is not the container's own", "set it on the nodes"),
    "SC4052": Code(_W, "a label that belongs to docker", "choose another name", True),
    "SC4053": Code(_W, "a dependency that docker ignores", "remove it, or add the service", True),
    "SC4054": Code(_E, "a dependency in a later wave", "change one of the wave numbers"),
    "SC4055": Code(_E, "too many published ports", "publish fewer: each one is opened on every node"),
    "SC4101": Code(_W, "a switch without a reason", "write: # stackc: ignore CODE -- why this is meant"),
    "SC4102": Code(_W, "a switch that is not understood", "write: # stackc: ignore CODE -- why this is meant"),
    "SC4103": Code(_W, "a switch for a code that cannot be switched off", "correct the file instead"),
    "SC4104": Code(_W, "a switch that switches nothing off", "remove it"),
}  # fmt: skip


LONGEST_MESSAGE = 500


def found(
    code: str,
    message: str,
    span: Span | None,
    *,
    path: Path = (),
    hint: str = "",
    related: tuple[Related, ...] = (),
) -> Diagnostic:
    """A finding with the severity of its code, and the code's hint where it has none of its own. A message that quotes
    a value of megabytes is cut in the middle."""
    meaning = CODES[code]
    if len(message) > LONGEST_MESSAGE:
        message = f"{message[: LONGEST_MESSAGE - 100]}…{message[-100:]}"
    return Diagnostic(code, meaning.severity, message, span, path, hint or meaning.hint, related)
