"""reconciler.yaml → Settings, or Diagnostics at their line and column. Pure: text in, values out.

    state: DIR                  where mirrors and status.json are kept; default $XDG_STATE_HOME/stackc/reconciler
    host: ADDRESS               the manager, as for ``stackc --host``; default: chosen as the command line does
    interval: 30s               time between two polls
    stacks:
      - name: shop
        repo:
          url: /srv/git/shop.git        a path, file://, https://, ssh:// or user@host:path
          branch: main
          identity_file: ./deploy.key   ssh only: the key that may read the repository
          known_hosts_file: ./hosts     ssh only: the pinned host key
          ca_file: ./ca.pem             https only: the CA of a private server
          timeout: 2m                   for one fetch
          allow_http: false             plain http://, and only to this machine
        files: [stack.yml]              stack files, from the top of the repository
        environment: {TAG: "1.2"}       all that ``${…}`` in the files can see; never the process's environment
        timeout: 10m                    for one direction of a rollout
        on_force_push: hold             or accept

The same table stands in schemas/reconciler.schema.json for editors; a test keeps the two alike.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from reconciler.sources.address import Address, AddressError, branch_problem, parse_address
from reconciler.sources.process import Access
from stackc.assemble.quantity import duration
from stackc.checks.names import is_service_name
from stackc.codes import found
from stackc.diagnostics import Diagnostic, Span, sort
from stackc.parse import nodes, parse

TOP_KEYS = ("state", "host", "interval", "stacks")
STACK_KEYS = ("name", "repo", "files", "environment", "timeout", "on_force_push")
REPO_KEYS = ("url", "branch", "identity_file", "known_hosts_file", "ca_file", "timeout", "allow_http")
FORCE_PUSH = ("hold", "accept")
MIN_INTERVAL, MAX_SECONDS = 1.0, 7 * 86400.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoSettings:
    """``timeout``: seconds for one fetch."""

    address: Address
    branch: str
    access: Access
    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """One stack to keep. ``timeout``: seconds for one direction of a rollout."""

    name: str
    repo: RepoSettings
    files: tuple[str, ...]
    environment: Mapping[str, str]
    timeout: float
    accept_force_push: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``state``: absolute path of a folder; ``interval``: seconds."""

    state: str
    host: str | None
    interval: float
    stacks: tuple[StackSettings, ...]


def default_state(env: Mapping[str, str]) -> str:
    """$XDG_STATE_HOME/stackc/reconciler, or its default below the home folder."""
    base = env.get("XDG_STATE_HOME", "")
    if not base.startswith("/"):
        base = posixpath.join(env.get("HOME", "/"), ".local/state")
    return posixpath.join(base, "stackc/reconciler")


def read_settings(
    file: str, data: bytes, *, folder: str, env: Mapping[str, str]
) -> tuple[Settings | None, list[Diagnostic]]:
    """``folder``: what relative paths are relative to. The Settings are None if and only if there are errors."""
    document, problems = parse(file, data)
    if document is None:
        return None, sort(problems)
    reading = _Reading(folder, problems)
    settings = reading.settings(document.root, env)
    return (None if reading.problems else settings), sort(reading.problems)


