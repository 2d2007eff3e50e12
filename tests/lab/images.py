"""Images for the lab, made from programs of this machine: nothing is downloaded.

``box`` is busybox with all its applets. ``python`` is busybox and this machine's Python with its standard library
at ``/usr/bin/python3``, so that a Python program runs in a container as it runs as a process of the host. ``redis``
is busybox and Debian's redis-server and redis-cli.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

from lab.engine import Engine

REDIS = ("redis-server", "redis-cli", "getent")
_LEFT_OUT = {"test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip", "pydoc_data"}
_LEFT_OUT |= {"site-packages", "dist-packages"}


def provide(engine: Engine, kind: str, tag: str) -> None:
    """Makes the image ``tag`` of a kind, "box", "python" or "redis", available on an engine. The first of a kind
    costs most."""
    engine.docker("tag", provided(engine, kind), tag)


def provided(engine: Engine, kind: str) -> str:
    """The name of the image of a kind on an engine, made if it is not there."""
    base = f"lab/{kind}:base"
    if not engine.docker("image", "ls", "--quiet", base):
        archive = {"box": box, "python": python, "redis": redis}[kind](engine.folder / f"{kind}.tar")
        engine.import_image(archive, base)
        archive.unlink()
    return base


def box(archive: Path) -> Path:
    with tarfile.open(archive, "w") as tar:
        _add_box(tar)
    return archive


def python(archive: Path) -> Path:
    facts = subprocess.run(
        [_interpreter(), "-I", "-S", "-c", _FACTS], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    binary, library = Path(facts[0]), Path(facts[1])
    with tarfile.open(archive, "w") as tar:
        _add_box(tar)
        _add(tar, binary, str(binary))
        if str(binary) != "/usr/bin/python3":
            _link(tar, "/usr/bin/python3", str(binary))
        tar.add(library, str(library).lstrip("/"), filter=_wanted)
        objects = [binary, *sorted(library.glob("lib-dynload/*.so"))]
        for needed in sorted(set(_shared(objects))):
            _add(tar, Path(os.path.realpath(needed)), needed)
    return archive


def redis(archive: Path) -> Path:
    """Busybox, and redis-server, redis-cli and getent at ``/usr/bin`` as in Debian."""
    with tarfile.open(archive, "w") as tar:
        _add_box(tar)
        programs = [Path(found) for name in REDIS if (found := shutil.which(name)) is not None]
        if len(programs) < len(REDIS):
            raise FileNotFoundError(", ".join(REDIS))
        for program in programs:
            _add(tar, Path(os.path.realpath(program)), f"/usr/bin/{program.name}")
        for needed in sorted(set(_shared(programs))):
            _add(tar, Path(os.path.realpath(needed)), needed)
    return archive


_FACTS = "import os, sys; print(os.path.realpath(sys.executable)); print(os.path.dirname(os.__file__))"


def _interpreter() -> str:
    """The distribution's Python where there is one, else the one that runs the tests."""
    system = Path("/usr/bin/python3")
    return str(system) if system.exists() else sys.executable


def _add_box(tar: tarfile.TarFile) -> None:
    busybox = shutil.which("busybox")
    if busybox is None:
        raise FileNotFoundError("busybox")
    for folder, mode in (("bin", 0o755), ("etc", 0o755), ("usr/bin", 0o755), ("root", 0o700), ("tmp", 0o1777)):
        _folder(tar, folder, mode)
    for name, content in (
        ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
        ("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
    ):
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content.encode()))
    _add(tar, Path(busybox), "/bin/busybox")
    for applet in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
        if applet != "busybox":
            _link(tar, f"/bin/{applet}", "busybox")


def _folder(tar: tarfile.TarFile, name: str, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, mode
    tar.addfile(member)


def _add(tar: tarfile.TarFile, source: Path, target: str) -> None:
    member = tar.gettarinfo(source, target.lstrip("/"))
    member.uid = member.gid = 0
    with source.open("rb") as content:
        tar.addfile(member, content)


def _link(tar: tarfile.TarFile, name: str, target: str) -> None:
    member = tarfile.TarInfo(name.lstrip("/"))
    member.type, member.linkname = tarfile.SYMTYPE, target
    tar.addfile(member)


def _wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    name = Path(member.name).name
    if name in _LEFT_OUT or name.startswith("config-") or name.endswith(".a"):
        return None
    member.uid = member.gid = 0
    return member


def _shared(objects: list[Path]) -> Iterator[str]:
    """Paths of the shared libraries and of the loader, as the dynamic linker looks for them."""
    said = subprocess.run(["ldd", *map(str, objects)], capture_output=True, text=True, check=False).stdout
    for match in re.finditer(r"(?:=>\s+|^\s+)(/\S+)\s+\(0x", said, re.MULTILINE):
        yield match.group(1)
