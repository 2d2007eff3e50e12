"""`stackc apply` as a user has it: the real command line, a real manager, real tasks."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from apply_bench import Bench, on_manager
from lab.engine import Engine

from reconciler.engine import connect
from reconciler.rollout import Result, Revision, Settings, carry_out, prepare
from stackc.compile import compile_stack
from stackc.disk import DiskReader

PUBLISHED = """\
services:
  web:
    image: process/box:v1
    stop_signal: SIGKILL
    command: [sleep, "600"]
    ports: ["{port}:80"]
"""


def wait(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.05)


def test_the_whole_story(bench: Bench) -> None:
    """Deploy, nothing to do, update, bad update rolled back as a whole, fix, back by hand, remove."""
    planned = bench.run("plan", bench.stack, "--detailed-exitcode", code=2)
    assert "+ service" in planned
    assert "web (service_healthy)" in planned
    assert "applied" in bench.apply()
    assert bench.versions() == {"web": "1", "side": "1", "after": "1"}

    assert "No changes" in bench.run("plan", bench.stack, "--detailed-exitcode")
    assert "no changes" in bench.apply()

    bench.write("2", conf="c2")
    assert "TaskTemplate.ContainerSpec.Env.V: another value (masked)" in bench.run("plan", bench.stack)
    text = bench.run("plan", bench.stack, "--show-env")
    assert "TaskTemplate.ContainerSpec.Env.V: 1 → 2" in text
    assert "(content changed)" in text
    assert "restarts 2 tasks: 1 at a time" in text
    bench.apply()
    assert bench.versions() == {"web": "2", "side": "2", "after": "2"}

    bench.write("3", health="false")
    said = bench.apply(code=1)
    assert "rolled-back" in said
    assert f"{bench.stack}_web.1" in said or f"{bench.stack}_web.2" in said
    assert bench.versions() == {"web": "2", "side": "2", "after": "2"}
    newest = bench.history()[0]
    assert (newest["phase"], newest["revision"]) == ("rolled-back", 3)
    bench.run("status", bench.stack)  # everything is well again: exit 0

    bench.write("4")
    bench.apply()
    assert bench.versions() == {"web": "4", "side": "4", "after": "4"}

    assert "revision 2" in bench.run("rollback", bench.stack, "--yes")
    assert bench.versions() == {"web": "2", "side": "2", "after": "2"}

    assert "is gone" in bench.run("rm", bench.stack, "--yes")
    assert "there is no stack" in bench.run("status", bench.stack, code=1)


JOB = """\
services:
  migrate:
    image: process/box:v1
    command: ["{program}"]
    deploy: {{mode: replicated-job, replicas: 1, restart_policy: {{condition: none}}}}
  web:
    image: process/box:v1
    command: [sleep, "600"]
    stop_signal: SIGKILL
    depends_on: {{migrate: {{condition: service_completed_successfully}}}}
    deploy: {{update_config: {{monitor: 500ms}}}}
