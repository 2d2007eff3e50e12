"""docker's readings of a stack file that no other format has, each seen with docker 28.2.2 (tests/differential)."""

from __future__ import annotations

from typing import Any

import pytest

from stackc.compile import assemble_files, compile_stack
from stackc.disk import MemoryReader
from stackc.report.config import stack_config

ENVIRONMENT = {"A": "1", "T": "yes", "HOME": "/home/user"}


def codes(*texts: str, **files: str) -> list[str]:
    """The errors of one or several files."""
    reader, names = stored(texts, files)
    compiled = compile_stack(names, reader, stack="s", environment=ENVIRONMENT, dialect="stack")
    return [one.code for one in compiled.diagnostics if one.severity.value == "error"]


def warnings(*texts: str, **files: str) -> list[str]:
    reader, names = stored(texts, files)
    compiled = compile_stack(names, reader, stack="s", environment=ENVIRONMENT, dialect="stack")
    assert compiled.plan is not None, compiled.diagnostics
    return [one.code for one in compiled.diagnostics]


def spec(*texts: str, **files: str) -> dict[str, Any]:
    """What is sent for the service `a`."""
    reader, names = stored(texts, files)
    compiled = compile_stack(names, reader, stack="s", environment=ENVIRONMENT, dialect="stack")
    assert compiled.plan is not None, compiled.diagnostics
    return compiled.plan.services["s_a"].spec


def config(*texts: str, **files: str) -> str:
    """The text of ``stackc config``."""
    reader, names = stored(texts, files)
    made = assemble_files(names, reader, environment=ENVIRONMENT, dialect="stack")
    assert made.root is not None
    assert not [one for one in made.context.findings if one.severity.value == "error"]
    return stack_config(made.root, made.context.version)


def stored(texts: tuple[str, ...], files: dict[str, str]) -> tuple[MemoryReader, list[str]]:
    stacks = {f"c{number}.yml": text for number, text in enumerate(texts)}
    return MemoryReader({name: text.encode() for name, text in {**stacks, **files}.items()}, "/p"), list(stacks)


def test_below_a_name_with_a_dot_nothing_is_cast() -> None:
    file = "services: {{a: {{image: x, tty: '${{T}}'}}}}\nnetworks: {{{}: {{internal: '${{T}}'}}}}\n"
    assert codes(file.format("n")) == []
    assert codes(file.format("n.m")) == ["SC2002"]
    assert codes("services: {a.b: {image: x, tty: '${T}'}}") == ["SC4009", "SC2002"]
    # services.a.ulimits.hostname is the path of a limit
    assert codes("services: {a.ulimits: {image: x, hostname: '${A}'}}") == ["SC4009", "SC2002"]


@pytest.mark.parametrize("number", [".inf", "-.INF", ".nan"])
def test_numbers_that_json_cannot_hold_are_refused_wherever_they_stand(number: str) -> None:
    assert codes(f"services: {{a: {{image: x, environment: {{B: {number}}}}}}}") == ["SC3010"]
    assert codes(f"services: {{a: {{image: x}}}}\nx-a: [{{b: {number}}}]") == ["SC3010"]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ('"a\\n"', "|\n        a\n"),
        ('"a\\n\\n"', "|+\n        a\n\n"),
        ('"\\na"', "|2-\n        a\n"),
        ('"\\n"', "|2+\n"),
        ('"\\n\\n a"', "|2-\n\n         a\n"),
        ('" a\\nb"', "|2-\n         a\n        b\n"),
        ('"a \\nb"', '"a \\nb"\n'),
        ('"\\u2028x\'y"', "'\u2028        x''y'\n"),
        ('"a\\u2029"', "'a\u2029'\n"),
        ('"a\\nb\\u2028"', "|\n        a\n        b\u2028"),
        ('"a\\u0085"', '"a\\N"\n'),
        ('"\\U0001F600"', '"\\U0001F600"\n'),
        ('"<<"', "<<\n"),
        ('"."', ".\n"),
        ('"..."', "'...'\n"),
        ('"-"', "'-'\n"),
        ('"-a"', "-a\n"),
        ('"? a"', "'? a'\n"),
        ("2020-1-1", "2020-01-01 00:00:00 +0000 UTC\n"),
    ],
)
def test_strings_are_written_as_go_yaml_writes_them(value: str, written: str) -> None:
    text = config(f"services: {{a: {{image: x, labels: {{l: {value}}}}}}}")
    assert text == f'version: "3.13"\nservices:\n  a:\n    image: x\n    labels:\n      l: {written}'


