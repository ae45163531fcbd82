"""A stranger's checkpoint: what is cut, lacks a part or holds no numbers is one message that names the file."""

import json
import struct

import pytest
import torch
from tests.train.models import small_llama, tokenizer

from gauger.errors import InputError
from gauger.train.hf.checkpoint_files import check_loaded
from gauger.train.hf.models import load_checkpoint, write_checkpoint


@pytest.fixture
def checkpoint(tmp_path):
    write_checkpoint(small_llama(), tokenizer(), tmp_path / "model")
    return tmp_path / "model"


def cut(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:300])


def one_byte_short(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])


def one_byte_long(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes() + b"\0")


def endless_header(folder):
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 1 << 62) + b"{}")


def header_of_nothing(folder):
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"[]")


def no_tokenizer(folder):
    for path in folder.glob("tokenizer*.json"):
        path.unlink()


def a_part_is_missing(folder):
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def broken_config(folder):
    (folder / "config.json").write_text("{")


def config_of_nothing(folder):
    (folder / "config.json").write_text("[]")


def unknown_architecture(folder):
    (folder / "config.json").write_text('{"model_type": "nobodys"}')


def broken_tokenizer(folder):
    (folder / "tokenizer.json").write_text("{}")


FAULTS = {
    cut: "model.safetensors: expected a whole file",
    one_byte_short: "model.safetensors: expected a file of",
    one_byte_long: "model.safetensors: expected a file of",
    endless_header: "model.safetensors: expected a whole file",
    header_of_nothing: "model.safetensors: expected a header",
    no_tokenizer: "expected a tokenizer",
    a_part_is_missing: "model-00001-of-00002.safetensors",
    broken_config: "config.json: expected JSON",
    config_of_nothing: "config.json: expected a JSON object",
    unknown_architecture: "expected a checkpoint that transformers reads",
    broken_tokenizer: "expected a checkpoint that transformers reads",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_faulty_checkpoint_is_one_message(checkpoint, fault):
    fault(checkpoint)
    with pytest.raises(InputError) as caught:
        load_checkpoint(checkpoint)
    assert FAULTS[fault] in str(caught.value)
    assert str(checkpoint) in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_numbers_are_refused(tmp_path, value):
    model = small_llama()
    with torch.no_grad():
        next(iter(model.parameters())).view(-1)[3] = value
    write_checkpoint(model, tokenizer(), tmp_path / "model")
    with pytest.raises(InputError, match="NaN or an infinity in"):
        load_checkpoint(tmp_path / "model")


def test_weights_that_transformers_made_up_are_refused(checkpoint):
    from safetensors.torch import load_file, save_file

    path = checkpoint / "model.safetensors"
    weights = load_file(path)
    name = next(name for name in weights if "q_proj" in name)
    save_file({key: value for key, value in weights.items() if key != name}, path, metadata={"format": "pt"})
    with pytest.raises(InputError, match=f"{name} missing"):
        load_checkpoint(checkpoint)


def test_weights_of_another_shape_are_refused(checkpoint):
    loading = {"missing_keys": set(), "mismatched_keys": {("a.weight", (1,), (2,))}}
    with pytest.raises(InputError, match="mismatched"):
        check_loaded(checkpoint, torch.nn.Linear(1, 1), loading)
    check_loaded(checkpoint, torch.nn.Linear(1, 1), {"missing_keys": set()})
