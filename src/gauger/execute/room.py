"""Counts what a cluster has left of each resource, job by job."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from gauger.execute.job import Job

BYTES_PER_GB = 1e9
RAY_NAME = {"cpus": "CPU", "gpus": "GPU", "memory_gb": "memory"}
"""Our name of a resource -> Ray's."""
TOLERANCE = 1e-9
"""Relative rounding of sums of fractions of a resource (a third of a GPU, three times)."""


class ClusterRoom:
    """Keeps the total of each resource over all nodes and what was handed out of it.

    Asking costs the same whatever runs: one comparison for each resource asked for. Whether any single node is large
    enough is found out once for each need, and again when the nodes have changed.
    """

    def __init__(self) -> None:
        self.nodes: list[Mapping[str, float]] = []
        self._total: defaultdict[str, float] = defaultdict(float)
        self._used: defaultdict[str, float] = defaultdict(float)
        self._fits: dict[frozenset[tuple[str, float]], bool] = {}

    def see(self, nodes: Sequence[Mapping[str, float]]) -> None:
        """Take note of the nodes there are: resource -> amount of each."""
        if list(nodes) == self.nodes:
            return
        self.nodes = list(nodes)
        self._fits.clear()
        self._total.clear()
        for node in nodes:
            for name, amount in node.items():
                self._total[name] += amount

    def total(self, resource: str) -> float:
        """Return how much of a resource all nodes have together."""
        return self._total[resource]

    def has(self, need: Mapping[str, float]) -> bool:
        """Whether as much is left over in all, and some node is large enough."""
        for name, amount in need.items():
            if amount + self._used[name] > self._total[name] * (1 + TOLERANCE):
                return False
        return self.fits_a_node(need)

    def fits_a_node(self, need: Mapping[str, float]) -> bool:
        """Whether some node, empty, could hold it."""
        key = frozenset(need.items())
        if key not in self._fits:
            self._fits[key] = any(
                all(amount <= node.get(name, 0.0) for name, amount in need.items()) for node in self.nodes
            )
        return self._fits[key]

    def take(self, need: Mapping[str, float]) -> None:
        """Count what a job that starts takes."""
        for name, amount in need.items():
            self._used[name] += amount

    def give_back(self, need: Mapping[str, float]) -> None:
        """Count what a job that ended gives back."""
        for name, amount in need.items():
            self._used[name] -= amount


def needs(job: Job) -> dict[str, float]:
    """Say what a job asks of a node, in Ray's names and units (memory in bytes); one CPU where it says nothing."""
    need = {RAY_NAME[name]: amount for name, amount in {"cpus": 1.0, **job.resources}.items()}
    if "memory" in need:
        need["memory"] *= BYTES_PER_GB
    return need
