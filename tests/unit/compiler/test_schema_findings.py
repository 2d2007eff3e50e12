"""What the schema refuses is told at the key or value to blame, with the nearest thing that works."""

# the tables are data: one row, one line
# ruff: noqa: E501
from __future__ import annotations

import json
import os
import string
from pathlib import Path

import pytest

from stackc.compile import Compiled, compile_stack
from stackc.disk import DiskReader, MemoryReader

WEB = "services:\n  web:\n    image: nginx:1\n"
STACK = 'version: "3.8"\n' + WEB
OR_COMPOSE = ", or remove `version:` to use the Compose Specification"
CONDITIONS = "service_started, service_healthy, service_completed_successfully"
LIMITS_OR_RESERVATIONS = "`services.web.deploy.resources.limits` or `services.web.deploy.resources.reservations`"


def compiled(text: str, dialect: str | None = None) -> Compiled:
    reader = MemoryReader({"f.yml": text.encode()})
    return compile_stack(["f.yml"], reader, stack="s", environment={}, dialect=dialect)


def errors(text: str, dialect: str | None = None) -> list[str]:
    """``LINE:COLUMN CODE MESSAGE; HINT`` of every error."""
    found = [one for one in compiled(text, dialect).diagnostics if one.severity.value == "error"]
    return [f"{one.span.line}:{one.span.column} {one.code} {one.message}; {one.hint}" for one in found if one.span]


@pytest.mark.parametrize(
    ("line", "column", "wanted"),
    [
        # misspelt
        ("Image: x", 5, "unknown key `Image` in `services.web`; did you mean `image`?"),
        ("comand: x", 5, "unknown key `comand` in `services.web`; did you mean `command`?"),
        ("depends-on: [a]", 5, "unknown key `depends-on` in `services.web`; did you mean `depends_on`?"),
        ("volume: []", 5, "unknown key `volume` in `services.web`; did you mean `volumes`?"),
        ("env: {A: b}", 5, "unknown key `env` in `services.web`; write `environment`"),
        ("net: host", 5, "unknown key `net` in `services.web`; write `network_mode`"),
        ("foo: 1", 5, "unknown key `foo` in `services.web`; remove it, or prefix it with x-"),
        (
            "networks: {default: {ipv4: x}}", 26,
            "unknown key `ipv4` in `services.web.networks.default`; did you mean `ipv4_address`?",
        ),
        ("healthcheck: {period: 1s}", 19, "unknown key `period` in `services.web.healthcheck`; did you mean `start_period`?"),
        ("ports: [{target: 80, host: x}]", 26, "unknown key `host` in `services.web.ports[0]`; did you mean `host_ip`?"),
        (
            "deploy: {update_config: {paralelism: 1}}", 30,
            "unknown key `paralelism` in `services.web.deploy.update_config`; did you mean `parallelism`?",
        ),
        # one level too high or too low
        ("replicas: 2", 5, "unknown key `replicas` in `services.web`; it belongs in `services.web.deploy`"),
        ("constraints: [a]", 5, "unknown key `constraints` in `services.web`; it belongs in `services.web.deploy.placement`"),
        ("dockerfile: D", 5, "unknown key `dockerfile` in `services.web`; it belongs in `services.web.build`"),
        ("deploy: {ports: []}", 14, "unknown key `ports` in `services.web.deploy`; it belongs in `services.web`"),
        ("deploy: {memory: 1g}", 14, f"unknown key `memory` in `services.web.deploy`; it belongs in {LIMITS_OR_RESERVATIONS}"),
        ("wave: 1", 5, "unknown key `wave` in `services.web`; it belongs in `services.web.x-stackc`"),
        # lists, mappings and scalars
        ("cap_add: NET_ADMIN", 14, "`services.web.cap_add` must be a list, not a string; write a list: [NET_ADMIN]"),
        ("ports: {a: b}", 12, "`services.web.ports` must be a list, not a mapping; write a list: `- ` before each item"),
        (
            "environment: A=b", 18,
            "`services.web.environment` must be a mapping or a list, not a string; write a list: [A=b]",
        ),
        (
            "labels: true", 13,
            "`services.web.labels` must be a mapping or a list, not a boolean; write its keys on the lines below, indented",
        ),
        (
            "environment: [A: b]", 19,
            "`services.web.environment[0]` must be a string, not a mapping; a colon and a blank make a mapping; write A=b",
        ),
        (
            "volumes: [data: /x]", 15,
            "`services.web.volumes[0]` must be a string, not a mapping; a colon and a blank make a mapping; write data:/x",
        ),
        ("hostname: [a]", 15, "`services.web.hostname` must be a string, not a list; write the value alone: a"),
        ("hostname: {a: {}}", 15, "`services.web.hostname` must be a string, not a mapping; write one value, not a mapping"),
        ("hostname:", 14, "`services.web.hostname` must be a string, not null; give it a value, or remove it"),
        ("user: 1000", 11, '`services.web.user` must be a string, not a number; write it in quotes: "1000"'),
        (
            "stop_grace_period: 10", 24,
            '`services.web.stop_grace_period` must be a string, not a number; write it in quotes and with a unit, such as "10s"',
        ),
        ("init: 1", 11, "`services.web.init` must be true or false, not a number; write true or false"),
        # values
        ("tty: maybe", 10, "`services.web.tty` must be true or false, not `maybe`; write true or false"),
        ("deploy: {replicas: two}", 24, "`services.web.deploy.replicas` must be a whole number, not `two`; write a whole number"),
        ("scale: -1", 12, "`services.web.scale` must be at least 0, not `-1`; write 0 or more"),
        ("oom_score_adj: 2000", 20, "`services.web.oom_score_adj` must be at most 1000, not `2000`; write 1000 or less"),
        ("cgroup: all", 13, "`services.web.cgroup` must be one of host, private, not `all`; write host or private"),
        ("gpus: some", 11, "`services.web.gpus` must be `all`, not `some`; write all"),
        (
            'configs: [{source: a, mode: "999"}]', 33,
            "`services.web.configs[0].mode` must be a file mode, not `999`; write it in octal digits, such as 0440",
        ),
        (
            "deploy: {update_config: {order: start_first}}", 37,
            "`services.web.deploy.update_config.order` must be one of start-first, stop-first, not `start_first`; did you mean `start-first`?",
        ),
        (
            "pull_policy: sometimes", 18,
            "`services.web.pull_policy` must be a pull policy, not `sometimes`; such as always, missing, never, daily or every_12h",
        ),
        # missing
        (
            "depends_on: {db: {}}", 18,
            f"`condition` is missing in `services.web.depends_on.db`; add `condition:` with one of {CONDITIONS}",
        ),
        ("ports: [{published: 80}]", 13, "`target` is missing in `services.web.ports[0]`; add `target:`"),
        ("group_add: [a, a]", 20, "the same item stands twice in `services.web.group_add`; keep one of the two"),
        # stackc's own
        ("x-stackc: {wav: 1}", 16, "unknown key `wav` in `services.web.x-stackc`; did you mean `wave`?"),
        ("x-stackc: {wave: a}", 22, "`services.web.x-stackc.wave` must be a whole number, not `a`; write a whole number"),
        (
            "deploy: {x-stackc: {wave: 1}}", 14,
            "unknown key `x-stackc` in `services.web.deploy`; `x-stackc` stands in a service or at the top of the file",
        ),
        (
            "cgroupns_mode: host", 5,
            "unknown key `cgroupns_mode` in `services.web`; a key of stack files, which have a `version:`; the Compose Specification has none like it: remove it",
        ),
    ],
)  # fmt: skip
def test_a_line_of_a_service(line: str, column: int, wanted: str) -> None:
    found = [one for one in errors(f"{WEB}    {line}\n") if " SC20" in one]
    assert [one.split(" ", 2)[0::2] for one in found] == [[f"4:{column}", wanted]]


