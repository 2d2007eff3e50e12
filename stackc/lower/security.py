"""``credential_spec`` and ``security_opt`` → Privileges, which docker always sends."""

from __future__ import annotations

from stackc.hints import Any
from stackc.lower.names import object_name, objects
from stackc.lower.subject import Subject
from stackc.parse.nodes import Node, Scalar, scalar
from stackc.parse.read import field, items, text

Json = dict[str, Any]

_LABEL_PARTS = ("user", "role", "type", "level")


def privileges(subject: Subject) -> Json:
    made: Json = {"CredentialSpec": _credential(subject), "SELinuxContext": None, "NoNewPrivileges": False}
    if not subject.context.is_stack:
        for item in items(subject.service, "security_opt"):
            _option(subject, item, made)
    return made


def _credential(subject: Subject) -> Json | None:
    """A credential spec in a config is named by the config's engine name; docker sends its ID."""
    node = field(subject.service, "credential_spec")
    if node is None:
        return None
    config, file, registry = (text(node, name) for name in ("config", "file", "registry"))
    given = [part for part in (config, file, registry) if part]
    if not given:
        return None
    if len(given) > 1:
        message = f"the credential_spec of `{subject.key}` names more than one source"
        subject.report("SC3011", message, node, "credential_spec", hint="give exactly one")
    known = objects(subject.root, "configs")
    name = object_name(subject.stack, config, known[config]) if config in known else config
    if subject.context.is_stack and name not in (config, f"{subject.stack}_{config}"):
        message = f"docker does not find the config `{config}` for a credential spec: its `name` is another"
        subject.report("SC3011", message, field(node, "config"), "credential_spec", hint="remove its `name`")
    return {"Config": name, "File": file, "Registry": registry}


def _option(subject: Subject, item: Node, made: Json) -> None:
    """``NAME=VALUE``, or ``NAME:VALUE`` as docker still takes it. What has no field is refused, never dropped."""
    option = str(item.value) if isinstance(item, Scalar) else ""
    cut = option.find("=") if "=" in option else option.find(":")
    name, value = (option, "") if cut < 0 else (option[:cut].strip(), option[cut + 1 :].strip())
    if name == "no-new-privileges" and value in ("", "true", "false"):
        made["NoNewPrivileges"] = value != "false"
    elif name == "seccomp" and value:
        seccomp = _seccomp(subject, item, value)
        if seccomp is not None:
            made["Seccomp"] = seccomp
    elif name == "apparmor" and value in ("unconfined", "docker-default"):
        made["AppArmor"] = {"Mode": "disabled" if value == "unconfined" else "default"}
    elif name == "label" and _label(value, made):
        pass
    else:
        _refuse(subject, item, name, option)


def _label(value: str, made: Json) -> bool:
    part, colon, word = value.partition(":")
    context = made["SELinuxContext"] or {"Disable": False, **{one.capitalize(): "" for one in _LABEL_PARTS}}
    if value == "disable":
        context["Disable"] = True
    elif part in _LABEL_PARTS and colon and word:
        context[part.capitalize()] = word
    else:
        return False
    made["SELinuxContext"] = context
    return True


def _seccomp(subject: Subject, item: Node, value: str) -> Json | None:
    """A profile is a JSON file of the project; it is sent as it is, without its white space."""
    if value == "unconfined":
        return {"Mode": "unconfined"}
    if value == "builtin":
        return {"Mode": "default"}
    import json
    from base64 import b64encode

    data = subject.context.read(value, scalar(value, item))
    if data is None:
        return None
    try:
        profile = json.dumps(json.loads(data), separators=(",", ":"), ensure_ascii=False)
    except (ValueError, RecursionError):
        subject.report("SC3016", f"the seccomp profile {value} is not JSON", item, "security_opt")
        return None
    return {"Mode": "custom", "Profile": b64encode(profile.encode("utf-8", "surrogatepass")).decode()}


def _refuse(subject: Subject, item: Node, name: str, option: str) -> None:
    hint = ""
    if name == "apparmor":
        hint = "load the profile as docker-default on the nodes, or use apparmor=unconfined"
    message = f"`security_opt: {option}` cannot be expressed in a Swarm service"
    subject.report(
        "SC2009", message, item, "security_opt", hint=hint or "remove it, or set it for the engine of the node"
    )
