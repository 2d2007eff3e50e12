"""The rules of the semantic checks at their edges: what is found, where, and what is left alone."""

from __future__ import annotations

import pytest

from stackc.checks import CHECKS, module_of
from stackc.checks.constraints import malformed, unmatched
from stackc.checks.cycles import circles
from stackc.checks.names import is_service_name
from stackc.checks.plain_secrets import is_literal, is_secret_name
from stackc.compile import compile_stack
from stackc.disk import MemoryReader

SECOND = 'version: "3.8"\n'


def findings(text: str, stack: str = "s", files: dict[str, str] | None = None) -> list[str]:
    """``LINE CODE`` of each finding, in order."""
    known = {"f.yml": text, **(files or {})}
    reader = MemoryReader({name: content.encode() for name, content in known.items()})
    compiled = compile_stack(["f.yml"], reader, stack=stack, environment={"NAME": "value"})
    return [f"{one.span.line if one.span else 0} {one.code}" for one in compiled.diagnostics]


def service(lines: str, head: str = "") -> str:
    """A service from line 4 on (5 with a head of one line)."""
    body = "".join(f"    {line}\n" for line in lines.strip("\n").splitlines())
    return f"{head}services:\n  a:\n    image: x:1\n{body}"


EMPTY: list[str] = []
HOST_PORT = "ports: [{target: 1, published: 80, mode: host}]\n"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # ports: protocols and modes apart, ranges, the engine's choice of a number
        ('ports: ["53:53", "53:53/udp", "53:54/sctp"]', EMPTY),
        ('ports: ["80", "80", "81"]', EMPTY),
        ('ports: ["8000-8002:80-82", "8002:90"]', ["4 SC4007"]),
        ("ports: [{target: 1, published: 80, protocol: UDP}, {target: 2, published: 80, protocol: udp}]", ["4 SC4007"]),
        ("ports: [{target: 1, published: 80, mode: host}, {target: 2, published: 80, mode: host}]", ["4 SC4007"]),
        ("ports: [{target: 1, mode: host}, {target: 2, mode: host}]\ndeploy: {replicas: 3}", EMPTY),
        ("ports: [{target: 1, published: 80, mode: host}]\ndeploy: {replicas: 1}", EMPTY),
        ("ports: [{target: 1, published: 80, mode: host}]\nscale: 2", ["4 SC4021"]),
        (
            HOST_PORT + "deploy: {replicas: 2, placement: {max_replicas_per_node: 1}}",
            EMPTY,
        ),
        (
            HOST_PORT + "deploy: {replicas: 2, placement: {max_replicas_per_node: 2}}",
            ["4 SC4021"],
        ),
        (
            HOST_PORT + "deploy: {replicas: 2, placement: {constraints: [node.role == worker]}}",
            EMPTY,
        ),
        ("ports: ['80:80']\ndeploy: {endpoint_mode: DNSRR}", ["4 SC4034"]),
        ("ports: ['80']\ndeploy: {endpoint_mode: dnsrr}", ["4 SC4034"]),
        ("ports: [{target: 80, published: 80, mode: HOST}]\ndeploy: {endpoint_mode: dnsrr}", EMPTY),
        # health
        ("healthcheck: {test: [NONE, more]}", EMPTY),
        ("healthcheck: {test: []}", EMPTY),
        ("healthcheck: {disable: true}\ndeploy: {update_config: {failure_action: rollback}}", ["5 SC4011"]),
        ("healthcheck: {test: [NONE]}\ndeploy: {update_config: {failure_action: rollback}}", ["5 SC4011"]),
        ("healthcheck: {test: [CMD-SHELL]}", ["4 SC4031"]),
        ("healthcheck: {test: x, interval: 1ms, timeout: 0s, start_period: 999us}", ["4 SC4036"]),
        ("deploy: {update_config: {failure_action: pause}}", EMPTY),
        # monitor: the engine's defaults where the file says nothing
        ("healthcheck: {test: x}\ndeploy: {update_config: {monitor: 89s}}", ["5 SC4024"]),
        ("healthcheck: {test: x}\ndeploy: {update_config: {monitor: 90s}}", EMPTY),
        ("healthcheck: {test: x, interval: 1s, retries: 5}\ndeploy: {update_config: {monitor: 5s}}", EMPTY),
        (
            "healthcheck: {test: x, interval: 1s, start_period: 3s}\ndeploy: {update_config: {monitor: 5s}}",
            ["5 SC4024"],
        ),
        (
            "healthcheck: {test: x, interval: 2s, retries: 3}\ndeploy: {update_config: {failure_action: rollback}}",
            ["5 SC4024"],
        ),
        ("healthcheck: {test: x}\ndeploy: {update_config: {parallelism: 1}}", EMPTY),
        ("healthcheck: {test: x}\ndeploy: {update_config: {monitor: 1s, failure_action: continue}}", EMPTY),
        ("healthcheck: {start_period: 1m}\ndeploy: {update_config: {monitor: 1s}}", EMPTY),
        # updates
        (
            "deploy: {update_config: {order: start-first}, placement: {max_replicas_per_node: 2}, replicas: 2}",
            ["4 SC4025"],
        ),
        (
            HOST_PORT + "deploy: {update_config: {order: stop-first}, rollback_config: {order: start-first}}",
            ["5 SC4025"],
        ),
        ("ports: ['80:80']\ndeploy: {update_config: {order: start-first}}", EMPTY),
        ("deploy: {update_config: {parallelism: 0}}", EMPTY),
        ("deploy: {mode: global, update_config: {parallelism: 0}}", ["4 SC4044"]),
        ("deploy: {replicas: 2, update_config: {parallelism: 0, order: start-first}}", EMPTY),
        ("deploy: {mode: global-job, update_config: {}}", ["4 SC4041"]),
        ("deploy: {mode: global-job, rollback_config: {}}", EMPTY),
        ("deploy: {update_config: {max_failure_ratio: 1.01}}", ["4 SC4035"]),
        ("deploy: {update_config: {max_failure_ratio: 1}, rollback_config: {max_failure_ratio: 1.5}}", EMPTY),
        ("deploy: {rollback_config: {failure_action: rollback}}", ["4 SC3016"]),
        # stopping
        ("stop_grace_period: 0s", EMPTY),
        ("stop_grace_period: 1500ms\nports: ['80:80']", EMPTY),
        ("stop_grace_period: 999ms", ["4 SC4026"]),
        ("stop_grace_period: 2m", EMPTY),
        ("stop_grace_period: 61s\nvolumes: ['/d:/d']", ["4 SC4026"]),
        ("stop_grace_period: 60s\nvolumes: ['/d:/d']", EMPTY),
        ("stop_grace_period: 61s\nvolumes: ['/d:/d:ro']", EMPTY),
        ("stop_grace_period: 61s\nvolumes: ['/d:/d']\ndeploy: {update_config: {order: start-first}}", EMPTY),
        ("stop_grace_period: 100ms\ndeploy: {mode: replicated-job}", EMPTY),
        # resources
        ("deploy: {resources: {limits: {memory: 4194303b}, reservations: {memory: 4m}}}", ["4 SC4032"]),
        ("deploy: {resources: {limits: {memory: 4m}}}", ["4 SC4033"]),
        ("deploy: {resources: {limits: {memory: 6m, cpus: '0.01'}}}", EMPTY),
        ("mem_limit: 1m", ["4 SC4032"]),
        ("cpus: 0.005", ["4 SC4033"]),
        ("deploy: {resources: {reservations: {cpus: '0.0009'}}}", ["4 SC4032"]),
        # placement
        ("deploy: {placement: {constraints: [node.role == king]}}", ["4 SC4040"]),
        ("deploy: {placement: {preferences: [{spread: engine.labels.rack}]}}", EMPTY),
        ("deploy: {mode: global, replicas: 1}", ["4 SC4045"]),
        ("deploy: {mode: replicated-job, replicas: 1}", EMPTY),
        # mounts
        ("volumes: ['/host:/data', '/other:/more']", EMPTY),
        ("volumes: ['./data:/data']\ndeploy: {placement: {constraints: [node.hostname == one]}}", EMPTY),
        ("volumes: [{type: bind, source: ../x, target: /x}]", ["4 SC4028"]),
        ("volumes: [{type: bind, source: ~/x, target: /x}]", ["4 SC4028"]),
        ("volumes: [{type: tmpfs, target: tmp}]", ["4 SC4033"]),
        ("volumes: [{type: volume, target: /}]", ["4 SC4033"]),
        ("hostname: '{{.Node.Hostname}}'", EMPTY),
        (f"hostname: {'h' * 65}", ["4 SC4033"]),
        ("working_dir: ./app", ["4 SC4033"]),
        ("ulimits: {nofile: {soft: -1, hard: 10}, nproc: {soft: 5, hard: -1}, core: 0}", ["4 SC4033"]),
        # secrets
        ("environment: {DB_PASSWORD: '', API_TOKEN: , S_KEY: /run/secrets/x, T_KEY: ./x}", EMPTY),
        ("environment: {DB_PASSWORD: '${NAME}', API_TOKEN: a$$b, C_SECRET: '{{.Node.ID}}'}", ["4 SC4027"]),
        ('environment: ["DB_PASSWORD=${NAME}", TOKEN=x, PASSWORD]', ["4 SC4027"]),
    ],
)
def test_a_service(lines: str, expected: list[str]) -> None:
    assert findings(service(lines)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("services:\n  a: {image: x}\n  b: {image: x:latest}\n  c: {image: localhost:5000/x}\n", [2, 3, 4]),
        ("services:\n  a: {image: localhost:5000/x:1}\n  b: {image: process/x:v2}\n", []),
        (f"services:\n  a: {{image: 'x@sha256:{'0' * 64}'}}\n", []),
    ],
)
def test_tags(text: str, expected: list[int]) -> None:
    assert findings(text) == [f"{line} SC4023" for line in expected]


