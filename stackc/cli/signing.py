"""Ed25519 signatures of saved plans, so that what was reviewed is what runs. Keys: OpenSSH or PEM, as `ssh-keygen -t
ed25519` and `openssl genpkey -algorithm ed25519` write them."""

from __future__ import annotations

import base64
import json

from stackc.cli.shell import UserError
from stackc.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_SIGNATURE = "signature"
_PURPOSE = b"stackc saved plan 1\n"  # a signature for anything else is never one of a plan
_LARGEST_KEY = 64 * 1024  # bytes


def sign(record: dict[str, Any], key_file: str) -> dict[str, Any]:
    """The record with a signature over all of it. Raises UserError when the key cannot be used."""
    key = _private_key(key_file)
    return {**record, _SIGNATURE: base64.b64encode(key.sign(_signed_bytes(record))).decode()}


def verify(record: object, key_file: str) -> None:
    """Raises UserError unless the record bears a signature of this key over exactly what it holds."""
    from cryptography.exceptions import InvalidSignature

    key = _public_key(key_file)
    given = record.get(_SIGNATURE) if isinstance(record, dict) else None
    if not isinstance(record, dict) or not isinstance(given, str):
        raise UserError("the plan is not signed; plan again with --sign-key")
    try:
        key.verify(base64.b64decode(given, validate=True), _signed_bytes(record))
    except (InvalidSignature, ValueError):
        raise UserError(
            f"the signature of the plan does not fit {key_file}: it was signed with another key, or changed since;"
            " nothing was written"
        ) from None


def is_signed(record: object) -> bool:
    return isinstance(record, dict) and _SIGNATURE in record


def _signed_bytes(record: dict[str, Any]) -> bytes:
    content = {key: value for key, value in record.items() if key != _SIGNATURE}
    return _PURPOSE + json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _private_key(path: str) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives import serialization as keys
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    data = _read(path)
    load = keys.load_ssh_private_key if b"OPENSSH PRIVATE KEY" in data else keys.load_pem_private_key
    try:
        key = load(data, None)
    except TypeError:
        raise UserError(f"{path} is protected by a passphrase; give a key without one, from a secret store") from None
    except Exception as error:  # whatever the library makes of a file that is no key
        raise UserError(f"{path} is no private key in OpenSSH or PEM form: {type(error).__name__}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UserError(f"{path} is no Ed25519 key; make one with: ssh-keygen -t ed25519 -N '' -f plan-key")
    return key


def _public_key(path: str) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives import serialization as keys
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    data = _read(path)
    load = keys.load_ssh_public_key if data.startswith(b"ssh-") else keys.load_pem_public_key
    try:
        key = load(data)
    except Exception as error:  # whatever the library makes of a file that is no key
        raise UserError(f"{path} is no public key in OpenSSH or PEM form: {type(error).__name__}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise UserError(f"{path} is no Ed25519 key")
    return key


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(_LARGEST_KEY)
    except OSError as error:
        raise UserError(f"the key {path} cannot be read: {error.strerror}") from error
