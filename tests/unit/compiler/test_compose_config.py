"""What `stackc config` makes of Compose files: held to what docker compose 2.40.3 printed for the same text.

``compose_values.jsonl`` has small documents, each with the model as JSON without its name, or null where docker compose
refuses it; they were read in /srv/project/app with HOME=/home/user and FOO=bar. ``compose_all`` is one document with
nearly every key, and its two forms.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from stackc.assemble.shellwords import split
from stackc.checks.consistency import check_project
from stackc.cli import main
from stackc.cli.shell import Shell
from stackc.compile import assemble_files
from stackc.diagnostics import has_errors
from stackc.disk import MemoryReader
from stackc.parse.nodes import Mapping
from stackc.report import gojson
from stackc.report.compose_config import compose_config, compose_model
from stackc.schema_file import schema_document

HERE = Path(__file__).parent
FOLDER = "/srv/project/app"
VARIABLES = {"PATH": "/bin", "HOME": "/home/user", "FOO": "bar"}
MEANT = {
    "ports: [{target: 70000}]": "no such port exists",
    'ports: ["80:80","80:80/tcp",{target: 80, published: 80}]': "the long form without a protocol is the same port",
    'weight: "5"': "a number in quotes is one",
    'c: "6"': "a number in quotes is one",
    'required: "false"': "a boolean in quotes is one",
    'mode: "0700"': "the mode of a tmpfs may be in quotes, as the specification has it",
    'mode: "-1"': "no file mode is negative",
    "secrets: {v: {driver: x}}": "Swarm asks the driver for the content",
}
"""Differences from docker compose that are meant, each known by a part of its document."""


def project(text: str) -> Mapping | None:
    """The complete tree of one file; None where it is refused."""
    made = assemble_files(
        ["c.yml"],
        MemoryReader({"c.yml": text.encode()}, FOLDER),
        environment=VARIABLES,
        stack="gold",
        dialect="compose",
    )
    if made.root is not None and not has_errors(made.context.findings):
        check_project(made.root, made.context)
    return None if has_errors(made.context.findings) else made.root


def records() -> list[Any]:
    return [json.loads(line) for line in (HERE / "compose_values.jsonl").read_text().splitlines()]


def test_values_are_read_as_docker_compose_reads_them() -> None:
    different, met = {}, set()
    for record in records():
        root = project(record["text"])
        ours = None if root is None else compose_model(root, "gold", json=True)
        if ours is not None:
            del ours["name"]
        # as text, because the order counts
        if gojson.dump(ours) == gojson.dump(record["model"]):
            continue
        reasons = [part for part in MEANT if part in record["text"]]
        met.update(reasons)
        if not reasons:
            different[record["text"]] = (record["model"], ours)
    assert different == {}
    assert met == set(MEANT), "these are equal now: take them out of the list"


def test_nearly_every_key_as_docker_compose_prints_it() -> None:
    root = project((HERE / "compose_all.yml").read_text())
    assert root is not None
    assert compose_config(root, "gold") == (HERE / "compose_all.yaml.txt").read_text()
    assert compose_config(root, "gold", json=True) == (HERE / "compose_all.json.txt").read_text()


def test_the_document_with_every_key_has_every_key_of_a_service() -> None:
    text = (HERE / "compose_all.yml").read_text()
    keys = schema_document()["$defs"]["compose.service"]["properties"]
    missing = [key for key in keys if f"{key}:" not in text]
    # docker compose 2.40 knows no pre_start, and leaves nothing of the others
    assert missing == ["extends", "label_file", "pre_start", "x-stackc"]


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("a: 1", "a: 1\n"),
        ("a: 1e6", "a: 1e+06\n"),
        ("a: 0.5", "a: 0.5\n"),
        ('a: "\\nb"', "a: |2-\n\n  b\n"),
        ("a: 2020-01-02", "a: 2020-01-02T00:00:00Z\n"),
        ('a: "$$x"', "a: $$x\n"),
        ("y: no", 'y: "no"\n'),
    ],
)
def test_extensions_are_printed_as_they_are(text: str, printed: str) -> None:
    root = project(f"services: {{}}\nx-top:\n  {text}\n")
    assert root is not None
    found = compose_config(root, "gold").split("x-top:\n", 1)[1]
    quoted = printed.replace("y:", '"y":') if text.startswith("y") else printed
    assert found == "".join(f"  {line}\n" if line else "\n" for line in quoted.rstrip("\n").split("\n"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  a  b ", ["a", "b"]),
        ("a 'b c' \"d e\"", ["a", "b c", "d e"]),
        ("a''b", ["ab"]),
        ("''", [""]),
        ("a # b", ["a", "#", "b"]),
        ("a\\ b \\'", ["a b", "'"]),
        ("'a\\b'", ["a\\b"]),
        ('"a\\"b\\n"', ['a"bn']),
        ("a && b", ["a"]),
        ("a; b", ["a"]),
        ("a|b", ["a"]),
        ("a 2>&1", ["a"]),
        ("a2>b", ["a2"]),
        ("a >b", ["a"]),
        ("`a b` c", ["`a b`", "c"]),
        ("$(a b) c", ["$(a b)", "c"]),
        ("a=$(b", None),
        ("(a)", None),
        ("a)", None),
        ("'a", None),
        ('"a', None),
        ("a\\", None),
    ],
)
def test_command_lines_are_split_as_docker_compose_does(text: str, words: list[str] | None) -> None:
    if words is None:
        with pytest.raises(ValueError, match=r"^(has an unclosed|has a parenthesis|ends in)"):
            split(text)
    else:
        assert split(text) == words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "{}"),
        ([], "[]"),
        ({"a": [1, None, True]}, '{\n  "a": [\n    1,\n    null,\n    true\n  ]\n}'),
        ('<&>\u2028é"\n', '"\\u003c\\u0026\\u003e\\u2028é\\"\\n"'),
        (1.0, "1"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (-0.0, "-0"),
        (123456789.123, "123456789.123"),
    ],
)
def test_json_as_go_writes_it(value: Any, text: str) -> None:
    assert gojson.dump(value) == text


def ran(folder: Path, *argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(argv, Shell(io.StringIO(), out, err, {}, str(folder)))
    return code, out.getvalue(), err.getvalue()


def test_the_command_prints_yaml_json_and_names(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(
        "services:\n  web: {image: nginx:1, volumes: ['data:/x'], networks: [front]}\n"
        "  db: {build: ., profiles: [all]}\nvolumes: {data: , unused: }\nnetworks: {front: }\n"
    )
    code, out, _ = ran(tmp_path, "config", "shop")
    assert (code, out.splitlines()[:3]) == (0, ["name: shop", "services:", "  web:"])
    assert "unused" not in out
    code, out, _ = ran(tmp_path, "config", "--format", "json", "shop")
    assert (code, json.loads(out)["volumes"]) == (0, {"data": {"name": "shop_data"}})
    for option, lines in (
        ("--services", ["web"]),
        ("--images", ["nginx:1"]),
        ("--volumes", ["data"]),
        ("--networks", ["front"]),
        ("--profiles", []),
    ):
        assert ran(tmp_path, "config", option, "shop")[:2] == (0, "".join(f"{line}\n" for line in lines))
    code, out, err = ran(tmp_path, "config", "--profile", "all", "--images", "shop")
    assert (code, out) == (0, "nginx:1\nshop-db\n"), err


def test_a_project_without_a_name_is_called_after_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "My Shop"
    folder.mkdir()
    (folder / "compose.yaml").write_text("services: {a: {image: 'x:1'}}\n")
    assert ran(folder, "config")[1].startswith("name: myshop\n")


def test_json_is_for_the_compose_dialect(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text('version: "3.8"\nservices: {a: {image: x}}\n')
    assert ran(tmp_path, "config", "--format", "json")[0] == 64
    assert ran(tmp_path, "config")[1].startswith('version: "3.8"\n')


def test_a_project_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {a: {image: 'x:1', networks: [gone]}, b: {depends_on: [a]}}\n")
    code, out, err = ran(tmp_path, "config")
    assert (code, out) == (1, "")
    assert [line.split()[2] for line in err.splitlines() if "error" in line][:2] == ["SC4001:", "SC4008:"]
