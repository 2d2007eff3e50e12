"""StackPlan × Observed × LastGood → PlanDiff. Pure: salts come in as an argument, versions from Observed."""

from stackc.diff.bind import Bound, bind
from stackc.diff.changes import Change, FieldChange, PlanDiff
from stackc.diff.compare import diff

__all__ = ["Bound", "Change", "FieldChange", "PlanDiff", "bind", "diff"]
