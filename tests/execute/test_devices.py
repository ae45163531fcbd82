"""Which GPUs a process may use, as CUDA itself reads its variable; the memory of each; and who gets how many."""

import pytest

from gauger.errors import GaugerError
from gauger.execute import devices
from gauger.execute.devices import granted_gpus, memory_gb, visible_gpus


@pytest.fixture(autouse=True)
def nothing_counted():
    devices._count_listed.cache_clear()
    yield
    devices._count_listed.cache_clear()


def program(folder, name, printed, monkeypatch):
    """Put a program on PATH that prints something, and nothing else there."""
    folder.mkdir(exist_ok=True)
    (folder / "printed").write_text(printed)
    (folder / name).write_text(f"#!/bin/sh\nexec /bin/cat {folder / 'printed'}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        *[("0,2", ("0", "2")), ("", ()), ("-1", ()), ("1,-1,2", ("1",)), ("GPU-8f, 3", ("GPU-8f", "3"))],
        *[("NoDevFiles", ()), ("none", ()), ("MIG-7a/1/0", ("MIG-7a/1/0",))],
    ],
)
def test_the_variable_decides(listed, found, tmp_path):
    (tmp_path / "0000:01").mkdir()
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": listed}, tmp_path) == found


def test_without_it_all_that_the_driver_has(tmp_path):
    assert visible_gpus({}, tmp_path / "none") == ()
    for name in ("0000:01", "0000:02"):
        (tmp_path / name).mkdir()
    assert visible_gpus({}, tmp_path) == ("0", "1")


@pytest.mark.parametrize(
    ("name", "printed", "count"),
    [
        ("nvidia-smi", "GPU 0: Orin (nvgpu) (UUID: x)\n", 1),
        (
            "nvidia-smi",
            "GPU 0: NVIDIA A100 (UUID: GPU-1)\n  MIG 1g.5gb Device 0: (UUID: MIG-1)\nGPU 1: B (UUID: 2)\n",
            2,
        ),
        ("nvidia-smi", "No devices were found\n", 0),
        (
            "rocm-smi",
            "= ROCm =\nGPU[0]\t\t: Device Name: A\nGPU[0]\t\t: Device ID: 0x74a1\nGPU[1]\t\t: Device ID: 0x74a1\n",
            2,
        ),
    ],
)
def test_where_the_driver_s_folder_is_not_there_a_program_is_asked(name, printed, count, tmp_path, monkeypatch):
    """WSL2, Jetson and ROCm have no such folder."""
    program(tmp_path / "bin", name, printed, monkeypatch)
    assert visible_gpus({}, tmp_path / "none") == tuple(str(number) for number in range(count))


def test_what_is_meant_for_a_gpu_is_not_put_on_cpus_where_one_should_be(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(devices, "_SIGNS", ())
    monkeypatch.setattr(devices, "visible_gpus", lambda: ())
    assert granted_gpus(2, "the stage") == 0, "a machine without any"
    sign = tmp_path / "kfd"
    sign.touch()
    monkeypatch.setattr(devices, "_SIGNS", (str(sign),))
    with pytest.raises(GaugerError, match=r"the stage wants 2 GPUs, and none is listed here, though there is .*kfd: "):
        granted_gpus(2, "the stage")
    assert granted_gpus(0, "the stage") == 0
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert granted_gpus(2, "the stage") == 0, "none is what was asked for"
    monkeypatch.setattr(devices, "visible_gpus", lambda: ("0", "1"))
    assert granted_gpus(2, "the stage") == 2
    with pytest.raises(GaugerError, match="the stage wants 3 GPUs, and this job may use 2"):
        granted_gpus(3, "the stage")


def test_a_program_that_lists_none_is_a_sign_too(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    program(tmp_path / "bin", "nvidia-smi", "Failed to initialize NVML: Driver/library version mismatch\n", monkeypatch)
    monkeypatch.setattr(devices, "visible_gpus", lambda: ())
    with pytest.raises(GaugerError, match=r"though there is .*nvidia-smi"):
        granted_gpus(1, "the stage")


MIXED = "0, GPU-8f21, 2048\n1, GPU-77ab, 24564\n"
"""A card for the screen beside one to compute on."""


@pytest.mark.parametrize(
    ("gpus", "order", "mib"),
    [
        (("1",), "PCI_BUS_ID", 24564),
        (("0",), "PCI_BUS_ID", 2048),
        (("0", "1"), "PCI_BUS_ID", 2048),
        (("0",), "", 24564),  # the fastest is 0 then, whatever its place
        (("1",), "", 24564),
        (("0", "1"), "", 2048),
        (("GPU-77ab",), "", 24564),
        (("GPU-8",), "", 2048),
        (("MIG-1",), "", None),
    ],
)
def test_memory_is_that_of_the_gpus_that_are_seen(gpus, order, mib, tmp_path, monkeypatch):
    program(tmp_path / "bin", "nvidia-smi", MIXED, monkeypatch)
    monkeypatch.setenv("CUDA_DEVICE_ORDER", order)
    assert memory_gb(gpus) == (None if mib is None else pytest.approx(mib * 2**20 / 1e9))


@pytest.mark.parametrize("size", ["[N/A]", "[Not Supported]", "Not Supported"])
def test_a_gpu_that_shares_the_machine_s_memory_has_that(size, tmp_path, monkeypatch):
    program(tmp_path / "bin", "nvidia-smi", f"0, GPU-1, {size}\n", monkeypatch)
    (tmp_path / "meminfo").write_text("MemFree: 5 kB\nMemTotal:       16384000 kB\n")
    assert memory_gb(("0",), tmp_path / "meminfo") == pytest.approx(16384000 * 1024 / 1e9)
    assert memory_gb(("0",), tmp_path / "nowhere") is None


def test_the_machine_s_memory_is_read(tmp_path, monkeypatch):
    (tmp_path / "meminfo").write_text("MemFree: 5 kB\nMemTotal:       16384000 kB\n")
    assert memory_gb((), tmp_path / "meminfo") == pytest.approx(16384000 * 1024 / 1e9)
    assert memory_gb((), tmp_path / "nowhere") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert memory_gb(("0",)) is None, "nothing says what a GPU has"
