"""What training leaves: read back bit for bit, merged into the right base, refused otherwise."""

import json

import pytest
import torch
from safetensors.torch import load_file
from tests.train.models import ALL, same_weights, small_llama, tokenizer, weights

from gauger.errors import InputError
from gauger.train.engine import Adapter
from gauger.train.hf import ENGINE
from gauger.train.hf.engine import HfModel
from gauger.train.hf.lora import merge
from gauger.train.hf.saving import load_model, save
from gauger.train.loop import Options
from gauger.train.schedule import TrainingSchedule
from gauger.train.text import train_on_text


@pytest.fixture
def base(tmp_path):
    save(small_llama(), tokenizer(), tmp_path / "base")
    return tmp_path / "base"


def adapted(model):
    options = Options(adapter=Adapter(rank=2))
    return train_on_text(HfModel(model, tokenizer()), ALL, TrainingSchedule(3, 1e-2), options).model.model


def test_full_weights_come_back_bit_for_bit_with_their_tokenizer(base):
    model, found = load_model(base)
    assert same_weights(weights(model), weights(small_llama()))
    assert not model.training
    assert found("2+2=").input_ids == tokenizer()("2+2=").input_ids
    assert found.chat_template == tokenizer().chat_template


def test_an_adapter_alone_is_written_and_comes_back_merged_bit_for_bit(base, tmp_path):
    model = adapted(load_model(base)[0])
    save(model, tokenizer(), tmp_path / "adapter", base)
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "adapter").iterdir()}
    assert set(sizes) >= {"adapter_config.json", "adapter_model.safetensors", "gauger.json"}
    assert not [name for name in sizes if name.endswith((".bin", ".pt"))]
    assert all("lora_" in name for name in load_file(tmp_path / "adapter" / "adapter_model.safetensors"))
    merged = weights(merge(model))
    for loaded in (load_model(base, tmp_path / "adapter"), load_model(tmp_path / "adapter")):
        assert same_weights(weights(loaded[0]), merged)


def test_an_adapter_on_an_adapter(base, tmp_path):
    first = adapted(load_model(base)[0])
    save(first, tokenizer(), tmp_path / "first", "../base")
    second = adapted(first)
    save(second, tokenizer(), tmp_path / "second", "../first")
    assert same_weights(weights(load_model(tmp_path / "second")[0]), weights(merge(second)))


def test_full_weights_that_a_training_left_need_no_base(base, tmp_path):
    save(small_llama(5), tokenizer(), tmp_path / "full")
    assert same_weights(weights(load_model(base, tmp_path / "full")[0]), weights(small_llama(5)))


def test_an_adapter_of_other_weights_is_refused(base, tmp_path):
    save(adapted(load_model(base)[0]), tokenizer(), tmp_path / "adapter", base)
    save(small_llama(5), tokenizer(), tmp_path / "other")
    with pytest.raises(InputError, match="other weights"):
        load_model(tmp_path / "other", tmp_path / "adapter")


def test_an_adapter_that_names_no_base_needs_one_given(base, tmp_path):
    save(adapted(load_model(base)[0]), tokenizer(), tmp_path / "adapter")
    with pytest.raises(InputError, match="base of the adapter"):
        load_model(tmp_path / "adapter")
    assert load_model(base, tmp_path / "adapter")


def test_an_adapter_without_safetensors_is_refused(base, tmp_path):
    save(adapted(load_model(base)[0]), tokenizer(), tmp_path / "adapter", base)
    (tmp_path / "adapter" / "adapter_model.safetensors").rename(tmp_path / "adapter" / "adapter_model.bin")
    with pytest.raises(InputError, match=r"adapter_model\.safetensors"):
        load_model(base, tmp_path / "adapter")


def test_an_adapter_says_what_it_belongs_to(base, tmp_path):
    save(adapted(load_model(base)[0]), tokenizer(), tmp_path / "adapter", base)
    beside = json.loads((tmp_path / "adapter" / "gauger.json").read_text())
    assert beside["base"] == str(base)
    assert len(beside["base_digest"]) == 32
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(base)


def test_a_loaded_model_says_what_it_said(base):
    tokens = torch.tensor([[5, 6, 7]])
    assert torch.equal(load_model(base)[0](tokens).logits, small_llama()(tokens).logits)


def test_the_engine_reads_an_adapter_with_its_base_given_or_named(base, tmp_path):
    model = HfModel(adapted(load_model(base)[0]), tokenizer())
    model.save(tmp_path / "adapter", "../base")
    digest = model.merged().digest()
    for found in (ENGINE.load(tmp_path / "adapter"), ENGINE.load(tmp_path / "adapter", base)):
        assert found.digest() == digest
    assert ENGINE.load(base, base).digest() == ENGINE.load(base).digest() != digest
