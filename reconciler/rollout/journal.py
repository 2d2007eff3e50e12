"""The history of a stack, kept in the manager itself, so that whoever applies next knows LastGood.

Every attempt is one config object: its data is the bound plan, which never changes; what became of it stands
in labels, which an engine lets us update by compare-and-swap. The objects bear the stack's namespace label:
one read brings them together with the stack's own configs, and `docker stack rm` takes them along.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from reconciler.engine import Engine, EngineError
from reconciler.engine.observe import file_object
from reconciler.rollout import lease
from stackc.diff import Bound
from stackc.diff.bind import bound_from_json, bound_to_json
from stackc.observed import RECORD_LABEL, ObservedObject
from stackc.plan import NAMESPACE_LABEL, Json

ATTEMPT = "attempt"
PART = "attempt-part"
PART_SIZE = 450_000  # bytes; engines take configs below 500 KiB (older ones) or 1000 KiB
KEEP = 20  # attempts
GENERATIONS = 5  # good revisions whose configs and secrets are kept, so that one can return to them
_OPEN = ("applying", "rolling-back")
_TEXT_LIMIT = 2000  # characters of a label's text
_RIVALS = 5  # tries to write a record that changes under us


class LeaseLostError(EngineError):
    """Another process applies this stack now."""

    def __init__(self, message: str) -> None:
        super().__init__("lease", message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What was asked for: a commit, or a file on a laptop (then ``commit`` is empty)."""

    commit: str = ""
    message: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try to apply one bound plan.

    ``phase``: applying, rolling-back, applied, rolled-back, failed or cancelled. ``base``: version index of
    every service when the attempt began, so that after a crash we know what it had written. Times: Unix seconds.
    """

    number: int
    bound: Bound
    revision: Revision
    phase: str
    reason: str
    started: float
    ended: float | None
    actor: str
    base: Mapping[str, int]
    renewed: float = 0.0
    cleared: bool = False
    object_id: str = ""
    object_version: int = 0
    parts: tuple[str, ...] = ()  # ids of the configs that hold the rest of a long record
    parts_of: str = ""  # what those configs bear as a label

    @property
    def open(self) -> bool:
        """Whether nobody has written its end: it is under way, or its process died."""
        return self.phase in _OPEN

    @property
    def digest(self) -> str:
        return self.bound.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Attempts, oldest first. ``loose``: ids of parts of records that were never finished."""

    attempts: tuple[Attempt, ...] = ()
    loose: tuple[str, ...] = ()

    @property
    def last(self) -> Attempt | None:
        return self.attempts[-1] if self.attempts else None

    @property
    def last_good(self) -> Attempt | None:
        return next((a for a in reversed(self.attempts) if a.phase == "applied"), None)

    def quarantined(self, digest: str) -> Attempt | None:
        """The failed attempt because of which this plan is not tried again by itself, if there is one."""
        for attempt in reversed(self.attempts):
            if attempt.digest == digest and not attempt.cleared and not attempt.open:
                return attempt if attempt.phase in ("rolled-back", "failed") else None
        return None

    def find(self, revision: str) -> Attempt | None:
        """By number, or by the beginning of a commit id (the newest applied one wins)."""
        for attempt in reversed(self.attempts):
            if revision == str(attempt.number):
                return attempt
            if len(revision) >= 4 and attempt.revision.commit.startswith(revision) and attempt.phase == "applied":
                return attempt
        return None


def read(engine: Engine, stack: str) -> History:
    """One request. Raises EngineError."""
    return of_configs(file_object(raw, readable=True) for raw in engine.read_stack("configs", stack))


def of_configs(configs: Iterable[ObservedObject]) -> History:
    """The history among a stack's configs; what is not ours or cannot be read is passed over."""
    records: list[ObservedObject] = []
    parts: dict[str, list[ObservedObject]] = {}
    for config in configs:
        if config.labels.get(RECORD_LABEL) == PART:
            parts.setdefault(config.labels.get("stackc.part-of", ""), []).append(config)
        elif is_attempt(config):
            records.append(config)
    found = (_attempt(c, sorted(parts.get(c.labels.get("stackc.parts", "-"), ()), key=_part_number)) for c in records)
    attempts = tuple(sorted((a for a in found if a is not None), key=lambda a: a.number))
    used = {identity for a in attempts for identity in a.parts}
    loose = tuple(c.id for group in parts.values() for c in group if c.id not in used)
    return History(attempts=attempts, loose=loose)


