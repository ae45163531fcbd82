"""Decoders on disk: safetensors and nothing else, with shape and words; built from scratch."""

import builtins
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.train.models import ALL, ROWS, tiny_model, words_of

from gauger.errors import DamagedError, InputError
from gauger.train.engine import Architecture
from gauger.train.rows import Mixture, RowSource
from gauger.train.soft_targets import load_soft, save_soft, stack_shown
from gauger.train.text import train_on_text
from gauger.train.tiny import ENGINE
from gauger.train.tiny.engine import WEIGHTS

TEXT = torch.arange(9)[None]


def test_a_model_comes_back_as_it_was(tmp_path):
    model = tiny_model(4)
    model.save(tmp_path)
    again = ENGINE.load(tmp_path)
    assert again.decoder.config == model.decoder.config
    assert again.words.words == model.words.words
    assert not again.decoder.training
    assert torch.equal(again.decoder(TEXT), model.decoder(TEXT))
    assert len(again.weights()) == len(model.weights())
    assert [path.name for path in tmp_path.iterdir()] == [WEIGHTS]


@pytest.mark.parametrize("shape", [Architecture(24), Architecture(16, 1), Architecture(16, 2, 8)])
def test_the_shape_comes_back_with_the_weights(tmp_path, shape):
    model = ENGINE.build(shape, ["a", "b"], 11, 0)
    model.save(tmp_path)
    config = ENGINE.load(tmp_path).decoder.config
    assert (config.width, config.layers, config.heads) == (shape.width, shape.layers, shape.heads)
    assert (config.vocabulary, config.context) == (5, 11)


def test_the_seed_decides_what_is_built():
    one, same, other = (ENGINE.build(Architecture(), ["a"], 9, seed).digest() for seed in (1, 1, 2))
    assert one == same != other


def test_a_loaded_model_trains_on_as_the_saved_one_does(tmp_path):
    model = tiny_model(4)
    model.save(tmp_path)
    for each in (model, again := ENGINE.load(tmp_path)):
        train_on_text(each, ALL, each.defaults.schedule(5, 0.01))
    assert again.digest() == model.digest()


def test_the_same_model_is_the_same_bytes(tmp_path):
    tiny_model(4).save(tmp_path)
    first = (tmp_path / WEIGHTS).read_bytes()
    for _ in range(9):  # an order of hashing would differ in some of them
        ENGINE.load(tmp_path).save(tmp_path)
        assert (tmp_path / WEIGHTS).read_bytes() == first


@pytest.mark.parametrize("metadata", [None, {}, {"decoder": '{"config": {}}'}, {"decoder": '{"words": []}'}])
def test_weights_that_do_not_say_their_shape_and_words_are_damaged(tmp_path, metadata):
    tiny_model().save(tmp_path)
    save_file(load_file(str(tmp_path / WEIGHTS)), str(tmp_path / WEIGHTS), metadata=metadata)
    with pytest.raises(DamagedError, match="does not say the shape"):
        ENGINE.load(tmp_path)


def test_a_directory_without_a_decoder_is_refused(tmp_path):
    with pytest.raises(InputError, match=WEIGHTS):
        ENGINE.load(tmp_path)


def test_nothing_is_written_or_read_with_pickle_or_eval(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("pickle was used")

    for name in ("load", "loads", "dump", "dumps", "Pickler", "Unpickler", "_Pickler", "_Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    for name in ("load", "save"):
        monkeypatch.setattr(torch, name, refuse)
    monkeypatch.setattr(builtins, "eval", refuse)
    model = tiny_model(1)
    soft = stack_shown(tiny_model(2).log_probabilities(ROWS, 4))
    train_on_text(model, Mixture((RowSource(ROWS, soft), RowSource(ROWS)), (4, 2)), model.defaults.schedule(3, 0.01))
    model.save(tmp_path)
    assert ENGINE.load(tmp_path).digest() == model.digest()
    save_soft(soft, tmp_path)
    assert len(load_soft(tmp_path)) == len(ROWS)
    with pytest.raises(AssertionError, match="pickle was used"):
        pickle.dumps(1)


def test_numbers_of_words_are_their_order():
    assert list(tiny_model().vocabulary) == ["<pad>", "<begin>", "<end>", *words_of(ROWS)]
