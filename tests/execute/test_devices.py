"""Which GPUs a process may use, as CUDA itself reads its variable."""

import pytest

from gauger.execute.devices import visible_gpus


@pytest.mark.parametrize(
    ("listed", "found"),
    [("0,2", ("0", "2")), ("", ()), ("-1", ()), ("1,-1,2", ("1",)), ("GPU-8f, 3", ("GPU-8f", "3"))],
)
def test_the_variable_decides(listed, found, tmp_path):
    (tmp_path / "0000:01").mkdir()
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": listed}, tmp_path) == found


def test_without_it_all_that_the_driver_has(tmp_path):
    assert visible_gpus({}, tmp_path / "none") == ()
    for name in ("0000:01", "0000:02"):
        (tmp_path / name).mkdir()
    assert visible_gpus({}, tmp_path) == ("0", "1")
