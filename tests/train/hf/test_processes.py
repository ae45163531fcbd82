"""Two processes share a step's micro-batches and end with what one process gets."""

import json
import os
import socket

import pytest
import torch
from accelerate.state import AcceleratorState
from tests.train.models import ROWS, hf_model
from torch import multiprocessing

from gauger.train.engine import Adapter
from gauger.train.loop import Options, _gather
from gauger.train.rows import Mixture, RowSource
from gauger.train.schedule import TrainingSchedule
from gauger.train.state import Checkpoints
from gauger.train.text import train_on_text


def run(directory, lora):
    adapter = Adapter(rank=2) if lora else None
    options = Options(adapter=adapter, micro_tokens=40, checkpoints=Checkpoints(directory, every=2))
    mixture = Mixture((RowSource(ROWS),), (5,))
    return train_on_text(hf_model(), mixture, TrainingSchedule(4, 1e-2, clip=1.0), options)


def share(rank, port, directory, lora):
    """Be one of two processes, told so as `accelerate launch` tells them."""
    AcceleratorState._reset_state(True)  # what the parent knew of processes
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2, "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in place.items()}, MASTER_ADDR="127.0.0.1")
    os.environ |= {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}  # Accelerate warns where it has to choose
    torch.set_num_threads(1)  # threads do not survive a fork
    result = run(directory, lora)
    told = {"losses": result.losses, "digest": result.model.merged().digest(), "n_tokens": result.n_tokens}
    told["n_processes"] = AcceleratorState().num_processes
    (directory / f"{rank}.json").write_text(json.dumps(told))


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@pytest.mark.parametrize("lora", [False, True])
def test_two_processes_get_what_one_gets(tmp_path, lora):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one = run(tmp_path / "one", lora)
    multiprocessing.start_processes(share, (free_port(), tmp_path / "two", lora), nprocs=2, start_method="fork")
    first, second = (json.loads((tmp_path / "two" / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first == second
    assert first["n_processes"] == 2
    assert first["losses"] == pytest.approx(one.losses, rel=1e-4)  # sums of float32 in another order
    assert first["n_tokens"] == one.n_tokens


class Alone:
    """One of two processes, as the loop sees it; the other has the same gradients."""

    count = 2

    @staticmethod
    def sum(value):
        return 2 * value


def test_a_weight_that_no_process_has_a_gradient_for_stays_without_one():
    """With a gradient of 0 weight decay and moments would move it, and two processes would end elsewhere than one."""
    learnt, unused = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    learnt.grad = torch.ones(2)
    _gather(Alone, [learnt, unused], None)
    assert learnt.grad.tolist() == [2.0, 2.0]
    assert unused.grad is None
