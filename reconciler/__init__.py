"""reconciler: applies PlanDiffs through a manager that speaks the Docker Engine API, and watches git for new ones."""
