"""The built-in manager's agent: makes this machine's tasks what the cluster says they should be."""

from reconciler.manager.agent.core import Agent
from reconciler.manager.agent.monitor import HealthReport
from reconciler.manager.runtimes.layout import Files
from reconciler.manager.runtimes.tasklog import LogLine

__all__ = ["Agent", "Files", "HealthReport", "LogLine"]
