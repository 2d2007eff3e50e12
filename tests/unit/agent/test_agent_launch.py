"""What a task's spec becomes: command, environment, files, limits, or the reason why it is rejected."""

from __future__ import annotations

import resource
import signal
from dataclasses import replace
from typing import Any

import pytest

from reconciler.manager.model import Node, Task, TaskState, TaskStatus
from reconciler.manager.runtimes.launch import Launch, LogLimits, Mount, RejectedError, launch_of
from reconciler.manager.templates import TemplateError, expand, template_fields

NODE = Node(id="n1", hostname="box", os="linux", arch="x86_64")
TASK = Task(
    id="abc123def456ghi",
    service_id="s1",
    service_name="shop_web",
    service_labels={"b": "2", "com.example.a": "1"},
    slot=3,
    node_id="n1",
    spec={},
    endpoint={},
    spec_version=1,
    desired=TaskState.RUNNING,
    status=TaskStatus(state=TaskState.ASSIGNED, timestamp=0.0),
    created_at=0.0,
    updated_at=0.0,
)


def launch(task: Task = TASK, log: dict[str, Any] | None = None, **spec: Any) -> Launch:
    container = {"Image": "process/web:1", "Command": ["serve"], **spec}
    task = replace(task, spec={"ContainerSpec": container, **({"LogDriver": log} if log else {})})
    return launch_of(task, NODE, address="127.64.0.9", root="/state/root", path="/bin")


def test_command_and_args_are_the_entrypoint_and_the_command() -> None:
    assert launch(Command=["a"], Args=["b", "c d"]).argv == ("a", "b", "c d")
    assert launch(Command=None, Args=["b"]).argv == ("b",)


def test_the_environment_is_what_the_spec_gives_and_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOPS_AGE_KEY", "canary")
    env = launch(Env=["A=1", "B=x=y", "EMPTY=", "HOME", "NAME={{.Service.Name}}", "PATH=/own"]).env
    assert dict(env) == {
        "A": "1",
        "B": "x=y",
        "EMPTY": "",
        "NAME": "shop_web",
        "PATH": "/own",
        "HOSTNAME": "abc123def456",
        "STACKC_ADDRESS": "127.64.0.9",
        "STACKC_ROOT": "/state/root",
        "STACKC_TASK_ID": "abc123def456ghi",
        "STACKC_SLOT": "3",
    }


def test_hostname_and_slot_of_a_global_task() -> None:
    env = launch(replace(TASK, slot=0), Hostname="{{.Node.Hostname}}-{{.Task.Slot}}").env
    assert (env["HOSTNAME"], env["STACKC_SLOT"]) == ("box-n1", "n1")


@pytest.mark.parametrize("image", ["process/web:1", "process/web", "docker.io/process/web:1", "process/a.b-c_d:v1.2-x"])
def test_images_that_are_processes(image: str) -> None:
    assert launch(Image=image).argv == ("serve",)


@pytest.mark.parametrize(
    "image",
    [
        "nginx:latest",
        "",
        "process/",
        "process/../../bin/sh:1",
        "process/web:1\n",
        "registry/process/web:1",
        "process/WEB",
    ],
)
def test_nothing_else_ever_runs_on_the_host(image: str) -> None:
    with pytest.raises(RejectedError, match="needs a container runtime") as caught:
        launch(Image=image)
    assert "\n" not in str(caught.value)


def test_the_words_for_a_container_image() -> None:
    with pytest.raises(RejectedError) as caught:
        launch(Image="nginx:latest")
    assert str(caught.value) == (
        'image "nginx:latest" needs a container runtime: this manager runs process/NAME:TAG images on this machine;'
        " use Docker Swarm for container images"
    )


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"Command": None}, "no command specified"),
        ({"Command": [""]}, "no command specified"),
        ({"Command": ["a\0b"]}, "NUL"),
        ({"Env": ["=x"]}, "invalid environment entry"),
        ({"Env": ["X={{.Service.Nam}}"]}, "'.Service.Nam' is unknown"),
        ({"Env": ["X={{.Service.Name"]}, "unclosed"),
        ({"Dir": "/a/../../etc"}, "must stay inside"),
        ({"Configs": [{"ConfigID": "c", "ConfigName": "c", "File": {"Name": "../x"}}]}, "must stay inside"),
        ({"Secrets": [{"SecretID": "s", "SecretName": "s", "File": {"Name": "../../x"}}]}, "must stay inside"),
        ({"Configs": [{"ConfigID": "c", "ConfigName": "c", "File": {"Name": "/"}}]}, "invalid config target"),
        ({"Secrets": [{"SecretID": "s", "SecretName": "s", "File": {"Name": "s", "UID": "root"}}]}, "must be a number"),
        ({"Mounts": [{"Type": "volume", "Source": "../x", "Target": "/v"}]}, "invalid volume name"),
        ({"Mounts": [{"Type": "volume", "Source": "v", "Target": "/"}]}, "the target cannot be"),
        ({"Mounts": [{"Type": "volume", "Source": "v", "Target": "/a/../.."}]}, "must stay inside"),
        ({"Mounts": [{"Type": "npipe", "Source": "v", "Target": "/v"}]}, "not supported"),
        ({"Mounts": [{"Type": "bind", "Source": "relative", "Target": "/v"}]}, "must be absolute"),
        ({"Ulimits": [{"Name": "nosuch", "Soft": 1, "Hard": 1}]}, "invalid ulimit type: 'nosuch'"),
        ({"StopSignal": "SIGNOSUCH"}, "invalid stop signal"),
        ({"StopSignal": "0"}, "invalid stop signal"),
        ({"Healthcheck": {"Test": ["EXEC", "x"]}}, "unknown healthcheck type 'EXEC'"),
        ({"Healthcheck": {"Test": ["CMD"]}}, "needs a command"),
    ],
)
def test_what_cannot_be_done_is_rejected_with_its_reason(spec: dict[str, Any], reason: str) -> None:
    with pytest.raises(RejectedError, match=reason):
        launch(**spec)


