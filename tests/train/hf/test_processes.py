"""Two processes share a step's micro-batches and end with what one process gets."""

import json
import os

import pytest
from accelerate import debug_launcher
from accelerate.state import AcceleratorState
from tests.train.hf.models import ROWS, small_model, tokenizer

from gauger.train.hf.loop import Options, Schedule, train
from gauger.train.hf.lora import Lora
from gauger.train.hf.rows import Mixture, Source
from gauger.train.hf.state import Checkpoints, weights_digest


def run(directory, lora):
    options = Options(lora=Lora(rank=2) if lora else None, micro_tokens=40, checkpoints=Checkpoints(directory, every=2))
    mixture = Mixture((Source(ROWS),), (5,))
    return train(small_model(), tokenizer(), mixture, Schedule(4, 1e-2), options)


def share(directory, lora):
    AcceleratorState._reset_state(True)  # what the parent knew of processes
    result = run(directory, lora)
    told = {"losses": result.losses, "digest": weights_digest(result.model), "n_tokens": result.n_tokens}
    (directory / f"{os.environ['RANK']}.json").write_text(json.dumps(told))


@pytest.mark.parametrize("lora", [False, True])
def test_two_processes_get_what_one_gets(tmp_path, lora):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one = run(tmp_path / "one", lora)
    debug_launcher(share, (tmp_path / "two", lora), num_processes=2)
    first, second = (json.loads((tmp_path / "two" / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first == second
    assert first["losses"] == pytest.approx(one.losses, rel=1e-4)  # sums of float32 in another order
    assert first["n_tokens"] == one.n_tokens
