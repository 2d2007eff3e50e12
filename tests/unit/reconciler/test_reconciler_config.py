"""reconciler.yaml: what is read from it, and what each mistake is told as, with its line and column."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler import config
from reconciler.config import Settings, read_settings

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas/reconciler.schema.json").read_text())
FULL = """\
state: ./state
host: unix:///run/x.sock
interval: 1m30s
stacks:
  - name: shop
    repo: {url: ../shop.git, branch: release/1.2, ca_file: ca.pem, timeout: 5m}
    files: [deploy/stack.yml, deploy/prod.yml]
    environment: {TAG: "1.10", COUNT: 3, RATIO: 1.50, ON: true}
    timeout: 20m
    on_force_push: accept
  - name: blog
    repo:
      url: git@git.example.com:blog.git
      branch: main
      identity_file: keys/blog
      known_hosts_file: /etc/known
    files: [stack.yml]
"""
SMALL = """\
stacks:
  - name: shop
    repo: {url: /srv/shop.git, branch: main}
    files: [stack.yml]
"""


def told(text: str) -> list[str]:
    settings, diagnostics = read_settings("r.yaml", text.encode(), folder="/conf", env={})
    assert (settings is None) == bool(diagnostics)
    return [f"{d.span.line}:{d.span.column} {d.code} {d.message} ({d.hint})" for d in diagnostics if d.span]


def test_everything_is_read() -> None:
    settings, diagnostics = read_settings("r.yaml", FULL.encode(), folder="/conf", env={})
    assert diagnostics == []
    assert settings is not None
    assert (settings.state, settings.host, settings.interval) == ("/conf/state", "unix:///run/x.sock", 90.0)
    shop, blog = settings.stacks
    assert shop.repo.address.path == "/shop.git"
    assert (shop.repo.branch, shop.repo.access.ca_file, shop.repo.timeout) == ("release/1.2", "/conf/ca.pem", 300.0)
    assert shop.files == ("deploy/stack.yml", "deploy/prod.yml")
    assert shop.environment == {"TAG": "1.10", "COUNT": "3", "RATIO": "1.50", "ON": "true"}
    assert (shop.timeout, shop.accept_force_push) == (1200.0, True)
    assert (blog.repo.access.identity_file, blog.repo.access.known_hosts_file) == ("/conf/keys/blog", "/etc/known")
    assert (blog.timeout, blog.accept_force_push, blog.environment) == (600.0, False, {})
    jsonschema.validate(yaml.safe_load(FULL), SCHEMA)


def test_defaults() -> None:
    def state(env: dict[str, str]) -> str:
        settings, _ = read_settings("r.yaml", SMALL.encode(), folder="/conf", env=env)
        assert isinstance(settings, Settings)
        assert (settings.interval, settings.host) == (30.0, None)
        return settings.state

    assert state({"HOME": "/home/ada"}) == "/home/ada/.local/state/stackc/reconciler"
    assert state({"HOME": "/home/ada", "XDG_STATE_HOME": "/var/x"}) == "/var/x/stackc/reconciler"
    assert state({"HOME": "/home/ada", "XDG_STATE_HOME": "relative"}) == "/home/ada/.local/state/stackc/reconciler"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("stacks:", "intervall: 5s\nstacks:"), ["1:1 SC2001 unknown key `intervall` (did you mean `interval`?)"]),
        (
            ("files:", "file:"),
            ["2:5 SC2003 `files` of a stack", "4:5 SC2001 unknown key `file` in a stack (did you mean `files`"],
        ),
        (
            ("branch:", "brunch:"),
            ["3:11 SC2003 `branch` of repo is missing", "3:32 SC2001 unknown key `brunch` in repo"],
        ),
        (("main", "--upload-pack=x"), ["3:40 SC2004 `--upload-pack=x` cannot be used as a branch"]),
        (("main", "HEAD"), ["3:40 SC2004 `HEAD` cannot be used as a branch (give the branch alone"]),
        (("main", "1.0"), ["3:40 SC2002 `branch` must be a string, not a number (write it in quotes"]),
        (("/srv/shop.git", '"ext::sh -c id"'), ["3:17 SC2004 this cannot be used as a repository"]),
        (
            ("/srv/shop.git", "https://u:pw@h/x"),
            ["3:17 SC2004 this cannot be used as a repository (no password in a URL"],
        ),
        (
            ("/srv/shop.git", "ssh://git@h/x"),
            ["3:11 SC2003 `identity_file` of an ssh repository", "3:11 SC2003 `known_hosts_file` of an ssh repository"],
        ),
        (("stack.yml", "../stack.yml"), ["4:13 SC2004 `../stack.yml` is no file of a repository"]),
        (("stack.yml", "/etc/passwd"), ["4:13 SC2004 `/etc/passwd` is no file"]),
        (("[stack.yml]", "stack.yml"), ["4:12 SC2002 `files` must be a list"]),
        (("[stack.yml]", "[]"), ["4:12 SC2002 `files` must be a list"]),
        (("[stack.yml]", "[1]"), ["4:13 SC2002 a stack file is named by a string"]),
        (("shop\n", "../shop\n"), ["2:11 SC4010 the stack name `../shop` is not allowed"]),
        (("stacks:", "interval: 30\nstacks:"), ["1:11 SC2004 `interval` has a number without a unit"]),
        (("stacks:", "interval: 0s\nstacks:"), ["1:11 SC2004 `interval` must be more than 0"]),
        (("stacks:", "interval: 10ms\nstacks:"), ["1:11 SC2004 `interval` must be at least 1s"]),
        (("stacks:", "interval: [1]\nstacks:"), ["1:11 SC2004 `interval` is a list"]),
        (("files:", "on_force_push: never\n    files:"), ["4:20 SC2004 `on_force_push` must be hold or accept"]),
        (("files:", "environment: [A=1]\n    files:"), ["4:18 SC2002 `environment` must be a mapping"]),
        (("files:", "environment: {A: }\n    files:"), ["4:22 SC2002 the variable `A` must have a value"]),
        (("branch: main", "branch: main, allow_http: 1"), ["3:58 SC2004 `allow_http` must be true or false"]),
        (("stacks:", "state: 5\nstacks:"), ["1:8 SC2002 `state` must be a string"]),
        ((SMALL, "stacks: []\n"), ["1:9 SC2002 `stacks` must be a list with at least one stack"]),
        ((SMALL, "stacks:\n  - shop\n"), ["2:5 SC2002 a stack must be a mapping"]),
        ((SMALL, "state: /x\n"), ["1:1 SC2003 `stacks` is missing"]),
        ((SMALL, SMALL + SMALL.partition("\n")[2]), ["5:11 SC2005 the stack `shop` stands twice"]),
        ((SMALL, "- a\n"), ["1:1 SC1007"]),
        ((SMALL, ""), ["1:1 SC1006"]),
        (("name: shop", "name: shop\n    name: x"), ["3:5 SC1008"]),
    ],
)
def test_mistakes_are_told_where_they_stand(change: tuple[str, str], expected: list[str]) -> None:
    text = SMALL.replace(*change)
    lines = told(text)
    assert len(lines) == len(expected), lines
    for line, start in zip(lines, expected, strict=True):
        assert line.startswith(start), line
        assert "pw" not in line


def test_a_file_that_is_no_yaml() -> None:
    assert [line.split()[1] for line in told("a: [\n")] == ["SC1005"]


def test_all_mistakes_are_told_in_one_run() -> None:
    text = "hots: x\ninterval: 5\nstacks:\n  - name: a b\n    repo: {url: git://x/y, branch: a..b}\n    files: [/x]\n"
    assert [line.split()[1] for line in told(text)] == ["SC2001", "SC2004", "SC4010", "SC2004", "SC2004", "SC2004"]


def test_the_schema_for_editors_has_the_same_keys() -> None:
    definitions = SCHEMA["$defs"]
    assert tuple(SCHEMA["properties"]) == config.TOP_KEYS
    assert tuple(definitions["stack"]["properties"]) == config.STACK_KEYS
    assert tuple(definitions["repo"]["properties"]) == config.REPO_KEYS
    assert tuple(definitions["stack"]["properties"]["on_force_push"]["enum"]) == config.FORCE_PUSH
    for text in ("x: 1\n" + SMALL, SMALL.replace("files:", "file:"), SMALL.replace("main", "--x")):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(yaml.safe_load(text), SCHEMA)


@given(st.text(max_size=80) | st.binary(max_size=80))
def test_any_file_gives_settings_or_diagnostics(text: str | bytes) -> None:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    settings, diagnostics = read_settings("r.yaml", data, folder="/conf", env={})
    assert (settings is None) == bool(diagnostics)
