"""How a Compose project is loaded: files and documents as layers, include, extends, tags, profiles, variables."""

from __future__ import annotations

from typing import Any

import pytest

from stackc.assemble import context, dotenv, environment
from stackc.assemble import extends as extending
from stackc.assemble import project as loading
from stackc.assemble.layers import RULES
from stackc.assemble.unique import IDENTITY
from stackc.attributes import ATTRIBUTES
from stackc.compile import Assembled, assemble_files, compile_stack
from stackc.diagnostics import Severity, sort
from stackc.disk import MemoryReader
from stackc.parse.nodes import Plain, plain

APP = "services:\n  a:\n    image: x:1\n"


def assembled(files: dict[str, str], *names: str, env: dict[str, str] | None = None, **options: Any) -> Assembled:
    reader = MemoryReader({name: text.encode() for name, text in files.items()})
    options = {"dialect": "compose", "stack": "demo", **options}
    return assemble_files(names or ("c.yml",), reader, environment=env or {}, **options)


def tree(files: dict[str, str], *names: str, **options: Any) -> Any:
    """The canonical tree, which must be there without an error."""
    made = assembled(files, *names, **options)
    assert [one for one in found(made) if one[0] != "SC1203"] == []
    assert made.root is not None
    return plain(made.root)


def found(made: Assembled) -> list[tuple[str, str, str]]:
    return [
        (one.code, str(one.span), one.message)
        for one in sort(made.context.findings)
        if one.severity is Severity.ERROR or one.code in ("SC1203", "SC1308")
    ]


def service(text: str, over: str = "{}") -> Any:
    """A service of the first file, with what a second one says of it."""
    files = {"c.yml": f"services: {{a: {text}}}", "d.yml": f"services: {{a: {over}}}"}
    return tree(files, "c.yml", "d.yml")["services"]["a"]


# layers


def test_the_table_names_every_rule_and_no_other() -> None:
    assert {attr.layer for attr in ATTRIBUTES} == {"", *RULES}
    assert {attr.unique for attr in ATTRIBUTES} == {"", *IDENTITY}


@pytest.mark.parametrize(
    ("key", "base", "over", "result"),
    [
        ("labels", "{a: 1, b: 2}", "[b=3, c]", {"a": "1", "b": "3", "c": ""}),
        ("environment", "[A=1, B=2]", "{B: , A: ''}", {"A": "", "B": None}),
        ("environment", "{A: 1e6}", "{B: true}", {"A": "1e+06", "B": "true"}),
        ("command", "a b", "[c]", ["c"]),
        ("dns", "1.1.1.1", "[1.1.1.1, 2.2.2.2]", ["1.1.1.1", "2.2.2.2"]),
        ("cap_add", "[A, B]", "[B, C]", ["A", "B", "C"]),
        ("tmpfs", "/a", "[/b, /a]", ["/a", "/b"]),
        (
            "logging",
            "{driver: x, options: {a: 1}}",
            "{options: {b: 2}}",
            {"driver": "x", "options": {"a": "1", "b": "2"}},
        ),
        ("logging", "{driver: x, options: {a: 1}}", "{driver: y}", {"driver": "y"}),
        ("logging", "{driver: x}", "null", {"driver": "x"}),
        ("x-k", "{a: 1}", "{b: [2]}", {"a": 1, "b": [2]}),
        ("hostname", "one", "null", "one"),
    ],
)
def test_a_later_file_lies_over_an_earlier_one(key: str, base: str, over: str, result: Plain) -> None:
    assert service(f"{{image: x, {key}: {base}}}", f"{{{key}: {over}}}")[key] == result


def test_commands_and_health_tests_are_replaced_whole() -> None:
    one = service("{image: x, command: a b, healthcheck: {test: [CMD, a], retries: 2}}", "{healthcheck: {test: b}}")
    assert one["command"] == ["a", "b"]
    assert one["healthcheck"] == {"test": ["CMD-SHELL", "b"], "retries": 2}


def test_ports_are_one_by_address_published_target_and_protocol() -> None:
    base = "{image: x, ports: ['8000-8001:80-81', '127.0.0.1:90:90']}"
    over = "{ports: ['8001:81/udp', '90:90', {target: 80, published: '8000', mode: host}]}"
    ports = [
        (p.get("host_ip"), p.get("published"), p["target"], p.get("protocol", "tcp"), p["mode"])
        for p in service(base, over)["ports"]
    ]
    assert [(str(published), target, protocol, mode) for _, published, target, protocol, mode in ports] == [
        ("8000", 80, "tcp", "host"),
        ("8001", 81, "tcp", "ingress"),
        ("90", 90, "tcp", "ingress"),
        ("8001", 81, "udp", "ingress"),
        ("90", 90, "tcp", "ingress"),
    ]


