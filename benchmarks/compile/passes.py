"""The compiler's passes, one by one in one warm process: processor time at N, 2N and 4N services.

An input that doubles may cost at most 2.2 times as much; the last column says what it does cost.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from json import dumps
from time import process_time
from typing import Any

from benchmarks.compile.stack_file import stack_file

PASSES = ("parse", "interpolate", "schema", "canonical", "checks", "lower", "digest", "json", "config text")


def passes(services: int, runs: int) -> dict[str, float]:
    """Milliseconds of processor time of each pass, the least of ``runs``."""
    data = stack_file(services).encode()
    best = dict.fromkeys(PASSES, float("inf"))
    for _ in range(runs):
        for name, took in _once(data).items():
            best[name] = min(best[name], took)
    return best


def _once(data: bytes) -> dict[str, float]:
    from stackc.assemble.canonical import canonical
    from stackc.assemble.context import Context
    from stackc.assemble.interpolate import interpolate
    from stackc.checks import PLAN_CHECKS, TREE_CHECKS
    from stackc.disk import MemoryReader
    from stackc.lower import lower
    from stackc.parse import parse
    from stackc.plan import to_json, with_digest
    from stackc.report.config import stack_config
    from stackc.schema import Acceptor
    from stackc.schema_file import schema_document

    took: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = process_time()
        result = work()
        took[name] = took.get(name, 0.0) + (process_time() - start) * 1000
        return result

    gc.collect()
    gc.disable()  # as the command line does
    context = Context("stack", "3.8", {}, MemoryReader({}), "/project")
    document, _ = timed("parse", lambda: parse("stack.yml", data))
    tree = timed("interpolate", lambda: interpolate(document.root, context))
    assert timed("schema", lambda: Acceptor(schema_document(), "stack", "3.8").accepts(tree))
    root = timed("canonical", lambda: canonical(tree, context))
    timed("checks", lambda: [check(root, "bench", context) for check in TREE_CHECKS])
    plan = timed("lower", lambda: lower("bench", root, context))
    timed("checks", lambda: [check(plan, root, context) for check in PLAN_CHECKS])
    whole = timed("digest", lambda: with_digest(plan))
    timed("json", lambda: dumps(to_json(whole), indent=2, sort_keys=True))
    timed("config text", lambda: stack_config(root, "3.8"))
    gc.enable()
    return took
