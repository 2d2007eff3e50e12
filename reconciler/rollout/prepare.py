"""What a rollout starts from: a plan, bound to generations and compared with what the engine reports."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from reconciler.engine import Engine
from reconciler.engine.observe import observe
from reconciler.rollout import journal, lease
from reconciler.rollout.images import look_up
from reconciler.rollout.journal import Attempt, History
from reconciler.rollout.progress import Progress
from stackc.attributes import BASE_API
from stackc.diff import Bound, PlanDiff, bind, diff
from stackc.diff.fields import dropped
from stackc.diff.images import CHANGED, to_look_up
from stackc.observed import Observed
from stackc.plan import StackPlan

TIMEOUT = 600.0  # seconds for one direction of a rollout
OUTAGE = 120.0  # seconds for which an engine that does not answer is waited for once a rollout has begun


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a rollout is carried out. ``cancelled`` is asked at every look: true once a newer revision is there.

    ``now``, ``sleep``, ``salt`` and ``actor`` are the world outside; tests hand in their own.
    """

    timeout: float = TIMEOUT
    outage: float = OUTAGE
    prune: bool = False
    max_removals: int | None = None  # services; None: the plan's own budget
    keep: int = journal.GENERATIONS  # good revisions whose configs and secrets are kept
    replace_network: bool = False
    resolve_image: str = CHANGED  # always, changed or never
    registry_auth: Callable[[str], str] = lambda _: ""  # an image's X-Registry-Auth
    send_auth: bool = False  # whether nodes get these credentials too
    detach: bool = False
    progress: Callable[[Progress], None] = lambda _: None
    cancelled: Callable[[], bool] = lambda: False
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    salt: Callable[[str], bytes] = lambda _: os.urandom(16)
    actor: str = field(default_factory=lease.actor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A plan looked at against an engine: what would change, and where the stack stands."""

    bound: Bound
    observed: Observed
    history: History
    diff: PlanDiff

    @property
    def unfinished(self) -> Attempt | None:
        """An attempt whose process has died, or that is under way elsewhere."""
        last = self.history.last
        return last if last is not None and last.open else None


def prepare(engine: Engine, plan: StackPlan, settings: Settings) -> Prepared:
    """Five reads, no write; and a look-up for each image that is new or was changed. Raises EngineError."""
    observed = observe(engine, plan.stack, plan)
    asked = () if observed.manager.builtin else to_look_up(plan, observed, settings.resolve_image)
    pinned, problems = look_up(engine, asked, settings.registry_auth)
    bound = bind(plan, observed, settings.salt, pinned, tuple(problems), replace_network=settings.replace_network)
    return compare_with(replace(bound, dropped=_dropped(engine, plan)), observed, settings)


def _dropped(engine: Engine, plan: StackPlan) -> tuple[str, ...]:
    """What the oldest engine of the swarm would drop of a plan, in words. One read, only if anything is that young."""
    if not dropped(plan, BASE_API):
        return ()
    age = engine.oldest()
    return tuple(
        f"{one.path} needs Engine API {one.since}: {age.name} has {age.api} and would drop it without a word"
        for one in dropped(plan, age.api)
    )


def prepare_bound(engine: Engine, bound: Bound, settings: Settings) -> Prepared:
    """The same for a plan out of the history: its generations must still exist. Raises EngineError."""
    observed = observe(engine, bound.stack)
    gone = [f"config {n}" for n in bound.configs if n not in observed.configs]
    gone += [f"secret {n}" for n in bound.secrets if n not in observed.secrets]
    return compare_with(
        replace(bound, missing=tuple(f"{what} does not exist any more" for what in gone)), observed, settings
    )


def compare_with(bound: Bound, observed: Observed, settings: Settings) -> Prepared:
    """A bound plan against a look at the engine. No request is made."""
    history = journal.of_configs(observed.configs.values())
    last_good = history.last_good
    changes = diff(bound, observed, last_good.bound if last_good else None, prune=settings.prune)
    return Prepared(bound=bound, observed=observed, history=history, diff=changes)