def test_mounts_secrets_and_configs_are_one_by_target() -> None:
    files = {
        "c.yml": "services: {a: {image: x, volumes: ['./one:/x:ro', 'data:/y'], secrets: [s, {source: t, target: q}]}}"
        "\n"
        "volumes: {data: {}}\nsecrets: {s: {file: ./s}, t: {file: ./t}}",
        "d.yml": "services: {a: {volumes: ['data:/x'], secrets: [{source: t, target: /run/secrets/s}]}}",
    }
    made = tree(files, "c.yml", "d.yml")["services"]["a"]
    assert [(one["type"], one["target"]) for one in made["volumes"]] == [("volume", "/x"), ("volume", "/y")]
    assert [one["source"] for one in made["secrets"]] == ["t", "t"]


def test_dependencies_keep_what_a_later_file_does_not_say() -> None:
    files = {
        "c.yml": APP
        + "    depends_on: {b: {condition: service_healthy, required: false}, c: {condition: service_healthy}}\n"
        "  b: {image: x}\n  c: {image: x}\n",
        "d.yml": "services: {a: {depends_on: {b: {condition: service_started}}}}",
        "e.yml": "services: {a: {depends_on: [c]}}",
    }
    assert tree(files, "c.yml", "d.yml", "e.yml")["services"]["a"]["depends_on"] == {
        "b": {"condition": "service_started", "required": False},
        "c": {"condition": "service_started", "required": True},
    }


def test_address_ranges_are_one_by_subnet() -> None:
    files = {
        "c.yml": APP + "networks: {n: {ipam: {config: [{subnet: 10.0.0.0/24, gateway: 10.0.0.1}]}}}",
        "d.yml": "networks: {n: {ipam: {config: [{subnet: 10.0.0.0/24, ip_range: 10.0.0.0/25}, "
        "{subnet: 10.1.0.0/24}]}}}",
    }
    assert tree(files, "c.yml", "d.yml")["networks"]["n"]["ipam"]["config"] == [
        {"subnet": "10.0.0.0/24", "gateway": "10.0.0.1", "ip_range": "10.0.0.0/25"},
        {"subnet": "10.1.0.0/24"},
    ]


def test_a_file_need_not_be_complete_only_the_project() -> None:
    files = {"c.yml": "services: {a: {deploy: {resources: {limits: {cpus: '1'}}}}}", "d.yml": APP}
    assert tree(files, "c.yml", "d.yml")["services"]["a"]["image"] == "x:1"


def test_documents_of_a_file_are_layers_each_with_its_own_anchors() -> None:
    text = APP + "    labels: &l {a: 1}\n---\nservices:\n  a: {labels: &l {b: 2}}\n  b: {image: x, labels: *l}\n"
    services = tree({"c.yml": text})["services"]
    assert services["a"]["labels"] == {"a": "1", "b": "2"}
    assert services["b"]["labels"] == {"b": "2"}


@pytest.mark.parametrize(
    ("text", "code"), [(APP + "---\n", "SC1006"), (APP + "---\n- a\n", "SC1007"), (APP + "---\n[", "SC1005")]
)
def test_every_document_of_a_file_must_be_one(text: str, code: str) -> None:
    made = assembled({"c.yml": text})
    assert made.root is None
    assert [one[0] for one in found(made)] == [code]


# tags


def test_reset_takes_away_and_override_replaces() -> None:
    files = {
        "c.yml": APP + "    ports: ['80']\n    labels: {a.b: 1, c: 2}\n    env_file: missing.env\n  b: {image: x}\n",
        "d.yml": "services:\n  a:\n    ports: !override ['90']\n    labels: {a.b: !reset , d: 3}\n"
        "    env_file: !reset []\n"
        "  b: !reset null\n",
    }
    services = tree(files, "c.yml", "d.yml")["services"]
    assert list(services) == ["a"]
    assert [port["target"] for port in services["a"]["ports"]] == [90]
    assert services["a"]["labels"] == {"c": "2", "d": "3"}
    assert "env_file" not in services["a"]


