"""stackc: compose and stack files in, a checked StackPlan out; StackPlan and Observed in, a PlanDiff out.

Everything here but ``stackc.cli`` and ``stackc.disk`` is pure: no I/O, no clock, no randomness, no
environment. ``reconciler`` imports this package, never the other way round; only ``stackc.cli`` sees both.
"""