def test_long_and_broken_keys_get_a_line_of_their_own() -> None:
    text = config(f'x-a: {{{"k" * 129}: {{b: [c]}}, "a\\n": 2020-1-1, "{"k" * 128}": 1}}')
    assert text == (
        'version: "3.13"\nservices: {}\nx-a:\n  ? |\n    a\n  : 2020-01-01T00:00:00Z\n'
        f"  {'k' * 128}: 1\n  ? {'k' * 129}\n  : b:\n      - c\n"
    )


def test_a_cluster_volume_is_printed_and_not_created() -> None:
    file = """
services: {a: {image: x}}
volumes:
  v:
    x-cluster-spec:
      access_mode: {scope: single, mount_volume: {mount_flags: [a]}, block_volume: {x: 1}}
      accessibility_requirements: {requisite: [{segments: [r=1, z]}, {}]}
      capacity_range: {required_bytes: 1g, limit_bytes: "0"}
      secrets: [{key: k, secret: s}]
"""
    assert config(file).partition("x-cluster-spec:\n")[2] == (
        "      access_mode:\n        scope: single\n        mount_volume:\n          mount_flags:\n            - a\n"
        "        block_volume: {}\n"
        '      accessibility_requirements:\n        requisite:\n          - segments:\n              r: "1"\n'
        '              z: ""\n          - {}\n'
        '      capacity_range:\n        required_bytes: "1073741824"\n'
        "      secrets:\n        - key: k\n          secret: s\n"
    )
    assert "SC2101" in warnings(file)
    assert codes("services: {a: {image: x}}\nvolumes: {v: {x-cluster-spec: {group: 1}}}") == ["SC2002"]


def test_what_docker_prints_and_leaves_out() -> None:
    assert config("services: {a: {image: x, credential_spec: {}}}") == (
        'version: "3.13"\nservices:\n  a:\n    image: x\n'
    )
    resources = "{reservations: {generic_resources: [{}, {discrete_resource_spec: {}}]}}"
    assert config(f"services: {{a: {{deploy: {{resources: {resources}}}}}}}").endswith(
        '- {}\n            - discrete_resource_spec:\n                kind: ""\n                value: 0\n'
    )
    update = config("services: {a: {deploy: {update_config: {max_failure_ratio: 0.1}}}}")
    assert update.endswith("max_failure_ratio: 0.1\n")
    update = config("services: {a: {deploy: {update_config: {max_failure_ratio: 1e39}}}}")
    assert update.endswith("max_failure_ratio: .inf\n")


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("hostname: 2020-01-01", ["SC2002"]),
        ("command: 2020-01-01", ["SC2002"]),
        ("labels: [2020-01-01]", ["SC2002"]),
        ("ports: [2020-01-01]", ["SC3001"]),
        ("deploy: {mode: 2020-01-01}", ["SC2002"]),
        ("healthcheck: {retries: 2020-01-01}", ["SC2002"]),
        ("labels: {a: 2020-01-01}", []),
        ("environment: {a: 2020-01-01}", []),
        ("expose: [2020-01-01, 2020-01-02]", []),
        ("expose: [2020-01-01, 2020-1-1]", ["SC2005"]),
        ("x-a: 2020-01-01", []),
        ("shm_size: 64", ["SC2002"]),
        ("shm_size: '64'", []),
    ],
)
def test_a_time_is_text_only_where_a_number_would_be(service: str, expected: list[str]) -> None:
    assert codes(f"services: {{a: {{image: x, {service}}}}}") == expected


