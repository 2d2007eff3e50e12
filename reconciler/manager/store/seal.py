"""Secrets at rest: AES-256-GCM, a fresh nonce per object, the object's id as associated data.

The id binds a ciphertext to its row: two rows cannot be swapped without notice.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from reconciler.manager.store.fault import StoreError

_NONCE = 12
_KEY = 32


class Sealer:
    """Seals and opens with one key. ``random``: n → n random bytes."""

    def __init__(self, key: bytes, random: Callable[[int], bytes] = os.urandom) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(key)
        self._random = random

    def seal(self, object_id: str, data: bytes) -> bytes:
        nonce = self._random(_NONCE)
        return nonce + self._cipher.encrypt(nonce, data, object_id.encode())

    def open(self, object_id: str, sealed: bytes) -> bytes:
        """Raises ValueError when key, id and bytes do not belong together."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], object_id.encode())
        except (InvalidTag, ValueError):
            raise ValueError(f"secret {object_id} cannot be decrypted") from None


def read_key(path: Path) -> bytes | None:
    """The key file's bytes, None if there is no such file. Raises StoreError for anything else than a key."""
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path}: the key of the secrets cannot be read: {error.strerror}") from error
    if len(key) != _KEY:
        raise StoreError(
            f"{path}: the key of the secrets has {len(key)} bytes instead of {_KEY}. "
            "Put the right file back from a backup"
        )
    return key


def make_key(path: Path, random: Callable[[int], bytes] = os.urandom) -> bytes:
    """Write a new key, readable by its owner only, and return it. Raises StoreError."""
    key = random(_KEY)
    temporary = path.with_suffix(".new")
    try:
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, key)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StoreError(f"{path}: the key of the secrets cannot be written: {error.strerror}") from error
    return key
