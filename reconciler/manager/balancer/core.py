"""The TCP balancer: one event loop in one thread, a listener for every published port."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import resource
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.manager.balancer.ports import Backend
from reconciler.manager.balancer.relay import Relay

HOLD = 5.0  # seconds a connection waits for a task that takes it
QUIET = 0.5  # seconds without bytes after which a drained connection at rest is closed
TICK = 0.05
CONNECT_TIMEOUT = 3.0
SUSPICION = 0.1  # seconds a task that refused is left alone, however many clients wait
REBIND = 1.0
BACKLOG = 1024


@dataclass(slots=True, eq=False)
class _Port:
    """A published port. ``turn``: where the round-robin stands."""

    number: int
    backends: tuple[Backend, ...] = ()
    turn: int = 0
    task: asyncio.Task[None] | None = None
    accepted: set[asyncio.Task[None]] = field(default_factory=set)


class Balancer:
    """``route``, ``drain`` and ``close`` may be called from any thread; ``done`` callbacks come on the balancer's."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._ports: dict[int, _Port] = {}
        self._relays: dict[str, set[Relay]] = {}  # by task id
        self._pending: dict[str, int] = {}  # connections being made, by task id
        self._suspects: dict[Backend, float] = {}  # refused lately: not asked until then
        self._problems: dict[int, str] = {}
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        # Two descriptors per connection, and enough left for everything else that the manager opens.
        self._room = asyncio.Semaphore(max(16, (raise_open_files() - 256) // 2))
        self._thread = threading.Thread(target=self._run, name="balancer", daemon=True)
        self._thread.start()

    @property
    def problems(self) -> dict[int, str]:
        """Published port → why it cannot be listened on. It is tried again all the time."""
        return dict(self._problems)

    def route(self, routes: Mapping[int, tuple[Backend, ...]]) -> None:
        """Listen on exactly these ports and send new connections to these tasks; present connections stay."""
        self._loop.call_soon_threadsafe(self._route, dict(routes))

    def drain(self, task_id: str, limit: float, done: Callable[[], None]) -> None:
        """Call ``done`` when no connection to the task is left, at the latest after ``limit`` seconds. The task must
        be in no route any more."""
        self._loop.call_soon_threadsafe(lambda: self._loop.create_task(self._drain(task_id, limit, done)))

    def close(self) -> None:
        """End every listener and connection."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    # -- on the balancer's thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        for relays in list(self._relays.values()):
            for relay in list(relays):
                relay.abort()
        self._loop.run_until_complete(self._finish())
        self._loop.close()

    async def _finish(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        while self._relays:
            await asyncio.sleep(0)

    def _route(self, routes: dict[int, tuple[Backend, ...]]) -> None:
        for number in [number for number in self._ports if number not in routes]:
            gone = self._ports.pop(number)
            gone.backends = ()
            if gone.task:
                gone.task.cancel()
            self._problems.pop(number, None)
        for number, backends in routes.items():
            port = self._ports.get(number)
            if port is None:
                port = self._ports[number] = _Port(number)
                port.task = self._loop.create_task(self._listen(port))
            port.backends = backends
        known = {backend for backends in routes.values() for backend in backends}
        self._suspects = {backend: until for backend, until in self._suspects.items() if backend in known}
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _listen(self, port: _Port) -> None:
        while True:
            try:
                listener = self._bind(port.number)
            except OSError as error:
                self._problems[port.number] = (
                    f"cannot listen on {self._address}:{port.number}: {os.strerror(error.errno or 0)}"
                )
                await asyncio.sleep(REBIND)
                continue
            self._problems.pop(port.number, None)
            with listener:
                await self._accept(port, listener)

    def _bind(self, number: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setblocking(False)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self._address, number))
            listener.listen(BACKLOG)
        except BaseException:
            listener.close()
            raise
        return listener

    async def _accept(self, port: _Port, listener: socket.socket) -> None:
        while True:
            await self._room.acquire()
            try:
                client, _ = await self._loop.sock_accept(listener)
            except OSError as error:
                self._room.release()
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    await asyncio.sleep(0.1)  # it stays in the backlog until there is room
                continue
            except BaseException:
                self._room.release()
                raise
            task = self._loop.create_task(self._serve(port, client))
            port.accepted.add(task)
            task.add_done_callback(port.accepted.discard)

    async def _serve(self, port: _Port, client: socket.socket) -> None:
        """Find a task for a client; no byte of it is read before there is one."""
        started = False
        try:
            found = await self._connect(port)
            if found is None:
                return
            backend, server = found
            try:
                started = await self._relay(backend.task_id, client, server)
            finally:
                self._pending[backend.task_id] -= 1
                if not started:
                    server.close()
        finally:
            if not started:
                client.close()
                self._room.release()

    async def _relay(self, task_id: str, client: socket.socket, server: socket.socket) -> bool:
        def ended(relay: Relay) -> None:
            relays = self._relays.get(task_id, set())
            relays.discard(relay)
            if not relays:
                self._relays.pop(task_id, None)
            self._room.release()

        client.setblocking(False)
        relay = Relay(self._loop, ended)
        self._relays.setdefault(task_id, set()).add(relay)
        try:
            await relay.attach(client, server)
        except OSError:
            relay.abort()
            self._relays[task_id].discard(relay)
            return False
        return True

    async def _connect(self, port: _Port) -> tuple[Backend, socket.socket] | None:
        """A connection to the best task that takes one; None if none did for a while. Counted as pending."""
        deadline = self._loop.time() + HOLD
        while True:
            changed = self._changed
            for backend in self._candidates(port):
                if backend not in port.backends:
                    continue  # stopping since the list was made
                self._pending[backend.task_id] = self._pending.get(backend.task_id, 0) + 1
                server = await self._dial(backend)
                if server is not None:
                    if self._suspects.pop(backend, None):
                        self._wake()  # all who wait for it
                    return backend, server
                self._pending[backend.task_id] -= 1
                self._suspects[backend] = self._loop.time() + SUSPICION
            left = deadline - self._loop.time()
            if left <= 0:
                return None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), min(left, TICK if port.backends else left))

    def _candidates(self, port: _Port) -> list[Backend]:
        """The tasks of a port to try, best first: fewest connections, then in turn."""
        now, count = self._loop.time(), len(port.backends)
        port.turn += 1
        turned = [port.backends[(port.turn + at) % count] for at in range(count)]
        trusted = [backend for backend in turned if self._suspects.get(backend, 0.0) <= now]
        return sorted(trusted, key=lambda backend: self._load(backend.task_id))

    def _load(self, task_id: str) -> int:
        return len(self._relays.get(task_id, ())) + self._pending.get(task_id, 0)

    async def _dial(self, backend: Backend) -> socket.socket | None:
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            server.setblocking(False)
            dialing = self._loop.sock_connect(server, (backend.address, backend.port))
            await asyncio.wait_for(dialing, CONNECT_TIMEOUT)
        except (OSError, TimeoutError):
            server.close()
            return None
        except BaseException:
            server.close()
            raise
        return server

    async def _drain(self, task_id: str, limit: float, done: Callable[[], None]) -> None:
        deadline = self._loop.time() + limit
        while True:
            relays = [relay for relay in self._relays.get(task_id, ()) if not relay.finished]
            if not (relays or self._pending.get(task_id)) or self._loop.time() >= deadline:
                break
            for relay in relays:
                relay.drain(quiet=QUIET)
            await asyncio.sleep(TICK)
        self._pending = {known: count for known, count in self._pending.items() if count}
        done()


def raise_open_files() -> int:
    """Allow this process as many open files as it may have, within reason; the limit that then holds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1 << 16 if hard == resource.RLIM_INFINITY else min(hard, 1 << 16)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return wanted
    return 1 << 16 if soft == resource.RLIM_INFINITY else min(soft, 1 << 16)
