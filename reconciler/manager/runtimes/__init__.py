"""How a task is run. So far: as a process of this machine."""
