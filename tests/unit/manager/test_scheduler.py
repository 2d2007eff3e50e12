"""Where tasks go, and what is said when there is no place for one."""

from __future__ import annotations

from collections import Counter

import pytest
from orchestration import deployed, in_slot, service

from reconciler.manager.constraints import ConstraintError, matches, parse
from reconciler.manager.model import Json, Node, TaskState
from reconciler.manager.simulated import Script, Simulation, single_node


def cluster(**nodes: dict[str, object]) -> dict[str, Node]:
    return {node_id: single_node(node_id, **attributes) for node_id, attributes in nodes.items()}


def placed(sim: Simulation) -> dict[str, int]:
    """Live tasks per node; "" holds the pending ones."""
    return dict(Counter(task.node_id for task in sim.live("web")))


def place(spec: Json, nodes: dict[str, Node]) -> Simulation:
    return deployed(spec, script=lambda task: Script(), nodes=nodes)


def reasons(sim: Simulation) -> set[str]:
    return {task.status.err for task in sim.live("web") if task.status.state == TaskState.PENDING}


# --- constraints ---------------------------------------------------------------------------------------------------

NODE = Node(
    id="Node1",
    hostname="alpha",
    role="manager",
    address="10.1.2.3",
    labels={"zone": "EU", "Case": "x"},
    engine_labels={"disk": "ssd"},
)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("node.id==node1", True),
        ("node.hostname == ALPHA", True),
        ("NODE.HOSTNAME==alpha", True),
        ("node.hostname != beta", True),
        ("node.role==worker", False),
        ("node.platform.os==linux", True),
        ("node.platform.arch==x86_64", True),
        ("node.platform.arch==amd64", False),
        ("node.labels.zone==eu", True),
        ("Node.Labels.zone==eu", True),
        ("node.labels.Zone==eu", False),
        ("node.labels.Case==X", True),
        ("node.labels.missing==x", False),
        ("node.labels.missing!=x", True),
        ("engine.labels.disk==ssd", True),
        ("node.labels.disk==ssd", False),
        ("node.ip==10.1.2.3", True),
        ("node.ip==10.1.0.0/16", True),
        ("node.ip==10.1.9.9/16", True),
        ("node.ip!=10.1.0.0/16", False),
        ("node.ip==10.2.0.0/16", False),
        ("node.ip!=10.2.0.0/16", True),
        ("node.ip==nonsense", False),
        ("node.ip!=nonsense", False),
        ("node.foo==1", False),
        ("node.foo!=1", False),
        ("node.labels==1", False),
        ("node.hostname==alph*", False),
    ],
)
def test_a_constraint_matches(expression: str, expected: bool) -> None:
    assert matches(parse([expression]), NODE) == expected


def test_constraints_are_anded() -> None:
    assert matches(parse(["node.role==manager", "node.labels.zone==eu"]), NODE)
    assert not matches(parse(["node.role==manager", "node.labels.zone==us"]), NODE)
    assert matches((), NODE)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("node.role", "constraint expected one operator from ==, !="),
        ("node.role=manager", "constraint expected one operator from ==, !="),
        ("", "constraint expected one operator from ==, !="),
        ("==manager", "key '' is invalid"),
        ("1node==x", "key '1node' is invalid"),
        ("node role==x", "key 'node role' is invalid"),
        ("node.role==", "value '' is invalid"),
        ("node.role==mänager", "value 'mänager' is invalid"),
        ("nöde.role==manager", "key 'nöde.role' is invalid"),
        ("node.role!=a!=b", "value 'a!=b' is invalid"),
        ("node.role==a\n==b", "value 'a\n==b' is invalid"),
    ],
)
def test_a_malformed_constraint_is_refused(expression: str, message: str) -> None:
    with pytest.raises(ConstraintError) as refused:
        parse([expression])
    assert str(refused.value) == message


