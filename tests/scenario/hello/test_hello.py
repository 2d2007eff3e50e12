"""The main job from end to end: git push → reconciler → manager → tasks, four times, one of them bad.

The demo holds everything against what should happen, down to the last HTTP request, and ends with 1 when anything
does not hold; here it runs as a user runs it, and the same story runs on a real Swarm.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lab import images
from lab.engine import Engine

ROOT = Path(__file__).parents[3]


def demo(*arguments: str) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "STACKC_"))}
    done = subprocess.run(
        [sys.executable, "-m", "examples.hello", "--plain", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_on_the_builtin_manager_with_traffic() -> None:
    said = demo()
    assert "v3 rolled-back" in said
    assert "v3 is quarantined" in said
    assert "none failed; everything was as it should be" in said


@pytest.mark.engine
def test_on_a_real_swarm(engine: Engine) -> None:
    """Without traffic: published ports need IPVS, which the lab's kernel may not have."""
    for version in ("v1", "v2", "v3", "v4"):
        images.provide(engine, "python", f"process/hello:{version}")
    said = demo("--host", engine.host, "--no-traffic")
    assert "v3 rolled-back" in said
    assert "v4 applied" in said
