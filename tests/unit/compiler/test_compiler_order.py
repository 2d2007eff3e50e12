"""What decides an order: Go's sort for ports, waves for services."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackc.lower.gosort import sort_by
from stackc.lower.order import waves

RECORDED = json.loads((Path(__file__).parent / "port_orders.json").read_text())
"""Published ports as given, and the order of their targets (1, 2, 3, …) in what docker CLI 28.2.2 sent."""


@pytest.mark.parametrize("record", RECORDED, ids=lambda record: f"{len(record['published'])} ports")
def test_ports_stand_where_docker_puts_them(record: dict[str, list[int]]) -> None:
    ordered = sort_by(list(enumerate(record["published"], 1)), lambda pair: pair[1])
    assert [target for target, _ in ordered] == record["targets"]


def test_waves_hold_all_that_is_ready() -> None:
    graph = {"a": ["c", "d"], "b": ["d"], "c": ["d", "gone"], "d": [], "e": [], "f": ["a", "e"]}
    assert waves(graph) == (("d", "e"), ("b", "c"), ("a",), ("f",))
    assert waves({}) == ()
    assert waves({"a": ["b"], "b": ["a"], "c": []}) == (("c",),)


def test_wave_numbers_stand_above_dependencies() -> None:
    graph = {"a": [], "b": ["a"], "c": [], "d": ["b"]}
    assert waves(graph) == (("a", "c"), ("b",), ("d",))
    assert waves(graph, {"c": -1, "d": 2}) == (("c",), ("a",), ("b",), ("d",))