def test_the_first_equality_sign_wins_over_an_earlier_inequality() -> None:
    with pytest.raises(ConstraintError, match=r"key 'node\.labels\.a!=b' is invalid"):
        parse(["node.labels.a!=b==c"])


# --- spread and ranking --------------------------------------------------------------------------------------------


def test_tasks_are_spread_evenly_over_the_nodes() -> None:
    sim = place(service("1", 7), cluster(n1={}, n2={}, n3={}))
    assert sorted(placed(sim).values()) == [2, 2, 3]


def test_the_node_with_fewer_tasks_of_the_service_wins_then_the_one_with_fewer_tasks() -> None:
    on_n1 = {"Placement": {"Constraints": ["node.id==n1"]}}
    sim = deployed(
        service("1", 3, name="other", template=on_n1), script=lambda task: Script(), nodes=cluster(n1={}, n2={})
    )
    sim.create(service("1", 1))
    sim.run_until_quiet(10)
    assert placed(sim) == {"n2": 1}  # none of the service anywhere: n2 has fewer tasks
    sim.update("web", service("1", 2))
    sim.run_until_quiet(20)
    assert placed(sim) == {"n1": 1, "n2": 1}  # n1 has more tasks, but none of the service


def spread(*labels: str) -> Json:
    return {"Placement": {"Preferences": [{"Spread": {"SpreadDescriptor": label}} for label in labels]}}


def test_a_preference_levels_the_branches_first() -> None:
    nodes = cluster(n1={"labels": {"zone": "a"}}, n2={"labels": {"zone": "b"}}, n3={"labels": {"zone": "b"}})
    sim = place(service("1", 6, template=spread("node.labels.zone")), nodes)
    tasks = placed(sim)
    assert tasks["n1"] == 3
    assert sorted((tasks["n2"], tasks["n3"])) == [1, 2]


def test_a_missing_label_is_a_branch_and_other_descriptors_are_ignored() -> None:
    nodes = cluster(n1={"labels": {"zone": "a"}}, n2={}, n3={})
    sim = place(service("1", 4, template=spread("node.hostname", "node.labels.zone")), nodes)
    assert placed(sim) == {"n1": 2, "n2": 1, "n3": 1}


def test_preferences_are_nested() -> None:
    nodes = cluster(
        n1={"labels": {"zone": "a"}, "engine_labels": {"rack": "1"}},
        n2={"labels": {"zone": "a"}, "engine_labels": {"rack": "2"}},
        n3={"labels": {"zone": "a"}, "engine_labels": {"rack": "2"}},
        n4={"labels": {"zone": "b"}},
    )
    sim = place(service("1", 8, template=spread("node.labels.zone", "engine.labels.rack")), nodes)
    assert placed(sim) == {"n1": 2, "n2": 1, "n3": 1, "n4": 4}


def test_tasks_on_nodes_that_take_no_more_count_for_their_branch() -> None:
    nodes = cluster(
        n1={"labels": {"zone": "a"}},
        n2={"labels": {"zone": "b"}},
        n3={"labels": {"zone": "a"}, "availability": "pause"},
    )
    sim = place(service("1", 4, template=spread("node.labels.zone")), nodes)
    assert placed(sim) == {"n1": 2, "n2": 2}
    sim.change_node("n1", availability="pause")
    sim.change_node("n3", availability="active")
    sim.update("web", service("1", 6, template=spread("node.labels.zone")))
    sim.run_until_quiet(100)
    assert placed(sim) == {"n1": 2, "n2": 3, "n3": 1}


def test_a_full_branch_gives_its_share_to_the_others() -> None:
    template = spread("node.labels.zone")
    template["Resources"] = {"Reservations": {"NanoCPUs": 1_000_000_000}}
    nodes = cluster(n1={"labels": {"zone": "a"}, "nano_cpus": 1_000_000_000}, n2={"labels": {"zone": "b"}})
    sim = place(service("1", 5, template=template), nodes)
    assert placed(sim) == {"n1": 1, "n2": 4}


