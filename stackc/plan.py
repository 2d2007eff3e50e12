"""StackPlan: what a stack should be, in the Engine API's own JSON (DESIGN: ``stackc.plan/1``).

Keys of the mappings are engine names (``STACK_KEY`` unless the file gives a ``name:``). In a service's spec
network targets, configs and secrets are referred to by name: ``Networks[].Target`` is an engine name,
``Configs[]``/``Secrets[]`` have ``ConfigName``/``SecretName`` and no ID. ``stackc.diff`` binds them to
generations, the rollout binds them to IDs.
"""

from __future__ import annotations

from stackc.diagnostics import Path, Span
from stackc.hints import Any, NamedTuple
from stackc.json_text import compact

Json = dict[str, Any]

FORMAT = "stackc.plan/1"
NAMESPACE_LABEL = "com.docker.stack.namespace"
IMAGE_LABEL = "com.docker.stack.image"


class ServicePlan(NamedTuple):
    """One service. ``depends_on``: engine name of the dependency to its condition (``service_started``,
    ``service_healthy``, ``service_completed_successfully``). ``follows``: engine names of the dependencies that it
    restarts after. ``wave``: it waits for all services of lower numbers."""

    key: str
    spec: Json
    depends_on: dict[str, str]
    follows: tuple[str, ...] = ()
    wave: int = 0


class NetworkPlan(NamedTuple):
    """``spec`` is the body of ``POST /networks/create``; an external network has only a ``Name`` and must exist."""

    key: str
    spec: Json
    external: bool


class FilePlan(NamedTuple):
    """A config or a secret: ``spec`` has Name, Labels and Templating/Driver, never Data.

    ``data`` is None for an external object. ``origin`` says where the bytes came from, such as
    ``file ./token.txt``; it is safe to print, the data of a secret is not.
    """

    key: str
    spec: Json
    external: bool
    data: bytes | None
    origin: str

    def __repr__(self) -> str:  # never the bytes, also not in a traceback or an assertion
        name = self.spec.get("Name")
        return f"FilePlan(key={self.key!r}, name={name!r}, external={self.external}, origin={self.origin!r})"


class VolumePlan(NamedTuple):
    """A named volume as tasks will create it: ``spec`` has Name, Driver, DriverOpts, Labels."""

    key: str
    spec: Json
    external: bool


class StackPlan(NamedTuple):
    """The desired state of one stack. Mappings are in sorted order of their engine names.

    ``order``: waves of engine service names; a service stands in a later wave than all it depends on.
    ``origins``: document path to position, so that an engine's refusal can be shown at a line; no part of
    the digest. ``digest``: ``sha256:<hex>`` of the canonical JSON without digest (secrets count by length only).
    """

    stack: str
    services: dict[str, ServicePlan]
    networks: dict[str, NetworkPlan]
    configs: dict[str, FilePlan]
    secrets: dict[str, FilePlan]
    volumes: dict[str, VolumePlan]
    order: tuple[tuple[str, ...], ...]
    digest: str
    origins: dict[Path, Span]


def to_json(plan: StackPlan) -> Json:
    """The ``stackc.plan/1`` object (DESIGN, section 4). Secret bytes never appear; a config's bytes do not either:
    both have ``length`` and ``origin``. Keys are sorted wherever order has no meaning."""
    return {"format": FORMAT, "stack": plan.stack, "digest": plan.digest, **_body(plan)}


def _body(plan: StackPlan) -> Json:
    return {
        "services": {
            name: {
                "key": one.key,
                "spec": one.spec,
                "depends_on": one.depends_on,
                **({"follows": list(one.follows)} if one.follows else {}),
                **({"wave": one.wave} if one.wave else {}),
            }
            for name, one in plan.services.items()
        },
        "networks": {
            name: {"key": one.key, "spec": one.spec, "external": one.external} for name, one in plan.networks.items()
        },
        "configs": {name: _file(one) for name, one in plan.configs.items()},
        "secrets": {name: _file(one) for name, one in plan.secrets.items()},
        "volumes": {
            name: {"key": one.key, "spec": one.spec, "external": one.external} for name, one in plan.volumes.items()
        },
        "order": [list(wave) for wave in plan.order],
    }


def _file(one: FilePlan) -> Json:
    shape: Json = {"key": one.key, "spec": one.spec, "external": one.external, "origin": one.origin}
    if one.data is not None:
        shape["length"] = len(one.data)
    return shape


def canonical_json(value: object) -> str:
    """Sorted keys, no spaces, UTF-8 as it is: the same text on every machine."""
    return compact(value)


def with_digest(plan: StackPlan) -> StackPlan:
    """The plan with its ``digest``: the canonical JSON without it, and each config's own content by its SHA-256.

    A secret's bytes count by length only, so that the digest says nothing about them.
    """
    body = _body(plan)
    for name, one in plan.configs.items():
        if one.data is not None:
            body["configs"][name]["sha256"] = _sha256(one.data)
    text = canonical_json({"stack": plan.stack, **body})
    return plan._replace(digest="sha256:" + _sha256(text.encode("utf-8", "surrogatepass")))


def _sha256(data: bytes) -> str:
    """``hashlib`` loads OpenSSL for 3 ms; the interpreter's own code has digested half a megabyte by then."""
    for module in ("_sha2", "_sha256") if len(data) < 1 << 19 else ():
        try:
            return str(__import__(module).sha256(data).hexdigest())
        except (ImportError, AttributeError):  # another Python
            continue
    from hashlib import sha256

    return sha256(data).hexdigest()


def from_json(value: Json) -> StackPlan:
    """The plan of a ``stackc.plan/1`` object, without bytes and positions. Raises ValueError with what is wrong."""
    if value.get("format") != FORMAT:
        raise ValueError(f"the format is {value.get('format')!r}, not {FORMAT!r}")
    try:
        return StackPlan(
            stack=value["stack"],
            services={
                n: ServicePlan(o["key"], o["spec"], o["depends_on"], tuple(o.get("follows", ())), o.get("wave", 0))
                for n, o in value["services"].items()
            },
            networks={n: NetworkPlan(o["key"], o["spec"], o["external"]) for n, o in value["networks"].items()},
            configs={n: _file_from(o) for n, o in value["configs"].items()},
            secrets={n: _file_from(o) for n, o in value["secrets"].items()},
            volumes={n: VolumePlan(o["key"], o["spec"], o["external"]) for n, o in value["volumes"].items()},
            order=tuple(tuple(wave) for wave in value["order"]),
            digest=value["digest"],
            origins={},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the plan is not complete: {error}") from None


def _file_from(value: Json) -> FilePlan:
    return FilePlan(value["key"], value["spec"], value["external"], None, value["origin"])