BIG = 18446744073709551615


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (f"{{a: 1, a-b: 1.5, c: {BIG}, d: ~}}", ["%!s(float64=1.5) a-b", "%!s(int=1) a", f"%!s(uint64={BIG}) c"]),
        ("{e: 2020-01-01}", ["2020-01-01 00:00:00 +0000 UTC e"]),
        ("{h: '[::1]', i: '::1'}", ["::1 h", "::1 i"]),
        ("['a:b=c', 'a=b:c', 'a:[::1]']", ["b:c a", "b:c a", "::1 a"]),
        ("['b:[]', 'c=[x', ':y', 'none']", ["[] b", "[x c", "y "]),
    ],
)
def test_extra_hosts(hosts: str, expected: list[str]) -> None:
    found = spec(f"services: {{a: {{image: x, extra_hosts: {hosts}}}}}")
    assert found["TaskTemplate"]["ContainerSpec"]["Hosts"] == expected


@pytest.mark.parametrize(
    ("version", "service", "expected"),
    [
        ("3.8", "build: {context: ., extra_hosts: [a]}", ["SC2008"]),
        ("3.9", "build: {context: ., extra_hosts: [a]}", []),
        ("3.10", "build: {context: ., isolation: a}", ["SC2006"]),
        ("3.13", "build: {context: ., isolation: [1]}", []),
        ("3.13", "build: {context: ., cache_from: [a, a]}", ["SC2005"]),
        ("3.13", "configs: [a, a]", ["SC4003", "SC4003", "SC4013"]),
        ("3.13", "volumes: [{type: cluster, source: a, target: /a, cluster: {}}]", ["SC2001"]),
        ("3.13", "volumes: [{type: volume, target: /a, volume: {subpath: ~}}]", []),
        ("3.13", "logging: {options: {'': a}}", []),
        ("3.13", "ulimits: {a: 9223372036854775808}", ["SC3010"]),
        ("3.13", "ulimits: {a: {soft: 1.0, hard: 2}}", ["SC3010"]),
        ("3.13", "deploy: {resources: {limits: {pids: -1}}}", []),
        ("3.13", "deploy: {resources: {limits: {pids: 9223372036854775808}}}", ["SC3010"]),
        ("3.13", "deploy: {replicas: -1}", ["SC3010"]),
    ],
)
def test_what_the_file_versions_take(version: str, service: str, expected: list[str]) -> None:
    assert codes(f"version: '{version}'\nservices: {{a: {{image: x, {service}}}}}") == expected


def test_external_files_may_say_anything_more() -> None:
    assert codes("services: {a: {image: x}}\nsecrets: {s: {external: {name: a, b: c}}}") == []
    assert codes("services: {a: {image: x}}\nnetworks: {s: {external: {name: a, b: c}}}") == ["SC2001"]


@pytest.mark.parametrize(
    ("restart", "expected"),
    [
        ("no:", None),
        ("no:3", None),
        ("always:3", {"Condition": "any"}),
        ("unless-stopped:-2", {"Condition": "any"}),
        ("on-failure:", {"Condition": "on-failure", "MaxAttempts": 0}),
        ("on-failure:+05", {"Condition": "on-failure", "MaxAttempts": 5}),
        ("on-failure:-1", {"Condition": "on-failure", "MaxAttempts": 18446744073709551615}),
    ],
)
def test_restart_policies_with_a_count(restart: str, expected: dict[str, Any] | None) -> None:
    found = spec(f"services: {{a: {{image: x, restart: '{restart}'}}}}")
    assert found["TaskTemplate"].get("RestartPolicy") == expected


@pytest.mark.parametrize(
    "restart", [":5", "no:x", "on-failure:1:2", "on-failure:1_0", "on-failure:9223372036854775808"]
)
def test_restart_policies_that_are_none(restart: str) -> None:
    assert codes(f"services: {{a: {{image: x, restart: '{restart}'}}}}") == ["SC3009"]


def test_credential_specs() -> None:
    def credential(text: str, configs: str = "") -> Any:
        file = f"services: {{a: {{image: x, credential_spec: {text}}}}}\nconfigs: {{{configs}}}"
        return spec(file, f="x")["TaskTemplate"]["ContainerSpec"]["Privileges"]["CredentialSpec"]

    assert credential("{}") is credential("{file: ''}") is None
    assert credential("{config: c}", "c: {file: f}") == {"Config": "s_c", "File": "", "Registry": ""}
    assert credential("{config: c}", "c: {external: true}") == {"Config": "c", "File": "", "Registry": ""}
    named = "services: {a: {image: x, credential_spec: {config: c}}}\nconfigs: {c: {file: f, name: d}}"
    assert codes(named, f="x") == ["SC3011"]
    assert codes("services: {a: {image: x, credential_spec: {file: f, registry: r}}}") == ["SC3011"]


