"""What `stackc manager --format json` says: JSON on stdout, from the first line to the last."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackc.cli.manager import JsonLines


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ml-", dir="/tmp") as name:
        yield Path(name)


def started(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "stackc", "manager", "--state", str(folder / "state"), "--format", "json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_log_of_a_manager_is_json_lines(folder: Path) -> None:
    manager = started(folder)
    assert manager.stdout is not None
    first = json.loads(manager.stdout.readline())
    assert first.pop("time").endswith("Z")
    message = first.pop("message")
    assert first == {"level": "info", "logger": "reconciler.manager.foreground"}
    assert f"listens at {folder}/state/manager.sock" in message
    manager.send_signal(signal.SIGTERM)
    rest, err = manager.communicate(timeout=30)
    assert "manager stopped" in json.loads(rest.splitlines()[-1])["message"]
    assert (manager.returncode, err) == (0, "")


def test_a_manager_whose_log_nobody_reads_any_more_ends_as_it_should(folder: Path) -> None:
    manager = started(folder)
    assert manager.stdout is not None
    manager.stdout.readline()
    manager.stdout.close()
    os.kill(manager.pid, signal.SIGTERM)
    assert manager.stderr is not None
    assert (manager.stderr.read(), manager.wait(30)) == ("", 0)
    manager.stderr.close()


def test_a_manager_that_cannot_start_says_so_on_stderr(folder: Path) -> None:
    (folder / "state").write_text("no folder")
    manager = started(folder)
    out, err = manager.communicate(timeout=30)
    assert (manager.returncode, out) == (1, "")
    assert err.startswith("stackc: ")
    assert "Traceback" not in err


def test_a_defect_has_its_traceback_in_its_line() -> None:
    out = io.StringIO()
    log = logging.getLogger("test_manager_log")
    log.propagate = False
    log.addHandler(lines := JsonLines(out))
    try:
        raise KeyError("\x1b[31mnot\nthought of")
    except KeyError:
        log.exception("%s failed", "\x1b")
    finally:
        log.removeHandler(lines)
    assert out.getvalue().count("\n") == 1
    assert "\x1b" not in out.getvalue()
    record = json.loads(out.getvalue())
    assert (record["level"], record["message"]) == ("error", "\x1b failed")
    assert record["traceback"].startswith("Traceback (most recent call last):\n")
    assert "KeyError" in record["traceback"]
