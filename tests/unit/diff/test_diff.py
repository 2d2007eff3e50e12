"""The plan diff: what changes, why, and what is left alone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from stackc.diff import bind, diff
from stackc.diff.bind import bound_from_json, bound_to_json
from stackc.diff.compare import field_changes, to_send
from stackc.observed import ManagerInfo, Observed, ObservedObject, ObservedService
from stackc.plan import FilePlan, Json, NetworkPlan, ServicePlan, StackPlan
from stackc.report import plan_diff

LABELS = {"com.docker.stack.namespace": "shop"}
MANAGER = ManagerInfo(name="n", cluster="c", version="1", builtin=True, host="unix:///x")


def salt(name: str) -> bytes:
    return name.encode().ljust(16, b".")


def spec(name: str = "shop_web", image: str = "process/web:v1", **container: Any) -> Json:
    return {
        "Name": name,
        "Labels": LABELS,
        "TaskTemplate": {
            "ContainerSpec": {"Image": image, "Labels": LABELS, **container},
            "Resources": {},
            "Placement": {},
            "Networks": [{"Target": "shop_default", "Aliases": ["web"]}],
            "ForceUpdate": 0,
        },
        "Mode": {"Replicated": {"Replicas": 2}},
        "EndpointSpec": {},
    }


def plan(
    services: dict[str, Json] | None = None,
    config: bytes | None = None,
    secret: bytes | None = None,
    needs: dict[str, dict[str, str]] | None = None,
) -> StackPlan:
    services = {"shop_web": spec()} if services is None else services
    return StackPlan(
        stack="shop",
        services={n: ServicePlan(n.removeprefix("shop_"), s, (needs or {}).get(n, {})) for n, s in services.items()},
        networks={"shop_default": NetworkPlan("default", {"Name": "shop_default", "Labels": LABELS}, False)},
        configs=_file("shop_conf", config),
        secrets=_file("shop_token", secret),
        volumes={},
        order=(),
        digest="sha256:1",
        origins={},
    )


def _file(name: str, data: bytes | None) -> dict[str, FilePlan]:
    if data is None:
        return {}
    return {name: FilePlan(name, {"Name": name, "Labels": LABELS}, False, data, "file ./x")}


def observed(services: list[Json], **objects: dict[str, ObservedObject]) -> Observed:
    live = {s["Name"]: ObservedService(id=f"id-{s['Name']}", version=7, spec=s) for s in services}
    network = ObservedObject(id="net", name="shop_default", version=0, spec={"Labels": LABELS}, labels=LABELS)
    return Observed(stack="shop", manager=MANAGER, services=live, networks={"shop_default": network}, **objects)


def config(name: str, data: bytes | None, version: int = 1, **labels: str) -> ObservedObject:
    return ObservedObject(
        id=f"id-{name}", name=name, version=version, spec={"Name": name}, labels={**LABELS, **labels}, data=data
    )


def bound(p: StackPlan, o: Observed):
    return bind(p, o, salt)


def test_what_is_missing_is_created_objects_first() -> None:
    empty = Observed(stack="shop", manager=MANAGER)
    p = plan(config=b"a", secret=b"b")
    changes = diff(bound(p, empty), empty).changes
    assert [(c.kind, c.action, c.name) for c in changes] == [
        ("network", "create", "shop_default"),
        ("config", "create", "shop_conf"),
        ("secret", "create", "shop_token"),
        ("service", "create", "shop_web"),
    ]


def test_the_same_spec_is_no_change() -> None:
    o = observed([spec()])
    found = diff(bound(plan(), o), o)
    assert found.empty
    assert found.unchanged == ("shop_web",)


STORED = [
    ("isolation", lambda s: s["TaskTemplate"]["ContainerSpec"].update(Isolation="default")),
    ("runtime", lambda s: s["TaskTemplate"].update(Runtime="container")),
    ("endpoint mode", lambda s: s["EndpointSpec"].update(Mode="vip")),
    ("force update", lambda s: s["TaskTemplate"].update(ForceUpdate=3)),
    ("absent lists", lambda s: s["TaskTemplate"]["ContainerSpec"].update(Env=[], Mounts=None)),
    ("privileges", lambda s: s["TaskTemplate"]["ContainerSpec"].update(Privileges={"CredentialSpec": None})),
]


@pytest.mark.parametrize(("what", "change"), STORED, ids=[what for what, _ in STORED])
def test_what_an_engine_adds_is_no_change(what: str, change: Any) -> None:
    import copy

    live = copy.deepcopy(spec())
    change(live)
    assert field_changes(live, spec()) == ()


def test_defaults_that_an_engine_fills_in() -> None:
    ours = {**spec(), "Mode": {"Replicated": {}}, "UpdateConfig": {"Parallelism": 1, "MaxFailureRatio": 0, "Order": ""}}
    live = {
        **spec(),
        "Mode": {"Replicated": {"Replicas": 1}},
        "UpdateConfig": {
            "Parallelism": 1,
            "MaxFailureRatio": 0,
            "Order": "stop-first",
            "FailureAction": "pause",
        },
    }
    assert field_changes(live, ours) == ()


DIFFERENT = [
    ("an empty label is a label", {"Labels": {**LABELS, "note": ""}}),
    ("replicas", {"Mode": {"Replicated": {"Replicas": 3}}}),
    ("mode", {"Mode": {"Global": {}}}),
    ("restart policy absent means any after 5 s", {"TaskTemplate": {**spec()["TaskTemplate"], "RestartPolicy": {}}}),
    ("init false is not absent", spec(Init=False)),
    ("the order of env restarts tasks", spec(Env=["B=1", "A=1"])),
    ("parallelism 0 is all at once", {"UpdateConfig": {"Parallelism": 0}}),
]


@pytest.mark.parametrize(("what", "other"), DIFFERENT, ids=[what for what, _ in DIFFERENT])
def test_what_an_engine_does_tell_apart_is_a_change(what: str, other: Json) -> None:
    before = {**spec(), "UpdateConfig": {"Parallelism": 1}} if "parallelism" in what else spec(Env=["A=1", "B=1"])
    assert field_changes(before, {**before, **other})


def test_fields_name_what_restarts() -> None:
    after = {**spec(image="process/web:v2", Env=["A=2"]), "Mode": {"Replicated": {"Replicas": 5}}}
    fields = {f.path: f for f in field_changes(spec(Env=["A=1"]), after)}
    assert set(fields) == {
        "Mode.Replicated.Replicas",
        "TaskTemplate.ContainerSpec.Env.A",
        "TaskTemplate.ContainerSpec.Image",
    }
    assert not fields["Mode.Replicated.Replicas"].restarts
    assert fields["TaskTemplate.ContainerSpec.Env.A"].restarts
    assert (fields["TaskTemplate.ContainerSpec.Env.A"].old, fields["TaskTemplate.ContainerSpec.Env.A"].new) == (
        "1",
        "2",
    )


def test_a_removed_field_is_a_change() -> None:
    assert [f.path for f in field_changes(spec(User="1000"), spec())] == ["TaskTemplate.ContainerSpec.User"]


@pytest.mark.parametrize(
    ("live", "before", "reason"),
    [
        ("v1", "v1", "file changed"),
        ("v3", "v2", "drift: changed outside stackc since the last apply"),
        ("v3", "v1", "file changed, and drift: also changed outside stackc"),
        ("v1", None, "adopted: deployed by other means, and different from the file"),
    ],
)
def test_why_a_service_changes(live: str, before: str | None, reason: str) -> None:
    o = observed([spec(image=f"process/web:{live}")])
    target = bound(plan({"shop_web": spec(image="process/web:v2")}), o)
    good = replace(target, services={"shop_web": spec(image=f"process/web:{before}")}) if before else None
    (change,) = diff(target, o, good).changes
    assert change.reason == reason


def test_an_update_keeps_the_live_force_update_and_always_has_a_placement() -> None:
    live = {**spec(), "TaskTemplate": {**spec()["TaskTemplate"], "ForceUpdate": 4}}
    ours = spec(image="process/web:v2")
    del ours["TaskTemplate"]["Placement"]
    body = to_send(ours, live)
    assert body["TaskTemplate"]["ForceUpdate"] == 4
    assert body["TaskTemplate"]["Placement"] == {}


def test_the_first_generation_bears_dockers_name_and_changed_content_a_new_one() -> None:
    p = plan({"shop_web": spec(Configs=[{"ConfigName": "shop_conf", "File": {"Name": "/c"}}])}, config=b"new")
    empty = Observed(stack="shop", manager=MANAGER)
    assert list(bound(p, empty).configs) == ["shop_conf"]
    o = observed([spec()], configs={"shop_conf": config("shop_conf", b"old")})
    b = bound(p, o)
    (name,) = b.configs
    assert name.startswith("shop_conf-")
    assert len(name) == len("shop_conf-") + 12
    assert b.services["shop_web"]["TaskTemplate"]["ContainerSpec"]["Configs"][0]["ConfigName"] == name
    assert b.data == {("config", name): b"new"}


def test_content_that_exists_already_is_used_again() -> None:
    p = plan(config=b"new")
    first = observed([], configs={"shop_conf": config("shop_conf", b"old")})
    (name,) = bound(p, first).configs
    made = config(name, b"new", 2, **{"stackc.generation-of": "shop_conf"})
    second = observed([], configs={"shop_conf": config("shop_conf", b"old"), name: made})
    assert list(bound(p, second).configs) == [name]
    assert bound(p, second).data == {}
    back = bound(plan(config=b"old"), second)
    assert list(back.configs) == ["shop_conf"]


def test_a_secret_is_compared_by_its_salted_digest() -> None:
    empty = Observed(stack="shop", manager=MANAGER)
    first = bound(plan(secret=b"hunter2"), empty)
    labels = first.secrets["shop_token"]["Labels"]
    assert "hunter2" not in repr(first)
    assert "hunter2" not in str(labels)
    o = observed([], secrets={"shop_token": config("shop_token", None, **labels)})
    assert list(bound(plan(secret=b"hunter2"), o).secrets) == ["shop_token"]
    (rotated,) = bound(plan(secret=b"hunter3"), o).secrets
    assert rotated.startswith("shop_token-")


def test_a_secret_that_docker_made_is_used_as_it_is_and_said_so() -> None:
    o = observed([spec()], secrets={"shop_token": config("shop_token", None)})
    b = bound(plan(secret=b"x"), o)
    assert list(b.secrets) == ["shop_token"]
    assert "cannot be compared" in diff(b, o).notes[0]


def test_a_missing_external_object_is_named() -> None:
    p = plan()._replace(networks={"edge": NetworkPlan("edge", {"Name": "edge"}, True)})
    assert bound(p, observed([])).missing == ("external network 'edge' does not exist",)


def test_what_no_file_names_is_kept_or_pruned_last() -> None:
    o = observed([spec(), spec("shop_old")])
    kept = diff(bound(plan(), o), o)
    assert kept.empty
    assert kept.kept == ("service shop_old",)
    pruned = diff(bound(plan(), o), o, prune=True)
    assert [(c.action, c.name) for c in pruned.changes] == [("remove", "shop_old")]


def test_what_is_not_ours_is_never_pruned() -> None:
    foreign = {**spec("other_web"), "Labels": {}}
    o = observed([spec(), foreign])
    assert diff(bound(plan(), o), o, prune=True).empty


def test_waves_follow_depends_on() -> None:
    names = ["shop_a", "shop_b", "shop_c", "shop_d"]
    needs = {"shop_b": {"shop_a": "service_healthy"}, "shop_d": {"shop_b": "service_started"}}
    o = Observed(stack="shop", manager=MANAGER)
    found = diff(bound(plan({n: spec(n) for n in names}, needs=needs), o), o)
    assert found.waves == (("shop_a", "shop_c"), ("shop_b",), ("shop_d",))
    assert [c.name for c in found.of("service")] == ["shop_a", "shop_c", "shop_b", "shop_d"]


def test_a_network_that_cannot_be_changed_in_place_is_said() -> None:
    o = observed([spec()])
    p = plan()._replace(
        networks={"shop_default": NetworkPlan("default", {"Name": "shop_default", "Attachable": True}, False)}
    )
    assert "no engine can change a network in place" in diff(bound(p, o), o).notes[0]


def test_values_of_the_environment_are_shown_only_when_asked_for() -> None:
    live = observed([spec(Env=["GONE=canary-0", "LEVEL=canary-1"])])
    wanted = plan({"shop_web": spec(Env=["LEVEL=canary-2", "NEW=canary-3"])})
    found = diff(bound(wanted, live), live)
    for env in (False, True):
        pages = (
            plan_diff.text(found, live.manager, env=env),
            plan_diff.markdown(found, live.manager, env=env),
            json.dumps(plan_diff.to_json(found, live.manager, env=env)),
        )
        assert [page.count("canary") for page in pages] == ([4, 4, 4] if env else [0, 0, 0])
    assert "Env.LEVEL: another value (masked)" in plan_diff.text(found, live.manager)
    assert "Env.NEW: (none) → (masked)" in plan_diff.text(found, live.manager)


def test_a_service_restarts_after_a_dependency_that_does() -> None:
    services = {f"shop_{key}": spec(f"shop_{key}") for key in ("db", "web", "edge", "other")}
    o = observed(list(services.values()))
    p = plan({**services, "shop_db": spec("shop_db", "process/db:v2")})
    p = p._replace(
        services={
            **p.services,
            "shop_web": p.services["shop_web"]._replace(
                depends_on={"shop_db": "service_started"}, follows=("shop_db",)
            ),
            "shop_edge": p.services["shop_edge"]._replace(
                depends_on={"shop_web": "service_started"}, follows=("shop_web",)
            ),
            "shop_other": p.services["shop_other"]._replace(depends_on={"shop_db": "service_started"}),
        }
    )
    found = diff(bound(p, o), o)
    assert [(c.name, c.reason) for c in found.changes[1:]] == [
        ("shop_web", "restarts after shop_db"),
        ("shop_edge", "restarts after shop_web"),
    ]
    web = found.changes[1]
    assert web.spec is not None
    assert web.spec["TaskTemplate"]["ForceUpdate"] == 1
    assert (web.restarts, web.needs) == (True, {"shop_db": "service_started"})
    assert found.unchanged == ("shop_other",)


def test_nothing_follows_a_change_that_restarts_nothing() -> None:
    services = {f"shop_{key}": spec(f"shop_{key}") for key in ("db", "web")}
    o = observed(list(services.values()))
    p = plan({**services, "shop_db": {**spec("shop_db"), "Labels": {**LABELS, "a": "b"}}})
    web = p.services["shop_web"]._replace(depends_on={"shop_db": "service_started"}, follows=("shop_db",))
    found = diff(bound(p._replace(services={**p.services, "shop_web": web}), o), o)
    assert [c.name for c in found.changes] == ["shop_db"]


def test_what_follows_is_kept_in_the_history() -> None:
    p = plan()
    b = bound(p._replace(services={n: s._replace(follows=("shop_x",)) for n, s in p.services.items()}), observed([]))
    record = bound_to_json(b)
    assert bound_from_json(record, {}).follows == {"shop_web": ("shop_x",)}
    assert "follows" not in bound_to_json(bound(p, observed([])))
