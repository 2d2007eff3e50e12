"""An agent in a process of its own, to be killed: ``agent_driver.py STATE``, one JSON list ``[id, argv, spec]`` per
line on stdin starts a task, every report comes out as one JSON line ``[id, state, pid]``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from agent_rig import Rig, new_task

from reconciler.manager.model import TaskStatus


class LoudRig(Rig):
    def _merge(self, task_id: str, status: TaskStatus) -> None:
        super()._merge(task_id, status)
        print(json.dumps([task_id, status.state.name, status.pid, status.err]), flush=True)


def main() -> None:
    rig = LoudRig(Path(sys.argv[1]))
    for line in sys.stdin:
        task_id, argv, spec = json.loads(line)
        rig.put(new_task(task_id, argv, **spec))
    rig.close()


if __name__ == "__main__":
    main()
