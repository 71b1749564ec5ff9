"""One Ray cluster of three nodes for all tests of engines. It takes seconds to start, and processor time all along."""

from __future__ import annotations

import importlib.util
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.world import World
from seehear.engines.interface import Engine
from seehear.engines.local import LocalEngine
from seehear.engines.ray_engine import RayEngine

NO_RAY = "ray is not installed: pip install 'seehear[ray]'"
TESTS = str(Path(__file__).parents[1])


class Nodes:
    """A Ray cluster of nodes with one core each, on this machine."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self.client_port = free_port()
        head = {"num_cpus": 1, "include_dashboard": False, "ray_client_server_port": self.client_port}
        head["_system_config"] = {"health_check_period_ms": 300}  # a node that died is missed after five of these
        self.cluster = Cluster(initialize_head=True, head_node_args=head)
        Path("/tmp/ray/ray_current_cluster").unlink(missing_ok=True)  # by which other commands would find this cluster
        self.others = [self.cluster.add_node(num_cpus=1, wait=False) for _ in range(2)]
        self.cluster.wait_for_nodes()

    @property
    def address(self) -> str:
        """Where the cluster is reached."""
        return self.cluster.address


def free_port() -> int:
    """A port of this machine that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="package")
def nodes() -> Iterator[Nodes]:
    """The cluster, to which this process and those that it starts connect."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip(NO_RAY)
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), TESTS]))
        made = Nodes()
        patch.setenv("RAY_ADDRESS", made.address)
        yield made
        ray.shutdown()
        made.cluster.shutdown()


@pytest.fixture(params=["one process", "two processes", "ray"])
def engine(request) -> Engine:
    """Every engine."""
    if request.param == "ray":
        request.getfixturevalue("nodes")
        return RayEngine()
    return LocalEngine(1 if request.param == "one process" else 2)


@pytest.fixture(params=["two processes", "ray"])
def several(request) -> Engine:
    """Engines that have several processes."""
    if request.param == "ray":
        request.getfixturevalue("nodes")
        return RayEngine()
    return LocalEngine(2)


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> World:
    """Clips and a network."""
    return World(tmp_path_factory.mktemp("world"))
