"""On a Ray cluster: the same results as on this machine, lost workers replaced, poisoned jobs given up."""

import gc
import warnings

import pytest
from tests.execute.noting import Notes

from gauger.errors import UserError
from gauger.execute.cache import MANIFEST, Cache
from gauger.execute.driver import Rules, drive
from gauger.execute.limits import SpentLimits
from gauger.execute.local import run_jobs
from gauger.execute.progress import RunProgress
from gauger.execute.ray import ClusterError, RayPool
from gauger.execute.remote import MirroredCache, RemoteStore
from gauger.execute.room import needs
from gauger.store.failures import read_failures


@pytest.fixture(scope="module")
def cluster():
    """One Ray for all tests here; `RayPool` uses it and leaves it running."""
    with RayPool(workers=2) as pool:
        yield pool.ray
    del pool
    with warnings.catch_warnings():  # Ray does not wait for the processes it ends
        warnings.filterwarnings("ignore", r"subprocess \d+ is still running", ResourceWarning)
        gc.collect()


@pytest.fixture
def run_on_ray(cluster, toys, tmp_path):
    registry, toy_environment = toys

    def call(jobs, *, cache=None, store=None, tries=3, progress=None, environment=None):
        pool = RayPool(store=store, environment={**toy_environment, **(environment or {})})
        rules = Rules(registry, tries, SpentLimits())
        return drive(jobs, cache or Cache(tmp_path / "jobs"), pool, rules, progress or RunProgress())

    return call


@pytest.fixture
def run_here(toys):
    def call(jobs, cache):
        return run_jobs(jobs, cache, workers=1, registry=toys[0], environment=toys[1])

    return call


@pytest.fixture
def diamond(toy):
    top = toy("top;")
    left, right = toy("left;", top), toy("right;", top)
    return [top, left, right, toy("bottom;", left, right), toy("env", kind="environment", names=["PYTHONHASHSEED"])]


def contents(result):
    """Bytes of every file of every result; `done.json` holds seconds, which differ."""
    return {
        (key, path.name): path.read_bytes()
        for key, directory in result.done.items()
        for path in directory.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }


def test_local_and_ray_write_the_same_bytes_under_the_same_addresses(run_on_ray, run_here, diamond, tmp_path):
    notes = Notes()
    there = run_on_ray(diamond, progress=notes)
    assert contents(there) == contents(run_here(diamond, Cache(tmp_path / "here")))
    assert len(there.done) == 5
    assert (notes.tally.done, notes.tally.workers) == (5, 2)
    again = run_here(diamond, Cache(tmp_path / "jobs"))
    assert again.cached == set(again.done), "a local run goes on with what Ray did"


def test_a_lost_worker_is_replaced_and_its_job_tried_again(run_on_ray, toy, tmp_path):
    where = tmp_path / "deaths"
    where.mkdir()
    job, notes = toy("dies", kind="die", where=str(where), times=1), Notes()
    result = run_on_ray([job, toy("after", job), toy("other")], progress=notes)
    assert (result.done[job.key] / "text.txt").read_text() == "survived"
    assert (result.failed, len(result.done)) == ([], 3)
    assert "again: label · dies: its worker was killed or crashed" in notes.said
    assert not list((tmp_path / "jobs" / "partial").iterdir())


def test_a_poisoned_job_is_given_up_after_the_stated_tries_and_named(run_on_ray, toy, tmp_path):
    where = tmp_path / "deaths"
    where.mkdir()
    job, other = toy("dies", kind="die", where=str(where), times=9), toy("other")
    after = toy("after", job)
    result = run_on_ray([job, after, other], tries=2)
    assert len(list(where.iterdir())) == 2
    reason = "WorkerDied: its worker was killed or crashed; given up after 2 tries"
    assert [(job.name, reason) for job, reason in result.failed] == [("label · dies", reason)]
    assert (result.blocked, set(result.done)) == ([after], {other.key})
    (failure,) = read_failures(tmp_path / "jobs" / "failures")
    assert (failure.boundary, failure.name) == ("worker", "label · dies")


def test_an_error_in_a_job_is_data_and_not_tried_again(run_on_ray, toy):
    result = run_on_ray([toy("bad", kind="fail"), toy("good")])
    assert [reason for _, reason in result.failed] == ["ValueError: the loss is not finite"]
    assert len(result.done) == 1


def test_results_travel_through_a_store_where_no_disk_is_shared(run_on_ray, run_here, diamond, tmp_path):
    url = (tmp_path / "store").as_uri()
    scratch = {"GAUGER_SCRATCH": str(tmp_path / "node")}
    cache = MirroredCache(tmp_path / "driver", store=RemoteStore(url))
    before = run_here(diamond[:2], Cache(cache.root))
    result = run_on_ray(diamond, cache=cache, store=url, environment=scratch)
    assert result.cached == set(before.done), "what the driver had was sent to the nodes"
    here = run_here(diamond, Cache(tmp_path / "here"))
    assert contents(result) == contents(here)
    assert len(list((tmp_path / "store").iterdir())) == 5
    elsewhere = MirroredCache(tmp_path / "second", store=RemoteStore(url))
    again = run_on_ray(diamond, cache=elsewhere, store=url, environment=scratch)
    assert again.cached == set(again.done), "another machine goes on from the store"
    assert contents(again) == contents(here)


