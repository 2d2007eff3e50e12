"""What a task finds when it runs: folder, files, mounts, user, limits; and what is refused."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agent_rig import Contents, Rig, new_task, rig_at, until

from reconciler.manager.model import TaskState, TaskStatus


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    contents = Contents({"c1": b"config one\n"}, {"s1": b"secret one\n"})
    with rig_at(tmp_path, contents) as rig:
        yield rig


def config(target: str, id: str = "c1", **file: Any) -> dict[str, Any]:  # noqa: A002
    return {
        "ConfigID": id,
        "ConfigName": "conf",
        "File": {"Name": target, "UID": "0", "GID": "0", "Mode": 0o444, **file},
    }


def secret(target: str, id: str = "s1", **file: Any) -> dict[str, Any]:  # noqa: A002
    return {
        "SecretID": id,
        "SecretName": "key",
        "File": {"Name": target, "UID": "0", "GID": "0", "Mode": 0o400, **file},
    }


def output(rig: Rig, script: str, **spec: Any) -> list[str]:
    """What a task with this shell script prints."""
    rig.put(new_task("t1", ["sh", "-c", script], **spec))
    status = rig.wait("t1", TaskState.COMPLETE, TaskState.FAILED, TaskState.REJECTED)
    lines = [line.decode() for line in rig.lines("t1")]
    assert status.state is TaskState.COMPLETE, (status, lines)
    return lines


def rejection(rig: Rig, **spec: Any) -> str:
    rig.put(new_task("t1", **spec))
    status: TaskStatus = rig.wait("t1", TaskState.REJECTED, TaskState.RUNNING, TaskState.FAILED)
    assert status.state is TaskState.REJECTED, status
    return status.err


def test_configs_and_secrets_are_files_with_their_modes(rig: Rig) -> None:
    script = "cat app.ini run/secrets/key $STACKC_ROOT/etc/deep/er; stat -c %a app.ini run/secrets/key etc/deep/er"
    lines = output(
        rig, script, Configs=[config("app.ini"), config("/etc/deep/er", Mode=0o640)], Secrets=[secret("key")]
    )
    assert lines == ["config one", "secret one", "config one", "444", "400", "640"]


def test_secrets_go_with_the_end_of_the_task_and_a_link_in_their_place_is_not_followed(
    rig: Rig, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "link").write_text("keep me")
    swap = f"mv run/secrets run/s; ln -s {precious} run/secrets; rm other; ln -s {precious}/link other"
    script = f"cat run/secrets/link; {swap}"
    output(rig, script, Secrets=[secret("link"), secret("/other"), secret("/third/key")])
    root = rig.state / "tasks/t1/root"
    until(lambda: not (root / "third/key").exists() and not (root / "other").is_symlink(), "the secrets are gone")
    assert (precious / "link").read_text() == "keep me"


def test_the_working_directory_lies_below_the_root_and_is_made(rig: Rig) -> None:
    root = rig.state / "tasks/t1/root"
    assert output(rig, "pwd; echo $HOME; cat conf", Dir="/app/sub", Configs=[config("/app/sub/conf")]) == [
        f"{root}/app/sub",
        str(root),
        "config one",
    ]


def test_the_task_folder_is_nobody_elses(rig: Rig) -> None:
    output(rig, "true")
    for folder in (rig.state / "tasks", rig.state / "tasks/t1"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_named_volume_is_kept_from_task_to_task(rig: Rig) -> None:
    mount = {"Type": "volume", "Source": "data-{{.Service.Name}}", "Target": "/var/data"}
    output(rig, "echo kept > var/data/file", Mounts=[mount])
    rig.drop("t1")
    until(lambda: not (rig.state / "tasks/t1").exists(), "the first task is gone")
    assert (rig.state / "volumes/data-web/file").read_text() == "kept\n"
    assert output(rig, "cat var/data/file", Mounts=[mount]) == ["kept"]


def test_folders_that_the_task_locked_are_removed_and_nothing_behind_a_link_is(rig: Rig, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o500)
    output(rig, f"mkdir -p a/b/c; touch a/b/c/file; ln -s {outside} a/link; chmod 0 a/b/c; chmod 500 a/b a")
    rig.drop("t1")
    until(lambda: not (rig.state / "tasks/t1").exists(), "the folder is gone")
    assert stat.S_IMODE(outside.stat().st_mode) == 0o500


def test_bind_and_tmpfs(rig: Rig, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_text("bound\n")
    mounts = [
        {"Type": "bind", "Source": str(source), "Target": "/in"},
        {"Type": "tmpfs", "Target": "/cache"},
        {"Type": "volume", "Target": "/anonymous"},
    ]
    assert output(rig, "cat in/file; echo x > cache/y; ls cache anonymous", Mounts=mounts)[0] == "bound"


def test_a_bind_without_its_source_is_rejected_in_the_engines_words(rig: Rig) -> None:
    mounts = [{"Type": "bind", "Source": "/no/such/place", "Target": "/in"}]
    assert rejection(rig, Mounts=mounts) == (
        'invalid mount config for type "bind": bind source path does not exist: /no/such/place'
    )


def test_nothing_is_written_into_a_mount(rig: Rig, tmp_path: Path) -> None:
    source = tmp_path / "precious"
    source.mkdir()
    mounts = [{"Type": "bind", "Source": str(source), "Target": "/in"}]
    expected = "invalid config target /in/conf: it lies inside another mount or file of this task"
    assert rejection(rig, Mounts=mounts, Configs=[config("/in/conf")]) == expected
    assert list(source.iterdir()) == []


def test_a_target_used_twice_is_rejected(rig: Rig) -> None:
    assert rejection(rig, Configs=[config("a"), config("/a")]) == "invalid config target /a: the path is used twice"


@pytest.mark.parametrize("kind", ["config", "secret"])
def test_content_that_does_not_exist(rig: Rig, kind: str) -> None:
    spec = {"Configs": [config("a", "gone")]} if kind == "config" else {"Secrets": [secret("a", "gone")]}
    assert rejection(rig, **spec) == f"{kind} {'conf' if kind == 'config' else 'key'} not found"


@pytest.mark.parametrize(
    ("argv", "err"),
    [
        (["no-such-command"], 'exec: "no-such-command": executable file not found in $PATH'),
        (["/no/such/file"], 'exec: "/no/such/file": stat /no/such/file: no such file or directory'),
        (["./conf"], 'exec: "./conf": permission denied'),
        (["/etc"], 'exec: "/etc": permission denied'),
    ],
)
def test_commands_that_cannot_be_run(rig: Rig, argv: list[str], err: str) -> None:
    assert rejection(rig, argv=argv, Configs=[config("conf")]) == err


def test_a_command_that_the_kernel_refuses_has_failed(rig: Rig) -> None:
    rig.put(new_task("t1", ["./conf"], Configs=[config("conf", Mode=0o755)]))
    status = rig.wait("t1", TaskState.FAILED)
    assert (status.message, status.err) == ("starting", 'starting process failed: exec: "./conf": Exec format error')


def test_ulimits_hold_and_the_managers_own_open_files_do_not_leak(rig: Rig) -> None:
    assert output(rig, "ulimit -n; ls /proc/self/fd | wc -l", Ulimits=[{"Name": "nofile", "Soft": 77, "Hard": 99}]) == [
        "77",
        "4",  # 0, 1, 2 and the folder that ls reads
    ]


def test_signals_are_as_a_program_expects_them(rig: Rig) -> None:
    (line,) = output(rig, "grep -E '^SigIgn' /proc/self/status")
    assert int(line.split()[1], 16) & 0x7FFFFFFF == 0  # 32 and above are the C library's own


def test_the_environment_holds_nothing_of_the_managers(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOPS_AGE_KEY", "canary")
    lines = output(rig, "env", Env=["OWN=1"])
    names = sorted(line.partition("=")[0] for line in lines)
    expected = "HOME HOSTNAME OWN PATH PWD STACKC_ADDRESS STACKC_ROOT STACKC_SLOT STACKC_TASK_ID"
    assert [name for name in names if name not in ("_", "SHLVL")] == expected.split()


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start tasks as another user")


@needs_root
def test_another_user(rig: Rig) -> None:
    reachable = rig.state
    changed = []
    for folder in (reachable, *reachable.parents):
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & 1:
            folder.chmod(mode | 1)
            changed.append((folder, mode))
    try:
        spec = {"User": "12345:54321", "Configs": [config("conf", UID="12345", Mode=0o400)]}
        lines = output(rig, "id -u; id -g; id -G; cat conf; touch $HOME/mine && echo ok", **spec)
        assert lines == ["12345", "54321", "54321", "config one", "ok"]
    finally:
        for folder, mode in changed:
            folder.chmod(mode)


@needs_root
def test_a_user_who_cannot_reach_the_folder_is_rejected_with_the_reason(rig: Rig) -> None:
    mode = stat.S_IMODE(rig.state.stat().st_mode)
    rig.state.chmod(0o700)
    try:
        assert f"{rig.state} is not searchable" in rejection(rig, User="12345")
    finally:
        rig.state.chmod(mode)


def test_an_unknown_user_is_rejected(rig: Rig) -> None:
    assert "no-such-user" in rejection(rig, User="no-such-user")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may start tasks as anyone")
def test_without_root_another_user_is_rejected_and_the_own_one_is_fine(rig: Rig) -> None:
    assert "cannot start processes as another user" in rejection(rig, User="0")
    rig.put(new_task("t2", ["id", "-u"], User=str(os.geteuid())))
    rig.wait("t2", TaskState.COMPLETE)
    assert rig.lines("t2") == [str(os.geteuid()).encode()]
