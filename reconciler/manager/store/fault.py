"""What can go wrong with the state, told to a person."""

from __future__ import annotations


class StoreError(Exception):
    """The state cannot be opened, read or written; ``str()`` names the file and the next step."""
