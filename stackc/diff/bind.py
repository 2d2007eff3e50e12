"""Choose the generation of every config and secret, and name it in the service specs.

Configs and secrets are immutable in Swarm. The first generation bears docker's name ``STACK_KEY``, changed
content gets ``STACK_KEY-<12 hex>``. A config's content can be read back and is compared; a secret's cannot,
so its salted digest stands in a label of the secret. A secret without that label (docker made it) is taken
as it is: its content cannot be known, and replacing it would restart tasks for nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from stackc.diff.images import Pinned, pin
from stackc.diff.networks import GENERATION_LABEL, choose, renamed
from stackc.hints import Callable, Mapping
from stackc.observed import Observed, ObservedObject
from stackc.plan import NAMESPACE_LABEL, FilePlan, Json, StackPlan

SALT_LABEL = "stackc.salt"
DIGEST_LABEL = "stackc.digest"
KEY_LABEL = GENERATION_LABEL
_NAME_LIMIT = 64  # of an engine's config and secret names


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a stack should be, down to the generation: the form that is applied, and kept as LastGood.

    ``services``: engine name → spec to send, references by name. ``needs``: service → dependency → condition.
    ``networks``, ``configs``, ``secrets``: engine name → body to create (no data). ``data``: bytes of the
    objects that do not exist yet, keyed by (kind, name); never stored anywhere.
    """

    stack: str
    digest: str
    services: Mapping[str, Json]
    needs: Mapping[str, Mapping[str, str]]
    networks: Mapping[str, Json]
    configs: Mapping[str, Json]
    secrets: Mapping[str, Json]
    data: Mapping[tuple[str, str], bytes]
    missing: tuple[str, ...] = ()  # external objects that do not exist, in words
    dropped: tuple[str, ...] = ()  # fields that an engine of the swarm is too old for, in words
    follows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # service → dependencies it restarts after
    waves: Mapping[str, int] = field(default_factory=dict)  # service → its wave number, where it is not 0
    notes: tuple[str, ...] = ()  # what whoever reads the plan should know, in words

    def __repr__(self) -> str:
        return f"Bound({self.stack!r}, {self.digest!r}, services={sorted(self.services)})"


def bound_to_json(bound: Bound) -> Json:
    """All of a Bound but the bytes of configs and secrets."""
    return {
        "stack": bound.stack,
        "digest": bound.digest,
        "services": dict(bound.services),
        "needs": {name: dict(needs) for name, needs in bound.needs.items()},
        "networks": dict(bound.networks),
        "configs": dict(bound.configs),
        "secrets": dict(bound.secrets),
        **({"follows": {name: list(follows) for name, follows in bound.follows.items()}} if bound.follows else {}),
        **({"waves": dict(bound.waves)} if bound.waves else {}),
    }


def bound_from_json(record: Json, data: Mapping[tuple[str, str], bytes]) -> Bound:
    """The inverse. Raises KeyError for anything else."""
    return Bound(
        stack=record["stack"],
        digest=record["digest"],
        services=record["services"],
        needs=record["needs"],
        networks=record["networks"],
        configs=record["configs"],
        secrets=record["secrets"],
        data=data,
        follows={name: tuple(follows) for name, follows in record.get("follows", {}).items()},
        waves=record.get("waves", {}),
    )


def bind(
    plan: StackPlan,
    observed: Observed,
    salt: Callable[[str], bytes],
    pinned: Mapping[str, Pinned] | None = None,
    notes: tuple[str, ...] = (),
    *,
    replace_network: bool = False,
) -> Bound:
    """``salt(name)`` gives 16 random bytes for a new secret generation; ``pinned``: what a registry said of images;
    ``replace_network``: whether a network with other options than the file's gets a new generation."""
    data: dict[tuple[str, str], bytes] = {}
    missing: list[str] = []
    configs, config_names = _generations("config", plan.configs, observed.configs, salt, data, missing)
    secrets, secret_names = _generations("secret", plan.secrets, observed.secrets, salt, data, missing)
    for name, network in plan.networks.items():
        if network.external and name not in observed.networks:
            missing.append(f"external network {name!r} does not exist")
    networks = choose(plan.networks, observed, replace=replace_network)
    services = {
        n: pin(
            renamed(_rename(s.spec, config_names, secret_names), networks.names), observed.services.get(n), pinned or {}
        )
        for n, s in plan.services.items()
    }
    return Bound(
        stack=plan.stack,
        digest=plan.digest,
        services=services,
        needs={n: dict(s.depends_on) for n, s in plan.services.items()},
        networks=networks.bodies,
        configs=configs,
        secrets=secrets,
        data=data,
        missing=tuple(missing),
        notes=(*notes, *networks.notes),
        follows={n: s.follows for n, s in plan.services.items() if s.follows},
        waves={n: s.wave for n, s in plan.services.items() if s.wave},
    )