def test_values_from_env_files_are_not_in_the_stack_file() -> None:
    text = service("env_file: [e.env]\nenvironment: {OTHER: x}")
    assert findings(text, files={"e.env": "DB_PASSWORD=hunter2\n"}) == []


def test_what_a_profile_turns_off_is_there_but_cannot_be_waited_for() -> None:
    off = "  b: {image: x:1, profiles: [p], networks: [n], volumes: ['data:/v']}\nnetworks: {n: }\nvolumes: {data: }\n"
    assert findings("services:\n  a: {image: x:1}\n" + off) == []
    assert findings("services:\n  a: {image: x:1, depends_on: [b]}\n" + off) == ["2 SC4020"]
    wanted = "{b: {condition: service_healthy, required: false}}"
    assert findings(f"services:\n  a: {{image: x:1, depends_on: {wanted}}}\n" + off) == []


def test_one_port_of_many_services() -> None:
    def port(name: str, mode: str) -> str:
        return f"  {name}: {{image: x:1, ports: [{{target: 1, published: 80, mode: {mode}}}]}}\n"

    assert findings("services:\n" + port("a", "host") + port("b", "host")) == ["3 SC4022"]
    three = port("a", "host") + port("b", "ingress") + port("c", "host")
    assert findings("services:\n" + three) == ["3 SC4007", "4 SC4007", "4 SC4022"]
    assert findings("services:\n" + port("a", "ingress") + port("b", "ingress")) == ["3 SC4007"]


