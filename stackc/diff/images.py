"""Which digest a service's image is pinned to: looked up, or kept as it runs. Pure; the look-ups are the rollout's.

The file says ``name:tag``; an engine stores ``name:tag@sha256:…``. What docker asks a registry for on each deploy
(`--resolve-image always`) is asked here only for what is new or was changed, unless the caller wants it always.
"""

from __future__ import annotations

from dataclasses import dataclass

from stackc.hints import Mapping
from stackc.observed import Observed, ObservedService
from stackc.plan import IMAGE_LABEL, Json, StackPlan

ALWAYS, CHANGED, NEVER = MODES = ("always", "changed", "never")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """The answer of a registry: ``image`` with its digest, and the platforms that it is built for."""

    image: str
    platforms: tuple[Json, ...] = ()


def to_look_up(plan: StackPlan, observed: Observed, mode: str) -> tuple[str, ...]:
    """Images as the engine names them (``name:tag``) that a registry has to be asked for, each once, sorted."""
    wanted = set()
    if mode != NEVER:
        for name, service in plan.services.items():
            image = image_of(service.spec)
            live = observed.services.get(name)
            if "@" not in image and (mode == ALWAYS or live is None or not _runs(live, service.spec)):
                wanted.add(image)
    return tuple(sorted(wanted))


def pin(spec: Json, live: ObservedService | None, pinned: Mapping[str, Pinned]) -> Json:
    """``spec`` with the digest that was looked up, else with the one that runs where the file names the same image."""
    image = image_of(spec)
    found = pinned.get(image)
    if found is not None:
        return _with(spec, found.image, list(found.platforms))
    if live is not None and _runs(live, spec):
        return _with(spec, image_of(live.spec), _platforms(live.spec))
    return spec


def _runs(live: ObservedService, spec: Json) -> bool:
    """Whether the service was deployed from the same text of the file, and still runs that image at some digest.
    Somebody else's `service update --image` leaves the label and changes the image: that is drift, not a pin."""
    same_text = (live.spec.get("Labels") or {}).get(IMAGE_LABEL) == (spec.get("Labels") or {}).get(IMAGE_LABEL)
    return same_text and unpinned(image_of(live.spec)) == image_of(spec)


def moved(old: object, new: object) -> bool:
    """Whether two values of Image are one tag at two digests."""
    both = isinstance(old, str) and isinstance(new, str)
    return both and old != new and unpinned(str(old)) == unpinned(str(new))


def unpinned(image: str) -> str:
    return image.partition("@")[0]


def image_of(spec: Json) -> str:
    return str(((spec.get("TaskTemplate") or {}).get("ContainerSpec") or {}).get("Image") or "")


def _platforms(spec: Json) -> list[Json]:
    return list(((spec.get("TaskTemplate") or {}).get("Placement") or {}).get("Platforms") or ())


def _with(spec: Json, image: str, platforms: list[Json]) -> Json:
    task = spec["TaskTemplate"]
    placement = dict(task.get("Placement") or {})
    if platforms and not placement.get("Platforms"):  # the file's own `platform:` stays
        placement["Platforms"] = platforms
    return {
        **spec,
        "TaskTemplate": {**task, "ContainerSpec": {**task["ContainerSpec"], "Image": image}, "Placement": placement},
    }
