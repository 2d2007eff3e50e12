"""What becomes of keys is told by the table: refused in one dialect, a warning in the other, and never of nothing."""

from __future__ import annotations

import pytest

from stackc.attributes import ATTRIBUTES, COMPILED, OURS, REFUSED, WARNED, Attr
from stackc.compile import assemble_files, compile_stack
from stackc.disk import MemoryReader

HERE = "/project"


def told(lines: str, dialect: str = "compose") -> list[str]:
    """``code line:column`` of what the table has to say of a service."""
    version = "version: '3.13'\n" if dialect == "stack" else ""
    body = "".join(f"    {line}\n" for line in lines.splitlines())
    text = f"{version}services:\n  web:\n    image: app:1\n{body}"
    found = compile_stack(["f.yml"], MemoryReader({"f.yml": text.encode()}, HERE), stack="s", environment={})
    first = 5 if version else 4
    return [
        f"{one.code} {one.span.line - first}:{one.span.column - 5}"
        for one in found.diagnostics
        if one.code in ("SC2101", "SC2009") and one.span is not None
    ]


@pytest.mark.parametrize(
    ("lines", "stack", "compose"),
    [
        ("devices: ['/dev/a']", ["SC2101 0:0"], ["SC2009 0:0"]),
        ("privileged: true", ["SC2101 0:0"], ["SC2009 0:0"]),
        ("tmpfs: /run", ["SC2101 0:0"], []),
        ("security_opt: [no-new-privileges]", ["SC2101 0:0"], []),
        ("links: [a]", ["SC2101 0:0"], ["SC2101 0:0"]),
        ("networks: {default: {ipv4_address: 10.0.0.1}}", ["SC2101 0:21"], ["SC2101 0:21"]),
        ("volumes:\n- {type: bind, source: /a, target: /a, bind: {selinux: z}}", ["SC2101 1:46"], ["SC2101 1:46"]),
        ("build: .", ["SC2101 0:0"], ["SC2101 0:0"]),
    ],
)
def test_each_dialect_has_its_own_fate(lines: str, stack: list[str], compose: list[str]) -> None:
    assert told(lines, "stack") == stack
    assert told(lines) == compose


@pytest.mark.parametrize(
    "line",
    [
        "privileged: false",
        "devices: []",
        "links: []",
        "container_name: ''",
        "ipc: private",
        "pull_policy: missing",
        "develop: {watch: [{path: ., action: rebuild}]}",
        "attach: false",
        "volumes: ['/a:/a']",  # create_host_path is made up by the long form
        "x-devices: [a]",
    ],
)
def test_nothing_is_told_of_what_asks_for_nothing(line: str) -> None:
    assert told(line) == []


def test_what_stands_below_is_not_told_again() -> None:
    assert told("gpus: [{capabilities: [gpu], driver: x}]\ncredential_spec: {file: a}") == ["SC2009 0:0"]


def test_every_fate_has_its_reason_and_a_way_out_in_the_finding() -> None:
    text = "services:\n  web:\n    image: app:1\n    uts: host\n    annotations: {a: b}\n"
    found = compile_stack(["f.yml"], MemoryReader({"f.yml": text.encode()}), stack="s", environment={}).diagnostics
    assert [(one.severity.value, one.message, one.hint) for one in found] == [
        (
            "error",
            "`uts` cannot be expressed in a Swarm service: a Swarm service has no such setting",
            "set `hostname`",
        ),
        ("warning", "`annotations` has no effect in a stack: a Swarm service has no such setting", "use `labels`"),
    ]


def test_config_tells_nothing_of_a_stack() -> None:
    text = b"services:\n  web: {image: 'app:1', privileged: true, links: [other]}\n  other: {image: 'app:1'}\n"
    made = assemble_files(["f.yml"], MemoryReader({"f.yml": text}), environment={})
    assert made.root is not None
    assert made.context.findings == []


def test_no_row_is_refused_in_stack_files_that_docker_only_warns_of() -> None:
    """docker deploys files with these; so do we, with a warning."""
    taken = [
        *("build", "cgroup_parent", "cgroupns_mode", "container_name", "devices", "domainname", "expose"),
        *("external_links", "ipc", "links", "mac_address", "network_mode", "pid", "privileged", "security_opt"),
        *("shm_size", "tmpfs", "userns_mode", "oom_score_adj"),
    ]
    rows = {attr.path: attr for attr in ATTRIBUTES}
    assert {rows[f"services.*.{key}"].stack for key in taken} == {WARNED}
    forbidden = ["extends", "volume_driver", "volumes_from", "cpu_quota", "cpu_shares", "cpuset", "mem_limit"]
    forbidden += ["memswap_limit"]
    assert {rows[f"services.*.{key}"].stack for key in forbidden} == {REFUSED}


def test_fates_differ_only_where_the_dialects_do() -> None:
    """What both compile, both compile to the same field; docker stack drops or forbids the rest."""
    odd: list[Attr] = [
        attr
        for attr in ATTRIBUTES
        if {attr.stack, attr.compose} == {COMPILED, WARNED} and "docker stack drops" not in attr.why
    ]
    assert [attr.path for attr in odd] == ["services.*.volumes.[].consistency"]
    assert all(attr.compose == OURS for attr in ATTRIBUTES if attr.stack == OURS and attr.path != "version")