def test_a_tag_counts_where_an_alias_brings_it() -> None:
    files = {
        "c.yml": "services: {a: {image: x, ports: ['80']}, b: {image: x, ports: ['80']}}",
        "d.yml": "x-r: &r !reset []\nservices: {a: {ports: *r}, b: {ports: *r}}",
    }
    services = tree(files, "c.yml", "d.yml")["services"]
    assert [sorted(one) for one in services.values()] == [sorted(services["a"])] * 2
    assert "ports" not in services["a"]


def test_what_is_reset_is_not_interpolated_and_a_reset_of_nothing_is_reported() -> None:
    made = assembled({"c.yml": APP, "d.yml": "services:\n  a:\n    prots: !reset ['${X:?}']\n"}, "c.yml", "d.yml")
    assert found(made) == [("SC1308", "d.yml:3:12", "there is no `services.a.prots` that !reset could take away")]
    assert made.root is not None


def test_tags_act_on_what_a_service_extends() -> None:
    text = (
        "services:\n  a: {extends: b, ports: !reset [], labels: !override {q: 1}}\n"
        "  b: {image: x, ports: ['80'], labels: {a: 1}}\n"
    )
    services = tree({"c.yml": text})["services"]
    assert "ports" not in services["a"]
    assert services["a"]["labels"] == {"q": "1"}
    assert services["b"]["labels"] == {"a": "1"}


# include


def test_an_included_project_has_its_own_folder_and_variables() -> None:
    files = {
        "c.yml": "include: [sub/i.yml]\n" + APP + "    labels: {B: '$B'}\n",
        ".env": "A=top\n",
        "sub/.env": "A=sub\nB=${A}-b\n",
        "sub/i.yml": "name: other\nservices: {i: {image: 'x:$A$B', env_file: e.env, environment: [B, Z], "
        "configs: [c]}}\n"
        "configs: {c: {file: ./c.txt}}\nx-i: 1\n",
        "sub/e.env": "E=e\n",
        "sub/c.txt": "c",
    }
    made = tree(files)
    assert made["services"]["i"]["image"] == "x:toptop-b"
    assert made["services"]["i"]["environment"] == {"E": "e", "B": "top-b", "Z": None}
    assert made["configs"]["c"]["file"] == "/project/sub/c.txt"
    assert made["services"]["a"]["labels"] == {"B": ""}
    assert "name" not in made
    assert "x-i" not in made


def test_variables_of_projects_within_projects() -> None:
    files = {
        "c.yml": "include: [s/i.yml]\n" + APP,
        "s/.env": "A=s\n",
        "s/i.yml": "include: [t/j.yml]\nservices: {i: {image: 'x:$A$B'}}",
        "s/t/.env": "A=t\nB=of-$A\n",
        "s/t/j.yml": "services: {j: {image: 'x:$A$B'}}",
    }
    services = tree(files)["services"]
    assert (services["i"]["image"], services["j"]["image"]) == ("x:s", "x:sof-s")


def test_the_long_form_of_include() -> None:
    files = {
        "c.yml": "include: [{path: [sub/i.yml, over/j.yml], project_directory: home, env_file: [one.env, two.env]}]\n"
        + APP,
        "home/.env": "A=not-read\n",
        "one.env": "A=1\nB=${A}\n",
        "two.env": "A=2\nC=${B}\n",
        "sub/i.yml": "services: {i: {image: 'x:$A$B$C', volumes: ['./d:/d']}}",
        "over/j.yml": "services: {i: {volumes: ['./e:/e']}}",
    }
    made = tree(files)["services"]["i"]
    assert made["image"] == "x:211"
    assert [one["source"] for one in made["volumes"]] == ["/project/home/d", "/project/home/e"]


def test_the_same_resource_may_come_by_two_ways() -> None:
    files = {
        "c.yml": "include: [b.yml, d.yml]\n" + APP,
        "b.yml": "include: [e/e.yml]\nservices: {b: {image: x}}\nnetworks: {n: {driver: q}}\n",
        "d.yml": "include: [e/e.yml]\nservices: {d: {image: x}}\nnetworks: {n: {driver: q}}\n",
        "e/e.yml": "services: {e: {image: x, build: ., volumes: ['./d:/d']}}\n",
    }
    assert sorted(tree(files)["services"]) == ["a", "b", "d", "e"]


