"""The loop: determinism, that micro-batches and processes change nothing, and that a killed training goes on."""

from dataclasses import replace
from itertools import count

import pytest
import torch
from tests.train.hf.models import ROWS, same_weights, small_model, tokenizer, weights
from torch.nn import functional as F

from gauger.errors import GaugerError, InputError
from gauger.train.hf.head import Head
from gauger.train.hf.loop import Options, Schedule, batch_loss, train
from gauger.train.hf.lora import Lora, merge
from gauger.train.hf.losses import NextToken, SoftLoss
from gauger.train.hf.rows import Mixture, Source, collate, encode
from gauger.train.hf.state import STATE, Checkpoints, weights_digest
from gauger.train.hf.teacher import log_probabilities

MIXTURE = Mixture((Source(ROWS),), (4,))
SCHEDULE = Schedule(6, 1e-2)


def trained(options=None, schedule=SCHEDULE, mixture=MIXTURE, seed=0):
    return train(small_model(seed), tokenizer(), mixture, schedule, options or Options())


def test_the_loss_of_a_batch_is_the_models_own_loss_on_the_completions():
    model, examples = small_model(), encode(tokenizer(), ROWS, 96)
    found = batch_loss(model, collate(examples), NextToken())
    slow = 0.0
    for example in examples:  # one row at a time, the model's whole logits, no padding
        logits = model(torch.tensor([example.ids])).logits[0, :-1]
        losses = F.cross_entropy(logits, torch.tensor(example.ids[1:]), reduction="none")
        slow += losses[example.start - 1 :].sum().item()
    assert found.item() == pytest.approx(slow, rel=1e-5)


def test_the_loss_falls_and_tokens_are_counted():
    result = trained(schedule=Schedule(30, 1e-2))
    assert sum(result.losses[-5:]) < 0.8 * sum(result.losses[:5])
    examples = encode(tokenizer(), ROWS, 96)
    all_rows = trained(schedule=Schedule(3, 1e-3), mixture=Mixture((Source(ROWS),), (6,)))
    assert all_rows.n_tokens == 3 * sum(len(example.ids) for example in examples)
    assert all_rows.n_learnt == 3 * sum(example.n_learnt for example in examples)


@pytest.mark.parametrize("lora", [None, Lora(rank=2), Lora(rank=2, layers=1)])
def test_same_seed_same_bytes_and_another_seed_others(lora):
    first, again, other = (trained(Options(seed, lora=lora)) for seed in (1, 1, 2))
    assert first.losses == again.losses != other.losses
    assert same_weights(weights(first.model), weights(again.model))


def test_micro_batches_change_nothing_but_rounding():
    large, small = (trained(Options(micro_tokens=size)) for size in (4096, 1))
    assert large.losses == pytest.approx(small.losses, rel=1e-4)


def test_only_the_adapter_changes():
    before = weights(small_model())
    result = trained(Options(lora=Lora(rank=2, layers=1)))
    after = weights(result.model.get_base_model())
    kept = {name.replace(".base_layer", ""): weight for name, weight in after.items() if "lora_" not in name}
    assert same_weights(kept, before)
    moved = [name for name, weight in after.items() if "lora_B" in name and weight.any()]
    assert moved
    assert all(".layers.2." in name for name in moved)


def test_training_goes_on_from_an_adapter_by_merging_it():
    first = trained(Options(lora=Lora(rank=2)))
    second = train(first.model, tokenizer(), MIXTURE, SCHEDULE, Options(lora=Lora(rank=2)))
    assert second.losses[0] < first.losses[0]
    assert merge(second.model)(torch.tensor([[4, 5]])).logits.shape[-1] == len(tokenizer())


class KilledError(Exception):
    pass


def dies_at(call, monkeypatch):
    """Stand for a process that dies in the middle of a step."""
    calls, alive = count(), NextToken.__call__

    def dying(self, *args):
        if next(calls) >= call:
            raise KilledError
        return alive(self, *args)

    monkeypatch.setattr(NextToken, "__call__", dying)


@pytest.mark.parametrize("lora", [None, Lora(rank=2)])
def test_a_killed_training_goes_on_bit_for_bit(tmp_path, lora, monkeypatch):
    whole = trained(Options(lora=lora))
    options = Options(lora=lora, checkpoints=Checkpoints(tmp_path, every=2))
    with monkeypatch.context() as patch:
        dies_at(5, patch)
        with pytest.raises(KilledError):
            trained(options)
    assert (tmp_path / STATE).exists()
    with monkeypatch.context() as patch:
        dies_at(2, patch)  # steps 5 and 6 are left: two calls, no more
        resumed = trained(options)
    assert resumed.losses == whole.losses
    assert (resumed.n_tokens, resumed.n_learnt) == (whole.n_tokens, whole.n_learnt)
    assert same_weights(weights(resumed.model), weights(whole.model))


@pytest.mark.parametrize(
    "other",
    [
        {"options": Options(seed=5)},
        {"options": Options(lora=Lora(rank=2))},
        {"options": Options(loss=SoftLoss())},
        {"schedule": replace(SCHEDULE, learning_rate=1e-3)},
        {"mixture": Mixture((Source(ROWS[:4]),), (4,))},
        {"mixture": Mixture((Source(ROWS),), (3,))},
        {"seed": 1},
    ],
)
def test_a_checkpoint_of_another_training_is_refused(tmp_path, other):
    checkpoints = Checkpoints(tmp_path, every=2)
    trained(Options(checkpoints=checkpoints), replace(SCHEDULE, steps=2) if "schedule" in other else SCHEDULE)
    options = replace(other.get("options", Options()), checkpoints=checkpoints)
    with pytest.raises(InputError, match="another"):
        trained(options, **{name: value for name, value in other.items() if name != "options"})


def test_checkpoints_hold_no_pickle(tmp_path):
    trained(Options(checkpoints=Checkpoints(tmp_path, every=2)))
    assert [path.name for path in tmp_path.iterdir()] == [STATE]


def test_shown_log_probabilities_are_learnt_instead_of_the_text():
    teacher, student = small_model(1, sharp=20.0), small_model(2)
    rows = ROWS[:2]
    shown = tuple(log_probabilities(teacher, tokenizer(), rows, top_k=5))
    mixture = Mixture((Source(rows, shown),), (2,))
    result = train(student, tokenizer(), mixture, Schedule(60, 2e-2), Options(loss=SoftLoss()))
    assert result.losses[-1] < 0.3 * result.losses[0]
    text = train(small_model(2), tokenizer(), Mixture((Source(rows),), (2,)), Schedule(1, 2e-2), Options())
    assert text.losses[0] != pytest.approx(result.losses[0], rel=1e-3)


def test_an_empty_corpus_is_an_error():
    with pytest.raises(GaugerError, match="nothing to train on"):
        trained(mixture=Mixture((Source(()),), (1,)))


def test_rows_that_teach_nothing_leave_the_weights():
    tiny = [replace(ROWS[0], prompt="x" * 200)]
    model = small_model()
    before = weights_digest(model)
    result = train(model, tokenizer(), Mixture((Source(tuple(tiny)),), (1,)), Schedule(2, 1e-2), Options())
    assert result.losses == [0.0, 0.0]
    assert weights_digest(model) == before


def test_the_head_is_the_models():
    model = small_model(tied=False)
    assert Head.of(model).weight_VD is model.lm_head.weight
