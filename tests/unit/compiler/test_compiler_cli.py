"""validate, config and compile as a user calls them."""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from stackc.cli import COMMANDS, main
from stackc.cli.options import NotQuick, QuickParser
from stackc.cli.shell import Shell

GOOD = "services:\n  web:\n    image: nginx:${TAG:-1}\n"
BAD = "services:\n  web:\n    image: nginx:1\n    prots: []\n"


class Ran:
    def __init__(self, folder: Path, *argv: str, stdin: str = "", env: dict[str, str] | None = None) -> None:
        out, err = io.StringIO(), io.StringIO()
        self.code = main(argv, Shell(io.StringIO(stdin), out, err, env or {}, str(folder)))
        self.out, self.err = out.getvalue(), err.getvalue()


def test_validate_says_ok_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(GOOD)
    ran = Ran(tmp_path, "validate")
    assert (ran.code, ran.out, ran.err) == (0, "OK: 1 service, 1 network\n", "")
    assert Ran(tmp_path, "validate", "--quiet").out == ""
    assert Ran(tmp_path / "sub", "validate").out == ran.out  # found in the folder above, as compose does


def test_validate_shows_findings_as_the_user_named_the_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.yml").write_text(BAD)
    ran = Ran(tmp_path, "validate", "-c", "./sub/a.yml")
    assert ran.code == 1
    assert ran.out.startswith("./sub/a.yml:4:5: error SC2001: unknown key `prots` in `services.web`\n")
    assert "    |     ^^^^^\n  hint: did you mean `ports`?\n" in ran.out
    assert ran.out.endswith("\n1 error\n")
    assert "\x1b" not in ran.out
    for form, start in (
        ("json", '{\n  "format": "stackc.diagnostics/1"'),
        ("github", "::error file=./sub/a.yml,line=4"),
    ):
        assert Ran(tmp_path, "validate", "-c", "./sub/a.yml", "--format", form).out.startswith(start)
    assert json.loads(Ran(tmp_path, "validate", "-c", "sub/a.yml", "--format", "sarif").out)["version"] == "2.1.0"


def test_quiet_leaves_out_warnings(tmp_path: Path) -> None:
    text = 'version: "3.8"\nservices: {a: {image: x, privileged: true}}\n'
    assert "warning SC2101" in Ran(tmp_path, "validate", "-c", "-", stdin=text).out
    quiet = Ran(tmp_path, "validate", "-q", "-c", "-", stdin=text)
    assert (quiet.code, quiet.out) == (0, "")


