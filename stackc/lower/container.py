"""What a container is: labels, health check, capabilities. Key presence and list order as docker sends them."""

from __future__ import annotations

from stackc.hints import Any
from stackc.lower.names import labelled
from stackc.lower.subject import Subject
from stackc.parse.read import field, flag, pairs, strings, text
from stackc.plan import IMAGE_LABEL

Json = dict[str, Any]


def container_labels(subject: Subject) -> dict[str, str]:
    return labelled(subject.stack, pairs(subject.service, "labels"))


def service_labels(subject: Subject) -> dict[str, str]:
    """Those of ``deploy``, and the image as the file names it."""
    labels = {**pairs(field(subject.service, "deploy"), "labels"), IMAGE_LABEL: text(subject.service, "image")}
    return labelled(subject.stack, labels)


def healthcheck(subject: Subject) -> Json:
    node = field(subject.service, "healthcheck")
    if not flag(node, "disable"):
        return subject.fill(node, "services.*.healthcheck")
    if strings(node, "test"):
        message = f"the health check of `{subject.key}` has both `test` and `disable: true`"
        subject.report("SC3011", message, field(node, "disable"), "healthcheck", hint="keep one of the two")
    return {"Test": ["NONE"]}


def cap_add(subject: Subject) -> list[str] | None:
    return [cap for cap in _normal(strings(subject.service, "cap_add")) if cap != "RESET"] or None


def cap_drop(subject: Subject) -> list[str] | None:
    """What is added is not dropped."""
    added = frozenset(_normal(strings(subject.service, "cap_add")))
    dropped = _normal(strings(subject.service, "cap_drop"))
    return [cap for cap in dropped if cap not in added and cap != "RESET"] or None


def _normal(names: list[str]) -> list[str]:
    """Upper case with the prefix, sorted, each once. ALL swallows the rest."""
    caps: dict[str, None] = {}
    for name in names:
        cap = name.strip().upper()
        if cap not in ("ALL", "RESET") and not cap.startswith("CAP_"):
            cap = f"CAP_{cap}"
        caps[cap] = None
    return ["ALL"] if "ALL" in caps else sorted(caps)