def test_a_node_on_which_a_service_failed_five_times_is_avoided() -> None:
    crash = Script(prepare=0, start=1, stop=0, fails_after=0.5)
    sim = Simulation(
        script=lambda task: crash if task.node_id == "n1" else Script(),
        nodes=cluster(n1={}, n2={"availability": "pause"}),
    )
    sim.create(service("1", 1, template={"RestartPolicy": {"Delay": 0}}))
    sim.run_until(1.9)  # four failures on the only node that takes tasks
    sim.create(service("1", 3, name="ballast", template={"Placement": {"Constraints": ["node.id==n2"]}}))
    sim.change_node("n2", availability="active")
    sim.run_until(30)
    failed = [task for task in sim.of("web") if task.status.state == TaskState.FAILED]
    assert len([m for m in sim.timeline if m.service == "web" and m.state == TaskState.FAILED]) == 5
    assert {task.node_id for task in failed} == {"n1"}
    assert [task.node_id for task in sim.running("web")] == ["n2"]


# --- filters and what they say -------------------------------------------------------------------------------------


def pending(template: Json, nodes: dict[str, Node], replicas: int = 1, **parts: object) -> set[str]:
    return reasons(place(service("1", replicas, template=template, **parts), nodes))


def test_each_filter_explains_itself() -> None:
    one, two = cluster(n1={}), cluster(n1={}, n2={})
    much = {"Resources": {"Reservations": {"MemoryBytes": 1 << 50}}}
    assert pending(much, one) == {"no suitable node (insufficient resources on 1 node)"}
    assert pending(much, two) == {"no suitable node (insufficient resources on 2 nodes)"}
    elsewhere = {"Placement": {"Constraints": ["node.role==worker"]}}
    assert pending(elsewhere, two) == {"no suitable node (scheduling constraints not satisfied on 2 nodes)"}
    windows = {"Placement": {"Platforms": [{"OS": "windows", "Architecture": "amd64"}]}}
    assert pending(windows, two) == {"no suitable node (unsupported platform on 2 nodes)"}
    assert pending({"Placement": {"MaxReplicas": 1}}, two, 3) == {
        "no suitable node (max replicas per node limit exceed)"
    }
    asleep = cluster(n1={"availability": "pause"}, n2={"state": "down"})
    assert pending({}, asleep) == {"no suitable node (2 nodes not available for new tasks)"}
    assert pending({}, {}) == {"no suitable node"}


def test_a_platform_is_compared_by_its_usual_name_and_empty_fields_fit_all() -> None:
    for platforms in (
        [{"OS": "linux", "Architecture": "amd64"}],
        [{"Architecture": "x86_64"}],
        [{"OS": "linux"}],
        [{"OS": "windows"}, {}],
    ):
        assert pending({"Placement": {"Platforms": platforms}}, cluster(n1={})) == set()


def test_a_host_port_is_taken_once_per_node_and_protocol() -> None:
    def ports(*entries: Json) -> Json:
        return {"Ports": list(entries)}

    web = {"PublishMode": "host", "PublishedPort": 80, "TargetPort": 80}
    sim = place(service("1", 2, EndpointSpec=ports(web)), cluster(n1={}))
    assert reasons(sim) == {"no suitable node (host-mode port already in use on 1 node)"}
    for free in (
        {**web, "Protocol": "udp"},
        {**web, "PublishedPort": 81},
        {**web, "PublishedPort": 0},
        {**web, "PublishMode": "ingress"},
    ):
        sim.create(service("1", 1, name=str(free), EndpointSpec=ports(free)))
        sim.run_until_quiet(10)
        assert len(sim.running(str(free))) == 1


