"""Objects by what a person types: the whole id, else the whole name, else the only id that begins so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from reconciler.manager.control.refusal import Refused, not_found
from reconciler.manager.model import Node, Service, Task
from reconciler.manager.objects import Config, Network, Secret, State


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


_One = TypeVar("_One", bound=_Identified)


def find_service(state: State, text: str) -> Service:
    return _find("service", state.services, text, lambda one: one.name)


def find_task(state: State, text: str) -> Task:
    return _find("task", state.tasks, text, None)


def find_node(state: State, text: str) -> Node:
    return _find("node", state.nodes, text, lambda one: one.hostname)


def find_network(state: State, text: str) -> Network:
    return _find("network", state.networks, text, lambda one: one.name)


def find_config(state: State, text: str) -> Config:
    return _find("config", state.configs, text, lambda one: one.name)


def find_secret(state: State, text: str) -> Secret:
    return _find("secret", state.secrets, text, lambda one: one.name)


def _find(kind: str, objects: Mapping[str, _One], text: str, name: Callable[[_One], str] | None) -> _One:
    """Raises Refused: 404 when there is none, 500 when a prefix fits several, as the engine answers."""
    if text in objects:
        return objects[text]
    if name is not None:
        named = [one for one in objects.values() if name(one) == text]
        if len(named) == 1:
            return named[0]
    begun = [one for one in objects.values() if text and one.id.startswith(text)]
    if len(begun) > 1:
        raise Refused(500, f"{kind} {text} is ambiguous ({len(begun)} matches found)")
    if not begun:
        raise not_found(kind, text)
    return begun[0]