def test_stdin_has_the_working_folder_for_its_files(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("content")
    text = "services: {a: {image: x, configs: [c]}}\nconfigs: {c: {file: c.txt}}\n"
    assert Ran(tmp_path, "validate", "-c", "-", stdin=text).code == 0
    broken = Ran(tmp_path, "validate", "-c", "-", stdin="[[[[")
    assert broken.out.startswith("<stdin>:1:5: error SC1005")
    assert Ran(tmp_path, "validate", "-c", "-", "-c", "-", stdin=text).code == 64


def test_compile_prints_the_plan_and_needs_a_name(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(GOOD)
    ran = Ran(tmp_path, "compile", "shop", env={"TAG": "9"})
    plan = json.loads(ran.out)
    assert (ran.code, ran.err) == (0, "")
    assert plan["format"] == "stackc.plan/1"
    assert plan["services"]["shop_web"]["spec"]["TaskTemplate"]["ContainerSpec"]["Image"] == "nginx:9"
    yaml = Ran(tmp_path, "compile", "shop", "--format", "yaml", env={"TAG": "9"}).out
    assert f"digest: {plan['digest']}\n" in yaml
    nameless = Ran(tmp_path, "compile")
    assert (nameless.code, nameless.out) == (1, "")
    assert "SC4010" in nameless.err
    (tmp_path / "compose.yaml").write_text("name: My Shop!\n" + GOOD)
    assert json.loads(Ran(tmp_path, "compile").out)["stack"] == "myshop"


def test_compile_gives_the_same_bytes_for_any_hash_seed(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(
        GOOD + "    environment: {B: 1, A: 2}\n    cap_add: [B, A]\n    depends_on: [c, b]\n"
    )
    with (tmp_path / "a.yml").open("a") as file:
        file.write("  b: {image: x, networks: [n, m]}\n  c: {image: y}\nnetworks: {n: , m: }\n")
    seen = set()
    for seed in ("0", "1", "77"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": "C"}
        command = ["stackc", "compile", "-c", "a.yml", "s"]
        program = shutil.which("stackc", path=str(Path(sys.executable).parent)) or "stackc"
        done = subprocess.run(
            [program, *command[1:]], cwd=tmp_path, env=env, capture_output=True, check=True, timeout=60
        )
        seen.add(done.stdout)
    assert len(seen) == 1


def test_a_terminal_without_utf8_gets_escapes_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("services:\n  wеb: {image: x}\n  a: {image: x, depends_on: [a]}\n")
    program = shutil.which("stackc", path=str(Path(sys.executable).parent)) or "stackc"
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [program, "validate", "-c", "a.yml"], cwd=tmp_path, env=env, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr == b""
    assert b"a.yml:2:3: error SC2001: `w\\u0435b` is no valid name" in done.stdout
    assert b"a \\u2192 a" in done.stdout


def test_config_prints_long_syntax_and_findings_go_to_stderr(tmp_path: Path) -> None:
    text = (
        'version: "3.8"\nservices: {a: {image: x, command: a b, ports: ["80:81"], user: !x b, networks: [undefined]}}\n'
    )
    ran = Ran(tmp_path, "config", "-c", "-", stdin=text)
    assert ran.code == 0
    assert "    ports:\n      - mode: ingress\n        target: 81\n        published: 80\n" in ran.out
    assert "SC1018" in ran.err
    broken = Ran(tmp_path, "config", "-c", "-", stdin=BAD)
    assert (broken.code, broken.out) == (1, "")


def test_env_files_stand_behind_the_environment_and_only_in_the_compose_dialect(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(GOOD)
    (tmp_path / ".env").write_text("TAG=from-dotenv\n")
    (tmp_path / "my.env").write_text("BASE=2\nTAG=${BASE}-mine\n")

    def image(*argv: str, env: dict[str, str] | None = None) -> str:
        ran = Ran(tmp_path, "config", *argv, env=env)
        assert ran.code == 0, ran.err
        return next(line for line in ran.out.splitlines() if "image" in line).split(":", 1)[1].strip()

    assert image() == "nginx:from-dotenv"
    assert image(env={"TAG": "env"}) == "nginx:env"
    assert image("--env-file", "my.env") == "nginx:2-mine"
    (tmp_path / "stack.yml").write_text('version: "3.8"\n' + GOOD)
    assert image("-c", "stack.yml") == "nginx:1"
    assert image("-c", "stack.yml", "--dialect", "compose") == "nginx:from-dotenv"
    missing = Ran(tmp_path, "config", "--env-file", "nope.env")
    assert (missing.code, missing.err) == (
        1,
        "stackc: the env file nope.env cannot be read: No such file or directory\n",
    )
    (tmp_path / "my.env").write_text("A=1\n=2\n")
    assert "my.env:2:1: error SC3007" in Ran(tmp_path, "validate", "--env-file", "my.env").out


def test_a_second_file_from_another_folder_is_allowed_its_references_are_not(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "base.yml").write_text(GOOD)
    (tmp_path / "over.yml").write_text("services: {web: {env_file: [over.env]}}\n")
    (tmp_path / "over.env").write_text("A=1\n")
    ran = Ran(tmp_path, "validate", "-c", "a/base.yml", "-c", "over.yml")
    assert ran.out.startswith("over.yml:1:29: error SC1001: the file over.env does not exist")


def test_no_file_and_wrong_usage(tmp_path: Path) -> None:
    nothing = Ran(tmp_path, "validate")
    assert nothing.code == 1
    assert nothing.err.startswith("stackc: there is no stack file here: give one with -c FILE")
    assert Ran(tmp_path, "validate", "-c", "nope.yml").out.startswith(
        "stackc: error SC1001: the file nope.yml does not exist"
    )
    assert Ran(tmp_path, "valdate").code == 64


def test_wrong_options_are_explained_by_argparse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Ran(tmp_path, "validate", "--formt", "json").code == 64
    assert "unrecognized arguments: --formt" in capsys.readouterr().err
    assert Ran(tmp_path, "validate", "--help").code == 0
    assert "usage: stackc validate" in capsys.readouterr().out


LINES = [
    [],
    ["s"],
    ["s", "t"],
    ["-c", "a.yml", "s"],
    ["-ca.yml", "s"],
    ["s", "-c", "a", "-c", "-"],
    ["--compose-file=a", "--quiet", "s"],
    ["--compose-file", "-x", "s"],
    ["--format", "json", "s"],
    ["--format=nope", "s"],
    ["--quiet=1", "s"],
    ["-q", "--no-color", "--dialect", "stack", "s"],
    ["--", "s"],
    ["--timeout", "5", "s"],
    ["--timeout=x", "s"],
    ["-c"],
    ["-qc", "a", "s"],
]


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_the_quick_parser_gives_what_argparse_gives(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = import_module(f"stackc.cli.{command}")
    for line in LINES:
        quick, slow = QuickParser(), argparse.ArgumentParser(allow_abbrev=False)
        try:
            module.add_arguments(quick)
            values = vars(quick.parse(line))
        except NotQuick:
            continue
        module.add_arguments(slow)
        assert values == vars(slow.parse_args(line)), line
    capsys.readouterr()