@pytest.mark.parametrize(
    ("line", "column", "code", "wanted"),
    [
        ("init: 'true'", 11, "SC2002", "`services.web.init` must be true or false, not a string; write true or false, without quotes"),
        ("deploy: {replicas: '3'}", 24, "SC2002", "`services.web.deploy.replicas` must be a whole number, not a string; write it without quotes: 3"),
        ("depends_on: {db: {condition: service_started}}", 17, "SC2002", "`services.web.depends_on` must be a list, not a mapping; write a list" + OR_COMPOSE),
        ("env_file: [{path: a}]", 16, "SC2002", "`services.web.env_file[0]` must be a string, not a mapping; write a string" + OR_COMPOSE),
        ("scale: 3", 5, "SC2006", "`scale` in `services.web` belongs to the Compose Specification; use `deploy.replicas`" + OR_COMPOSE),
        ("profiles: [a]", 5, "SC2006", "`profiles` in `services.web` belongs to the Compose Specification; remove it" + OR_COMPOSE),
        ("pids_limit: 3", 5, "SC2006", "`pids_limit` in `services.web` belongs to the Compose Specification; use `deploy.resources.limits.pids`" + OR_COMPOSE),
        ("mem_limit: 1g", 5, "SC2007", "`mem_limit` cannot be used in a stack file; use deploy.resources.limits"),
        ("healthcheck: {start_interval: 3s}", 19, "SC2008", '`start_interval` in `services.web.healthcheck` needs file version 3.12; this file has 3.8; write version: "3.12"'),
        ("deploy: {x-a: 1}", 14, "SC2001", "unknown key `x-a` in `services.web.deploy`; `x-` keys do not stand here: write it one level up"),
    ],
)  # fmt: skip
def test_a_line_of_a_service_of_a_stack_file(line: str, column: int, code: str, wanted: str) -> None:
    assert errors(f"{STACK}    {line}\n") == [f"5:{column} {code} {wanted}"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("services:\n- web\n", ["2:1 SC2002 `services` must be a mapping, not a list; write a key for each item, without `- `: web:"]),
        ("services:\n  web: nginx\n", ["2:8 SC2002 `services.web` must be a mapping, not a string; write it on the line below, indented: `image: nginx`"]),
        ("services:\n  web:\n", ["2:7 SC2002 `services.web` must be a mapping, not null; write its keys on the lines below, indented, or remove it"]),
        (
            WEB + "  volumes:\n    data:\n",
            ["5:5 SC2001 unknown key `data` in `services.volumes`; the top-level `volumes:` stands without indentation; here it is taken for a service"],
        ),
        ("image: x\n" + WEB, ["1:1 SC2001 unknown key `image`; write it in a service, below `services:`"]),
        (WEB + "replicas: 3\n", ["4:1 SC2001 unknown key `replicas`; it belongs in `services.NAME.deploy`"]),
        (WEB + "x-stackc: {wave: 1}\n", ["4:12 SC2001 unknown key `wave` in `x-stackc`; it belongs in `services.NAME.x-stackc`"]),
        (WEB + "netwoks: {}\n", ["4:1 SC2001 unknown key `netwoks`; did you mean `networks`?"]),
        (WEB + "networks: [a]\n", ["4:11 SC2002 `networks` must be a mapping, not a list; write a key for each item, without `- `: a:"]),
        (WEB + "configs: {c: {contents: a}}\n", ["4:15 SC2001 unknown key `contents` in `configs.c`; did you mean `content`?"]),
        (WEB + "volumes: {v: {external: {nam: q}}}\n", ["4:26 SC2001 unknown key `nam` in `volumes.v.external`; did you mean `name`?"]),
        (WEB + "secrets: {s: {content: a, file: f.yml}}\n", ["4:15 SC2001 unknown key `content` in `secrets.s`; known keys: driver, driver_opts, environment, external, file, labels, name, template_driver"]),
        (WEB + "    build: {foo: 1}\n", ["4:13 SC2001 unknown key `foo` in `services.web.build`; remove it, or prefix it with x-"]),
        (WEB + "networks: {default: {ipam: {subnet: 10.0.0.0/8}}}\n", ["4:29 SC2001 unknown key `subnet` in `networks.default.ipam`; it belongs in `networks.NAME.ipam.config`"]),
        ("services:\n  'we b': {image: 'x:1'}\n  web: {image: 'x:1'}\n", ["2:3 SC2001 `we b` is no valid name in `services`; letters, digits, `.`, `_` and `-` only"]),
        ("services: {web: {imag: 'x:1'}}\n", ["1:18 SC2001 unknown key `imag` in `services.web`; did you mean `image`?"]),
        ("version: 3\nservices: {web: {image: 'x:1'}}\n", ["1:10 SC2002 `version` must be a string, not a number; write it in quotes: \"3\""]),
    ],
)  # fmt: skip
def test_a_whole_compose_file(text: str, wanted: list[str]) -> None:
    """One finding for each fault: what follows from it is not told as well."""
    assert errors(text, "compose") == wanted