def test_include_in_a_later_file_and_of_a_variable_name() -> None:
    files = {
        "c.yml": APP,
        "d.yml": "include: ['${F}.yml']\nservices: {a: {labels: [q]}}",
        "i.yml": "services: {b: {image: x}}",
    }
    assert sorted(tree(files, "c.yml", "d.yml", env={"F": "i"})["services"]) == ["a", "b"]


# extends


def test_a_base_of_another_file_keeps_its_folder() -> None:
    files = {
        "c.yml": "services:\n  a:\n    extends: {file: s/f.yml, service: b}\n    volumes: ['./m:/m']\n"
        "    labels: {c: 3}\n",
        "s/f.yml": "services:\n  b: {image: x, env_file: e.env, labels: {b: 2, c: 2}, volumes: ['./d:/d'], "
        "extends: {file: t/g.yml, service: q}}\n  broken: {prots: 1}\n",
        "s/e.env": "A=1\n",
        "s/t/g.yml": "services: {q: {volumes: ['./z:/z'], labels: {a: 1, b: 1}, command: from base}}",
    }
    made = tree(files)["services"]["a"]
    assert [one["source"] for one in made["volumes"]] == ["/project/s/t/z", "/project/s/d", "/project/m"]
    assert made["labels"] == {"a": "1", "b": "2", "c": "3"}
    assert made["environment"] == {"A": "1"}
    assert made["command"] == ["from", "base"]
    assert "extends" not in made


def test_a_base_is_not_changed_by_those_that_extend_it() -> None:
    text = (
        "services:\n  a: {extends: base, cap_add: [A], labels: {a: 1}}\n"
        "  b: {extends: a, cap_add: [B], labels: {b: 1}}\n"
        "  base: {image: x, cap_add: [X], labels: {x: 1}}\n  c: {extends: base}\n"
    )
    services = tree({"c.yml": text})["services"]
    assert {name: one["cap_add"] for name, one in services.items()} == {
        "a": ["X", "A"],
        "b": ["X", "A", "B"],
        "base": ["X"],
        "c": ["X"],
    }
    assert services["base"]["labels"] == {"x": "1"}


def test_an_extended_file_is_read_once_and_its_include_is_not_followed() -> None:
    class Counting(MemoryReader):
        def __init__(self, files: dict[str, bytes]) -> None:
            super().__init__(files)
            self.reads: list[str] = []

        def read(self, path: str) -> bytes:
            self.reads.append(path)
            return super().read(path)

    users = "".join(f"  s{at}: {{extends: {{file: e.yml, service: b}}}}\n" for at in range(50))
    reader = Counting(
        {"c.yml": b"services:\n" + users.encode(), "e.yml": b"include: [missing.yml]\nservices: {b: {image: x}}"}
    )
    made = assemble_files(["c.yml"], reader, environment={}, dialect="compose")
    assert made.root is not None
    assert reader.reads.count("/project/e.yml") == 1


# profiles and names


PROFILES = APP + "  b: {image: x, profiles: [p]}\n  c: {image: x, profiles: [q, r], env_file: missing.env}\n"


@pytest.mark.parametrize(("profiles", "active"), [((), "a"), (("p",), "ab"), (("x", "p"), "ab")])
def test_services_of_other_profiles_are_put_aside(profiles: tuple[str, ...], active: str) -> None:
    made = assembled({"c.yml": PROFILES}, profiles=profiles)
    assert found(made) == []
    assert made.root is not None
    assert list(tree({"c.yml": PROFILES}, profiles=profiles)["services"]) == list(active)
    assert sorted(made.context.inactive) == sorted(set("abc") - set(active))


def test_a_star_asks_for_every_profile() -> None:
    made = assembled({"c.yml": PROFILES.replace(", env_file: missing.env", "")}, profiles=("*",))
    assert made.context.inactive == {}
    assert made.root is not None


def test_the_name_of_the_project_is_a_variable() -> None:
    text = "name: My.$N\n" + APP + "    labels: [n=$COMPOSE_PROJECT_NAME]\n"
    assert tree({"c.yml": text}, stack=None, env={"N": "app"})["services"]["a"]["labels"] == {"n": "myapp"}
    assert tree({"c.yml": text}, stack="given", env={"N": "app"})["services"]["a"]["labels"] == {"n": "given"}


# variables


