"""docs/differences.md names every deliberate difference of the recorded comparisons."""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).parent


def test_every_deliberate_difference_is_documented() -> None:
    page = " ".join((HERE.parents[2] / "docs" / "differences.md").read_text(encoding="utf-8").split())
    recorded = json.loads((HERE / "corpus_differences.json").read_text(encoding="utf-8"))
    reasons = {reason for kind in recorded.values() for reason in kind.values()}
    assert reasons
    assert sorted(reason for reason in reasons if reason not in page) == []
