"""PlanDiff: the ordered changes of one apply, each with its reason. Serialisable: a saved plan is one of these."""

from __future__ import annotations

from dataclasses import dataclass, field

from stackc.hints import Any, Mapping
from stackc.plan import Json

FORMAT = "stackc.diff/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """``path`` is dotted as the Engine API names it; ``old``/``new`` is None where there is no value."""

    path: str
    old: Any
    new: Any
    restarts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object to create, update or remove.

    ``kind``: network, config, secret or service. ``spec``: what will be sent, names instead of ids, without
    the data of configs and secrets. ``needs``: service name to the condition that it must meet first.
    """

    kind: str
    action: str  # create, update, remove
    name: str
    reason: str
    spec: Json | None = None
    id: str = ""
    version: int = 0
    fields: tuple[FieldChange, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)

    @property
    def restarts(self) -> bool:
        """Whether tasks are replaced: always for a new or removed service, else by the fields that change."""
        return self.action != "update" or any(f.restarts for f in self.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDiff:
    """``changes``: objects first, then services wave by wave, removals last. ``unchanged``: service names.

    ``kept``: what is ours and in no file any more, but stays because pruning is off. ``base``: the
    fingerprint of what was observed; ``target``: the StackPlan's digest.
    """

    stack: str
    target: str
    base: Json
    changes: tuple[Change, ...]
    waves: tuple[tuple[str, ...], ...]
    unchanged: tuple[str, ...]
    prune: bool = False
    kept: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def budget(self) -> int:
        """How many services an apply removes without being told a number: 3, or three in ten of those that run."""
        touched = {c.name for c in self.of("service", "update", "remove")}
        return max(3, 3 * len({*touched, *self.unchanged}) // 10)

    @property
    def empty(self) -> bool:
        return not self.changes

    def of(self, kind: str, *actions: str) -> tuple[Change, ...]:
        return tuple(c for c in self.changes if c.kind == kind and (not actions or c.action in actions))
