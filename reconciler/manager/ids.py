"""Ids as swarmkit makes them, and chance: the manager's ``Choices`` outside of tests."""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LENGTH = 25


class SystemChoices:
    """Ids are 25 characters of base 36, unguessable; slots of an update are taken in random order, as in Swarm."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def new_id(self) -> str:
        number = secrets.randbelow(36**_LENGTH)
        letters = []
        for _ in range(_LENGTH):
            number, digit = divmod(number, 36)
            letters.append(_DIGITS[digit])
        return "".join(letters)

    def shuffle(self, items: Sequence[T]) -> list[T]:
        shuffled = list(items)
        self._random.shuffle(shuffled)
        return shuffled
