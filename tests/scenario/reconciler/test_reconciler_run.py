"""Pushes to a real repository, deployed by real processes to the built-in manager; good ones, bad ones, and faults."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest
from reconciler_process import Site, stack_file


def test_push_update_failure_fix_and_an_empty_commit(site: Site) -> None:
    first = site.push(stack_file("1"), message="first")
    site.start()
    site.wait_ready(first)
    second = site.push(stack_file("2"))
    site.wait_ready(second)

    bad = site.push(stack_file("3", healthy=False))
    site.wait_reason("Quarantined", bad)
    assert [a.phase for a in site.attempts(bad)] == ["rolled-back"]
    assert site.condition("Stalled")["status"]
    status = site.status()
    assert (status["attempted_revision"]["commit"], status["applied_revision"]["commit"]) == (bad, second)
    assert status["last_error"].startswith("rolled-back: ")
    shown = site.run("status")
    assert shown.returncode == 1
    assert "Quarantined" in shown.stdout

    # Looking again, and a restart, do not try it again.
    assert site.run("sync", "--wait").returncode == 1
    assert site.terminate() == 0
    site.start()
    site.wait(lambda: site.log().count("Quarantined:") >= 2)
    assert len(site.attempts(bad)) == 1

    # An operator may order it.
    cleared = site.run("clear", site.stack)
    assert (cleared.returncode, "may be tried again" in cleared.stdout) == (0, True)
    site.wait(lambda: [a.phase for a in site.attempts(bad)] == ["rolled-back", "rolled-back"])

    fix = site.push(stack_file("4"))
    site.wait_ready(fix)
    number = len(site.history().attempts)
    empty = site.push(None, message="nothing")
    site.wait_ready(empty)
    assert len(site.history().attempts) == number
    shown = site.run("status", "--format", "json")
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["running"] is True
    history = site.run("history", site.stack, "--format", "json")
    assert [a["phase"] for a in json.loads(history.stdout)] == [
        "applied",
        "rolled-back",
        "rolled-back",
        "applied",
        "applied",
    ]


def test_a_broken_file_leaves_what_runs_and_is_told_with_its_place(site: Site) -> None:
    good = site.push(stack_file("1"))
    site.start()
    site.wait_ready(good)
    broken = site.push(stack_file("2") + "    imagee: x\n")
    ready = site.wait_reason("BrokenCommit", broken)
    assert "stack.yml:12:5" in ready["message"]
    status = site.status()
    assert status["applied_revision"]["commit"] == good
    error = next(d for d in status["diagnostics"] if d["severity"] == "error")
    assert (error["file"], error["line"], error["column"]) == (f"{broken[:10]}:stack.yml", 12, 5)
    shown = site.run("status", site.stack)
    assert shown.returncode == 1
    assert "stack.yml:12:5: error SC2001: unknown key `imagee`" in shown.stdout
    assert "did you mean `image`?" in shown.stdout
    assert len(site.history().attempts) == 1
    missing = site.push("services: {web: {image: process/web:v1, env_file: absent.env}}\n")
    site.wait_reason("BrokenCommit", missing)
    (site.work / "stack.yml").unlink()
    (site.work / "stack.yml").symlink_to("/etc/passwd")
    link = site.push(None) if site.git("add", "-A") == "" else ""
    assert "symbolic link" in site.wait_reason("BrokenCommit", link)["message"]
    assert len(site.history().attempts) == 1


def test_a_force_push_is_held_until_an_operator_accepts_that_commit(site: Site) -> None:
    site.push(stack_file("1"))
    applied = site.push(stack_file("2"))
    site.start()
    site.wait_ready(applied)
    site.git("reset", "-q", "--hard", "HEAD~1")
    other = site.push(stack_file("3"), "--force")
    ready = site.wait_reason("ForcePush", other)
    assert f"sync --accept {other[:10]}" in ready["message"]
    assert site.run("sync", "--accept", "deadbeef", "--wait").returncode == 1
    assert site.attempts(other) == []
    done = site.run("sync", "--accept", other[:12], "--wait", site.stack)
    assert (done.returncode, done.stderr) == (0, "")
    site.wait_ready(other)


def test_a_repository_that_is_away_or_without_its_branch_holds(site: Site) -> None:
    site.configure(interval="1s")
    good = site.push(stack_file("1"))
    site.start()
    site.wait_ready(good)
    site.git("update-ref", "-d", "refs/heads/main", cwd=site.bare)
    assert "the branch does not exist" in site.wait_reason("BranchMissing")["message"]
    site.bare.rename(site.folder / "away")
    site.wait_reason("RemoteAway")
    assert site.run("status").returncode == 1
    assert site.status()["applied_revision"]["commit"] == good
    (site.folder / "away").rename(site.bare)
    site.git("update-ref", "refs/heads/main", good, cwd=site.bare)
    site.wait_reason("Applied")
    assert len(site.history().attempts) == 1


def test_the_repository_may_be_made_after_the_start(site: Site) -> None:
    site.configure()
    away = site.bare.rename(site.folder / "away")
    site.start()
    site.wait_reason("RemoteAway")
    away.rename(site.bare)
    site.wait_ready(site.push(stack_file("1")))


def test_a_newer_commit_takes_over_from_a_rollout_that_does_not_end(site: Site) -> None:
    site.start()
    site.wait_reason("BranchMissing")
    never = "      web: {test: [CMD, 'false'], interval: 1s, retries: 1000, start_period: 1h}\n"
    slow = stack_file("1").replace("    stop_signal", f"    healthcheck: {never.strip()[5:]}\n    stop_signal")
    stuck = site.push(slow)
    site.wait(lambda: [a.phase for a in site.attempts(stuck)] == ["applying"])
    fix = site.push(stack_file("2"))
    site.wait_ready(fix)
    assert [a.phase for a in site.attempts(stuck)] == ["cancelled"]


@pytest.mark.parametrize("seconds", [0.0, 0.15, 0.4, 0.8])
def test_kill_minus_9_at_any_moment_resumes(site: Site, seconds: float) -> None:
    first = site.push(stack_file("1", replicas=2))
    site.start()
    site.wait_ready(first)
    second = site.push(stack_file("2", replicas=2))
    site.wait(lambda: f"{second[:10]} fetched" in site.log())
    if seconds:
        site.wait(lambda: site.attempts(second))
        time.sleep(seconds)
    site.kill()
    site.start()
    site.wait_ready(second)
    assert [a.phase for a in site.attempts(second)] == ["applied"]


def test_kill_minus_9_during_a_rollback_finishes_it(site: Site) -> None:
    good = site.push(stack_file("1", replicas=3))
    site.start()
    site.wait_ready(good)
    bad = site.push(stack_file("2", healthy=False, replicas=3))
    site.wait(lambda: [a.phase for a in site.attempts(bad)] in (["rolling-back"], ["rolled-back"]))
    site.kill()
    site.start()
    site.wait_reason("Quarantined", bad)
    assert [a.phase for a in site.attempts(bad)] == ["rolled-back"]
    engine_status = site.stackc("status", site.stack)
    assert "1/1" in engine_status.stdout or "3/3" in engine_status.stdout, engine_status


def test_sigterm_leaves_a_rollout_that_the_next_start_takes_up(site: Site) -> None:
    first = site.push(stack_file("1"))
    site.start()
    site.wait_ready(first)
    second = site.push(stack_file("2", monitor="3s"))
    site.wait(lambda: [a.phase for a in site.attempts(second)] == ["applying"])
    assert site.terminate() == 0
    assert [a.phase for a in site.attempts(second)] == ["applying"]
    site.start()
    site.wait_ready(second)
    assert [a.phase for a in site.attempts(second)] == ["applied"]


def test_a_second_reconciler_on_the_same_state_is_refused(site: Site) -> None:
    first = site.start()
    site.wait(lambda: site.status())
    second = site.run("run")
    assert second.returncode == 1
    assert f"already running on this state folder, as process {first.pid}" in second.stderr
    assert "Traceback" not in second.stderr


def test_status_of_a_reconciler_that_is_down(site: Site) -> None:
    nothing = site.run("status")
    assert (nothing.returncode, "no status" in nothing.stderr) == (1, True)
    commit = site.push(stack_file("1"))
    site.start()
    site.wait_ready(commit)
    site.kill()
    shown = site.run("status")
    assert shown.returncode == 0
    assert "not running" in shown.stdout
    assert commit[:10] in shown.stdout


def test_an_order_waits_for_the_next_start(site: Site) -> None:
    site.push(stack_file("1"))
    applied = site.push(stack_file("2"))
    site.start()
    site.wait_ready(applied)
    site.kill()
    site.git("reset", "-q", "--hard", "HEAD~1")
    other = site.push(stack_file("3"), "--force")
    given = site.run("sync", "--accept", other)
    assert (given.returncode, "the order waits" in given.stderr) == (0, True)
    site.start()
    site.wait_ready(other)


def test_a_full_disk_stops_no_rollout(site: Site) -> None:
    commit = site.push(stack_file("1"))
    site.state.mkdir(mode=0o700)
    full = site.state / "status.json.new"
    full.symlink_to("/dev/full")  # writing ends with ENOSPC; the failed file is taken away, so the next try succeeds
    site.start()
    site.wait_ready(commit)
    assert "cannot write" in site.log()
    assert "No space left on device" in site.log()


def test_a_manager_that_comes_later(site: Site, tmp_path: Path) -> None:
    site.push(stack_file("1"))
    host, site.host = site.host, f"unix://{tmp_path}/absent.sock"
    site.configure(interval="1s")
    site.start()
    site.wait_reason("ManagerAway")
    (tmp_path / "absent.sock").symlink_to(host.removeprefix("unix://"))
    site.wait_reason("Applied")
    site.host = host


def test_settings_with_errors_are_told_with_their_place(site: Site) -> None:
    site.settings.write_text(site.settings.read_text().replace("interval", "intervall"))
    done = site.run("run")
    assert done.returncode == 1
    assert f"{site.settings}:3:1: error SC2001: unknown key `intervall`" in done.stderr
    assert "did you mean `interval`?" in done.stderr
    site.settings.unlink()
    done = site.run("status")
    assert (done.returncode, "No such file" in done.stderr) == (1, True)


def test_variables_come_from_the_settings_only(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIVEN", "from-the-process")
    monkeypatch.setenv("SECRET", "from-the-process")
    site.configure(extra="    environment: {GIVEN: from-the-settings}\n")
    commit = site.push(stack_file("${GIVEN}-${SECRET:-unset}"))
    site.start()
    site.wait_ready(commit)
    spec = site.history().attempts[-1].bound.services[f"{site.stack}_web"]
    assert spec["TaskTemplate"]["ContainerSpec"]["Env"] == ["VERSION=from-the-settings-unset"]


def test_ctrl_c_ends_it_without_a_traceback(site: Site) -> None:
    process = site.start()
    site.wait(lambda: site.status())
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert "Traceback" not in site.log()
