"""The git worker: a short-lived process of its own, and the only module that imports GitPython.

Started by ``reconciler.sources.process`` with the hardened environment, as the leader of its own process group.
It reads one JSON request a line and writes one JSON answer a line: ``{"ok": …}`` or ``{"failed": {"step",
"status", "stderr"}}``. It ends when its input ends, and takes a running git with it: nothing survives a
``kill -9`` of the reconciler.

Only ``Git.execute`` with complete argument lists is used, never ``Repo``, never keyword arguments that become options.
Nothing of this project is imported here. GitPython's README advises against long-running processes: a worker serves one
sync and is gone.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import re
import resource
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

HARDENED = (
    "git",
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.symlinks=false"),
    *("-c", "transfer.fsckObjects=true", "-c", "fetch.recurseSubmodules=no", "-c", "submodule.recurse=false"),
    *("-c", "credential.helper=", "-c", "http.followRedirects=false", "-c", "transfer.bundleURI=false"),
    *("-c", "http.sslVerify=true", "-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=30"),
    *("-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "safe.bareRepository=explicit"),
    "--literal-pathspecs",
)
TIP = "refs/reconciler/tip"
MIB = 1024 * 1024
LIMITS = {
    resource.RLIMIT_FSIZE: 1024 * MIB,  # the largest pack of one fetch
    resource.RLIMIT_CPU: 600,
    resource.RLIMIT_AS: 4096 * MIB,
    resource.RLIMIT_CORE: 0,
}
COMMIT_LIMIT = MIB  # bytes of one commit object
_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)


class GitFailedError(Exception):
    """git said no: ``step`` is what was tried."""

    def __init__(self, step: str, status: int, stderr: str) -> None:
        super().__init__(stderr)
        self.answer = {"step": step, "status": status, "stderr": stderr[-4000:]}


class Mirror:
    """Our bare copy of one branch of one repository."""

    def __init__(self, git_dir: str) -> None:
        from git.cmd import Git

        self.git_dir = git_dir
        self._git = Git("/")

    def run(self, step: str, *arguments: str, extra: tuple[str, ...] = ()) -> bytes:
        status, out, stderr = self.try_run(*arguments, extra=extra)
        if status:
            raise GitFailedError(step, status, stderr)
        return out

    def try_run(self, *arguments: str, extra: tuple[str, ...] = ()) -> tuple[int, bytes, str]:
        return self._execute([*HARDENED, *extra, f"--git-dir={self.git_dir}", *arguments])

    def has(self, commit: str) -> bool:
        return self.try_run("cat-file", "-e", commit + "^{commit}")[0] == 0

    def _execute(self, command: list[str]) -> tuple[int, bytes, str]:
        status, out, stderr = self._git.execute(
            command,
            with_extended_output=True,
            with_exceptions=False,
            stdout_as_string=False,
            strip_newline_in_stdout=False,  # a blob keeps its last newline: byte for byte (P13)
        )
        return status, out, stderr if isinstance(stderr, str) else bytes(stderr).decode("utf-8", "replace")

    def make(self) -> None:
        """Made beside its place and renamed, so that a kill leaves either no mirror or a whole one."""
        if (Path(self.git_dir) / "HEAD").is_file():
            self._clear_remains()
            return
        new = Path(self.git_dir + ".new")
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(self.git_dir, ignore_errors=True)
        status, _, stderr = self._execute(["git", "init", "-q", "--bare", "--template=", str(new)])
        if status:
            raise GitFailedError("init", status, stderr)
        new.rename(self.git_dir)

    def _clear_remains(self) -> None:
        """Locks and half packs of a worker that was killed. The mirror is ours alone, so nobody else holds them."""
        top = Path(self.git_dir)
        remains = [*top.glob("*.lock"), *(top / "refs").rglob("*.lock"), *(top / "objects").glob("pack/tmp_*")]
        for path in [*remains, *(top / "objects").glob("tmp_objdir-*"), *(top / "objects").glob("??/tmp_obj_*")]:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def fetch(request: dict[str, Any]) -> dict[str, Any]:
    mirror = Mirror(request["git_dir"])
    mirror.make()
    extra = ("-c", f"http.sslCAInfo={request['ca_file']}") if request.get("ca_file") else ()
    mirror.run(
        "fetch",
        *("fetch", "-q", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--atomic"),
        *("--end-of-options", request["url"], f"+refs/heads/{request['branch']}:{TIP}"),
        extra=extra,
    )
    tip = mirror.run("resolve", "rev-parse", "--verify", "-q", "--end-of-options", TIP + "^{commit}")
    return {"commit": tip.decode("ascii").strip()}


def commit(request: dict[str, Any]) -> dict[str, Any]:
    """The raw commit object, base64."""
    mirror, name = Mirror(request["git_dir"]), _id(request["commit"])
    size = int(mirror.run("commit", "cat-file", "-s", name))
    if size > COMMIT_LIMIT:
        raise GitFailedError("commit", 1, f"fatal: the commit object has {size} bytes")
    return {"data": _text(mirror.run("commit", "cat-file", "commit", name))}


def ancestor(request: dict[str, Any]) -> dict[str, Any]:
    """Is ``old`` the same as ``new`` or one of its ancestors? null when we do not have ``old``."""
    mirror, old, new = Mirror(request["git_dir"]), _id(request["old"]), _id(request["new"])
    status, out, stderr = mirror.try_run("rev-list", "--max-count=1", old, "^" + new)
    if not status:
        return {"ancestor": not out}
    if not mirror.has(old):
        return {"ancestor": None}
    raise GitFailedError("ancestor", status, stderr)


def entries(request: dict[str, Any]) -> dict[str, Any]:
    """What stands at a path and at each folder above it: [mode, type, id, size or null, path], no more than that."""
    mirror, name = Mirror(request["git_dir"]), _id(request["commit"])
    parts = request["path"].split("/")
    paths = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    status, out, stderr = mirror.try_run("ls-tree", "-z", "-l", "-t", "--full-tree", name, "--", *paths)
    if status:
        raise GitFailedError("entries" if mirror.has(name) else "absent", status, stderr)
    found = []
    for line in out.split(b"\0")[:-1]:
        head, _, path = line.partition(b"\t")
        mode, kind, oid, size = head.decode("ascii").split()
        found.append([mode, kind, oid, None if size == "-" else int(size), path.decode("utf-8", "surrogateescape")])
    return {"entries": found}


def blob(request: dict[str, Any]) -> dict[str, Any]:
    """The bytes of a blob, base64. Its size was seen in ``entries``."""
    return {"data": _text(Mirror(request["git_dir"]).run("blob", "cat-file", "blob", _id(request["id"])))}


OPERATIONS = {"fetch": fetch, "commit": commit, "ancestor": ancestor, "entries": entries, "blob": blob}


def answer(line: str) -> dict[str, Any]:
    try:
        request = json.loads(line)
        return {"ok": OPERATIONS[request["op"]](request)}
    except GitFailedError as failed:
        return {"failed": failed.answer}
    except ImportError:
        return {"failed": {"step": "start", "status": 127, "stderr": "fatal: git is not installed"}}
    except Exception as error:  # whatever it is, it is an answer: the client knows what it means
        return {"failed": {"step": "worker", "status": 1, "stderr": f"fatal: {type(error).__name__}: {error}"[:1000]}}


def _id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("not a full object id")
    return value


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def main() -> None:
    os.umask(0o077)
    for limit, value in LIMITS.items():
        hard = resource.getrlimit(limit)[1]
        soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (soft, soft))
    requests: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    busy = threading.Event()

    def listen() -> None:
        for line in sys.stdin:
            busy.set()
            requests.put(line)
        if busy.is_set():  # whoever asked is gone: stop the git that works for it
            os.killpg(0, signal.SIGKILL)
        requests.put(None)

    threading.Thread(target=listen, daemon=True).start()
    try:
        import git  # noqa: F401  (the slow part, done before the first request: a standby worker is warm)
    except ImportError:
        pass  # said with the first answer
    while (line := requests.get()) is not None:
        reply = answer(line)
        busy.clear()
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
