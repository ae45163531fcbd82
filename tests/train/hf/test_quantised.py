"""Frozen weights in few bits: which are, that the adapter learns on them, and that the student has the whole ones.

A stand-in rounds to 15 levels in place of bitsandbytes, whose own kernels its own tests hold; what Gauger does around
them is tested here.
"""

import pytest
import torch
from tests.train.models import ALL, ROWS, batch_of, same_weights, small_llama, tokenizer, weights
from torch import nn

from gauger.spec import Computing
from gauger.train.engine import Adapter
from gauger.train.hf import ENGINE, engine
from gauger.train.hf.lora import merge
from gauger.train.hf.quantised import quantise, restore
from gauger.train.hf.saving import load_model, save
from gauger.train.loop import Options
from gauger.train.text import train_on_text

SMALL = Adapter(rank=2)
FROZEN = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


class Rounded(nn.Linear):
    """Weights rounded to 15 levels of their largest."""

    def __init__(self, whole):
        super().__init__(whole.in_features, whole.out_features, whole.bias is not None)
        step = whole.weight.abs().max() / 7
        self.weight = nn.Parameter((whole.weight / step).round() * step, requires_grad=False)


@pytest.fixture
def base(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "quantise", lambda model: quantise(model, Rounded))
    save(small_llama(sharp=20.0), tokenizer(), tmp_path / "base")
    return tmp_path / "base"


def student_of(base, adapter=SMALL, steps=4):
    model = ENGINE.load(base, computing=Computing(quantise_base="nf4"))
    return train_on_text(model, ALL, model.defaults.schedule(steps, 1e-2), Options(adapter=adapter))


def test_the_matrices_of_the_layers_are_quantised_and_no_others():
    model = small_llama(tied=False)
    whole = quantise(model, Rounded)
    rounded = [name for name, module in model.named_modules() if isinstance(module, Rounded)]
    assert len(rounded) == 3 * len(FROZEN) == len(whole)
    assert {name.rpartition(".")[2] for name in rounded} == FROZEN
    assert all(type(module) is nn.Linear for module in whole.values())


def test_put_back_they_are_as_they_were():
    model, before = small_llama(), weights(small_llama())
    whole = quantise(model, Rounded)
    assert not same_weights(weights(model), before)
    assert same_weights(weights(restore(model, whole)), before)
    assert all(weight.requires_grad for weight in model.parameters())


def test_the_adapter_learns_on_the_rounded_weights(base):
    plain = ENGINE.load(base)
    exact = train_on_text(plain, ALL, plain.defaults.schedule(4, 1e-2), Options(adapter=Adapter(rank=2)))
    trained = student_of(base)
    assert trained.losses != exact.losses
    assert trained.losses == pytest.approx(exact.losses, rel=0.2)
    assert all("lora_" in name for name in trained.model.weights())


def test_all_weights_are_trained_whole_whatever_is_chosen(base):
    assert student_of(base, adapter=None).model._whole == {}


def test_the_student_is_the_adapter_on_the_weights_as_they_were(base, tmp_path):
    trained = student_of(base).model
    assert trained.digest() == ENGINE.load(base).digest(), "the base's own, not that of the rounded weights"
    trained.save(tmp_path / "adapter", base)
    adapter = {name: weight.clone() for name, weight in trained.weights().items()}
    merged = weights(trained.merged().plain)
    # what stands on the disk, merged into the base by the way that every adapter goes
    assert same_weights(merged, weights(load_model(base, tmp_path / "adapter")[0]))
    # and by hand: W' = W + (alpha / rank) B A
    name = "model.layers.1.mlp.up_proj"
    (down,) = (weight for key, weight in adapter.items() if f"{name}.lora_A" in key)
    (up,) = (weight for key, weight in adapter.items() if f"{name}.lora_B" in key)
    literal = small_llama(sharp=20.0).get_submodule(name).weight + 32 / 2 * up @ down
    torch.testing.assert_close(merged[f"{name}.weight"], literal)


def test_a_second_stage_begins_from_the_merged_student(base, tmp_path):
    first = student_of(base).model
    first.save(tmp_path / "first", base)
    start = ENGINE.load(tmp_path / "first", base, Computing(quantise_base="nf4"))
    states = start.hidden(batch_of(start.encode(ROWS)))
    second = start.trainee(Adapter(rank=2), 0)
    rounded = second.hidden(batch_of(start.encode(ROWS)))
    assert not torch.equal(states, rounded), "rounded again, with what the first stage has learnt"
    merged = second.merged()
    torch.testing.assert_close(merged.hidden(batch_of(start.encode(ROWS))), states)  # a fresh adapter adds nothing
    assert merge(merged.model) is merged.plain
