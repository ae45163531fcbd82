"""Room on a cluster: the counters say what adding up all running jobs anew would say."""

from hypothesis import given
from hypothesis import strategies as st

from gauger.execute.room import ClusterRoom

NODES = [{"CPU": 4.0, "GPU": 2.0}, {"CPU": 8.0}]
NEEDS = st.fixed_dictionaries(
    {"CPU": st.sampled_from([0.0, 1.0, 3.0, 5.0])}, optional={"GPU": st.sampled_from([1.0, 2.0])}
)


def by_hand(need, running, nodes):
    fits = any(all(need[name] <= node.get(name, 0.0) for name in need) for node in nodes)
    total = {name: sum(node.get(name, 0.0) for node in nodes) for name in need}
    used = {name: sum(other.get(name, 0.0) for other in running) for name in need}
    return fits and all(used[name] + need[name] <= total[name] for name in need)


@given(st.lists(st.tuples(NEEDS, st.booleans()), max_size=20))
def test_counters_equal_the_sum_over_what_runs(steps):
    room, running = ClusterRoom(), []
    room.see(NODES)
    for need, ends in steps:
        assert room.has(need) == by_hand(need, running, NODES)
        if room.has(need):
            room.take(need)
            running.append(need)
        if ends and running:
            room.give_back(running.pop(0))


def test_a_job_larger_than_every_node_has_no_room_though_all_together_do():
    room = ClusterRoom()
    room.see(NODES)
    assert room.has({"CPU": 8.0})
    assert not room.has({"CPU": 9.0})
    assert not room.has({"CPU": 8.0, "GPU": 1.0}), "no single node has both"


def test_new_nodes_are_counted_and_lost_ones_no_more():
    room = ClusterRoom()
    room.see([{"CPU": 1.0}])
    room.take({"CPU": 1.0})
    assert not room.has({"CPU": 1.0})
    room.see([{"CPU": 1.0}, {"CPU": 2.0}])
    assert room.has({"CPU": 2.0})
    room.see([{"CPU": 2.0}])
    assert room.has({"CPU": 1.0})
    assert not room.has({"CPU": 2.0})
    room.see([])
    assert not room.fits_a_node({"CPU": 1.0})


def test_thirds_of_a_gpu_fill_it_and_leave_it_empty_again():
    room, third = ClusterRoom(), {"GPU": 1 / 3}
    room.see([{"GPU": 1.0}])
    for _ in range(100):
        for _ in range(3):
            assert room.has(third)
            room.take(third)
        assert not room.has(third)
        for _ in range(3):
            room.give_back(third)
