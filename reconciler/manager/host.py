"""What this machine is, as a node of the cluster."""

from __future__ import annotations

import os
import platform
import socket
from dataclasses import replace

from reconciler.manager.model import Node


def this_node(node_id: str, *, address: str, now: float) -> Node:
    return Node(
        id=node_id,
        hostname=socket.gethostname(),
        address=address,
        os=platform.system().lower(),
        arch=platform.machine(),
        nano_cpus=(os.cpu_count() or 1) * 1_000_000_000,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        created_at=now,
        updated_at=now,
    )


def refreshed(known: Node, found: Node) -> Node:
    """A node that is known already, with what the machine now is; labels and availability are kept."""
    return replace(
        known,
        hostname=found.hostname,
        address=found.address,
        os=found.os,
        arch=found.arch,
        nano_cpus=found.nano_cpus,
        memory_bytes=found.memory_bytes,
        state="ready",
    )
