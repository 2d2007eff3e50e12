"""Which images a registry is asked for, and which digest a service gets."""

from __future__ import annotations

import pytest

from stackc.diff.images import Pinned, image_of, moved, pin, to_look_up
from stackc.observed import ManagerInfo, Observed, ObservedService
from stackc.plan import IMAGE_LABEL, Json, ServicePlan, StackPlan

DIGEST = "@sha256:" + "1" * 64


def spec(image: str, text: str | None = None, **placement: object) -> Json:
    return {
        "Name": "s_web",
        "Labels": {IMAGE_LABEL: image if text is None else text},
        "TaskTemplate": {"ContainerSpec": {"Image": image}, "Placement": placement},
    }


def look_ups(mode: str, wanted: Json, live: Json | None) -> tuple[str, ...]:
    manager = ManagerInfo(name="n", cluster="c", version="1", builtin=False, host="h")
    services = {} if live is None else {"s_web": ObservedService(id="i", version=1, spec=live)}
    plan = StackPlan(
        stack="s",
        services={"s_web": ServicePlan("web", wanted, {})},
        networks={},
        configs={},
        secrets={},
        volumes={},
        order=(),
        digest="d",
        origins={},
    )
    return to_look_up(plan, Observed(stack="s", manager=manager, services=services), mode)


@pytest.mark.parametrize(
    ("mode", "live", "asked"),
    [
        ("changed", None, True),
        ("changed", spec("x:1" + DIGEST, "x:1"), False),
        ("changed", spec("x:1", "x:1"), False),
        ("changed", spec("x:0" + DIGEST, "x:0"), True),
        ("changed", spec("y:1" + DIGEST, "x:1"), True),  # drift
        ("always", spec("x:1" + DIGEST, "x:1"), True),
        ("never", None, False),
    ],
)
def test_only_new_and_changed_images_are_asked_for(mode: str, live: Json | None, asked: bool) -> None:
    assert look_ups(mode, spec("x:1"), live) == (("x:1",) if asked else ())


def test_an_image_that_is_pinned_in_the_file_is_never_asked_for() -> None:
    assert look_ups("always", spec("x" + DIGEST), None) == ()


def pinned(wanted: Json, live: Json | None, found: dict[str, Pinned]) -> Json:
    return pin(wanted, None if live is None else ObservedService(id="i", version=1, spec=live), found)


def test_what_was_looked_up_wins_else_what_runs_of_the_same_text_stays() -> None:
    live = spec("x:1" + DIGEST, "x:1", Platforms=[{"OS": "linux"}])
    new = Pinned(image="x:1@sha256:2", platforms=({"OS": "linux"},))
    assert image_of(pinned(spec("x:1"), live, {"x:1": new})) == "x:1@sha256:2"
    kept = pinned(spec("x:1"), live, {})
    assert image_of(kept) == "x:1" + DIGEST
    assert kept["TaskTemplate"]["Placement"] == {"Platforms": [{"OS": "linux"}]}
    assert image_of(pinned(spec("x:2"), live, {})) == "x:2"
    assert image_of(pinned(spec("x:1"), spec("y:1", "x:1"), {})) == "x:1"  # drift is overwritten


def test_the_files_own_platform_stays() -> None:
    wanted = spec("x:1", Platforms=[{"OS": "linux", "Architecture": "arm64"}])
    found = {"x:1": Pinned(image="x:1@sha256:2", platforms=({"OS": "linux", "Architecture": "amd64"},))}
    assert pinned(wanted, None, found)["TaskTemplate"]["Placement"] == wanted["TaskTemplate"]["Placement"]


def test_a_tag_that_moved() -> None:
    assert moved("x:1@sha256:1", "x:1@sha256:2")
    assert not moved("x:1@sha256:1", "x:2@sha256:2")
    assert not moved(None, "x:1")