def test_two_overlapping_ranges_are_one_finding() -> None:
    text = "services:\n  a: {image: x:1, ports: ['100-110:100-110']}\n  b: {image: x:1, ports: ['105-120:105-120']}\n"
    reader = MemoryReader({"f.yml": text.encode()})
    found = compile_stack(["f.yml"], reader, stack="s", environment={}).diagnostics
    assert [one.message for one in found] == ["6 ports from 105 to 110/tcp are published twice, by `a` and by `b`"]


def test_every_circle_is_reported_and_each_once() -> None:
    def services(**depends_on: str) -> str:
        return "services:\n" + "".join(f"  {k}: {{image: x:1, depends_on: [{v}]}}\n" for k, v in depends_on.items())

    assert findings(services(a="b", b="a", c="d", d="e", e="c", f="a")) == ["2 SC4006", "4 SC4006"]
    assert findings(services(a="a", b="a")) == ["2 SC4006"]


@pytest.mark.parametrize(
    ("graph", "paths"),
    [
        ({"a": ["b"], "b": ["c"], "c": []}, []),
        ({"a": ["a"]}, [["a", "a"]]),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, [["b", "c", "b"]]),
        ({"z": ["y"], "y": ["x"], "x": ["z"], "a": ["z"]}, [["z", "y", "x", "z"]]),
        ({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, []),
        ({"a": ["b", "c"], "b": ["c"], "c": ["a"]}, [["a", "c", "a"]]),
        ({"a": ["b"], "b": ["a", "c"], "c": ["d"], "d": ["c"]}, [["a", "b", "a"], ["c", "d", "c"]]),
    ],
)
def test_circles_are_shortest_paths(graph: dict[str, list[str]], paths: list[list[str]]) -> None:
    assert list(circles(graph)) == paths


