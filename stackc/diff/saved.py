"""A saved plan: what was reviewed, bound to what it was compared with. Config contents are in it, secrets never.

``stackc apply P`` compares again and refuses unless the very same changes come out against the very same
objects; a secret that has to be created is read anew from where it came from.
"""

from __future__ import annotations

import base64

from stackc.diff.bind import DIGEST_LABEL, SALT_LABEL, Bound, bound_from_json, bound_to_json, secret_digest
from stackc.hints import Mapping
from stackc.plan import Json

FORMAT = "stackc.saved-plan/2"


class BadPlanError(Exception):
    """The file is no saved plan, or one of another version. The text says which."""


def to_json(bound: Bound, base: Json, prune: bool, secret_sources: Mapping[str, str]) -> Json:
    """``base``: the fingerprint of what was observed; ``secret_sources``: secret name → where its bytes come
    from, ``file PATH`` (absolute) or ``environment NAME``."""
    data = {n: base64.b64encode(d).decode() for (kind, n), d in bound.data.items() if kind == "config"}
    return {
        "format": FORMAT,
        **bound_to_json(bound),
        "base": base,
        "prune": prune,
        "config_data": data,
        "secret_sources": dict(secret_sources),
    }


def from_json(record: object) -> tuple[Bound, Json, bool, dict[str, str]]:
    """(bound plan without secret bytes, base, whether to prune, secret sources). Raises BadPlanError."""
    if not isinstance(record, dict) or "format" not in record:
        raise BadPlanError("this is no plan that `stackc plan -o` saved")
    if record["format"] != FORMAT:
        raise BadPlanError(f"the plan has format {record['format']!r}, this stackc reads {FORMAT!r}: plan again")
    try:
        data = {("config", n): base64.b64decode(d, validate=True) for n, d in record["config_data"].items()}
        bound = bound_from_json(record, data)
        return bound, dict(record["base"]), bool(record["prune"]), dict(record["secret_sources"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadPlanError(f"the plan is damaged ({type(error).__name__}: {error}): plan again") from error


def secret_fits(spec: Json, data: bytes) -> bool:
    """Whether these bytes are the ones that the plan was made with."""
    labels = spec.get("Labels") or {}
    return bool(labels.get(SALT_LABEL)) and secret_digest(labels[SALT_LABEL], data) == labels.get(DIGEST_LABEL)


def moved(then: Json, now: Json) -> list[str]:
    """What differs between two fingerprints, in words; empty when the plan still fits."""
    if then.get("cluster") != now.get("cluster"):
        return ["it was made for another cluster"]
    lines = []
    for kind in ("services", "networks", "configs", "secrets"):
        before, after = then.get(kind) or {}, now.get(kind) or {}
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                what = "is new" if name not in before else "is gone" if name not in after else "has changed"
                lines.append(f"{kind[:-1]} {name} {what}")
    return lines