def _part_number(part: ObservedObject) -> int:
    number = part.labels.get("stackc.part", "")
    return int(number) if number.isascii() and number.isdigit() else 0


def is_attempt(config: ObservedObject) -> bool:
    return config.labels.get(RECORD_LABEL) == ATTEMPT


def begin(engine: Engine, attempt: Attempt) -> Attempt:
    """Write the intent, before the first effect. Raises EngineError «exists» when another apply was faster."""
    data = encode(attempt.bound, attempt.base)
    parts = []
    group = _group(attempt)
    for number, start in enumerate(range(PART_SIZE, len(data), PART_SIZE), 1):
        name = f"stackc.{attempt.bound.stack[:30]}.{attempt.number:06d}.{group}.{number}"
        labels = {
            NAMESPACE_LABEL: attempt.bound.stack,
            RECORD_LABEL: PART,
            "stackc.part-of": group,
            "stackc.part": str(number),
        }
        parts.append(engine.create_config({"Name": name, "Labels": labels}, data[start : start + PART_SIZE]))
    attempt = replace(attempt, parts=tuple(parts), parts_of=group if parts else "")
    spec = {"Name": _name(attempt), "Labels": _labels(attempt)}
    object_id = engine.create_config(spec, data[:PART_SIZE])
    return replace(attempt, object_id=object_id, object_version=0)


def _group(attempt: Attempt) -> str:
    """The same for all parts of one record, and of no other one, also after a crash."""
    return hashlib.sha256(f"{attempt.actor} {attempt.number} {attempt.started!r}".encode()).hexdigest()[:8]


def hold(engine: Engine, attempt: Attempt) -> None:
    """Raises LeaseLostError when another actor has taken the stack over."""
    _same_holder(attempt, _record(engine, attempt)["Spec"].get("Labels") or {}, {attempt.actor})


def _record(engine: Engine, attempt: Attempt) -> Json:
    try:
        return engine.inspect_config(attempt.object_id)
    except EngineError as error:
        if error.kind != "not-found":
            raise
        raise LeaseLostError(f"the record of {attempt.bound.stack} is gone: the stack was removed meanwhile") from error


def _same_holder(attempt: Attempt, labels: Mapping[str, str], holders: set[str]) -> None:
    holder = labels.get("stackc.actor", "")
    if holder not in holders:
        raise LeaseLostError(
            f"{lease.shown(holder)} has taken over the rollout of {attempt.bound.stack}; this one has stopped"
        )


def mark(engine: Engine, attempt: Attempt, *, take_over: bool = False) -> Attempt:
    """Write the attempt's phase, reason and lease. Raises LeaseLostError when another actor has taken it over.

    The open attempt is the stack's lease: who holds it renews it, and every write of it is a compare-and-swap. One that
    did not come through is decided anew by what the record says then: it may have been this very write.
    """
    labels = _labels(attempt)
    holders = {attempt.actor}
    for again in range(_RIVALS):
        record = _record(engine, attempt)
        found = record["Spec"].get("Labels") or {}
        if again and found == labels:
            return attempt
        if take_over and not again:
            holders.add(found.get("stackc.actor", ""))
        _same_holder(attempt, found, holders)
        try:
            engine.update_config(
                attempt.object_id, int(record["Version"]["Index"]), {"Name": _name(attempt), "Labels": labels}
            )
        except EngineError as error:
            if error.kind != "conflict":
                raise
        else:
            return attempt
    raise LeaseLostError(f"somebody else writes the record of {attempt.bound.stack} at the same time")


def clear(engine: Engine, attempt: Attempt) -> None:
    """Lift the quarantine that this attempt put on its plan."""
    mark(engine, replace(attempt, cleared=True), take_over=True)