def test_a_long_circle_costs_no_stack() -> None:
    graph = {str(n): [str((n + 1) % 50_000)] for n in range(50_000)}
    assert [len(path) for path in circles(graph)] == [50_001]


@pytest.mark.parametrize(
    "name",
    [
        *("POSTGRES_PASSWORD", "DB_PASS", "PGPASSWORD", "MYSQL_PWD", "SMTP_PASSWD", "database__connection__password"),
        *("api-key", "API_KEY", "apiKey", "AWS_SECRET_ACCESS_KEY", "githubToken", "JWT_SECRET", "SECRET_KEY_BASE"),
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["PWD", "KEY", "COMPASS", "BYPASS", "PASSWORD_FILE", "TOKEN_TTL", "MAX_TOKENS", "SSH_PUBLIC_KEY", "SORT_KEY", "_"],
)
def test_names_of_other_things(name: str) -> None:
    assert not is_secret_name(name)


def test_literal_values() -> None:
    assert all(map(is_literal, ("x", "a$$b", "12345", "with space", "$$")))
    assert not any(map(is_literal, ("", "$A", "${A:-x}", "/run/x", "./x", "~/x", "true", "No", "0", "{{.Task.ID}}")))


@pytest.mark.parametrize(
    ("constraint", "fits"),
    [
        ("node.role==manager", True),
        ("node.role == bogus", False),
        ("node.role != bogus", True),
        ("NODE.Role == Manager", True),
        ("node.foo == 1", False),
        ("node.foo != 1", False),
        ("node.labels == 1", False),
        ("node.labels.a.b-c_d == x y", True),
        ("engine.labels.a != b", True),
        ("node.ip == 10.0.0.0/8", True),
        ("node.platform.arch == amd64", False),
        ("node.platform.arch != amd64", True),
        ("node.platform.arch == x86_64", True),
    ],
)
def test_constraints_that_the_engine_takes(constraint: str, fits: bool) -> None:
    assert malformed(constraint) == ""
    assert (unmatched(constraint) == ("", "")) == fits


@pytest.mark.parametrize(
    "constraint",
    [
        *("node.labels.a=1", "node.role", "node.role===manager", "node.id==", "node.hostname==ä", "==x", "node.x y==1"),
        *("1node==x", "node.role!==x", "node.hostname==a,b", "node.hostname=='a'", "node.hostname==a@b", ""),
    ],
)
def test_constraints_that_the_engine_refuses(constraint: str) -> None:
    """Each was tried on an engine, 20.10."""
    assert malformed(constraint)


def test_names() -> None:
    assert all(map(is_service_name, ("a", "a-b", "a__b", "A1", "1")))
    assert not any(map(is_service_name, ("", "-a", "a-", "_a", "a_", "a.b", "ä", "a b", "a\n")))
    long = f"services:\n  {'a' * 62}: {{image: x:1}}\n"
    assert findings(long) == ["2 SC4009"]
    assert findings(long.replace("a" * 62, "a" * 61)) == []


def test_networks_that_nobody_uses_may_be_called_anything() -> None:
    head = SECOND + "services: {a: {image: x:1, networks: [good]}}\nnetworks:\n  good:\n"
    assert findings(head + "  bad.one:\n") == ["5 SC4017"]
    assert findings(head.replace("good:", "good: {name: a b}")) == ["4 SC4009"]


def test_objects_that_differ_in_case_only() -> None:
    text = SECOND + "services: {a: {image: x:1}}\nsecrets: {A: {external: true}, a: {name: a, file: s}}\n"
    assert findings(text, files={"s": "x"}) == ["3 SC4014"]
    volumes = "services: {a: {image: x:1, volumes: ['v:/v', 'V:/w']}}\nvolumes: {v: {name: vol}, V: {name: VOL}}\n"
    assert "SC4014" not in " ".join(findings(volumes.replace("'v:", "'vv:").replace("{v:", "{vv:")))


def test_every_module_is_a_check_or_serves_checks() -> None:
    for check in CHECKS:
        module = module_of(check)
        assert callable(module.check)
        assert module.__name__ == f"stackc.checks.{check.module}"
