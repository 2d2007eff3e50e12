"""The manager's state on disk: one SQLite file and one key, both in a folder that only their owner can enter."""

from reconciler.manager.store.database import Store
from reconciler.manager.store.fault import StoreError

__all__ = ["Store", "StoreError"]
