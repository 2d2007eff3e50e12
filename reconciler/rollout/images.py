"""Asks registries, through the engine, which digests the images of a plan have now: in parallel, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reconciler.engine import Engine, EngineError
from stackc.diff.images import Pinned
from stackc.plan import Json

CONNECTIONS = 8
_LIMITED = ("toomanyrequests", "too many requests", "rate limit")


def look_up(engine: Engine, images: Iterable[str], auth: Callable[[str], str]) -> tuple[dict[str, Pinned], list[str]]:
    """(what was found, a line for each image that was not). After a registry's rate limit no more is asked of it."""
    wanted = list(images)
    if not wanted:
        return {}, []
    from concurrent.futures import ThreadPoolExecutor

    limited: dict[str, str] = {}
    found: dict[str, Pinned] = {}
    problems: list[str] = []

    def ask(image: str) -> Pinned | str:
        registry = _registry(image)
        if registry in limited:
            return limited[registry]
        try:
            return _pinned(image, engine.distribution(image, auth(image)))
        except EngineError as error:
            if error.status == 429 or any(word in error.message.lower() for word in _LIMITED):
                limited[registry] = "its registry's rate limit is reached"
            return error.message

    with ThreadPoolExecutor(min(CONNECTIONS, len(wanted)), thread_name_prefix="registry") as pool:
        for image, answer in zip(wanted, pool.map(ask, wanted), strict=True):
            if isinstance(answer, Pinned):
                found[image] = answer
            else:
                problems.append(f"image {image} is not pinned to a digest: {answer}")
    return found, problems


def _registry(image: str) -> str:
    host, slash, _ = image.partition("/")
    return host if slash and ("." in host or ":" in host or host == "localhost") else "docker.io"


def _pinned(image: str, answer: Json) -> Pinned:
    """docker clears the architecture «arm»: its variants do not match what nodes report."""
    platforms = tuple(
        {
            **({"OS": p["os"]} if p.get("os") else {}),
            **({"Architecture": p["architecture"]} if p.get("architecture") not in (None, "", "arm") else {}),
        }
        for p in answer.get("Platforms") or ()
    )
    return Pinned(image=f"{image}@{answer['Descriptor']['digest']}", platforms=platforms)
