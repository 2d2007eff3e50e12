"""A manager in this process: open the state, listen, run the loop until it is told to stop."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from reconciler.manager.api.context import Context
from reconciler.manager.api.router import Router
from reconciler.manager.api.server import Server, SocketError
from reconciler.manager.clock import Clock, SystemClock
from reconciler.manager.control.resources import predefined_networks
from reconciler.manager.daemon import MakeAgent, Manager, Report
from reconciler.manager.host import refreshed, this_node
from reconciler.manager.ids import SystemChoices
from reconciler.manager.objects import Changes, Identity, State, apply
from reconciler.manager.orchestrator import Choices
from reconciler.manager.paths import Paths
from reconciler.manager.runtimes.layout import Files
from reconciler.manager.store import Store, StoreError

_log = logging.getLogger(__name__)

__all__ = ["Running", "SocketError", "StoreError", "open_manager", "process_agents"]


class Running:
    """A manager that listens. ``run`` blocks until ``stop`` is called or a byte is written to ``wakeup``.

    Signals go through ``signal.set_wakeup_fd(wakeup)``: a handler in Python runs in the main thread only, which a
    signal that the kernel gives to another thread does not wake.
    """

    def __init__(self, manager: Manager, server: Server, paths: Paths, version: str) -> None:
        self.manager = manager
        self._server = server
        self._paths = paths
        self._version = version
        self._told, self.wakeup = os.pipe()
        os.set_blocking(self.wakeup, False)

    def run(self) -> None:
        self.manager.start()
        self._server.start(Router(Context(self.manager, self._version, str(self._paths.state))))
        state = self.manager.state
        _log.info(
            "manager %s (pid %d) listens at %s; %d services, %d tasks",
            self._version,
            os.getpid(),
            self._paths.socket,
            len(state.services),
            len(state.tasks),
        )
        loop = threading.Thread(target=self.manager.run, name="manager")
        loop.start()
        os.read(self._told, 1)
        self.manager.stop()
        loop.join()

    def stop(self) -> None:
        """May be called from a signal handler: it takes no lock."""
        with suppress(BlockingIOError):  # told often enough
            os.write(self.wakeup, b"x")

    def close(self) -> None:
        """Stop listening, let go of the state. Tasks keep running."""
        self._server.close()
        self.manager.close()
        os.close(self._told)
        os.close(self.wakeup)
        _log.info(
            "manager stopped; its tasks keep running, and the next manager of %s takes them over", self._paths.state
        )


def open_manager(
    paths: Paths,
    *,
    version: str,
    make_agent: Callable[[State], MakeAgent],
    address: str,
    clock: Clock | None = None,
    choices: Choices | None = None,
) -> Running:
    """Open the state, make it if there is none, and take the socket. ``make_agent``: the state → a maker of the agent.

    Raises StoreError and SocketError, with nothing left open.
    """
    clock = clock or SystemClock()
    choices = choices or SystemChoices()
    store = Store.open(paths.state)
    try:
        state = load_state(store, choices, address=address, now=clock.now())
        server = Server.bind(paths.socket)
    except BaseException:
        store.close()
        raise
    manager = Manager(store=store, state=state, make_agent=make_agent(state), clock=clock, choices=choices)
    return Running(manager, server, paths, version)


def load_state(store: Store, choices: Choices, *, address: str, now: float) -> State:
    """The stored state with this machine's facts of today, or a first one. Raises StoreError."""
    state = store.load()
    if state is None:
        return _first(store, choices, address=address, now=now)
    known = state.nodes[state.identity.node_id]
    found = refreshed(known, this_node(known.id, address=address, now=now))
    if found == known:
        return state
    after, stamped = apply(state, Changes(nodes=(replace(found, updated_at=now),)))
    store.commit(stamped, after.index)
    return after


def _first(store: Store, choices: Choices, *, address: str, now: float) -> State:
    identity = Identity(cluster_id=choices.new_id(), node_id=choices.new_id(), created_at=now)
    node = this_node(identity.node_id, address=address, now=now)
    networks = predefined_networks(choices.new_id, now)
    state, _ = apply(State(identity=identity, index=0), Changes(nodes=(node,), networks=networks))
    store.create(state)
    return state


def process_agents(state_dir: Path, publish_address: str, clock: Clock) -> Callable[[State], MakeAgent]:
    """Agents that run tasks as processes of this machine."""
    from reconciler.manager.agent import Agent

    def for_state(state: State) -> MakeAgent:
        def make(files: Files, report: Report) -> Agent:
            return Agent(
                node_id=state.identity.node_id,
                state_dir=state_dir,
                files=files,
                report=report,
                clock=clock,
                publish_address=publish_address,
            )

        return make

    return for_state
