"""Which files, env files, profiles and names a command takes where its arguments are silent."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from stackc.cli import main
from stackc.cli.shell import Shell

APP = "services:\n  {name}:\n    image: x:1\n    labels: {{A: $A, B: $B}}\n"


class Ran:
    def __init__(self, folder: Path, *argv: str, env: dict[str, str] | None = None) -> None:
        out, err = io.StringIO(), io.StringIO()
        self.code = main(argv, Shell(io.StringIO(), out, err, env or {}, str(folder)))
        self.out, self.err = out.getvalue(), err.getvalue()


def config(folder: Path, *argv: str, env: dict[str, str] | None = None) -> Any:
    ran = Ran(folder, "config", "--format", "json", *argv, env=env)
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def labels(folder: Path, *argv: str, env: dict[str, str] | None = None) -> tuple[str, str]:
    (service,) = config(folder, *argv, env=env)["services"].values()
    return service["labels"]["A"], service["labels"]["B"]


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_default_files_and_their_override(tmp_path: Path) -> None:
    names = ["docker-compose.yaml", "docker-compose.yml", "compose.yml", "compose.yaml"]
    for name in names:  # each is preferred to those before
        write(tmp_path, {name: APP.format(name=name.replace(".", "-"))})
        assert list(config(tmp_path)["services"]) == [name.replace(".", "-")]
    overrides = [
        "docker-compose.override.yaml",
        "docker-compose.override.yml",
        "compose.override.yaml",
        "compose.override.yml",
    ]
    for at, name in enumerate(overrides):
        write(tmp_path, {name: APP.format(name=f"z{at}")})
        assert sorted(config(tmp_path)["services"]) == ["compose-yaml", f"z{at}"]


def test_compose_file_names_the_files_unless_arguments_do(tmp_path: Path) -> None:
    write(
        tmp_path, {"s/c.yml": APP.format(name="c"), "d.yml": APP.format(name="d"), "compose.yaml": APP.format(name="e")}
    )
    assert list(config(tmp_path, env={"COMPOSE_FILE": "s/c.yml:d.yml"})["services"]) == ["c", "d"]
    by_comma = {"COMPOSE_FILE": "s/c.yml,d.yml", "COMPOSE_PATH_SEPARATOR": ","}
    assert list(config(tmp_path, env=by_comma)["services"]) == ["c", "d"]
    assert list(config(tmp_path, "-c", "d.yml", env={"COMPOSE_FILE": "s/c.yml"})["services"]) == ["d"]
    assert list(config(tmp_path, env={"COMPOSE_FILE": ""})["services"]) == ["e"]
    write(tmp_path, {".env": "COMPOSE_FILE=d.yml\n"})
    assert list(config(tmp_path)["services"]) == ["d"]


def test_env_files_of_the_working_folder_and_of_the_project(tmp_path: Path) -> None:
    write(tmp_path, {"compose.yaml": APP.format(name="a"), ".env": "A=root\nB=root\n", "sub/.env": "A=sub\n"})
    assert labels(tmp_path) == ("root", "root")
    assert labels(tmp_path / "sub") == ("sub", "root")
    assert labels(tmp_path / "sub", "-c", "../compose.yaml") == ("root", "root")
    assert labels(tmp_path, env={"A": "env"}) == ("env", "root")
    assert labels(tmp_path, env={"COMPOSE_DISABLE_ENV_FILE": "1"}) == ("", "")


def test_env_files_by_name(tmp_path: Path) -> None:
    write(tmp_path, {"compose.yaml": APP.format(name="a"), ".env": "A=no\nB=no\n", "e": "A=e\n", "f": "A=f\nB=$A\n"})
    assert labels(tmp_path, "--env-file", "e") == ("e", "")
    assert labels(tmp_path, "--env-file", "e", "--env-file", "f") == ("f", "f")
    assert labels(tmp_path, "--env-file", "f", "--env-file", "e") == ("e", "f")
    assert labels(tmp_path, env={"COMPOSE_ENV_FILES": "e,f"}) == ("f", "f")
    assert labels(tmp_path, "--env-file", "e", env={"COMPOSE_ENV_FILES": "f"}) == ("e", "")


def test_profiles(tmp_path: Path) -> None:
    text = "services:\n  a: {image: x:1}\n  b: {image: x:1, profiles: [p]}\n  c: {image: x:1, profiles: [q]}\n"
    write(tmp_path, {"compose.yaml": text})

    def active(*argv: str, env: dict[str, str] | None = None) -> str:
        return "".join(config(tmp_path, *argv, env=env)["services"])

    assert active() == "a"
    assert active("--profile", "p") == "ab"
    assert active("--profile", "p", "--profile=q") == "abc"
    assert active("--profile", "*") == "abc"
    assert active(env={"COMPOSE_PROFILES": "p, q"}) == "abc"
    assert active("--profile", "q", env={"COMPOSE_PROFILES": "p"}) == "ac"
    write(tmp_path, {".env": "COMPOSE_PROFILES=q\n"})
    assert active() == "ac"


def test_the_name_of_the_project(tmp_path: Path) -> None:
    write(tmp_path, {"compose.yaml": "name: Own\n" + APP.format(name="a")})
    assert config(tmp_path)["name"] == "own"
    assert config(tmp_path, env={"COMPOSE_PROJECT_NAME": "env"})["name"] == "env"
    assert config(tmp_path, "given", env={"COMPOSE_PROJECT_NAME": "env"})["name"] == "given"


def test_findings_name_every_file_from_the_working_folder(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "s/c.yml": "include: [i/i.yml, i/none.yml]\nservices: {a: {image: x:1}}\n",
            "s/i/i.yml": "services: {i: {image: [x]}}\n",
        },
    )
    ran = Ran(tmp_path, "validate", "-c", "./s/c.yml")
    assert ran.code == 1
    assert "s/i/i.yml:1:23: error SC2002" in ran.out
    assert "  ./s/c.yml:1:11: included here\n  1 | include: [i/i.yml, i/none.yml]\n" in ran.out
    assert "./s/c.yml:1:20: error SC1001: the file i/none.yml does not exist" in ran.out
    assert str(tmp_path) not in ran.out
    outside = Ran(tmp_path / "s" / "i", "validate", "-c", "../c.yml")
    assert f"{tmp_path}/s/i/i.yml" not in outside.out
    assert "i.yml:1:23: error SC2002" in outside.out