def test_env_files_in_their_order_of_precedence() -> None:
    files = {
        "c.yml": APP + "    environment: {A: own, P: , Z: }\n    env_file: [e, {path: none, required: false}, f, "
        "{path: r, format: raw}]\n",
        "e": "A=file\nX=${A}\nY=e\nP=file\n",
        "f": "Y=f\nW=${Y}${X}\nV=$U\nQ\nP2\n",
        "r": "R='$A' # all\n",
    }
    made = assembled(files, env={"P": "proc", "P2": "proc2"})
    assert made.root is not None
    assert plain(made.root)["services"]["a"]["environment"] == {  # type: ignore[index, call-overload]
        "X": "own",
        "Y": "f",
        "W": "fown",
        "V": "",
        "P2": "proc2",
        "R": "'$A' # all",
        "A": "own",
        "P": "proc",
        "Z": None,
    }
    assert found(made) == [("SC1203", "c.yml:5:50", "f, line 3: the variable U is not set; it counts as empty")]


def test_label_files_stand_behind_labels() -> None:
    files = {
        "c.yml": APP + "    label_file: [l, m]\n    labels: {a: own}\n",
        "l": "a=file\nc=1\nd=${c}\n",
        "m": "c=2\n",
    }
    assert tree(files)["services"]["a"]["labels"] == {"a": "own", "c": "2", "d": "1"}


def test_the_env_file_of_the_project_is_read_unless_others_are_given() -> None:
    files = {"c.yml": APP + "    labels: {A: $A, B: $B}\n", ".env": "A=1\nB=$A$P\n"}
    labels = {"A": "1", "B": "1p"}
    assert tree(files, env={"P": "p"})["services"]["a"]["labels"] == labels
    assert tree(files, env={"P": "p"}, dotenv=[("x.env", b"A=2\n")])["services"]["a"]["labels"] == {"A": "2", "B": ""}
    assert tree(files, env={"A": "env"}, dotenv=[])["services"]["a"]["labels"] == {"A": "env", "B": ""}


def test_a_bad_env_file_is_named_with_its_line() -> None:
    made = assembled({"c.yml": APP, ".env": "A=1\nB C=2\n"})
    assert found(made) == [("SC3007", ".env:2:1", "the variable name `B C` contains spaces")]
    assert made.sources[".env"] == "A=1\nB C=2\n"


# places and budgets


def test_findings_say_how_a_file_got_into_the_project() -> None:
    files = {
        "c.yml": "include: [s/i.yml]\n" + APP,
        "s/i.yml": "services: {i: {extends: {file: e.yml, service: q}}}",
        "s/e.yml": "services: {q: {image: 'x:${T:?}'}}",
    }
    (one,) = [d for d in assembled(files).context.findings if d.code == "SC1202"]
    assert str(one.span) == "s/e.yml:1:26"
    assert [(str(r.span), r.message) for r in one.related] == [
        ("s/i.yml:1:32", "extended here"),
        ("c.yml:1:11", "included here"),
    ]


@pytest.mark.parametrize("path", ["../out.yml", "/etc/passwd", "s/../../out.yml"])
def test_files_outside_the_project_are_refused(path: str) -> None:
    files = {"c.yml": f"include: [{path}]\nservices: {{a: {{extends: {{file: {path}, service: b}}}}}}\n"}
    assert [one[0] for one in found(assembled(files))] == ["SC1002", "SC1002"]


def test_so_many_files_and_so_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MOST_FILES", 5)
    many = {"c.yml": f"include: [{', '.join(f'i{at}.yml' for at in range(8))}]\n" + APP}
    many.update({f"i{at}.yml": f"services: {{i{at}: {{image: x}}}}" for at in range(8)})
    assert found(assembled(many)) == [("SC1307", "c.yml:1:51", "the project has more than 5 files")]
    deep = {"c.yml": "include: [i0.yml]\n" + APP}
    deep.update({f"i{at}.yml": f"include: [i{at + 1}.yml]\nservices: {{i{at}: {{image: x}}}}" for at in range(8)})
    monkeypatch.setattr(loading, "DEEPEST", 3)
    assert found(assembled(deep)) == [("SC1307", "i2.yml:1:11", "files include each other more than 3 deep")]


def test_two_includes_each_do_not_grow_without_bound() -> None:
    files = {f"i{at}.yml": f"include: [i{at + 1}.yml, ./i{at + 1}.yml]\n" for at in range(30)}
    files |= {"c.yml": "include: [i0.yml]\n" + APP, "i30.yml": "services: {z: {image: x}}"}
    assert {one[0] for one in found(assembled(files))} == {"SC1307"}