def test_a_config_without_file_is_the_folder() -> None:
    file = "services: {a: {image: x}}\nconfigs: {c: {}}\nsecrets: {s: {driver: d, driver_opts: {}}}"
    assert config(file).endswith("configs:\n  c:\n    file: /p\n")
    assert codes(file) == ["SC2003"]


def test_tags_of_the_compose_specification_are_told_of_and_ignored() -> None:
    file = "services: {a: {image: x, ports: !override ['80'], labels: !reset [a=1]}}"
    assert spec(file)["EndpointSpec"]["Ports"][0]["TargetPort"] == 80
    assert spec(file)["TaskTemplate"]["ContainerSpec"]["Labels"]["a"] == "1"
    assert warnings(file).count("SC1018") == 2


def test_negative_durations_are_printed_and_not_deployed() -> None:
    file = "services: {a: {image: x, stop_grace_period: -1.5h, healthcheck: {interval: -1s, test: a}}}"
    assert "stop_grace_period: -1h30m0s\n" in config(file)
    assert codes(file) == ["SC4042", "SC4036"]


def test_only_yaml_1_1_is_read() -> None:
    assert codes("%YAML 1.1\n---\nservices: {a: {image: x}}") == []
    assert codes("%YAML 1.2\n---\nservices: {a: {image: x}}") == ["SC1005"]


def test_an_empty_list_of_a_later_file_is_none() -> None:
    base, empty = "services: {a: {image: x}}", "services: {a: {image: x, dns: []}}"
    sent = [spec(*files)["TaskTemplate"]["ContainerSpec"].get("DNSConfig") for files in ((empty,), (base, empty))]
    assert sent == [{}, None]
    assert spec(empty, base)["TaskTemplate"]["ContainerSpec"]["DNSConfig"] == {}
    assert spec(empty, empty)["TaskTemplate"]["ContainerSpec"]["DNSConfig"] == {}


def test_extension_fields_of_a_service_are_merged() -> None:
    base = "services: {a: {image: x, x-e: {a: {}, b: 1, c: [[1]], d: null, e: ''}}}"
    later = "services: {a: {image: x, x-e: {a: '', b: 0, c: [], d: [], e: {}}, x-f: []}}"
    text = "a: ''\n      b: 0\n      c:\n        - - 1\n      d: []\n      e: {}\n    x-f: []\n".replace("''", '""')
    assert config(base, later).endswith(text)
    for one, other in (("1", "[2]"), ("''", "[]"), ("{}", "[]"), ("{b: [], c: {}}", "{b: 1, c: [1]}")):
        files = [f"services: {{a: {{image: x, x-e: {value}}}}}" for value in (one, other)]
        assert codes(*files) == ["SC2002"]
    assert codes("services: {a: {image: x, x-e: [1]}}", "services: {a: {image: x, x-e: {b: 1}}}") == []


def test_what_stands_after_the_document_must_at_least_be_words() -> None:
    file = "services: {a: {image: x}}\n"
    for more in ("---\nx: @y\n", "---\n", "...\n", "--- {\n"):
        assert codes(file + more) == []
    for more in ("%FOO\n", "...\n@x\n", "\x85\t"):
        assert codes(file + more) == ["SC1005"], more


def test_a_byte_order_mark_is_one_only_at_the_start() -> None:
    file = "services: {a: {image: x}}\n"
    assert codes("\ufeff" + file) == []
    assert codes("\ufeffx-a: a\ufeff\n" + file) == []
    for text in ("\ufeff\ufeff" + file, "# a\n\ufeff" + file, file + "\ufeff# b\n", file + "\x85\ufeffx-a: 1\n"):
        assert codes(text) == ["SC1017"]


@pytest.mark.parametrize("keys", ["<<: *a, '<<': 1", "'<<': 1, <<: *a", "<<: *a, <<: *a"])
def test_a_merge_key_and_its_quoted_form_are_the_same_key(keys: str) -> None:
    assert codes(f"x-a: &a {{k: 1}}\nx-b: {{{keys}}}\nservices: {{a: {{image: x}}}}") == ["SC1008"]