"""


@pytest.mark.engine
@pytest.mark.parametrize("program", ["true", "false"])
def test_a_migration_job_gates_what_depends_on_it(engine: Engine, program: str) -> None:
    """On Swarm only: the built-in manager refuses jobs."""
    with on_manager(engine.host, f"job-{program}") as bench:
        (bench.folder / "compose.yaml").write_text(JOB.format(program=program))
        said = bench.apply(code=0 if program == "true" else 1)
        names = {s.removeprefix(f"{bench.stack}_") for s in bench.services()}
        if program == "true":
            assert names == {"migrate", "web"}
            assert "no changes" in bench.apply()  # and so the job does not run again
        else:
            assert names == {"migrate"}
            assert "restart policy is «none»" in said


def test_an_unchanged_apply_writes_nothing_and_reads_little(bench: Bench) -> None:
    bench.apply()
    compiled = compile_stack(["compose.yaml"], DiskReader(str(bench.folder)), stack=bench.stack, environment={})
    assert compiled.plan is not None
    engine = connect(bench.host, {})
    settings = Settings()
    outcome = carry_out(engine, prepare(engine, compiled.plan, settings), Revision(), settings)
    engine.close()
    assert outcome.result is Result.UNCHANGED
    assert engine.calls["write"] == 0
    assert engine.calls["read"] <= 6


def test_killed_half_way_the_next_apply_goes_on(bench: Bench) -> None:
    bench.apply()
    bench.write("2")
    process = bench.start("apply", "--yes", bench.stack)
    wait(lambda: bench.versions()["web"] == "2", "web was written")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert bench.versions()["after"] == "1"
    said = bench.apply()
    assert "going on with attempt 2" in said
    assert bench.versions() == {"web": "2", "side": "2", "after": "2"}
    assert [(a["revision"], a["phase"]) for a in bench.history()] == [(2, "applied"), (1, "applied")]


def test_killed_before_a_bad_update_was_noticed_the_next_apply_rolls_back(bench: Bench) -> None:
    """Nobody watches while the engine rolls web back by itself; side, which this revision changed, is still new."""
    bench.apply()
    bench.write("2", health="false")
    process = bench.start("apply", "--yes", bench.stack)
    wait(lambda: bench.versions() == {"web": "2", "side": "2", "after": "1"}, "web and side were written")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wait(lambda: bench.versions()["web"] == "1", "the engine rolled web back")
    assert bench.versions()["side"] == "2"
    said = bench.apply(code=1)
    assert "rolled-back" in said
    assert bench.versions() == {"web": "1", "side": "1", "after": "1"}


def test_killed_while_rolling_back_the_next_apply_finishes_that(local: Bench) -> None:
    local.apply()
    local.write("2", health="false", action="pause")
    process = local.start("apply", "--yes", local.stack)
    wait(lambda: local.history()[0]["phase"] == "rolling-back", "the rollback began")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert "rolled-back" in local.apply(code=1)
    assert local.versions() == {"web": "1", "side": "1", "after": "1"}
    assert local.history()[0]["phase"] == "rolled-back"


def test_a_paused_update_is_a_failure_and_goes_back_too(local: Bench) -> None:
    local.apply()
    local.write("2", health="false", action="pause")
    assert "the engine paused the update" in local.apply(code=1)
    assert local.versions() == {"web": "1", "side": "1", "after": "1"}


def test_two_applies_at_once(local: Bench) -> None:
    local.apply()
    local.write("2")
    first = local.start("apply", "--yes", local.stack)
    wait(lambda: local.history()[0]["revision"] == 2, "the first apply began")
    said = local.apply(code=1)
    assert f"pid {first.pid} has been applying this stack" in said
    assert "nothing was written" in said
    out, err = first.communicate(timeout=60)
    assert first.returncode == 0, out + err
    assert "no changes" in local.apply()


def test_a_first_deploy_that_never_becomes_healthy(local: Bench) -> None:
    local.write("1", health="false")
    said = local.apply(code=1)
    assert "tasks keep failing" in said
    assert "unhealthy" in said
    assert "no earlier good revision" in said
    assert "next: see 'stackc ps" in said
    assert local.versions() == {"web": "1", "side": "1"}  # what depends on web was not even written


def test_a_fix_after_a_failed_first_deploy(local: Bench) -> None:
    local.write("1", health="false")
    local.apply(code=1)
    local.write("2")
    local.apply()
    assert local.versions() == {"web": "2", "side": "2", "after": "2"}


def test_a_saved_plan_is_applied_exactly_or_refused(local: Bench) -> None:
    path = str(local.folder / "p.json")
    local.run("plan", local.stack, "-o", path)
    assert "s3cr3t-canary" not in Path(path).read_text()
    assert (Path(path).stat().st_mode & 0o777) == 0o600
    local.write("9")  # what was reviewed counts, not what the file says by now
    local.run("apply", "--yes", path)
    assert local.versions()["web"] == "1"
    said = local.run("apply", "--yes", path, code=1)
    assert "the plan is out of date, nothing was written" in said
    assert f"service {local.stack}_web is new" in said
    (local.folder / "p.json").write_text("{}")
    assert "this is no plan" in local.run("apply", "--yes", path, code=1)


def test_a_signed_plan_is_applied_only_as_it_was_signed(local: Bench) -> None:
    path = local.folder / "p.json"
    for name in ("key", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(local.folder / name)], check=True)
    local.run("plan", local.stack, "-o", str(path))
    assert "is not signed" in local.run("apply", "--yes", str(path), "--verify-key", "key.pub", code=1)
    local.run("plan", local.stack, "-o", str(path), "--sign-key", "key")
    assert "does not fit" in local.run("apply", "--yes", str(path), "--verify-key", "other.pub", code=1)
    signed = path.read_text()
    path.write_text(signed.replace('"sleep"', '"sh"'))
    assert "does not fit" in local.run("apply", "--yes", str(path), "--verify-key", "key.pub", code=1)
    assert local.versions() == {}
    path.write_text(signed)
    local.run("apply", "--yes", str(path), "--verify-key", "key.pub")
    assert local.versions()["web"] == "1"


def test_a_saved_plan_takes_a_secret_from_the_environment_again(local: Bench) -> None:
    text = (local.folder / "compose.yaml").read_text().replace("token: {file: ./token}", "token: {environment: TOKEN}")
    (local.folder / "compose.yaml").write_text(text)
    local.env = {"TOKEN": "s3cr3t-canary"}
    local.run("plan", local.stack, "-o", "p.json")
    local.env = {}
    assert "the variable TOKEN is not set here" in local.run("apply", "--yes", "./p.json", code=1)
    local.env = {"TOKEN": "other"}
    assert "is not what it was" in local.run("apply", "--yes", "./p.json", code=1)
    local.env = {"TOKEN": "s3cr3t-canary"}
    local.run("apply", "--yes", "./p.json")
    assert local.versions()["web"] == "1"


def test_a_saved_plan_refuses_a_secret_that_changed_since(local: Bench) -> None:
    path = str(local.folder / "p.json")
    local.run("plan", local.stack, "-o", path)
    (local.folder / "token").write_text("another-canary")
    assert "is not what it was when the plan was made" in local.run("apply", "--yes", path, code=1)
    assert local.versions() == {}


def test_somebody_elses_edit_is_drift_in_the_plan(local: Bench) -> None:
    local.apply()
    engine = connect(local.host, {})
    (side,) = [s for s in engine.read_stack("services", local.stack) if s["Spec"]["Name"].endswith("_side")]
    side["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"] = ["V=edited"]
    engine.update_service(side["ID"], side["Version"]["Index"], side["Spec"])
    engine.close()
    assert "drift: changed outside stackc" in local.run("plan", local.stack)
    local.apply()
    assert local.versions()["side"] == "1"


def test_changed_secrets_and_configs_get_a_new_generation(local: Bench) -> None:
    local.apply()
    (local.folder / "token").write_text("rotated-canary")
    local.apply()
    engine = connect(local.host, {})
    names = [s["Spec"]["Name"] for s in engine.read_stack("secrets", local.stack)]
    engine.close()
    assert len(names) == 2
    assert all(name.startswith(f"{local.stack}_token") for name in names)
    assert "no changes" in local.apply()


def test_what_no_file_names_is_kept_unless_pruned(local: Bench) -> None:
    local.apply()
    text = (local.folder / "compose.yaml").read_text()
    head, _, tail = text.partition("  after:\n")
    (local.folder / "compose.yaml").write_text(head + tail[tail.index("configs:\n") :])
    assert f"kept (--prune on removes it): service {local.stack}_after" in local.run("plan", local.stack)
    local.apply()
    assert "after" in local.versions()
    assert "kept, for there is nobody to ask" in local.apply("--prune", "confirm")
    assert len(local.services()) == 3
    local.apply("--prune", "on")
    assert set(local.versions()) == {"web", "side"}


def test_more_removals_than_the_budget_are_refused_before_any_write(local: Bench) -> None:
    def write(names: str) -> None:
        rows = [f"  {n}: {{image: process/box:v1, command: [sleep, '600'], stop_signal: SIGKILL}}\n" for n in names]
        (local.folder / "compose.yaml").write_text("services:\n" + "".join(rows))

    write("abcde")
    local.apply()
    write("a")
    said = local.apply("--prune", "on", code=1)
    assert "4 services would be removed, and at most 3 may be; nothing was written" in said
    assert len(local.services()) == 5
    local.apply("--prune", "on", "--max-removals", "4")
    assert len(local.services()) == 1


def test_pruning_takes_configs_and_secrets_that_no_file_and_no_kept_revision_names(local: Bench) -> None:
    engine = connect(local.host, {})

    def names(kind: str) -> list[str]:
        found = [str(o["Spec"]["Name"]) for o in engine.read_stack(kind, local.stack)]
        return sorted(n for n in found if not n.startswith("stackc."))

    local.apply()
    assert (names("configs"), names("secrets")) == ([f"{local.stack}_conf"], [f"{local.stack}_token"])
    (local.folder / "compose.yaml").write_text(
        "services: {side: {image: process/box:v1, command: [sleep, '600'], stop_signal: SIGKILL}}\n"
    )
    local.apply("--prune", "on")
    assert (names("configs"), names("secrets")) == ([f"{local.stack}_conf"], [f"{local.stack}_token"])  # for a way back
    (local.folder / "compose.yaml").write_text(
        "services: {side: {image: process/box:v1, command: [sleep, '601'], stop_signal: SIGKILL}}\n"
    )
    local.apply("--prune", "on", "--keep", "1")
    assert (names("configs"), names("secrets")) == ([], [])
    engine.close()


def test_detached_the_next_apply_gives_the_verdict(local: Bench) -> None:
    assert "sent, not waited for" in local.apply("--detach")
    said = local.apply()
    assert "going on with attempt 1" in said
    assert local.history()[0]["phase"] == "applied"


def test_a_missing_external_network_is_refused_before_anything_is_written(local: Bench) -> None:
    with (local.folder / "compose.yaml").open("a") as file:
        file.write("networks: {default: {external: true, name: not-there}}\n")
    assert "external network 'not-there' does not exist" in local.apply(code=1)
    assert local.versions() == {}


def test_an_object_that_the_engine_refuses_ends_the_attempt(bench: Bench) -> None:
    with (bench.folder / "compose.yaml").open("a") as file:
        file.write("networks: {default: {driver: no-such-driver}}\n")
    said = bench.apply(code=1)
    assert "refused the network" in said
    assert "no service was touched" in said
    assert bench.versions() == {}
    assert [a["phase"] for a in bench.history()] == ["failed"]


DYING = """\
services:
  crash:
    image: process/box:v1
    command: [sh, -c, "echo my last words; exit 3"]
    deploy: {restart_policy: {delay: 0s}}