def test_a_long_row_of_services_that_extend_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extending, "DEEPEST", 5)
    row = "".join(f"  s{at}: {{extends: s{at + 1}}}\n" for at in range(9)) + "  s9: {image: x}\n"
    assert [one[0] for one in found(assembled({"c.yml": "services:\n" + row}))] == ["SC1307"]
    monkeypatch.setattr(extending, "DEEPEST", 100)
    monkeypatch.setattr(loading, "MOST_VALUES", 200)
    copies = "services:\n  base: {image: x, cap_add: [" + ", ".join(f"c{at}" for at in range(50)) + "]}\n"
    copies += "".join(f"  s{at}: {{extends: base}}\n" for at in range(6))
    assert [one[0] for one in found(assembled({"c.yml": copies}))] == ["SC1307"]


def test_all_bytes_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MOST_BYTES", 60)
    files = {
        "c.yml": "include: [i.yml, j.yml]\n" + APP,
        "i.yml": "services: {i: {image: x}}",
        "j.yml": "x-a: " + "y" * 50,
    }
    assert [one[0] for one in found(assembled(files))] == ["SC1003"]


@pytest.mark.parametrize("dialect", ["compose", "stack"])
def test_so_many_variables_from_files(monkeypatch: pytest.MonkeyPatch, dialect: str) -> None:
    monkeypatch.setattr(environment, "MOST_VARIABLES", 25)
    files = {"c.yml": 'version: "3.8"\nservices:\n', "e": "".join(f"V{at}=x\n" for at in range(10))}
    files["c.yml"] += "".join(f"  s{at}: {{image: 'x:1', env_file: e}}\n" for at in range(5))
    (one,) = found(assembled(files, dialect=dialect))
    assert one[:2] == ("SC1307", "c.yml:5:32")


@pytest.mark.parametrize("dialect", ["compose", "stack"])
def test_variables_may_add_only_so_much(monkeypatch: pytest.MonkeyPatch, dialect: str) -> None:
    monkeypatch.setattr(context, "MOST_GROWTH", 1000)
    monkeypatch.setattr(environment, "MOST_GROWTH", 1000)
    head = 'version: "3.8"\nservices:\n'
    labels = "".join(f"  s{at}: {{image: 'x:1', labels: {{a: $A}}}}\n" for at in range(9))
    made = assembled({"c.yml": head + labels}, env={"A": "x" * 400}, dialect=dialect)
    assert found(made) == [("SC1205", "c.yml:5:34", "variables and env files add more than 1000 characters")]
    files = "".join(f"  s{at}: {{image: 'x:1', env_file: e}}\n" for at in range(9))
    made = assembled({"c.yml": head + files, "e": "A=" + "x" * 400}, dialect=dialect)
    assert [one[0] for one in found(made)] == ["SC1205"]


def test_a_dotenv_file_may_grow_only_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    made = assembled({"c.yml": APP, ".env": "A=xx\n" + "A=$A$A\n" * 40})
    assert [one[:2] for one in found(made)] == [("SC1205", ".env:21:1")]
    monkeypatch.setattr(dotenv, "MOST_GROWTH", 1000)
    made = assembled({"c.yml": APP, ".env": "A=" + "x" * 100 + "\n" + "B=$A\n" * 40})
    assert [one[:2] for one in found(made)] == [("SC1205", ".env:12:1")]


def test_a_value_that_cannot_be_interpolated_has_one_finding() -> None:
    text = "services: {a: {image: 'x:${T:?}', ports: ['${P:?}:80'], cpus: '${C'}}"
    reader = MemoryReader({"c.yml": text.encode()})
    errors = [one.code for one in compile_stack(["c.yml"], reader, stack="s", environment={}).diagnostics]
    assert errors == ["SC1202", "SC1202", "SC1201"]


def test_a_plan_comes_of_it() -> None:
    reader = MemoryReader(
        {"c.yml": b"include: [i.yml]\nname: N-1\n" + APP.encode(), "i.yml": b"services: {b: {image: 'x:1'}}"}
    )
    compiled = compile_stack(["c.yml"], reader, stack=None, environment={})
    assert compiled.plan is not None
    assert sorted(compiled.plan.services) == ["n-1_a", "n-1_b"]
