"""Runs jobs on a Ray cluster: a running one, or one that is started on this machine for the length of the run.

Ray decides on which node a job runs; everything else is as on one machine. A job is one Ray task that Ray never retries
itself, so that the driver counts and names what is lost. Nothing of ours but JSON text travels through Ray; Ray itself
speaks in pickles, and who may speak to it may run code. One that is started here listens on loopback alone and asks for
a token that nobody else is told.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Any

from gauger.errors import GaugerError, UserError
from gauger.execute.executor import ONE_THREAD, Event
from gauger.execute.interrupt import handlers_kept
from gauger.execute.job import Job
from gauger.execute.local import cores
from gauger.execute.ray_node import serve, software
from gauger.execute.ray_start import LOOPBACK, describe_loss, import_ray, on_loopback
from gauger.execute.room import ClusterRoom, needs
from gauger.execute.schedule import ResourceClass, resource_class
from gauger.execute.worker import failed

SILENT: Mapping[str, Any] = {"log_to_driver": False, "logging_level": "error"}
"""How `ray.init` is asked to keep to itself."""
START_TRIES = 3
"""How often a Ray on this machine is started before that counts as an error: on a busy one it may take too long."""
OBJECT_STORE_BYTES = 100_000_000
"""Memory that a Ray started here sets aside for objects: replies are a few hundred bytes each."""
LOOK_AGAIN_S = 2.0
"""How long what is known of the nodes is taken to hold."""
WAIT_FOR_NODE_S = 300.0
"""How long, while nothing runs, a job waits for a node that could hold it (a cluster may be growing)."""


class ClusterError(GaugerError):
    """Ray itself does not work; the message says what it answered."""


class RayPool:
    """A Ray cluster as an executor.

    Parameters
    ----------
    workers : int
        Most jobs at once; 0 is as many as the cluster has CPUs. A Ray started here gets as many CPUs.
    address : str, optional
        Of a running cluster: "auto" or "host:port"; None starts one here, without dashboard.
    store : str, optional
        URL through which results travel; None where all nodes see the run's directory under the same path.
    environment : mapping, optional
        Added to the workers' environment.
    """

    def __init__(
        self,
        workers: int = 0,
        address: str | None = None,
        store: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        if address and address.startswith("ray://"):
            raise UserError(
                'the address of a cluster as "auto" or "host:port"',
                address,
                hint="Run gauger on a node of the cluster.",
            )
        self.ray = import_ray(own=address is None)
        self.workers, self.address, self.store = workers, address, store
        self.environment = {**ONE_THREAD, **(environment or {})}
        self.tasks: dict[Any, Job] = {}
        self.room = ClusterRoom()
        self._senders: dict[tuple[str, ResourceClass], Any] = {}
        self._looked_at = self._idle_since = float("-inf")
        self._gone_since = float("inf")

    def __enter__(self) -> RayPool:
        self.owned = not self.ray.is_initialized()
        if self.owned:
            with handlers_kept():  # Ray takes SIGTERM for itself
                self._connect()
        self._meet()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for task in self.tasks:
            self.ray.cancel(task, force=True)
        self._forget_tasks()
        if self.owned:
            self.ray.shutdown()

    def _connect(self) -> None:
        if self.address is None:
            self._start_own()
            return
        if self.address != "auto" and self.address.rpartition(":")[0] not in (LOOPBACK, "localhost"):
            print(
                f"note: {self.address} may run code here and on every node: Ray's messages are pickles", file=sys.stderr
            )
        try:
            self.ray.init(self.address, **SILENT)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise UserError("the address of a running Ray cluster", f"{self.address} ({error})") from error

    def _meet(self) -> None:
        """Make the cluster's acquaintance."""
        self.task = self.ray.remote(serve)
        self._senders.clear()
        self._looked_at = float("-inf")
        self._look()

    def _start_own(self) -> None:
        """Start a Ray that only this machine can reach, and only who knows its token can use (`import_ray`)."""
        own = {"num_cpus": self.workers or cores(), "object_store_memory": OBJECT_STORE_BYTES}
        for attempt in range(1, START_TRIES + 1):
            try:
                with on_loopback():
                    self.ray.init("local", include_dashboard=False, _node_ip_address=LOOPBACK, **own, **SILENT)
            except Exception as error:  # a bare one, where its processes take longer than Ray waits for
                self.ray.shutdown()
                if attempt == START_TRIES:
                    raise ClusterError(f"Ray did not start on this machine: {error}") from error
            else:
                return

    @property
    def size(self) -> int:
        """How many jobs of one CPU the cluster runs at once."""
        return self.workers or max(1, int(self.room.total("CPU")))

    @property
    def running(self) -> Collection[Job]:
        """Jobs that are on the cluster."""
        return self.tasks.values()

    def has_room(self, job: Job) -> bool:
        """Whether the cluster has what the job asks for left over; what others run there is not counted."""
        self._look()
        return len(self.tasks) < self.size and self.room.has(needs(job))

    def start(self, job: Job, request: Mapping[str, Any]) -> None:
        """Send a job to the cluster."""
        order = {"request": request, "inputs": job.inputs, "store": self.store, "software": software()}
        task = self._sender(job).remote(json.dumps(order, sort_keys=True))
        self.tasks[task] = job
        self.room.take(needs(job))

    def _sender(self, job: Job) -> Any:
        """Return what starts tasks that are called and ask as this job does; Ray takes a while to make one."""
        like = (job.kind, resource_class(job.resources))
        if like not in self._senders:
            need = needs(job)
            self._senders[like] = self.task.options(
                name=job.kind,
                num_cpus=need.pop("CPU"),
                num_gpus=need.pop("GPU", 0),
                memory=int(need.pop("memory", 0)) or None,
                max_retries=0,
                runtime_env={"env_vars": self.environment},
            )
        return self._senders[like]

    def wait(self, timeout_s: float) -> list[Event]:
        """Collect replies and losses."""
        ready: Sequence[Any] = ()
        if self.tasks:
            self._idle_since = float("-inf")
            waiting = list(self.tasks)
            ready, _ = self.ray.wait(waiting, num_returns=1, timeout=timeout_s)
            if ready:  # and all others that have ended meanwhile: one question, however many
                ready, _ = self.ray.wait(waiting, num_returns=len(waiting), timeout=0)
        else:
            time.sleep(timeout_s)
        self._look()
        if ready or self.room.nodes:
            self._gone_since = float("inf")
            return [self._hear(task) for task in ready]
        return self._without_nodes()

    def _without_nodes(self) -> list[Event]:
        """Start a Ray of our own again, all its jobs being lost; of another's, wait for a node to come back.

        Raises
        ------
        ClusterError
            Where none has come back in time.
        """
        if self.owned and self.address is None:
            lost = [Event(job, None, death="its node was lost") for job in self.tasks.values()]
            self._forget_tasks()
            self.ray.shutdown()
            with handlers_kept():
                self._start_own()
            self._meet()
            return lost
        self._gone_since = min(self._gone_since, time.monotonic())
        if time.monotonic() - self._gone_since < WAIT_FOR_NODE_S:
            return []
        waited = f"waited {WAIT_FOR_NODE_S:.0f} s"
        raise ClusterError(
            f"the Ray cluster has no node left ({waited}); what is done is kept, the same command goes on"
        )

    def out_of_place(self, job: Job) -> str:
        """Say what no node has, once the job has waited for it while nothing ran."""
        now = time.monotonic()
        if self._idle_since == float("-inf"):
            self._idle_since = now
        need = needs(job)
        if self.room.fits_a_node(need) or now - self._idle_since < WAIT_FOR_NODE_S:
            return ""
        asked = ", ".join(f"{name} {amount:g}" for name, amount in need.items())
        return f"no node of the cluster has {asked} (waited {WAIT_FOR_NODE_S:.0f} s)"

    def _hear(self, task: Any) -> Event:
        job = self.tasks.pop(task)
        self.room.give_back(needs(job))
        errors = self.ray.exceptions
        try:
            reply = json.loads(self.ray.get(task))
        except (errors.RayTaskError, errors.RuntimeEnvSetupError) as error:
            return Event(job, failed(job.key, error, str(error)))
        except errors.RayError as error:
            return Event(job, None, death=describe_loss(error))
        if "lost" in reply:
            return Event(job, None, death=reply["lost"])
        return Event(job, reply)

    def _look(self) -> None:
        """Find out which nodes there are, not too often."""
        if time.monotonic() - self._looked_at > LOOK_AGAIN_S:
            self.room.see([node["Resources"] for node in self.ray.nodes() if node["Alive"]])
            self._looked_at = time.monotonic()

    def _forget_tasks(self) -> None:
        for job in self.tasks.values():
            self.room.give_back(needs(job))
        self.tasks.clear()
