"""Image references, as docker's reference package normalises them. Pure, linear."""

from __future__ import annotations

_LOWER = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_HEX = frozenset("0123456789abcdef")
_TAG = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_DIGEST_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}


def familiar(image: str) -> str:
    """The short form with a tag: ``nginx`` → ``nginx:latest``, ``docker.io/library/nginx:1`` → ``nginx:1``.

    A 64-digit image id stays as it is. Raises ValueError.
    """
    if len(image) == 64 and _HEX.issuperset(image):
        return image
    if not image or len(image) > 4096:
        raise ValueError("is no image reference")
    rest, at, digest = image.partition("@")
    if at:
        _check_digest(digest)
    slash = rest.rfind("/")
    colon = rest.rfind(":")
    name, tag = (rest[:colon], rest[colon + 1 :]) if colon > slash else (rest, "")
    if colon > slash and not (0 < len(tag) <= 128 and _TAG.issuperset(tag) and tag[0] not in ".-"):
        raise ValueError(f"has the invalid tag `{tag}`")
    domain, path = _split(name)
    if any(char.isupper() for char in path):
        raise ValueError("has upper-case letters in the repository name")
    for part in path.split("/"):
        if not _is_component(part):
            raise ValueError("is no image reference")
    if domain != "docker.io" and not _is_domain(domain):
        raise ValueError(f"has the invalid registry name `{domain}`")
    if len(domain) + 1 + len(path) > 255:
        raise ValueError("is longer than 255 characters")
    if domain == "docker.io":
        short = path.removeprefix("library/")
        path = short if "/" not in short else path
    else:
        path = f"{domain}/{path}"
    if not tag and not at:
        tag = "latest"
    return path + (f":{tag}" if tag else "") + (f"@{digest}" if at else "")


def _split(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost" or first.lower() != first):
        domain, path = "docker.io", name
    else:
        domain, path = first, rest
    if domain == "index.docker.io":
        domain = "docker.io"
    if domain == "docker.io" and "/" not in path:
        path = f"library/{path}"
    return domain, path


def _is_component(part: str) -> bool:
    """``[a-z0-9]+`` joined by ``.``, ``_``, ``__`` or any number of ``-``."""
    if not part or part[0] not in _LOWER or part[-1] not in _LOWER:
        return False
    separator = ""
    for char in part:
        if char in _LOWER:
            if separator not in ("", ".", "_", "__") and set(separator) != {"-"}:
                return False
            separator = ""
        elif char in "._-":
            separator += char
        else:
            return False
    return True


def _is_domain(text: str) -> bool:
    host, colon, port = text.rpartition(":")
    if text.startswith("["):
        end = text.find("]")
        tail = text[end + 1 :]
        return end > 1 and set(text[1:end]) <= set("0123456789abcdefABCDEF:") and (not tail or tail[1:].isdigit())
    if not colon:
        host, port = text, ""
    elif not (port.isascii() and port.isdigit()):
        return False
    labels = host.split(".")
    return all(
        label and label.isascii() and label.replace("-", "a").isalnum() and label[0] != "-" and label[-1] != "-"
        for label in labels
    )


def _check_digest(digest: str) -> None:
    algorithm, colon, value = digest.partition(":")
    length = _DIGEST_LENGTHS.get(algorithm)
    if not colon or not _HEX.issuperset(value) or (length is not None and len(value) != length):
        raise ValueError("has an invalid digest")
    if length is None:
        raise ValueError(f"has a digest of the unknown kind `{algorithm}`")
