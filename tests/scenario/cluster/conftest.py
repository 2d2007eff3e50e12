"""A bench on the cluster: the real command line against any of its managers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from apply_bench import Bench, on_manager
from lab.cluster import Cluster


@pytest.fixture
def bench(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[Bench]:
    """On the leader at first; ``bench.host`` may be changed. Afterwards the cluster is whole again."""
    name = str(request.node.originalname).removeprefix("test_").replace("_", "-")[:24].strip("-")
    with on_manager(cluster.leader().host, name) as made:
        try:
            yield made
        finally:
            cluster.settle()
            made.host = cluster.leader().host
