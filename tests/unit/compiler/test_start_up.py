"""What a command does not import, so that it starts at once; and the names that stand in for ``typing``."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import typing
from pathlib import Path

import pytest

from stackc.hints import NamedTuple

HEAVY = (
    "_hashlib argparse asyncio collections contextlib dataclasses datetime docker enum functools git hashlib importlib "
    "inspect json jsonschema pathlib re rich socket subprocess tempfile traceback types typing unittest urllib "
    "warnings yaml.constructor"
)
SCRIPT = """
import sys
for name in {heavy!r}.split():
    sys.modules.pop(name, None)  # what a .pth file of this environment has imported says nothing
before = set(sys.modules)
from stackc.cli import main
from stackc.cli.shell import Shell
code = main(sys.argv[1:], Shell.of_process()._replace(kept=None))
print(*sorted(set({heavy!r}.split()) & (set(sys.modules) - before)), file=sys.stderr)
sys.exit(code)
"""
STACK = """\
version: "3.8"
services:
  web:
    image: nginx:1.27
    ports: ["80:80"]
    environment: {A: "${B:-c}"}
    deploy: {replicas: 2, update_config: {order: start-first}}
    healthcheck: {test: [CMD, "true"], interval: 10s}
    networks: [front]
networks: {front: {}}
"""


COMPOSE = STACK.removeprefix('version: "3.8"\n')
COMMANDS = [
    (STACK, ["config"]),
    (STACK, ["validate"]),
    (STACK, ["compile", "shop"]),
    (COMPOSE, ["config"]),
    (COMPOSE, ["config", "--format", "json"]),
    (COMPOSE, ["validate"]),
    (COMPOSE, ["compile", "shop"]),
]


@pytest.mark.parametrize(("text", "command"), COMMANDS, ids=lambda value: value[0] if isinstance(value, list) else "")
def test_a_good_file_costs_no_heavy_import(tmp_path: Path, text: str, command: list[str]) -> None:
    (tmp_path / "f.yml").write_text(text)
    script = SCRIPT.format(heavy=HEAVY)
    arguments = [sys.executable, "-I", "-c", script, command[0], "-c", "f.yml", *command[1:]]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "nginx" in done.stdout or "OK: 1 service" in done.stdout
    assert done.stderr.splitlines()[-1] == ""


class Ours(NamedTuple):
    first: str
    second: int = 2
    third: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.first


class Theirs(typing.NamedTuple):
    first: str
    second: int = 2
    third: tuple[int, ...] = ()


def test_a_named_tuple_is_as_the_one_of_typing() -> None:
    ours, theirs = Ours("a", third=(1,)), Theirs("a", third=(1,))
    assert ours == theirs == ("a", 2, (1,))
    assert hash(ours) == hash(theirs)
    assert (ours.first, ours.second, ours.third) == tuple(theirs)
    assert str(ours) == "a"
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert ours._replace(second=5) == theirs._replace(second=5)
    assert ours._asdict() == theirs._asdict()
    assert Ours._make(["b", 1, ()]) == Theirs._make(["b", 1, ()])
    assert (Ours._fields, Ours._field_defaults) == (Theirs._fields, Theirs._field_defaults)
    assert not hasattr(ours, "__dict__")
    for same in (copy.copy(ours), copy.deepcopy(ours), pickle.loads(pickle.dumps(ours)), ours._replace()):
        assert (same, type(same)) == (ours, Ours)
    match ours:
        case Ours(first, third=third):
            assert (first, third) == ("a", (1,))


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), (("a", 1, (), 0), {}), (("a",), {"first": "b"}), (("a",), {"fourth": 1}), ((), {"second": 1})],
)
def test_a_named_tuple_refuses_what_the_one_of_typing_refuses(
    values: tuple[object, ...], named: dict[str, int]
) -> None:
    for kind in (Ours, Theirs):
        with pytest.raises(TypeError):
            kind(*values, **named)  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        Ours("a")._replace(fourth=1)  # type: ignore[call-arg]


def test_a_named_tuple_needs_its_annotations_as_text() -> None:
    with pytest.raises(TypeError, match="from __future__ import annotations"):
        type(NamedTuple)("Bare", (NamedTuple,), {})


@pytest.mark.parametrize("command", [["config"], ["validate"], ["compile", "shop"]])
def test_everything_is_written_before_the_process_ends_as_it_is(tmp_path: Path, command: list[str]) -> None:
    services = "".join(f"  s{n}:\n    image: nginx:1.27\n    command: run {n}\n" for n in range(400))
    (tmp_path / "f.yml").write_text(f'version: "3.8"\nservices:\n{services}')
    program = [sys.executable, "-m", "stackc", command[0], "-c", "f.yml", *command[1:]]
    done = subprocess.run(program, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60)
    assert done.returncode == 0, done.stderr
    assert command == ["validate"] or ("s399" in done.stdout and len(done.stdout) > 1 << 13)
    assert done.stdout.endswith("\n")
    closed = subprocess.run(
        ["sh", "-c", '"$@" | head -c 1', "sh", *program], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (closed.returncode, closed.stderr) == (0, "")