def test_a_job_that_no_node_can_hold_is_named(run_on_ray, toy, monkeypatch):
    monkeypatch.setattr("gauger.execute.ray.WAIT_FOR_NODE_S", 0.6)
    greedy = toy("greedy", resources={"gpus": 4})
    result = run_on_ray([greedy, toy("after", greedy), toy("modest")])
    assert [reason for _, reason in result.failed] == ["NoPlace: no node of the cluster has CPU 1, GPU 4 (waited 1 s)"]
    assert [len(result.done), len(result.blocked)] == [1, 1]


def test_needs_in_the_names_and_units_of_ray(toy):
    assert needs(toy("plain")) == {"CPU": 1.0}
    asked = toy("asked", resources={"cpus": 2, "gpus": 0.5, "memory_gb": 1.5})
    assert needs(asked) == {"CPU": 2.0, "GPU": 0.5, "memory": 1.5e9}
    assert asked.key == toy("asked").key, "where a job runs does not change what it is"


def test_a_ray_of_our_own_listens_on_loopback_alone(run_on_ray, toy):
    import ray

    run_on_ray([toy("one;")])
    assert ray.get_runtime_context().gcs_address.startswith("127.0.0.1:")


def test_a_client_address_is_refused(cluster):
    with pytest.raises(UserError, match="host:port"):
        RayPool(address="ray://somewhere:10001")


class Deserted:
    """A Ray whose only node dies with a job on it; started again, it has one."""

    def __init__(self):
        self.starts, self.alive = 0, True

    def is_initialized(self):
        return False

    def init(self, *_, **__):
        self.starts, self.alive = self.starts + 1, True

    def shutdown(self):
        self.alive = False

    def nodes(self):
        return [{"Alive": self.alive, "Resources": {"CPU": 1.0}}]

    def remote(self, function):
        return function

    def wait(self, tasks, **_):
        return [], tasks

    def cancel(self, task, **_):
        pass


def test_a_ray_of_our_own_that_lost_its_node_is_started_again(monkeypatch, toy):
    deserted = Deserted()
    monkeypatch.setattr("gauger.execute.ray.import_ray", lambda **_: deserted)
    monkeypatch.setattr("gauger.execute.ray.LOOK_AGAIN_S", -1.0)
    job = toy("one;")
    with RayPool(1) as pool:
        pool.tasks["task"] = job
        assert pool.wait(0.0) == []
        deserted.alive = False
        (event,) = pool.wait(0.0)
        assert (event.job, event.reply, event.death) == (job, None, "its node was lost")
        assert (deserted.starts, list(pool.running), len(pool.room.nodes)) == (2, [], 1)
        deserted.alive = False  # and also while nothing runs
        assert pool.wait(0.0) == []
        assert (deserted.starts, len(pool.room.nodes)) == (3, 1)


def test_a_cluster_of_others_that_lost_all_nodes_is_waited_for_and_then_given_up(monkeypatch, toy):
    deserted = Deserted()
    monkeypatch.setattr("gauger.execute.ray.import_ray", lambda **_: deserted)
    monkeypatch.setattr("gauger.execute.ray.LOOK_AGAIN_S", -1.0)
    with RayPool(1, "10.0.0.1:6379") as pool:
        pool.tasks["task"] = toy("one;")
        deserted.alive = False
        assert pool.wait(0.0) == []
        monkeypatch.setattr("gauger.execute.ray.WAIT_FOR_NODE_S", -1.0)
        with pytest.raises(ClusterError, match="has no node left"):
            pool.wait(0.0)


def test_a_full_cluster_is_asked_nothing_more_and_a_freed_place_is_filled(monkeypatch, toy):
    sent = []

    class Counting(Deserted):
        def nodes(self):
            return [{"Alive": True, "Resources": {"CPU": 8.0, "GPU": 1.0}}] * 3

        def remote(self, function):
            return self

        def options(self, **asked):
            sent.append(asked)
            return type("Sender", (), {"remote": lambda _, order: f"task {len(sent)} {order}"})()

    monkeypatch.setattr("gauger.execute.ray.import_ray", lambda **_: Counting())
    jobs = [toy(f"{index};", resources={"gpus": 1.0}) for index in range(4)]
    with RayPool(0, "10.0.0.1:6379") as pool:
        for job in jobs[:3]:
            assert pool.has_room(job)
            pool.start(job, {"key": job.key})
        assert (pool.has_room(jobs[3]), pool.has_room(toy("no gpu"))) == (False, True)
        assert [asked["num_gpus"] for asked in sent] == [1.0], "one sender for all that ask alike"
        pool.room.give_back(needs(jobs[0]))
        assert pool.has_room(jobs[3])