"""
SICK = """\
services:
  sick:
    image: process/box:v1
    command: [sh, -c, "echo serving; exec sleep 600"]
    stop_signal: SIGKILL
    healthcheck: {test: "echo no way in; exit 1", interval: 300ms, retries: 1}
    deploy: {restart_policy: {condition: none}}
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [(DYING, ["exit code 3", "last lines: my last words"]), (SICK, ["health check: no way in", "last lines: serving"])],
    ids=["dying", "sick"],
)
def test_a_failure_is_told_with_what_its_task_left(bench: Bench, text: str, words: list[str]) -> None:
    (bench.folder / "compose.yaml").write_text(text)
    said = bench.apply(code=1)
    for word in [*words, " on "]:
        assert word in said, said


def test_without_yes_and_without_a_terminal_nothing_is_written(local: Bench) -> None:
    assert "give --yes" in local.run("apply", local.stack, code=1)
    assert local.versions() == {}


def test_a_published_port_that_another_program_holds_is_no_success(local: Bench) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        (local.folder / "compose.yaml").write_text(PUBLISHED.format(port=port))
        said = local.apply(code=1)
        assert f"published port {port}: cannot listen on 127.0.0.1:{port}: Address already in use" in said
    local.apply()


def test_json_lines_for_programs(local: Bench) -> None:
    lines = [json.loads(line) for line in local.apply("--format", "json").splitlines()]
    assert {line["event"] for line in lines} == {"progress", "outcome"}
    assert lines[-1]["result"] == "applied"


def test_logs_of_a_service(local: Bench) -> None:
    (local.folder / "compose.yaml").write_text(
        """\
services:
  talk:
    image: process/box:v1
    stop_signal: SIGKILL
    command: [sh, -c, 'printf "one\\\\033[31m\\\\n"; sleep 600']
"""
    )
    local.apply()
    said = local.run("logs", local.stack, "talk")
    assert said == "talk.1 | one�[31m\n"


def test_a_wrong_address_is_one_line(local: Bench) -> None:
    real, local.host = local.host, "unix:///nowhere/at-all"
    said = local.run("plan", local.stack, code=1)
    local.host = real
    assert "there is no such socket" in said
    assert "hint:" in said
