"""Answers of a pure function, found out once: files say the same few things many times."""

from __future__ import annotations

from stackc.hints import Callable, TypeVar

Key = TypeVar("Key")
Answer = TypeVar("Answer")


class Memo(dict[Key, Answer]):
    """``memo[key]`` is ``function(key)``. Of one that outlives a file ``most`` bounds the memory: it then forgets
    everything and starts again."""

    __slots__ = ("function", "most")

    def __init__(self, function: Callable[[Key], Answer], most: int | None = None) -> None:
        super().__init__()
        self.function = function
        self.most = most

    def __missing__(self, key: Key) -> Answer:
        answer = self.function(key)
        if len(self) == self.most:
            self.clear()
        self[key] = answer
        return answer
