"""Frozen layers: the split model says what the whole one says, and a training from kept states is the same."""

import pytest
import torch
from tests.train.hf.models import ROWS, same_weights, small_model, tokenizer, weights

from gauger.train.hf import frozen_layers as frozen
from gauger.train.hf import loop
from gauger.train.hf.frozen_layers import part, pays, with_states
from gauger.train.hf.loop import Options, Schedule, learnt_hidden, train
from gauger.train.hf.lora import Lora, lowest_layer, merge
from gauger.train.hf.rows import Mixture, Source, collate, encode
from gauger.train.hf.state import Checkpoints

MIXTURE = Mixture((Source(ROWS),), (4,))
TOP = Options(lora=Lora(rank=2, layers=1))


def trained(options=TOP, steps=6):
    return train(small_model(), tokenizer(), MIXTURE, Schedule(steps, 1e-2), options)


def test_two_parts_one_after_the_other_are_the_whole():
    model, tokens = small_model(), torch.tensor([[5, 6, 7, 8]])
    below = part(model, 0, 2)(input_ids=tokens, use_cache=False).last_hidden_state
    above = part(model, 2, None)(inputs_embeds=below, use_cache=False).last_hidden_state
    assert torch.equal(above, model.model(input_ids=tokens, use_cache=False).last_hidden_state)
    assert len(model.model.layers) == 3


@pytest.mark.parametrize("lowest", [1, 2])
def test_kept_states_give_the_hidden_states_of_the_whole_model(lowest):
    model, examples = small_model(), encode(tokenizer(), ROWS, 96)
    kept = with_states(model, lowest, examples)
    plain, split = (learnt_hidden(model, collate(rows)) for rows in (examples, [kept[id(row)] for row in examples]))
    torch.testing.assert_close(split, plain, rtol=1e-5, atol=1e-6)


def test_a_training_from_kept_states_is_the_same_but_for_rounding(monkeypatch):
    calls = []
    monkeypatch.setattr(loop, "with_states", lambda *args: calls.append(1) or with_states(*args))
    kept = trained()
    assert calls
    monkeypatch.setattr(frozen, "SPLITTABLE", ())
    whole = trained()
    assert len(calls) == 1
    assert kept.losses == pytest.approx(whole.losses, rel=1e-4)
    assert merge(kept.model)(torch.tensor([[4, 5]])).logits.shape == (1, 2, len(tokenizer()))


def test_it_goes_on_bit_for_bit_after_a_stop(tmp_path):
    whole = trained()
    options = Options(lora=TOP.lora, checkpoints=Checkpoints(tmp_path, every=4))
    trained(options)
    again = trained(options)
    assert again.losses == whole.losses
    assert same_weights(weights(again.model), weights(whole.model))


def test_it_pays_only_below_an_adapter_for_rows_that_come_again_and_within_memory(monkeypatch):
    model, rows = small_model(), encode(tokenizer(), ROWS, 96)
    assert pays(model, 1, rows * 2)
    assert not pays(model, 0, rows * 2)
    assert not pays(model, 1, rows)
    monkeypatch.setattr(frozen, "MOST_BYTES", 100)
    assert not pays(model, 1, rows * 2)


def test_the_lowest_layer_is_the_first_with_an_adapter():
    assert [lowest_layer(small_model(), Lora(layers=layers)) for layers in (None, 3, 2, 1)] == [0, 0, 1, 2]
