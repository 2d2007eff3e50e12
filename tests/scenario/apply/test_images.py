"""Images against a real registry: pinned by digest, taken over from docker, and a tag that moves."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from apply_bench import Bench, on_manager
from lab.engine import Engine
from lab.registry import Registry, unavailable

from reconciler.engine import connect
from stackc.plan import Json

pytestmark = pytest.mark.engine
USER = "lab:$2b$05$wviO5bqsRdEHXKTjfe.n8u7yfk/yZBl2js098x6p6Ippc3/3iwCU."  # password: lab


@pytest.fixture(scope="module")
def registries(engine: Engine) -> Iterator[tuple[Registry, Registry]]:
    """One that is open, one that asks for a password."""
    if reason := unavailable():
        pytest.skip(reason)
    started = [Registry(engine, 5011), Registry(engine, 5012, USER)]
    yield started[0], started[1]
    for one in started:
        one.stop()


@pytest.fixture
def bench(engine: Engine, request: pytest.FixtureRequest) -> Iterator[Bench]:
    name = str(request.node.originalname).removeprefix("test_").replace("_", "-")[:24].strip("-")
    with on_manager(engine.host, name) as made:
        yield made


def write(bench: Bench, image: str, version: str = "") -> None:
    (bench.folder / "compose.yaml").write_text(
        f"{version}services:\n  web:\n    image: {image}\n    command: [sleep, '600']\n    stop_signal: SIGKILL\n"
        "    deploy: {update_config: {monitor: 500ms}}\n"
    )


def service(bench: Bench) -> Json:
    engine = connect(bench.host, {})
    found = engine.read_stack("services", bench.stack)
    engine.close()
    return found[0]


def image_of(service: Json) -> str:
    return str(service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"])


def rebuilt(engine: Engine, image: str) -> None:
    """Other content under the same tag."""
    made = engine.docker("create", "process/box:v1", "true").strip()
    engine.docker("commit", "--message", os.urandom(4).hex(), made, image)
    engine.docker("rm", made)
    engine.docker("push", "--quiet", image)


def test_what_docker_deployed_is_taken_over_without_a_write(
    engine: Engine, bench: Bench, registries: tuple[Registry, Registry]
) -> None:
    image = registries[0].push("process/box:v1", "taken:1")
    write(bench, image, "version: '3.8'\n")
    engine.docker("stack", "deploy", "-c", str(bench.folder / "compose.yaml"), bench.stack)
    before = service(bench)
    assert "@sha256:" in image_of(before)
    for mode in ("changed", "always", "never"):
        said = bench.run("plan", "--detailed-exitcode", "--resolve-image", mode, bench.stack)
        assert "No changes" in said
    assert "no changes" in bench.apply()
    assert "PreviousSpec" not in service(bench)  # any accepted update would leave it, also one that changes nothing
    assert bench.stack in engine.docker("stack", "ls")
    engine.docker("stack", "rm", bench.stack)


def test_a_tag_is_pinned_and_its_move_is_seen_when_asked_for(
    engine: Engine, bench: Bench, registries: tuple[Registry, Registry]
) -> None:
    image = registries[0].push("process/box:v1", "moving:1")
    write(bench, image)
    bench.apply()
    first = service(bench)
    assert image_of(first).startswith(f"{image}@sha256:")
    assert first["Spec"]["TaskTemplate"]["Placement"]["Platforms"] == [{"Architecture": "amd64", "OS": "linux"}]
    rebuilt(engine, image)
    assert "No changes" in bench.run("plan", "--detailed-exitcode", bench.stack)
    assert "no changes" in bench.apply()
    said = bench.run("plan", "--detailed-exitcode", "--resolve-image", "always", bench.stack, code=2)
    assert "(image moved)" in said
    bench.apply("--resolve-image", "always")
    assert image_of(service(bench)) != image_of(first)
    bench.run("rollback", "--yes", bench.stack)
    assert image_of(service(bench)) == image_of(first)


def test_somebody_elses_image_is_drift_and_no_pin(
    engine: Engine, bench: Bench, registries: tuple[Registry, Registry]
) -> None:
    image = registries[0].push("process/box:v1", "mine:1")
    other = registries[0].push("process/box:v1", "theirs:1")
    write(bench, image)
    bench.apply()
    engine.docker("service", "update", "--detach", "--image", other, f"{bench.stack}_web")
    assert "drift" in bench.run("plan", "--detailed-exitcode", bench.stack, code=2)


@pytest.mark.parametrize("way", ["file", "helper"])
def test_a_registry_that_asks_for_a_password(
    engine: Engine, bench: Bench, registries: tuple[Registry, Registry], way: str
) -> None:
    registry = registries[1]
    engine.docker("login", "--username", "lab", "--password-stdin", registry.address, stdin=b"lab")
    image = registry.push("process/box:v1", "closed:1")
    write(bench, image)
    unpinned = bench.run("plan", bench.stack)
    assert f"image {image} is not pinned to a digest" in unpinned
    bench.env = logged_in(bench.folder, registry.address, way)
    assert "not pinned" not in bench.run("plan", bench.stack)
    bench.apply("--with-registry-auth")
    assert image_of(service(bench)).startswith(f"{image}@sha256:")


def logged_in(folder: Path, address: str, way: str) -> dict[str, str]:
    """A docker configuration with the password in the file, or with a helper program that knows it."""
    (folder / "docker").mkdir()
    config = folder / "docker" / "config.json"
    if way == "file":
        config.write_text(json.dumps({"auths": {address: {"auth": "bGFiOmxhYg=="}}}))
        return {"DOCKER_CONFIG": str(folder / "docker")}
    config.write_text(json.dumps({"credHelpers": {address: "lab"}}))
    helper = folder / "docker" / "docker-credential-lab"
    answer = json.dumps({"ServerURL": address, "Username": "lab", "Secret": "lab"})
    helper.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{answer}'\n")
    helper.chmod(0o755)
    return {"DOCKER_CONFIG": str(folder / "docker"), "PATH": f"{folder}/docker:{os.environ['PATH']}"}
