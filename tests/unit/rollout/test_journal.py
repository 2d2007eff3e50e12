"""The history's record: written, read back, and never trusted blindly."""

from __future__ import annotations

import os
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.rollout import journal, lease
from reconciler.rollout.journal import Attempt, History, Revision
from stackc.diff import Bound
from stackc.observed import RECORD_LABEL, ObservedObject

TEXT = st.text(max_size=20)
BODY = st.dictionaries(TEXT, st.recursive(TEXT | st.integers() | st.none(), st.lists, max_leaves=4), max_size=3)


def bound(digest: str = "sha256:1", **more: object) -> Bound:
    parts = {"stack": "s", "services": {}, "needs": {}, "networks": {}, "configs": {}, "secrets": {}, "data": {}}
    return Bound(digest=digest, **{**parts, **more})  # type: ignore[arg-type]


def attempt(number: int, phase: str, digest: str = "sha256:1", **more: object) -> Attempt:
    values = {
        "bound": bound(digest),
        "revision": Revision(commit=f"{number:040x}"),
        "reason": "",
        "started": 1.0,
        "ended": 2.0,
        "actor": "a",
        "base": {},
    }
    return Attempt(number=number, phase=phase, **{**values, **more})  # type: ignore[arg-type]


@given(services=st.dictionaries(TEXT, BODY, max_size=3), base=st.dictionaries(TEXT, st.integers(0, 10**9), max_size=3))
def test_what_was_written_is_read_back(services: dict, base: dict) -> None:
    original = bound(services=services, needs={"a": {"b": "service_healthy"}})
    read, versions = journal.decode(journal.encode(original, base))
    assert read == original
    assert versions == base


def test_the_bytes_of_configs_and_secrets_are_not_in_the_record() -> None:
    record = journal.encode(bound(data={("secret", "x"): b"hunter2"}), {})
    import base64

    assert b"hunter2" not in zlib.decompress(base64.b64decode(record))


class Configs:
    """The three config calls of an engine, on a dictionary: names are unique, labels can be updated."""

    def __init__(self) -> None:
        self.objects: dict[str, ObservedObject] = {}

    def create_config(self, spec: dict, data: bytes) -> str:
        assert len(data) <= 500 * 1024
        assert len(spec["Name"]) <= 64
        self.objects[spec["Name"]] = ObservedObject(
            id=spec["Name"], name=spec["Name"], version=1, spec=spec, labels=spec["Labels"], data=data
        )
        return str(spec["Name"])

    def inspect_config(self, config_id: str) -> dict:
        return {"Spec": {"Labels": self.objects[config_id].labels}, "Version": {"Index": 1}}

    def update_config(self, config_id: str, version: int, spec: dict) -> None:
        self.objects[config_id] = replace(self.objects[config_id], labels=spec["Labels"])

    def remove(self, kind: str, object_id: str) -> None:
        del self.objects[object_id]


def test_a_long_record_is_kept_in_parts_and_goes_with_them() -> None:
    configs = Configs()
    noise = {f"s{n}": {"Noise": os.urandom(40_000).hex()} for n in range(30)}
    long = attempt(1, "applying", bound=bound(services=noise, stack="s" * 60))
    begun = journal.begin(configs, long)  # type: ignore[arg-type]
    assert len(begun.parts) >= 2
    journal.mark(configs, replace(begun, phase="failed", actor="b"), take_over=True)  # type: ignore[arg-type]
    journal.begin(configs, attempt(2, "applied"))  # type: ignore[arg-type]
    history = journal.of_configs(reversed(configs.objects.values()))
    assert [a.number for a in history.attempts] == [1, 2]
    assert history.attempts[0].bound == long.bound
    assert not history.loose
    journal.forget(configs, history, keep=1)  # type: ignore[arg-type]
    assert len(configs.objects) == 1


def test_parts_whose_record_was_never_written_are_swept() -> None:
    configs = Configs()
    noise = {"s": {"Noise": os.urandom(600_000).hex()}}
    begun = journal.begin(configs, attempt(1, "applying", bound=bound(services=noise)))  # type: ignore[arg-type]
    del configs.objects[begun.object_id]  # the process died between the parts and the record
    journal.forget(configs, journal.of_configs(configs.objects.values()))  # type: ignore[arg-type]
    assert not configs.objects


@pytest.mark.parametrize("data", [b"", b"x", b"aGVsbG8=", journal.encode(bound(), {})[:-8]])
def test_a_damaged_record_is_passed_over(data: bytes) -> None:
    labels = {
        RECORD_LABEL: journal.ATTEMPT,
        "stackc.number": "1",
        "stackc.phase": "applied",
        "stackc.started": "1",
    }
    config = ObservedObject(id="i", name="n", version=1, spec={}, labels=labels, data=data)
    assert journal.of_configs([config]) == History()


def test_last_good_is_the_newest_applied_one() -> None:
    history = History(attempts=(attempt(1, "applied"), attempt(2, "applied"), attempt(3, "rolled-back")))
    assert history.last_good is history.attempts[1]
    assert History(attempts=(attempt(1, "failed"),)).last_good is None


def test_a_failed_plan_is_quarantined_until_it_is_cleared_or_applied() -> None:
    bad = attempt(2, "rolled-back", "sha256:bad")
    history = History(attempts=(attempt(1, "applied"), bad, attempt(3, "cancelled")))
    assert history.quarantined("sha256:bad") is bad
    assert history.quarantined("sha256:1") is None
    cleared = attempt(2, "rolled-back", "sha256:bad", cleared=True)
    assert History(attempts=(cleared,)).quarantined("sha256:bad") is None
    assert History(attempts=(bad, attempt(3, "applied", "sha256:bad"))).quarantined("sha256:bad") is None


def test_an_attempt_is_found_by_number_or_commit() -> None:
    history = History(attempts=(attempt(1, "applied"), attempt(2, "failed")))
    assert history.find("1") is history.attempts[0]
    assert history.find(f"{1:040x}") is history.attempts[0]
    assert history.find("9") is None
    assert history.find("000") is None  # three digits of a commit say too little


def test_this_process_is_alive_and_a_dead_one_is_not() -> None:
    import subprocess
    import sys

    me = lease.actor()
    assert not lease.abandoned(me, 0.0, 1e12)
    code = "from reconciler.rollout.lease import actor; print(actor())"
    other = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    assert lease.shown(other).rpartition(" ")[2].isdigit()
    assert lease.abandoned(other, 1e12, 1e12)


def test_an_actor_elsewhere_is_abandoned_when_it_has_been_silent() -> None:
    elsewhere = "ops@far pid 7 (other-boot/pid:[1]/99)"
    assert not lease.abandoned(elsewhere, 100.0, 100.0 + lease.TTL)
    assert lease.abandoned(elsewhere, 100.0, 101.0 + lease.TTL)
