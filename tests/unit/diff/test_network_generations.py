"""Networks that changed: named, kept or given a new generation; and what a service is attached to meanwhile."""

from __future__ import annotations

from stackc.diff.networks import choose, in_both
from stackc.observed import ManagerInfo, Observed, ObservedObject, ObservedService
from stackc.plan import Json, NetworkPlan

LABEL = {"com.docker.stack.namespace": "s"}


def body(**options: object) -> Json:
    return {"Name": "s_n", "Driver": "overlay", "Internal": False, "Options": None, "Labels": LABEL, **options}


def live(name: str = "s_n", base: str = "", **options: object) -> ObservedObject:
    labels = {**LABEL, **({"stackc.generation-of": base} if base else {})}
    added = {"Options": {"vxlanid": "4097"}, "IPAM": {"Config": [{"Subnet": "10.0.1.0/24", "Gateway": "10.0.1.1"}]}}
    return ObservedObject(id=name, name=name, version=0, spec={**body(), **added, **options}, labels=labels)


def service(*targets: str) -> Json:
    return {"Name": "s_a", "TaskTemplate": {"Networks": [{"Target": t, "Aliases": ["a"]} for t in targets]}}


def observed(*networks: ObservedObject, target: str = "s_n") -> Observed:
    manager = ManagerInfo(name="n", cluster="c", version="1", builtin=False, host="h")
    services = {"s_a": ObservedService(id="i", version=1, spec=service(target))}
    return Observed(stack="s", manager=manager, services=services, networks={n.name: n for n in networks})


def chosen(wanted: Json, now: Observed, *, replace: bool = False) -> tuple[str, int]:
    """(the generation, how many notes)."""
    found = choose({"s_n": NetworkPlan("n", wanted, False)}, now, replace=replace)
    assert list(found.bodies) == [found.names["s_n"]]
    return found.names["s_n"], len(found.notes)


def test_what_an_engine_adds_is_no_change() -> None:
    assert chosen(body(), observed(live())) == ("s_n", 0)
    subnet = body(IPAM={"Driver": "", "Config": [{"Subnet": "10.0.1.0/24"}]})
    assert chosen(subnet, observed(live())) == ("s_n", 0)


def test_a_change_is_named_and_needs_to_be_asked_for() -> None:
    for changed in (
        body(Internal=True),
        body(Options={"mtu": "1400"}),
        body(IPAM={"Config": [{"Subnet": "10.9.0.0/24"}]}),
    ):
        assert chosen(changed, observed(live())) == ("s_n", 1)
        name, notes = chosen(changed, observed(live()), replace=True)
        assert name.startswith("s_n-")
        assert notes == 0


def test_a_generation_that_fits_is_used_again() -> None:
    wanted = body(Internal=True)
    name, _ = chosen(wanted, observed(live()), replace=True)
    there = live(name, base="s_n", Internal=True)
    assert chosen(wanted, observed(live(), there)) == (name, 0)
    assert chosen(body(), observed(live(), there)) == ("s_n", 0)  # and back


def test_a_network_of_somebody_else_is_none_of_ours() -> None:
    foreign = ObservedObject(id="x", name="s_n", version=0, spec=body(Internal=True), labels={})
    assert chosen(body(), observed(foreign)) == ("s_n", 0)


def test_on_the_way_a_service_is_in_both_generations() -> None:
    bases = {"s_n": "s_n", "s_n-1": "s_n", "s_other": "s_other"}
    both = in_both(service("s_n", "s_other"), service("s_n-1", "s_other"), bases)
    assert both is not None
    assert [n["Target"] for n in both["TaskTemplate"]["Networks"]] == ["s_n", "s_n-1", "s_other"]
    assert in_both(service("s_n"), service("s_n"), bases) is None
    assert in_both(service("s_n"), service("s_other"), bases) is None  # another network, not a generation
    assert in_both(service("s_n", "s_n-1"), service("s_n-1"), bases) is None  # it is in both already