def test_a_task_id_is_never_a_path() -> None:
    with pytest.raises(RejectedError, match="no name for a folder"):
        launch(replace(TASK, id="../x"))


def test_where_configs_and_secrets_go() -> None:
    files = launch(
        Secrets=[
            {"SecretID": "s1", "SecretName": "db", "File": {"Name": "db", "UID": "7", "GID": "8", "Mode": 0o400}},
            {"SecretID": "s2", "SecretName": "tls", "File": {"Name": "/etc/tls/key"}},
        ],
        Configs=[
            {"ConfigID": "c1", "ConfigName": "app", "File": {"Name": "app.ini"}},
            {"ConfigID": "c2", "ConfigName": "gone", "Runtime": {}},
        ],
    ).files
    assert [(file.kind, file.id, "/".join(file.target), file.mode, file.uid, file.gid) for file in files] == [
        ("config", "c1", "app.ini", 0o444, 0, 0),
        ("secret", "s2", "etc/tls/key", 0o444, 0, 0),
        ("secret", "s1", "run/secrets/db", 0o400, 7, 8),
    ]


def test_mounts_with_templates() -> None:
    mounts = launch(
        Mounts=[
            {"Type": "volume", "Source": "data-{{.Task.Slot}}", "Target": "/data"},
            {"Type": "tmpfs", "Target": "/cache"},
        ]
    ).mounts
    assert mounts == (
        Mount(kind="tmpfs", source="", target=("cache",)),
        Mount(kind="volume", source="data-3", target=("data",)),
    )


@pytest.mark.parametrize(
    ("nanoseconds", "seconds"), [(None, 10), (0, 0), (200_000_000, 0), (1_900_000_000, 1), (75_000_000_000, 75)]
)
def test_the_grace_period_is_whole_seconds_truncated(nanoseconds: int | None, seconds: int) -> None:
    assert launch(StopGracePeriod=nanoseconds).grace == seconds


@pytest.mark.parametrize("name", ["SIGUSR1", "usr1", "USR1", str(int(signal.SIGUSR1))])
def test_stop_signals(name: str) -> None:
    assert launch(StopSignal=name).stop_signal == signal.SIGUSR1


def test_ulimits() -> None:
    limits = launch(
        Ulimits=[{"Name": "nofile", "Soft": 10, "Hard": 20}, {"Name": "core", "Soft": -1, "Hard": -1}]
    ).limits
    infinity = resource.RLIM_INFINITY
    assert limits == ((resource.RLIMIT_NOFILE, 10, 20), (resource.RLIMIT_CORE, infinity, infinity))


@pytest.mark.parametrize(
    ("driver", "limits"),
    [
        ({"Name": "json-file", "Options": {"max-size": "10m", "max-file": "3"}}, LogLimits(size=10 << 20, files=3)),
        ({"Name": "none"}, LogLimits(files=0)),
        ({"Name": "syslog"}, LogLimits()),
        ({"Name": "json-file", "Options": {"max-size": "-1", "max-file": "x"}}, LogLimits()),
        ({"Name": "json-file", "Options": {"max-size": "1b", "max-file": "0"}}, LogLimits(size=1 << 16, files=1)),
    ],
)
def test_log_limits(driver: dict[str, Any], limits: LogLimits) -> None:
    assert launch(log=driver).log == limits


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("{{.Service.ID}}/{{ .Service.Name }}", "s1/shop_web"),
        ("{{.Task.Name}}", "shop_web.3.abc123def456ghi"),
        ("{{.Node.ID}} {{.Node.Platform.OS}}/{{.Node.Platform.Architecture}}", "n1 linux/x86_64"),
        ("a {{- .Task.Slot -}} b", "a3b"),
        ('{{index .Service.Labels "com.example.a"}}', "1"),
        ("{{ index .Service.Labels `none` }}", ""),
        ("{{.Service.Labels}}", "map[b:2 com.example.a:1]"),
        ("}} {", "}} {"),
    ],
)
def test_templates(text: str, result: str) -> None:
    assert expand(text, template_fields(TASK, NODE)) == result


@pytest.mark.parametrize(
    "text", ["{{}}", "{{.}}", "{{.Env}}", "{{printf 1}}", "{{.Task.ID}} {{", '{{index .Task.ID "a"}}']
)
def test_templates_that_are_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        expand(text, template_fields(TASK, NODE))


def test_a_template_is_read_in_linear_time_and_its_complaint_is_short() -> None:
    with pytest.raises(TemplateError) as caught:
        expand("{{.Task.ID}}" * 20000 + "{{\x1b[2J", template_fields(TASK, NODE))
    assert len(str(caught.value)) < 1000
    assert "\x1b" not in str(caught.value)