def test_reasons_come_most_frequent_first() -> None:
    nodes = cluster(n1={"availability": "drain"}, n2={}, n3={}, n4={"nano_cpus": 10**12})
    template = {
        "Resources": {"Reservations": {"NanoCPUs": 10**11}},
        "Placement": {"Constraints": ["node.hostname==n9"]},
    }
    (reason,) = pending(template, nodes)
    assert reason == (
        "no suitable node (insufficient resources on 2 nodes; 1 node not available for new tasks; "
        "scheduling constraints not satisfied on 1 node)"
    )


def test_resources_and_ports_are_held_until_a_task_has_stopped() -> None:
    host = {"Ports": [{"PublishMode": "host", "PublishedPort": 80, "TargetPort": 80}]}
    sim = deployed(service("1", 1, EndpointSpec=host), {"1": Script(prepare=0, start=1, stop=7)})
    sim.update("web", service("2", 1, EndpointSpec=host))
    sim.run_until(6.9)
    assert reasons(sim) == {"no suitable node (host-mode port already in use on 1 node)"}
    sim.run_until_quiet(100)
    assert [task.status.state for task in in_slot(sim, 1)] == [TaskState.SHUTDOWN, TaskState.RUNNING]


def test_a_stopping_task_makes_room_for_a_replica_but_not_for_its_resources() -> None:
    template = {"Placement": {"MaxReplicas": 1}}
    sim = deployed(service("1", 1, template=template), {"1": Script(prepare=0, start=1, stop=7)})
    sim.update("web", service("2", 1, template=template))
    sim.run_until(1)
    assert [task.node_id for task in in_slot(sim, 1)] == ["n1", "n1"]


def test_a_pending_task_is_placed_when_there_is_room() -> None:
    template = {"Resources": {"Reservations": {"NanoCPUs": 3_000_000_000}}}
    sim = place(service("1", 2, template=template), cluster(n1={}))
    (waiting,) = (task for task in sim.live("web") if not task.node_id)
    sim.update("web", service("1", 2, Labels={"a": "b"}, template=template))  # Docker would strand it here
    sim.change_node("n1", nano_cpus=8_000_000_000)
    sim.run_until_quiet(100)
    assert placed(sim) == {"n1": 2}
    assert sim.tasks[waiting.id].status.state == TaskState.RUNNING
    assert sim.tasks[waiting.id].status.err == ""


def test_scaling_down_takes_from_the_fullest_node_and_up_again_reuses_the_slots() -> None:
    sim = place(service("1", 9), cluster(n1={}, n2={}, n3={}))
    sim.update("web", service("1", 4))
    sim.run_until_quiet(100)
    assert sorted(placed(sim).values()) == [1, 1, 2]
    kept = {task.slot for task in sim.live("web")}
    sim.update("web", service("1", 6))
    sim.run_until_quiet(200)
    assert sorted(placed(sim).values()) == [2, 2, 2]
    new = {task.slot for task in sim.live("web")} - kept
    assert new == set(sorted(set(range(1, 10)) - kept)[:2])


def test_scaling_down_keeps_the_first_copies_on_each_node() -> None:
    sim = place(service("1", 3), cluster(n1={}, n2={"availability": "pause"}))
    sim.change_node("n2", availability="active")
    sim.update("web", service("1", 4))
    sim.run_until_quiet(100)
    assert [(task.slot, task.node_id) for task in sim.live("web")] == [(1, "n1"), (2, "n1"), (3, "n1"), (4, "n2")]
    sim.update("web", service("1", 2))
    sim.run_until_quiet(200)
    assert [(task.slot, task.node_id) for task in sim.live("web")] == [(1, "n1"), (4, "n2")]


def test_ties_are_broken_by_the_choices() -> None:
    chosen = set()
    for seed in range(8):
        sim = Simulation(nodes=cluster(n1={}, n2={}, n3={}), seed=seed)
        sim.create(service("1", 1))
        sim.run_until_quiet(10)
        chosen |= set(placed(sim))
    assert chosen == {"n1", "n2", "n3"}