def test_many_unknown_keys_do_not_take_long() -> None:
    names = [a + b + c for a in string.ascii_lowercase for b in string.ascii_lowercase for c in "qz"]
    found = errors(WEB + "".join(f"    {name}ports: 1\n" for name in names))
    assert len(found) == len(names)
    assert found[0].endswith("did you mean `ports`?")
    assert found[-1].endswith("; remove it")


CORPUS = Path(os.environ.get("STACKC_TEST_CORPUS", Path(__file__).parents[3].parent / "shared" / "corpus"))


@pytest.mark.parametrize(
    ("records", "dialect"), [("compose-golden.jsonl", "compose"), ("stack-rejected.jsonl", "stack")]
)
def test_no_refusal_of_real_files_is_without_a_place_or_a_hint(records: str, dialect: str) -> None:
    if not CORPUS.exists():
        pytest.skip(f"the records are not here: {CORPUS}")
    seen = 0
    for line in (CORPUS / records).read_text().splitlines():
        record = json.loads(line)
        if record.get("rc") == 0:
            continue
        path = CORPUS / record["file"]
        found = compile_stack([str(path)], DiskReader("/"), stack="s", environment=record["env"], dialect=dialect)
        for one in found.diagnostics:
            if one.code.startswith("SC20"):
                seen += 1
                assert one.span is not None, (path, one)
                assert one.hint, (path, one)
    assert seen > 100