def _generations(
    kind: str,
    wanted: Mapping[str, FilePlan],
    observed: Mapping[str, ObservedObject],
    salt: Callable[[str], bytes],
    data: dict[tuple[str, str], bytes],
    missing: list[str],
) -> tuple[dict[str, Json], dict[str, str]]:
    """(bodies of the generations in use, name in the plan → name of its generation)."""
    bodies: dict[str, Json] = {}
    names: dict[str, str] = {}
    for base, file in wanted.items():
        if file.external or file.data is None:
            if file.external and base not in observed:
                missing.append(f"external {kind} {base!r} does not exist")
            names[base] = base
            if not file.external:
                bodies[base] = file.spec
            continue
        existing = _matching(base, file, observed)
        if existing is not None:
            names[base], bodies[existing] = existing, {**file.spec, "Name": existing}
            continue
        body = _new_generation(kind, base, file, observed, salt)
        names[base], bodies[body["Name"]] = body["Name"], body
        data[kind, body["Name"]] = file.data
    return bodies, names


def _matching(base: str, file: FilePlan, observed: Mapping[str, ObservedObject]) -> str | None:
    """The generation that has this content already; docker's name first, then the youngest."""
    candidates = [o for o in observed.values() if o.name == base or o.labels.get(KEY_LABEL) == base]
    candidates.sort(key=lambda o: (o.name != base, -o.version, o.name))
    for candidate in candidates:
        if same_content(candidate, file.data or b""):
            return candidate.name
    return None


def same_content(existing: ObservedObject, data: bytes) -> bool:
    if existing.data is not None:
        return existing.data == data
    salt, digest = existing.labels.get(SALT_LABEL), existing.labels.get(DIGEST_LABEL)
    if salt is None or digest is None:
        return KEY_LABEL not in existing.labels  # made by docker: content unknown, taken as it is
    return hmac.compare_digest(secret_digest(salt, data), digest)


def secret_digest(salt: str, data: bytes) -> str:
    return hmac.new(salt.encode(), data, hashlib.sha256).hexdigest()


def _new_generation(
    kind: str, base: str, file: FilePlan, observed: Mapping[str, ObservedObject], salt: Callable[[str], bytes]
) -> Json:
    assert file.data is not None
    labels = {**(file.spec.get("Labels") or {}), KEY_LABEL: base}
    if kind == "secret":
        labels[SALT_LABEL] = salt(base).hex()
        digest = labels[DIGEST_LABEL] = secret_digest(labels[SALT_LABEL], file.data)
    else:
        digest = hashlib.sha256(file.data).hexdigest()
    name = base
    if base in observed:
        name = f"{base[: _NAME_LIMIT - 13]}-{digest[:12]}"
    else:
        del labels[KEY_LABEL]  # the first generation is what docker would have made, but for a secret's digest
    return {**file.spec, "Name": name, "Labels": labels}


def _rename(spec: Json, configs: Mapping[str, str], secrets: Mapping[str, str]) -> Json:
    """The spec with every reference pointing at its generation; untouched parts are shared, not copied."""
    container = spec["TaskTemplate"]["ContainerSpec"]
    changed = dict(container)
    for key, name_key, names in (("Configs", "ConfigName", configs), ("Secrets", "SecretName", secrets)):
        if container.get(key):
            changed[key] = [{**r, name_key: names.get(r[name_key], r[name_key])} for r in container[key]]
    privileges = container.get("Privileges") or {}
    credential = privileges.get("CredentialSpec") or {}
    if credential.get("Config"):
        renamed = {**credential, "Config": configs.get(credential["Config"], credential["Config"])}
        changed["Privileges"] = {**privileges, "CredentialSpec": renamed}
    return {**spec, "TaskTemplate": {**spec["TaskTemplate"], "ContainerSpec": changed}}


def own(labels: Mapping[str, str], stack: str) -> bool:
    return labels.get(NAMESPACE_LABEL) == stack
