"""Semantic checks: what a schema cannot say. One per module; each reports to the context and changes nothing.

``TREE_CHECKS`` see the canonical tree, ``PLAN_CHECKS`` the finished plan. A check that is not wanted is left out of
the tuple; none has a switch.
"""

from __future__ import annotations

from collections.abc import Callable

from stackc.assemble.context import Context
from stackc.checks import (
    completion,
    cycles,
    engine_rules,
    fates,
    file_sizes,
    health,
    images,
    mounts,
    names,
    node_access,
    ports,
    references,
    unused,
)
from stackc.parse.nodes import Mapping
from stackc.plan import StackPlan

TREE_CHECKS: tuple[Callable[[Mapping, str, Context], None], ...] = (
    fates.check,
    names.check,
    images.check,
    references.check,
    cycles.check,
    completion.check,
    ports.check,
    mounts.check,
    health.check,
    engine_rules.check,
    node_access.check,
    unused.check,
)
PLAN_CHECKS: tuple[Callable[[StackPlan, Mapping, Context], None], ...] = (file_sizes.check,)