class _Reading:
    """Walks the tree once and reports everything that is wrong with it; what is missing gets a neutral value."""

    def __init__(self, folder: str, problems: list[Diagnostic]) -> None:
        self.folder = folder
        self.problems = problems

    def settings(self, top: nodes.Mapping, env: Mapping[str, str]) -> Settings:
        self.known_keys(top, TOP_KEYS, "")
        interval = self.seconds(top, "interval", 30.0)
        if interval < MIN_INTERVAL:
            self.report("SC2004", "`interval` must be at least 1s", top.entries["interval"])
        listed = self.required(top, "stacks", "`stacks`", top)
        stacks: list[StackSettings] = []
        if listed is not None and not (isinstance(listed, nodes.Sequence) and listed.items):
            self.report("SC2002", "`stacks` must be a list with at least one stack", listed)
        elif isinstance(listed, nodes.Sequence):
            stacks = [s for item in listed.items if (s := self.stack(item)) is not None]
            self.no_doubles(listed)
        return Settings(
            state=self.path(top, "state") or default_state(env),
            host=self.text(top, "host"),
            interval=interval,
            stacks=tuple(stacks),
        )

    def stack(self, node: nodes.Node) -> StackSettings | None:
        if not isinstance(node, nodes.Mapping):
            self.report("SC2002", f"a stack must be a mapping, not {node.kind}", node)
            return None
        self.known_keys(node, STACK_KEYS, "a stack")
        name = self.text(node, "name", needed="a stack")
        if name is not None and not is_service_name(name):
            hint = "letters, digits, - and _; first and last a letter or digit"
            self.report("SC4010", f"the stack name `{name}` is not allowed", node.entries["name"], hint)
        repo = self.repo(self.required(node, "repo", "`repo` of a stack", node))
        on_force_push = self.text(node, "on_force_push") or "hold"
        if on_force_push not in FORCE_PUSH:
            self.report(
                "SC2004",
                f"`on_force_push` must be hold or accept, not `{on_force_push}`",
                node.entries["on_force_push"],
            )
        files, environment = self.files(node), self.environment(node)
        timeout = self.seconds(node, "timeout", 600.0)
        if name is None or repo is None:
            return None
        return StackSettings(
            name=name,
            repo=repo,
            files=files,
            environment=environment,
            timeout=timeout,
            accept_force_push=on_force_push == "accept",
        )

    def repo(self, node: nodes.Node | None) -> RepoSettings | None:
        if node is None:
            return None
        if not isinstance(node, nodes.Mapping):
            self.report("SC2002", f"`repo` must be a mapping with url and branch, not {node.kind}", node)
            return None
        self.known_keys(node, REPO_KEYS, "repo")
        url = self.text(node, "url", needed="repo")
        branch = self.text(node, "branch", needed="repo")
        if branch is not None and (why := branch_problem(branch)):
            self.report("SC2004", f"`{_shown(branch)}` cannot be used as a branch", node.entries["branch"], why)
        access = Access(*(self.path(node, key) for key in ("identity_file", "known_hosts_file", "ca_file")))
        timeout = self.seconds(node, "timeout", 120.0)
        allow_http = self.flag(node, "allow_http")
        if url is None or branch is None:
            return None
        try:
            address = parse_address(url, folder=self.folder, allow_http=allow_http)
        except AddressError as error:
            self.report("SC2004", "this cannot be used as a repository", node.entries["url"], str(error))
            return None
        if address.protocol == "ssh":
            for key in ("identity_file", "known_hosts_file"):
                self.required(node, key, f"`{key}` of an ssh repository", node)
        return RepoSettings(address=address, branch=branch, access=access, timeout=timeout)

    def files(self, stack: nodes.Mapping) -> tuple[str, ...]:
        node = self.required(stack, "files", "`files` of a stack", stack)
        if node is None:
            return ()
        if not isinstance(node, nodes.Sequence) or not node.items:
            self.report("SC2002", "`files` must be a list of at least one stack file", node, "write files: [stack.yml]")
            return ()
        names = []
        for item in node.items:
            if not isinstance(item, nodes.Scalar) or not isinstance(item.value, str) or not item.value:
                self.report("SC2002", "a stack file is named by a string", item)
            elif item.value.startswith(("/", "-")) or ".." in item.value.split("/") or not item.value.isprintable():
                hint = "a path from the top of the repository, such as deploy/stack.yml"
                self.report("SC2004", f"`{_shown(item.value)}` is no file of a repository", item, hint)
            else:
                names.append(item.value)
        return tuple(names)

    def environment(self, stack: nodes.Mapping) -> Mapping[str, str]:
        node = stack.get("environment")
        if node is None:
            return {}
        if not isinstance(node, nodes.Mapping):
            self.report("SC2002", f"`environment` must be a mapping, not {node.kind}", node, "write NAME: value")
            return {}
        values: dict[str, str] = {}
        for name, value in node.items():
            if not isinstance(value, nodes.Scalar) or value.value is None:
                self.report("SC2002", f"the variable `{_shown(name)}` must have a value", value, 'write NAME: "value"')
            else:
                values[name] = value.text
        return values

    # -- the parts of it -------------------------------------------------------------------------------------

    def report(self, code: str, message: str, node: nodes.Node | Span, hint: str = "") -> None:
        self.problems.append(found(code, message, node if isinstance(node, Span) else node.span, hint=hint))

    def known_keys(self, node: nodes.Mapping, known: tuple[str, ...], where: str) -> None:
        for key in node.entries:
            if key not in known:
                close = get_close_matches(key.lower(), known, n=1)
                hint = f"did you mean `{close[0]}`?" if close else "known keys: " + ", ".join(known)
                message = f"unknown key `{_shown(key)}`" + (f" in {where}" if where else "")
                self.report("SC2001", message, node.key_span(key), hint)

    def required(self, node: nodes.Mapping, key: str, what: str, at: nodes.Node) -> nodes.Node | None:
        value = node.get(key)
        if value is None:
            self.report("SC2003", f"{what} is missing", at, f"add `{key}:`")
        return value

    def text(self, node: nodes.Mapping, key: str, needed: str = "") -> str | None:
        value = self.required(node, key, f"`{key}` of {needed}", node) if needed else node.get(key)
        if value is None:
            return None
        if not isinstance(value, nodes.Scalar) or not isinstance(value.value, str) or not value.value:
            hint = f'write it in quotes: {key}: "…"' if isinstance(value, nodes.Scalar) else ""
            self.report("SC2002", f"`{key}` must be a string, not {value.kind}", value, hint)
            return None
        return value.value

    def path(self, node: nodes.Mapping, key: str) -> str | None:
        value = self.text(node, key)
        if value is None:
            return None
        if not value.isprintable():
            self.report("SC2004", f"`{key}` has control characters in it", node.entries[key])
            return None
        return posixpath.normpath(posixpath.join(self.folder, value))

    def seconds(self, node: nodes.Mapping, key: str, default: float) -> float:
        return self.scalar(node, key, default, _seconds, "write a time with its unit, such as 30s or 10m")

    def flag(self, node: nodes.Mapping, key: str) -> bool:
        return self.scalar(node, key, False, _flag, "write true or false")

    def scalar(self, node: nodes.Mapping, key: str, default: T, read: Callable[[nodes.Scalar], T], hint: str) -> T:
        value = node.get(key)
        if value is None:
            return default
        try:
            if isinstance(value, nodes.Scalar):
                return read(value)
            problem = f"is {value.kind}"
        except ValueError as error:
            problem = str(error)
        self.report("SC2004", f"`{key}` {problem}", value, hint)
        return default

    def no_doubles(self, stacks: nodes.Sequence) -> None:
        seen: set[str] = set()
        for item in stacks.items:
            name = item.get("name") if isinstance(item, nodes.Mapping) else None
            if isinstance(name, nodes.Scalar) and isinstance(name.value, str):
                if name.value in seen:
                    self.report("SC2005", f"the stack `{_shown(name.value)}` stands twice", name)
                seen.add(name.value)


def _seconds(node: nodes.Scalar) -> float:
    seconds = duration(node.text) / 1e9
    if not 0 < seconds <= MAX_SECONDS:
        raise ValueError("must be more than 0 and at most 7 days")
    return seconds


def _flag(node: nodes.Scalar) -> bool:
    if not isinstance(node.value, bool):
        raise ValueError(f"must be true or false, not {node.kind}")
    return node.value


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text[:80])
