"""The example `redis-cluster` for real: writes go on all the time, and none that was acknowledged is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from apply_bench import on_manager
from lab.cluster import Cluster
from redis_bench import RedisBench

pytestmark = pytest.mark.engine


@pytest.fixture
def redis(cluster: Cluster) -> Iterator[RedisBench]:
    with on_manager(cluster.leader().host, "rc") as bench:
        made = RedisBench(cluster, bench)
        try:
            yield made
        finally:
            cluster.settle()
            bench.host = cluster.leader().host
            made.close()


def formed(redis: RedisBench, masters: int, nodes: int) -> None:
    wait = redis.cluster.wait
    wait(lambda: redis.info("cluster_state") == {"ok"}, "all nodes say ok")
    wait(lambda: redis.info("cluster_slots_ok") == {"16384"}, "all slots are served")
    wait(lambda: redis.info("cluster_size") == {str(masters)}, f"{masters} masters with slots")
    wait(lambda: redis.info("cluster_known_nodes") == {str(nodes)}, f"{nodes} nodes")


def change_config(redis: RedisBench) -> None:
    redis.edit("redis.conf", "slowlog-log-slower-than 10000", "slowlog-log-slower-than 20000")
    assert "applied" in redis.deploy()
    said = redis.on_all("redis-cli", "config", "get", "slowlog-log-slower-than")
    assert len(said) == 6
    assert all("20000" in one for one in said.values()), said


@pytest.mark.soak
def test_a_cluster_is_formed_once_and_takes_writes(cluster: Cluster, redis: RedisBench) -> None:
    redis.deploy()
    formed(redis, 3, 6)
    redis.start_writer(cluster.leader())
    assert "no changes" in redis.deploy()
    acknowledged, found = redis.account()
    assert found == acknowledged > 20


@pytest.mark.soak
def test_a_new_config_is_rolled_out_while_writes_go_on(cluster: Cluster, redis: RedisBench) -> None:
    redis.deploy()
    formed(redis, 3, 6)
    redis.start_writer(cluster.leader())
    change_config(redis)
    formed(redis, 3, 6)
    redis.goes_on()
    acknowledged, found = redis.account()
    print(f"acknowledged {acknowledged}, found {found}, refused {redis.refused()}")
    assert found == acknowledged


@pytest.mark.soak
def test_the_whole_life_of_a_redis_cluster(cluster: Cluster, redis: RedisBench) -> None:
    """Config change, scale-out to 8 with slots moved, a node killed: nothing acknowledged is lost."""
    redis.deploy()
    formed(redis, 3, 6)
    redis.start_writer(cluster.leader())
    change_config(redis)
    formed(redis, 3, 6)
    redis.deploy("scale-out.yaml")
    formed(redis, 4, 8)
    redis.goes_on()
    cluster.workers[0].kill()
    redis.goes_on(50)
    cluster.wait(lambda: len(redis.on_all("true")) == 8, "the lost tasks run elsewhere")
    formed(redis, 4, 8)
    assert "no changes" in redis.deploy("scale-out.yaml")
    acknowledged, found = redis.account()
    print(f"acknowledged {acknowledged}, found {found}, refused {redis.refused()}")
    assert found == acknowledged
