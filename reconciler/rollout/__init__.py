"""PlanDiff → Engine API calls, gated by health; on failure the inverse, to LastGood."""

from reconciler.rollout.deploy import carry_out, deploy
from reconciler.rollout.journal import Attempt, History, Revision
from reconciler.rollout.outcome import Outcome, Result
from reconciler.rollout.prepare import Prepared, Settings, prepare
from reconciler.rollout.progress import Progress

__all__ = [
    "Attempt",
    "History",
    "Outcome",
    "Prepared",
    "Progress",
    "Result",
    "Revision",
    "Settings",
    "carry_out",
    "deploy",
    "prepare",
]
