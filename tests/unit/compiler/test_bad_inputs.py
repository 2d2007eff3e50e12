"""Hostile and unlucky inputs, numbered: what the compiler makes of each. Refused means an error with a code and, where
a text was read, a place; never a traceback, never a plan.

The numbers are those of the list that this project keeps of such inputs (1 to 102 concern the compiler). What a
policy of the reconciler decides (85, 90, 98 to 100) is tested where that decision is made.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from stackc.codes import LONGEST_MESSAGE
from stackc.compile import Compiled, compile_stack
from stackc.disk import DiskReader, MemoryReader
from stackc.plan import to_json

REFUSED, WARNED, TAKEN = "refused", "warned", "taken"


class Case(NamedTuple):
    """``codes``: one of these must be among the findings ("" for an input that is taken as it is)."""

    number: str
    text: str | bytes
    outcome: str
    codes: str = ""


def service(lines: str, name: str = "a") -> str:
    """One service with an image and these lines."""
    body = "".join(f"    {line}\n" for line in lines.splitlines())
    return f"services:\n  {name}:\n    image: x:1\n{body}"


def refused(number: str, text: str | bytes, codes: str) -> Case:
    return Case(number, text, REFUSED, codes)


def laughs(levels: int, width: int) -> str:
    rows = ["x-0: &a0 [1]"]
    rows += [f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels + 1)]
    return "\n".join(rows) + "\nservices: {a: {image: x}}\n"


def merges(levels: int) -> str:
    rows = ["x-0: &m0 {k0: 1}"]
    rows += [f"x-{n}: &m{n} {{a{n}: *m{n - 1}, b{n}: *m{n - 1}, <<: [*m{n - 1}, *m{n - 1}]}}" for n in range(1, levels)]
    return "\n".join(rows) + "\nservices: {a: {image: x}}\n"


def chain(depth: int) -> str:
    return "${a:-" * depth + "x" + "}" * depth


YAML = [
    refused("1", "[" * 25_000 + "]" * 25_000, "SC1010"),
    refused("2", "- " * 50_000 + "x", "SC1010"),
    refused("3", "{a: " * 20_000, "SC1010"),
    refused("4", "".join(f"{' ' * n}a:\n" for n in range(5_000)), "SC1010"),
    refused("5", "{" * 80_000, "SC1010"),
    refused("6", laughs(8, 9), "SC1012"),
    refused("7", merges(20), "SC1012"),
    refused("8", "x-a: &a [*a]\nservices: {a: {image: x}}", "SC1013"),
    refused("9", "x-a: &a 1\nservices: {a: {image: x, <<: *a}}", "SC1014"),
    refused("10", "x-a: &a {tty: true}\nservices: {a: {<<: *a, <<: *a, image: x}}", "SC1008"),
    refused("11", "services: {a: {image: x, image: y}}", "SC1008"),
    refused("13 number", "services: {a: {image: x, labels: {1: a}}}", "SC1009"),
    refused("13 boolean", "services: {a: {image: x, labels: {true: a}}}", "SC1009"),
    refused("13 float", "services: {a: {image: x, labels: {1.0: a}}}", "SC1009"),
    refused("14", "? [a]\n: b\n", "SC1009"),
    refused("15", ".nan: 1\n.nan: 2\n", "SC1009"),
    refused("16", "services: {a: {image: !!python/object/apply:os.system [ls]}}", "SC1015"),
    Case("18", "services: {a: {image: !!binary eA==}}", TAKEN),  # read as docker reads it: the text is x
    refused("19", "services: {a: {image: !foo x}}", "SC1015"),
    refused("22", "", "SC1006"),
    refused("23", "# nothing\n", "SC1006"),
    refused("24", "null\n", "SC1006"),
    refused("25", "- a\n", "SC1007"),
    refused("26", "services: {a: {image: x}}".encode("utf-16"), "SC1004"),
    Case("27", b"\xef\xbb\xbf" + service("").encode(), TAKEN),
    refused("28", b"services: {a: {image: \xff}}", "SC1004"),
    refused("29", "services: {a: {image: x\0y}}", "SC1017"),
    refused("30", 'services: {a: {image: "\\ud800"}}', "SC1005 SC1017"),
    refused("31", 'services: {a: {image: "\\UFFFFFFFF"}}', "SC1005 SC1017"),
    refused("32", f"services: {{a: {{image: {'1:' * 150_000}1}}}}", "SC3008"),
    refused("33", service(f"scale: {'9' * 5_000}"), "SC2004"),
    refused("34", service(f"scale: 0x{'f' * 1_000_000}"), "SC2004"),
    Case("35", service("labels: {a: 2024-13-45}"), TAKEN),
    Case("36", service("labels: {a: 2001-12-14t21:59:43+99:99}"), TAKEN),
    Case("37", service("ports: [22:22]"), TAKEN),
    Case("38", service("environment: {COUNTRY: NO}"), TAKEN),
    refused("40", "x-a:\n" + "".join(f"- &a{n} 1\n" for n in range(200_000)), "SC1011"),
    refused("41", service(f"hostname: {'a' * 20_000_000}"), "SC1003"),
    refused("42", "services:\n\ta: {image: x}\n", "SC1005"),
]
COMPOSE = [
    refused("43", 'services: {"web\\n": {image: x}}', "SC2001"),
    refused("44", 'services: {"\\e[31mred": {image: x}}', "SC2001"),
    refused("45", "services: {wеb: {image: x}}", "SC2001"),
    refused("46", 'services: {"web\\u202egnp": {image: x}}', "SC2001"),
    refused("47 service", f"services: {{{'a' * 64}: {{image: x}}}}", "SC4009"),
    refused("48", f"services: {{{'a' * 27}!: {{image: x}}}}", "SC2001"),
    refused("49 dots", "services: {..: {image: x}}", "SC4009"),
    refused("49 dash", "services: {-x: {image: x}}", "SC4009"),
    refused("50", "services: {web: {image: x}, WEB: {image: x}}", "SC4014"),
    refused("54", service("command: '" + "${a:-" * 16_000 + "'"), "SC1201 SC1205"),
    refused("55", service(f"command: '{chain(1_000)}'"), "SC1201 SC1205"),
    Case("56", service("command: [echo, $$]"), TAKEN),
    refused("57 empty", service("command: '${}'"), "SC1201"),
    refused("57 digit", service("command: '${1}'"), "SC1201"),
    refused("57 space", service("command: '${a b}'"), "SC1201"),
    refused("57 open", service("command: '${a'"), "SC1201"),
    Case("58", service("hostname: ${LINES}"), TAKEN),
    refused("59", "services: {'${NAME}': {image: x}}", "SC2001"),
    refused("61", service("env_file: /proc/self/environ"), "SC1002"),
    refused("63", service("env_file: ../../x"), "SC1002"),
    refused("64", service("") + "secrets: {s: {file: ../../run/secrets/age}}", "SC1002"),
    refused("65", service("") + "configs: {c: {file: /etc/shadow}}", "SC1002"),
    refused("66", service("secrets: [s]") + "secrets: {s: {environment: HOME}}", "SC1202"),
    refused("67 https", "include: ['https://example.org/c.yml']\n" + service(""), "SC1303"),
    refused("67 oci", "include: ['oci://example.org/c:1']\n" + service(""), "SC1303"),
    refused("67 git", "include: ['git@example.org:a/b.git']\n" + service(""), "SC1303"),
    refused("68", service("extends: {file: ../x, service: a}"), "SC1002"),
    refused("70", "services: {a: {image: x, extends: b}, b: {image: x, extends: a}}", "SC1304"),
    refused("71", "services:\n" + "".join(f"  s{n}: {{image: x}}\n" for n in range(100_000)), "SC4018"),
    refused("72", service("privileged: true"), "SC2009"),
    Case("73", service("cap_add: [cap_sys_admin]"), WARNED, "SC4050"),
    Case("73 all", service("cap_add: [ALL]"), WARNED, "SC4050"),
    Case("74", service("volumes: ['/var/run/docker.sock:/s']"), WARNED, "SC4050"),
    Case("74 around", service("volumes: ['/var/run/../run/docker.sock:/s']"), WARNED, "SC4050"),
    Case("74 proc", service("volumes: ['/proc/1/root/run/docker.sock:/s']"), WARNED, "SC4050"),
    Case("75", service("volumes: ['/:/host']"), WARNED, "SC4050"),
    Case("75 twice", service("volumes: ['//:/host']"), WARNED, "SC4050"),
    Case("75 dot", service("volumes: ['/.:/host']"), WARNED, "SC4050"),
    Case(
        "76",
        service("volumes: [data:/host]") + "volumes: {data: {driver_opts: {type: none, o: bind, device: /}}}",
        WARNED,
        "SC4050",
    ),
    refused("78 pid", service("pid: host"), "SC2009"),
    refused("78 ipc", service("ipc: host"), "SC2009"),
    refused("78 userns", service("userns_mode: host"), "SC2009"),
    Case("78 network", service("network_mode: host"), WARNED, "SC4050"),
    refused("79", service("network_mode: container:other"), "SC2009"),
    Case("80", service("security_opt: [apparmor=unconfined]"), WARNED, "SC4050"),
    Case("80 seccomp", service("security_opt: [seccomp=unconfined]"), WARNED, "SC4050"),
    refused("81 devices", service("devices: [/dev/kvm]"), "SC2009"),
    refused("81 rules", service("device_cgroup_rules: ['c 1:3 mr']"), "SC2009"),
    refused("81 gpus", service("gpus: all"), "SC2009"),
    Case("82", service("sysctls: {kernel.core_pattern: x}"), WARNED, "SC4051"),
    refused("83 cgroup", service("cgroup_parent: x"), "SC2009"),
    refused("83 runtime", service("runtime: x"), "SC2009"),
    refused("84", service("volumes_from: [b]"), "SC2009"),
    Case("86", service("labels: {com.docker.stack.namespace: other}"), WARNED, "SC4052"),
    refused("87", "x-a: &a {privileged: true}\n" + service("<<: *a"), "SC2009"),
    refused("88 digest", "services: {a: {image: 'a@sha256:short'}}", "SC3008"),
    refused("88 upper", "services: {a: {image: A/B}}", "SC3008"),
    refused("88 url", "services: {a: {image: 'http://x'}}", "SC3008"),
    refused("88 long", f"services: {{a: {{image: {'a' * 10_000}}}}}", "SC3008"),
    refused("89 negative", service("deploy: {replicas: -1}"), "SC3010 SC2004"),
    Case("89 text", service('deploy: {replicas: "3"}'), TAKEN),
    Case("89 float", service("deploy: {replicas: 3.0}"), TAKEN),
    refused("89 boolean", service("deploy: {replicas: true}"), "SC2002"),
    refused("91 no unit", service("stop_grace_period: '1'"), "SC3003"),
    refused("91 negative", service("stop_grace_period: -1s"), "SC4042"),
    refused("91 huge", service("stop_grace_period: 1000000000h"), "SC3003"),
    refused("91 many", service(f"stop_grace_period: {'1h' * 20_000}"), "SC3003"),
    refused("92 negative", service("mem_limit: '-1'"), "SC3004 SC3016"),
    refused("92 exa", service("mem_limit: 1EB"), "SC3004"),
    refused("92 hex", service("mem_limit: '0x10'"), "SC3004"),
    refused("93 range", service("ports: ['80-1:80']"), "SC3001"),
    refused(
        "93 many",
        "services:\n" + "".join(f"  s{n}: {{image: x:1, ports: ['1-65535:80']}}\n" for n in range(10)),
        "SC4055 SC3001",
    ),
    refused(
        "93 many in a stack",
        "version: '3.8'\nservices:\n" + "".join(f"  s{n}: {{image: x:1, ports: ['1-65535:80']}}\n" for n in range(10)),
        "SC4055",
    ),
    refused("93 high", service("ports: ['99999']"), "SC3001"),
    refused("94 empty", service("") + "secrets: {s: {environment: EMPTY}}", "SC4012"),
    refused("94 large", service("") + "secrets: {s: {environment: HALF}}", "SC4012"),
    refused("95", service("") + "configs: {c: {environment: ONE}}", "SC4012"),
    Case("96", service("deploy: {update_config: {failure_action: rollback}}"), WARNED, "SC4011"),
    refused("97", service("depends_on: [b]") + "  b: {image: x, depends_on: [a]}", "SC4006"),
    refused("101", service("deploy: {resources: {limits: {cpu: 1}}}"), "SC2001"),
    refused("102", "version: '99'\n" + service(""), "SC1101"),
]
VARIABLES = {
    "LINES": "x\nprivileged: true",
    "EMPTY": "",
    "HALF": "x" * 512_000,
    "ONE": "x" * 1_024_000,
}


def compiled(text: str | bytes) -> Compiled:
    data = text if isinstance(text, bytes) else text.encode("utf-8")
    return compile_stack(["f.yml"], MemoryReader({"f.yml": data}), stack="s", environment=VARIABLES)


@pytest.mark.parametrize("case", [*YAML, *COMPOSE], ids=lambda case: case.number.replace(" ", "-"))
def test_bad_input(case: Case) -> None:
    result = compiled(case.text)
    codes = {one.code for one in result.diagnostics}
    assert (result.plan is None) == (case.outcome == REFUSED), result.diagnostics[:5]
    if case.codes:
        assert codes.intersection(case.codes.split()), result.diagnostics[:5]
    for one in result.diagnostics:
        assert one.span is not None
        assert one.span.file == "f.yml"
        assert len(one.message) <= LONGEST_MESSAGE + 1


@pytest.mark.parametrize("explicit_first", [True, False])
def test_12_an_explicit_key_beats_a_merged_one_wherever_it_stands(explicit_first: bool) -> None:
    lines = ["hostname: mine", "<<: *a"] if explicit_first else ["<<: *a", "hostname: mine"]
    result = compiled("x-a: &a {hostname: theirs}\n" + service("\n".join(lines)))
    assert result.plan is not None
    assert result.plan.services["s_a"].spec["TaskTemplate"]["ContainerSpec"]["Hostname"] == "mine"


def container(text: str) -> dict[str, object]:
    plan = compiled(text).plan
    assert plan is not None
    found: dict[str, object] = plan.services["s_a"].spec["TaskTemplate"]["ContainerSpec"]
    return found


def test_38_no_stays_a_word() -> None:
    assert container(service("environment: {COUNTRY: NO}"))["Env"] == ["COUNTRY=NO"]


def test_39_a_file_mode_is_octal_in_quotes_and_what_yaml_says_without() -> None:
    def mode(text: str) -> int:
        both = service(f"configs: [{{source: c, mode: {text}}}]") + "configs: {c: {content: x}}"
        return container(both)["Configs"][0]["File"]["Mode"]  # type: ignore[index,no-any-return]

    assert (mode("0400"), mode('"0400"'), mode("0o400"), mode("400")) == (0o400, 0o400, 0o400, 400)


def test_51_two_ways_to_one_name() -> None:
    """``a_b`` + ``c`` and ``a`` + ``b_c`` are one engine name: within a stack it is an error."""
    text = service("") + "configs: {c: {content: x}, d: {content: y, name: s_c}}"
    assert "SC4014" in {one.code for one in compiled(text).diagnostics}


def test_58_a_value_that_looks_like_yaml_stays_one_string() -> None:
    assert container(service("hostname: ${LINES}"))["Hostname"] == "x\nprivileged: true"


def test_60_a_variable_that_grows_is_not_read_again() -> None:
    text = service("hostname: ${SELF}")
    result = compile_stack(
        ["f.yml"], MemoryReader({"f.yml": text.encode()}), stack="s", environment={"SELF": "${SELF}${SELF}"}
    )
    assert result.plan is not None
    assert to_json(result.plan)["services"]["s_a"]["spec"]["TaskTemplate"]["ContainerSpec"]["Hostname"] == (
        "${SELF}${SELF}"
    )


def test_62_a_link_out_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("K=V\n")
    project = tmp_path / "project"
    project.mkdir()
    (project / "rel").symlink_to("../out")
    (project / "f.yml").write_text(service("env_file: ./rel"))
    result = compile_stack(["f.yml"], DiskReader(str(project)), stack="s", environment={})
    assert [one.code for one in result.diagnostics if one.severity.value == "error"] == ["SC1002"]


def test_69_files_that_include_each_other() -> None:
    files = {"f.yml": b"include: [g.yml]\nservices: {a: {image: x}}", "g.yml": b"include: [f.yml]\n"}
    result = compile_stack(["f.yml"], MemoryReader(files), stack="s", environment={})
    assert result.plan is None
    assert any("f.yml" in one.message for one in result.diagnostics)


@pytest.mark.soak
@pytest.mark.parametrize("case", [*YAML, *COMPOSE], ids=lambda case: case.number.replace(" ", "-"))
def test_the_whole_command_stays_within_2_seconds_of_cpu_and_512_mb(case: Case, tmp_path: Path) -> None:
    data = case.text if isinstance(case.text, bytes) else case.text.encode("utf-8")
    (tmp_path / "f.yml").write_bytes(data)
    process = subprocess.Popen(
        [sys.executable, "-m", "stackc", "validate", "-c", "f.yml", "s"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], **{k: v for k, v in VARIABLES.items() if len(v) < 100_000}},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    said = process.stderr.read() if process.stderr else b""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.stderr:
        process.stderr.close()
    assert process.returncode in (0, 1)
    assert b"Traceback" not in said
    assert used.ru_utime + used.ru_stime < 2
    assert used.ru_maxrss < 512 * 1024
