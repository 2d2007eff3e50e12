"""`--format json` of the commands that do not roll anything out: what a program reads is JSON, and nothing else."""

from __future__ import annotations

import json
import re

import pytest
from apply_bench import Bench

from reconciler.engine import connect

TALK = """\
services:
  talk:
    image: process/box:v1
    stop_signal: SIGKILL
    deploy: {update_config: {monitor: 500ms}}
    command: [sh, -c, 'printf "one\\033[31m\\n"; echo "two, três" >&2; sleep 600']
  quiet:
    image: process/box:v1
    stop_signal: SIGKILL
    deploy: {update_config: {monitor: 500ms}}
    command: [sleep, "600"]
secrets:
  token: {file: ./token}
"""


@pytest.fixture
def talking(local: Bench) -> Bench:
    (local.folder / "compose.yaml").write_text(TALK)
    local.apply()
    return local


def out(bench: Bench, *arguments: str, code: int = 0) -> str:
    """The output alone; with JSON there is nothing on stderr."""
    process = bench.start(*arguments)
    said, err = process.communicate(timeout=150)
    assert (process.returncode, err) == (code, "")
    return said


def test_a_line_of_a_log_is_an_object(talking: Bench) -> None:
    said = out(talking, "logs", talking.stack, "--format", "json")
    assert "\x1b" not in said
    (task,) = [
        t
        for t in json.loads(out(talking, "ps", talking.stack, "--format", "json"))
        if t["service"] == f"{talking.stack}_talk"
    ]
    lines = sorted((json.loads(line) for line in said.splitlines()), key=lambda line: str(line["stream"]))
    assert [re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("time")) is None for line in lines] == [
        False,
        False,
    ]
    same = {"service": task["service"], "slot": 1, "task": task["id"], "node": task["node"]}
    assert lines == [
        {**same, "stream": "stderr", "message": "two, três"},
        {**same, "stream": "stdout", "message": "one\x1b[31m"},
    ]
    assert out(talking, "logs", talking.stack, "quiet", "--format", "json") == ""


def test_logs_as_text_have_times_only_when_asked(talking: Bench) -> None:
    plain = out(talking, "logs", talking.stack, "talk").splitlines()
    assert sorted(plain) == ["talk.1 | one�[31m", "talk.1 | two, três"]
    timed = out(talking, "logs", talking.stack, "talk", "--timestamps").splitlines()
    assert sorted(line.partition(" ")[2] for line in timed) == sorted(plain)


def test_a_log_that_cannot_be_read_is_no_success(talking: Bench) -> None:
    for form in ("text", "json"):
        said = talking.run("logs", talking.stack, "talk", "--tail", "some", "--format", form, code=1)
        assert said == 'stackc: tail value must be a positive integer or "all"\n'


def test_a_removed_stack_is_one_object(talking: Bench) -> None:
    said = out(talking, "rm", talking.stack, "--yes", "--format", "json")
    assert said.count("\n") == 1
    record = json.loads(said)
    removed = record.pop("removed")
    assert record == {
        "event": "outcome",
        "result": "removed",
        "reason": f"stack {talking.stack} is gone",
        "failures": [],
    }
    assert removed["services"] == [f"{talking.stack}_quiet", f"{talking.stack}_talk"]
    assert removed["networks"] == [f"{talking.stack}_default"]
    assert [name.startswith(f"{talking.stack}_token") for name in removed["secrets"]] == [True]
    assert talking.services() == []


def test_what_somebody_else_uses_stays_and_is_said(talking: Bench) -> None:
    """A foreign service holds the stack's secret: the removal is unfinished, and going on with it ends it."""
    engine = connect(talking.host, {})
    (secret,) = engine.read_stack("secrets", talking.stack)
    name = secret["Spec"]["Name"]
    reference = {"SecretID": secret["ID"], "SecretName": name, "File": {"Name": "t", "UID": "0", "GID": "0", "Mode": 0}}
    container = {"Image": "process/box:v1", "Command": ["sleep", "600"], "Secrets": [reference]}
    foreign = engine.create_service({"Name": "foreign", "TaskTemplate": {"ContainerSpec": container, "Placement": {}}})
    try:
        record = json.loads(out(talking, "rm", talking.stack, "--yes", "--format", "json", code=1))
        assert (record["result"], record["removed"]["secrets"]) == ("unfinished", [])
        assert [failure.partition(":")[0] for failure in record["failures"]] == [name]
        said = talking.run("rm", talking.stack, "--yes", code=1)
        assert f"not gone yet; run the command again:\n  {name}: " in said
    finally:
        engine.remove_service(foreign)
        engine.close()
    assert json.loads(out(talking, "rm", talking.stack, "--yes", "--format", "json"))["removed"]["secrets"] == [name]
