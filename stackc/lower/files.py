"""References of a service to configs and secrets, by name: ``diff`` and the rollout bind them to objects and IDs."""

from __future__ import annotations

from stackc.hints import Any
from stackc.lower.names import object_name, objects
from stackc.lower.subject import Subject
from stackc.parse.read import field, items, text

Json = dict[str, Any]
_MOUNTED = "/run/secrets/"  # where the engine puts a secret with a relative name


def secrets(subject: Subject) -> list[Json] | None:
    return _sorted(_references(subject, "secrets", "SecretName"), "SecretName")


def configs(subject: Subject) -> list[Json] | None:
    """Also the config that holds a credential spec: no file, but the runtime needs it."""
    references = _references(subject, "configs", "ConfigName")
    known = objects(subject.root, "configs")
    credential = text(field(subject.service, "credential_spec"), "config")
    if credential in known:
        name = object_name(subject.stack, credential, known[credential])
        references.append({"Runtime": {}, "ConfigName": name})
    return _sorted(references, "ConfigName")


def _references(subject: Subject, kind: str, name_key: str) -> list[Json]:
    """What is not defined is left out (checks.references reports it; checks.file_targets, two of one target)."""
    known = objects(subject.root, kind)
    steps = subject.table[f"services.*.{kind}.[]"]
    references: list[Json] = []
    for item in items(subject.service, kind):
        source = text(item, "source")
        if source not in known:
            continue
        target = text(item, "target") or source
        if kind == "secrets" and not subject.context.is_stack:
            target = target.removeprefix(_MOUNTED)
        reference = {"File": {"Name": target}, name_key: object_name(subject.stack, source, known[source])}
        references.append(subject.filler.fill(item, steps, reference))
    return references


def _sorted(references: list[Json], name_key: str) -> list[Json] | None:
    """By engine name, then target."""
    references.sort(key=lambda ref: (ref[name_key], ref.get("File", {}).get("Name", "")))
    return references or None
