"""Weights on disk: safetensors and nothing else."""

import builtins
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from gauger.errors import DamagedError
from gauger.train.tiny.checkpoint import WEIGHTS, load, save
from gauger.train.tiny.corpora import load_soft, save_soft
from gauger.train.tiny.loop import Schedule, train
from gauger.train.tiny.losses import SoftLoss
from gauger.train.tiny.model import DecoderConfig
from gauger.train.tiny.rows import Mixture

from .models import CONFIG, CONTEXT, VOCABULARY, random_rows, random_soft, small_model

TEXT = torch.arange(CONTEXT)[None]


def test_a_model_comes_back_as_it_was(tmp_path):
    model = small_model(4)
    path = save(model, tmp_path)
    again = load(tmp_path)
    assert path == tmp_path / WEIGHTS
    assert again.config == model.config
    assert not again.training
    assert torch.equal(again(TEXT), model(TEXT))
    assert all(weight.requires_grad for weight in again.parameters())


@pytest.mark.parametrize("shape", [{"layers": 1}, {"heads": 4}, {"expansion": 2}, {"width": 24}])
def test_the_shape_comes_back_with_the_weights(tmp_path, shape):
    config = DecoderConfig(**{**CONFIG.to_dict(), **shape})
    save(config.build(0), tmp_path)
    assert load(tmp_path).config == config


def test_a_loaded_model_trains_on_as_the_saved_one_does(tmp_path):
    model = small_model(4)
    save(model, tmp_path)
    rows = random_rows(10, np.random.default_rng(0))
    for each in (model, again := load(tmp_path)):
        train(each.train(), Mixture((rows,), (5,)), Schedule(5, 0.01), 1)
    assert torch.equal(again(TEXT), model(TEXT))


def test_the_same_model_is_the_same_bytes(tmp_path):
    (tmp_path / "again").mkdir()
    save(small_model(4), tmp_path)
    save(load(tmp_path), tmp_path / "again")
    assert (tmp_path / WEIGHTS).read_bytes() == (tmp_path / "again" / WEIGHTS).read_bytes()


@pytest.mark.parametrize("metadata", [None, {}, {"other": "1"}])
def test_weights_that_do_not_say_their_shape_are_damaged(tmp_path, metadata):
    save(small_model(), tmp_path)
    save_file(load_file(str(tmp_path / WEIGHTS)), str(tmp_path / WEIGHTS), metadata=metadata)
    with pytest.raises(DamagedError, match="does not say the shape"):
        load(tmp_path)


def test_nothing_is_written_or_read_with_pickle(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("pickle was used")

    for name in ("load", "loads", "dump", "dumps", "Pickler", "Unpickler", "_Pickler", "_Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    for name in ("load", "save"):
        monkeypatch.setattr(torch, name, refuse)
    rng = np.random.default_rng(0)
    mixture = Mixture((random_rows(9, rng, soft_k=3), random_rows(9, rng)), (4, 2))
    model = CONFIG.build(1)
    train(model, mixture, Schedule(3, 0.01), 1, SoftLoss())
    save(model, tmp_path)
    assert torch.equal(load(tmp_path)(TEXT), model(TEXT))
    soft = random_soft(np.array([3, 2]), 4, rng)
    save_soft(soft, tmp_path)
    assert np.array_equal(load_soft(tmp_path).token_PK, soft.token_PK)
    with pytest.raises(AssertionError, match="pickle was used"):
        pickle.dumps(1)


def test_only_the_weights_are_written(tmp_path, monkeypatch):
    save(small_model(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [WEIGHTS]
    monkeypatch.setattr(builtins, "eval", None)
    assert load(tmp_path).n_parameters == small_model().n_parameters
    assert small_model().config.vocabulary == VOCABULARY
