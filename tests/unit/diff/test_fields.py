"""What the table says of the API's fields: which restart tasks, and which an older engine would drop."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from stackc.compile import compile_stack
from stackc.diff.compare import field_changes
from stackc.diff.fields import dropped, needed_api, restarts
from stackc.disk import MemoryReader
from stackc.plan import Json, StackPlan

CONTAINER = "TaskTemplate.ContainerSpec"


@pytest.mark.parametrize(
    ("field", "restarted"),
    [
        # measured on Engine 20.10: no task is replaced
        ("Labels.tier", False),
        ("UpdateConfig", False),
        ("UpdateConfig.Delay", False),
        ("RollbackConfig.Order", False),
        ("Mode.Replicated.Replicas", False),
        ("TaskTemplate.Placement.Constraints", False),
        ("TaskTemplate.Placement.Preferences", False),
        ("TaskTemplate.Placement.MaxReplicas", False),
        ("TaskTemplate.Placement.Platforms", False),
        # measured: they are
        (f"{CONTAINER}.Image", True),
        (f"{CONTAINER}.Env", True),
        (f"{CONTAINER}.Env.KEY", True),
        (f"{CONTAINER}.Labels.tier", True),
        (f"{CONTAINER}.StopGracePeriod", True),
        (f"{CONTAINER}.Healthcheck.Interval", True),
        (f"{CONTAINER}.DNSConfig", True),
        (f"{CONTAINER}.Privileges.NoNewPrivileges", True),
        ("TaskTemplate.Resources.Limits", True),
        ("TaskTemplate.Resources.Limits.MemoryBytes", True),
        ("TaskTemplate.RestartPolicy", True),
        ("TaskTemplate.LogDriver.Options.tag", True),
        ("TaskTemplate.Networks", True),
        ("EndpointSpec.Mode", True),
        ("EndpointSpec.Ports", True),
        # a job runs again; an engine refuses another mode, so its service would have to be made anew
        ("Mode.ReplicatedJob.MaxConcurrent", True),
        ("Mode.Global", True),
        # no row: to be safe
        ("TaskTemplate.ForceUpdate", True),
        ("TaskTemplate.Something.New", True),
    ],
)
def test_which_fields_restart_tasks(field: str, restarted: bool) -> None:
    assert restarts(field) is restarted


SERVICE = {
    "image": "app:1",
    "healthcheck": {"test": "true", "start_interval": "1s"},
    "security_opt": ["no-new-privileges"],
    "oom_score_adj": -100,
    "mem_limit": "64m",
    "memswap_limit": "64m",
    "tmpfs": ["/run:noexec", "/tmp:size=1m"],
    "volumes": [{"type": "volume", "source": "v", "target": "/v", "volume": {"subpath": "a"}}],
    "networks": ["n"],
}


def compiled(service: Json, **top: Any) -> StackPlan:
    document = {"services": {"web": service}, **top}
    found = compile_stack(["f.yml"], MemoryReader({"f.yml": json.dumps(document).encode()}), stack="s", environment={})
    assert found.plan is not None, found.diagnostics
    return found.plan


PLAN = compiled(SERVICE, volumes={"v": {}}, networks={"n": {"enable_ipv4": False}})
ALL = {
    ("services.web.healthcheck.start_interval", "1.44"),
    ("services.web.security_opt", "1.44"),
    ("services.web.oom_score_adj", "1.46"),
    ("services.web.memswap_limit", "1.52"),
    ("services.web.tmpfs", "1.46"),
    ("services.web.volumes.[].volume.subpath", "1.46"),
    ("networks.n.enable_ipv4", "1.48"),
}


def test_an_old_engine_drops_what_it_does_not_know() -> None:
    assert {(one.path, one.since) for one in dropped(PLAN, "1.41")} == ALL


def test_each_version_drops_what_is_younger() -> None:
    assert {one.since for one in dropped(PLAN, "1.44")} == {"1.46", "1.48", "1.52"}
    assert {one.since for one in dropped(PLAN, "1.51")} == {"1.52"}
    assert dropped(PLAN, "1.52") == ()
    assert dropped(PLAN, "1.100") == ()


def test_what_every_engine_keeps_is_never_dropped() -> None:
    plan = compiled({"image": "app:1", "tmpfs": ["/run:size=1m"], "security_opt": ["label=disable"], "read_only": True})
    assert dropped(plan, "1.41") == ()


def test_a_body_is_sent_in_the_version_that_keeps_all_of_it() -> None:
    plain = compiled({"image": "app:1"})
    assert needed_api("services", plain.services["s_web"].spec) == "1.41"
    assert needed_api("networks", plain.networks["s_default"].spec) == "1.41"
    assert needed_api("services", PLAN.services["s_web"].spec) == "1.52"
    assert needed_api("networks", PLAN.networks["s_n"].spec) == "1.48"


def test_what_no_manager_keeps_is_no_difference() -> None:
    volume = {"type": "bind", "source": "/a", "target": "/a", "consistency": "cached"}
    document = {"version": "3.8", "services": {"web": {"image": "app:1", "volumes": [volume]}}}
    found = compile_stack(["f.yml"], MemoryReader({"f.yml": json.dumps(document).encode()}), stack="s", environment={})
    assert found.plan is not None
    sent = found.plan.services["s_web"].spec
    assert sent["TaskTemplate"]["ContainerSpec"]["Mounts"][0]["Consistency"] == "cached"
    stored = copy.deepcopy(sent)
    del stored["TaskTemplate"]["ContainerSpec"]["Mounts"][0]["Consistency"]
    assert field_changes(stored, sent) == ()
    stored["TaskTemplate"]["ContainerSpec"]["Mounts"][0]["Target"] = "/b"
    assert [one.path for one in field_changes(stored, sent)] == [f"{CONTAINER}.Mounts"]


def test_a_mount_that_is_not_recursive_is_stored_with_its_propagation() -> None:
    volume = {"type": "bind", "source": "/a", "target": "/a", "bind": {"recursive": "disabled"}}
    sent = compiled({"image": "app:1", "volumes": [volume]}).services["s_web"].spec
    stored = copy.deepcopy(sent)
    stored["TaskTemplate"]["ContainerSpec"]["Mounts"][0]["BindOptions"] = {
        "NonRecursive": True,
        "Propagation": "rprivate",
    }
    assert field_changes(stored, sent) == ()
