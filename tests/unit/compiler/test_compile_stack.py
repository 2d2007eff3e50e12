"""The whole compiler on one realistic file."""

from __future__ import annotations

from stackc.compile import Compiled, compile_stack
from stackc.disk import MemoryReader
from stackc.plan import from_json, to_json

FILE = b"""
services:
  web:
    image: process/hello:v1
    command: ["python", "-m", "hello"]
    environment: {MODE: "${MODE:-prod}", N: 3}
    ports: ["8080:8080"]
    configs: [{source: page, target: /etc/page}]
    secrets: [token]
    healthcheck: {test: ["CMD", "true"], interval: 1s, retries: 2}
    depends_on:
      back: {condition: service_healthy}
    deploy:
      replicas: 4
      update_config: {parallelism: 2, delay: 1s, failure_action: rollback, order: start-first}
      rollback_config: {parallelism: 0}
      restart_policy: {condition: on-failure, delay: 1s}
  back:
    image: process/hello:v1
configs: {page: {file: ./page.txt}}
secrets: {token: {file: ./token.txt}}
"""


def compiled(text: bytes = FILE, **environment: str) -> Compiled:
    files = {"compose.yml": text, "page.txt": b"hi", "token.txt": b"s3cret"}
    return compile_stack(["compose.yml"], MemoryReader(files), stack="demo", environment=environment)


def test_a_service_becomes_the_engines_spec() -> None:
    plan = compiled().plan
    assert plan is not None
    web = plan.services["demo_web"]
    assert web.depends_on == {"demo_back": "service_healthy"}
    container = web.spec["TaskTemplate"]["ContainerSpec"]
    assert container["Args"] == ["python", "-m", "hello"]
    assert container["Env"] == ["MODE=prod", "N=3"]
    assert container["Healthcheck"] == {"Test": ["CMD", "true"], "Interval": 10**9, "Retries": 2}
    assert container["Secrets"] == [
        {"File": {"Name": "token", "UID": "0", "GID": "0", "Mode": 0o444}, "SecretName": "demo_token"}
    ]
    assert web.spec["Mode"] == {"Replicated": {"Replicas": 4}}
    assert web.spec["TaskTemplate"]["Networks"] == [{"Target": "demo_default", "Aliases": ["web"]}]
    assert plan.order == (("demo_back",), ("demo_web",))


def test_the_digest_follows_what_is_deployed_and_nothing_else() -> None:
    first, again = compiled().plan, compiled().plan
    other, commented = compiled(MODE="test").plan, compiled(b"# a comment\n" + FILE).plan
    assert first is not None
    assert again is not None
    assert other is not None
    assert commented is not None
    assert first.digest == again.digest == commented.digest
    assert first.digest != other.digest


def test_a_secrets_bytes_stand_nowhere_in_the_plans_json() -> None:
    plan = compiled().plan
    assert plan is not None
    shape = to_json(plan)
    assert "s3cret" not in repr(shape)
    assert "s3cret" not in repr(plan)
    assert shape["secrets"]["demo_token"]["length"] == 6
    assert to_json(from_json(shape)) == {
        **shape,
        "secrets": {"demo_token": {k: v for k, v in shape["secrets"]["demo_token"].items() if k != "length"}},
        "configs": {"demo_page": {k: v for k, v in shape["configs"]["demo_page"].items() if k != "length"}},
    }


def test_all_findings_of_a_file_come_in_one_run() -> None:
    broken = FILE.replace(b"replicas: 4", b"replicsa: 4").replace(b"[token]", b"[tokem]").replace(b'"8080:', b'"x:')
    result = compiled(broken)
    assert result.plan is None
    assert [(d.code, d.hint) for d in result.diagnostics] == [
        ("SC3001", 'write "PUBLISHED:TARGET", such as "8080:80", or the long form'),
        ("SC4004", "did you mean `token`?"),
        ("SC4043", "give `back` a `healthcheck:`; without one it counts as healthy as soon as it runs"),
        ("SC2001", "did you mean `replicas`?"),
    ]


def test_thousands_of_services_are_refused_before_any_work() -> None:
    crowd = "services:\n" + "".join(f"  a{n}: {{image: x}}\n" for n in range(10_001))
    assert [one.code for one in compiled(crowd.encode()).diagnostics] == ["SC4018"]


def test_a_stack_without_a_name_has_no_plan() -> None:
    files = MemoryReader({"a.yml": b"services: {a: {image: x:1}}"})
    result = compile_stack(["a.yml"], files, stack=None, environment={})
    assert (result.plan, [one.code for one in result.diagnostics]) == (None, ["SC4010"])


def test_a_long_chain_of_dependencies_is_one_wave_each() -> None:
    chain = "".join(f"  a{n:04}: {{image: x, depends_on: [a{n + 1:04}]}}\n" for n in range(999))
    plan = compiled(f"services:\n{chain}  a0999: {{image: x}}\n".encode()).plan
    assert plan is not None
    assert plan.order == tuple((f"demo_a{n:04}",) for n in reversed(range(1000)))


def test_a_duplicate_key_does_not_hide_the_other_errors_of_the_file() -> None:
    text = b"services:\n  web:\n    image: x:1\n    depends_on: [nobody]\n    imag: y\n  web: {image: z}\n"
    found = compile_stack(["f.yml"], MemoryReader({"f.yml": text}), stack="s", environment={})
    assert found.plan is None
    assert [d.code for d in found.diagnostics] == ["SC4005", "SC2001", "SC1008"]


def test_ranges_of_ports_are_not_expanded_beyond_what_there_is() -> None:
    services = "".join(f"  s{n}: {{image: 'x:1', ports: ['1-65535:80']}}\n" for n in range(5))
    result = compile_stack(
        ["f.yml"], MemoryReader({"f.yml": f"services:\n{services}".encode()}), stack="s", environment={}
    )
    assert [one.message for one in result.diagnostics].count("the stack publishes more ports than there are") == 1
    assert result.plan is None