def forget(engine: Engine, history: History, keep: int = KEEP) -> None:
    """Remove the oldest attempts beyond ``keep``; LastGood always stays."""
    surplus = len(history.attempts) - keep
    old = [a for a in history.attempts if a is not history.last_good and not a.open]
    gone = [identity for a in old[: max(surplus, 0)] for identity in (a.object_id, *a.parts)]
    for identity in (*gone, *history.loose):
        try:
            engine.remove("configs", identity)
        except EngineError as error:
            if error.kind != "not-found":
                raise


def _name(attempt: Attempt) -> str:
    return f"stackc.{attempt.bound.stack[:40]}.{attempt.number:06d}"


def _labels(attempt: Attempt) -> dict[str, str]:
    labels = {
        NAMESPACE_LABEL: attempt.bound.stack,
        RECORD_LABEL: ATTEMPT,
        "stackc.number": str(attempt.number),
        "stackc.phase": attempt.phase,
        "stackc.reason": attempt.reason[:_TEXT_LIMIT],
        "stackc.commit": attempt.revision.commit,
        "stackc.message": attempt.revision.message[:_TEXT_LIMIT],
        "stackc.author": attempt.revision.author[:_TEXT_LIMIT],
        "stackc.plan-digest": attempt.digest,
        "stackc.started": repr(attempt.started),
        "stackc.actor": attempt.actor,
        "stackc.renewed": repr(attempt.renewed),
    }
    if attempt.ended is not None:
        labels["stackc.ended"] = repr(attempt.ended)
    if attempt.parts_of:
        labels["stackc.parts"] = attempt.parts_of
    if attempt.cleared:
        labels["stackc.cleared"] = "true"
    return labels


def _attempt(config: ObservedObject, parts: list[ObservedObject]) -> Attempt | None:
    labels = config.labels
    try:
        bound, base = decode(b"".join(c.data or b"" for c in (config, *parts)))
        return Attempt(
            number=int(labels["stackc.number"]),
            bound=bound,
            revision=Revision(
                commit=labels.get("stackc.commit", ""),
                message=labels.get("stackc.message", ""),
                author=labels.get("stackc.author", ""),
            ),
            phase=labels["stackc.phase"],
            reason=labels.get("stackc.reason", ""),
            started=float(labels["stackc.started"]),
            ended=float(labels["stackc.ended"]) if "stackc.ended" in labels else None,
            actor=labels.get("stackc.actor", ""),
            base=base,
            renewed=float(labels.get("stackc.renewed", "0")),
            cleared=labels.get("stackc.cleared") == "true",
            object_id=config.id,
            object_version=config.version,
            parts=tuple(part.id for part in parts),
            parts_of=labels.get("stackc.parts", ""),
        )
    except (KeyError, ValueError, TypeError, zlib.error):
        return None


def encode(bound: Bound, base: Mapping[str, int]) -> bytes:
    """Compressed JSON. Without the bytes of configs and secrets: their objects hold them."""
    record: Json = {"format": "stackc.attempt/1", **bound_to_json(bound), "base": base}
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), default=dict)
    return base64.b64encode(zlib.compress(text.encode(), 6))


def same_record(one: Bound, other: Bound) -> bool:
    """Whether one bound plan stands for the other in the history: the same specs, and the same generations."""
    return _gist(one) == _gist(other)


def _gist(bound: Bound) -> str:
    """Bodies of configs and secrets count by name: those of generations that exist come without their labels."""
    record = {**bound_to_json(bound), **{kind: sorted(getattr(bound, kind)) for kind in ("configs", "secrets")}}
    return json.dumps(record, sort_keys=True, default=dict)


def decode(data: bytes) -> tuple[Bound, dict[str, int]]:
    """Raises ValueError, KeyError or zlib.error on anything that ``encode`` did not write."""
    unpacker = zlib.decompressobj()
    text = unpacker.decompress(base64.b64decode(data, validate=True), 64 * 1024 * 1024)
    if not unpacker.eof:
        raise ValueError("the record is cut off")
    record = json.loads(text)
    return bound_from_json(record, {}), record["base"]
