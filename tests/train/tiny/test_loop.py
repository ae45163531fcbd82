"""The training loop: same arguments, same bytes; and it learns."""

from itertools import pairwise
from math import cos, pi

import numpy as np
import pytest
import torch

from gauger.train.tiny.checkpoint import save
from gauger.train.tiny.corpora import rows_of
from gauger.train.tiny.decode import Decoding, complete
from gauger.train.tiny.loop import Schedule, train
from gauger.train.tiny.losses import SoftLoss
from gauger.train.tiny.model import DecoderConfig
from gauger.train.tiny.rows import Mixture
from worlds.small import small_world

from .models import CONFIG, random_rows


def trained_bytes(directory, seed=1, model_seed=1, loss=None, steps=12, schedule=None):
    rng = np.random.default_rng(0)
    mixture = Mixture((random_rows(40, rng, soft_k=4 if loss else None), random_rows(30, rng)), (8, 4))
    model = CONFIG.build(model_seed)
    losses = train(model, mixture, schedule or Schedule(steps, 0.01), seed, *([loss] if loss else []))
    directory.mkdir(parents=True)
    return save(model, directory).read_bytes(), losses


@pytest.mark.parametrize("loss", [None, SoftLoss("forward-kl"), SoftLoss("reverse-kl", 2.0)])
def test_the_same_seed_gives_the_same_bytes(tmp_path, loss):
    first, losses = trained_bytes(tmp_path / "a", loss=loss)
    torch.manual_seed(99)
    np.random.seed(99)
    same, again = trained_bytes(tmp_path / "b", loss=loss)
    assert first == same
    assert losses == again


def test_another_seed_gives_other_weights(tmp_path):
    first, losses = trained_bytes(tmp_path / "a")
    order, other = trained_bytes(tmp_path / "b", seed=2)
    start, _ = trained_bytes(tmp_path / "c", model_seed=2)
    assert len({first, order, start}) == 3
    assert losses != other


OTHERS = (
    Schedule(12, 0.02),
    Schedule(13, 0.01),
    Schedule(12, 0.01, weight_decay=0.5),
    Schedule(12, 0.01, warmup=0.5),
)


@pytest.mark.parametrize("schedule", OTHERS)
def test_every_setting_of_the_schedule_matters(tmp_path, schedule):
    assert trained_bytes(tmp_path / "a")[0] != trained_bytes(tmp_path / "b", schedule=schedule)[0]


def test_one_loss_per_step_and_the_first_is_that_of_the_untrained_model(tmp_path):
    _, losses = trained_bytes(tmp_path / "a")
    assert len(losses) == 12
    assert losses[0] == pytest.approx(np.log(CONFIG.vocabulary), abs=0.5)


@pytest.mark.parametrize("steps", [1, 2, 10, 100, 1200])
def test_the_learning_rate_rises_then_falls_along_a_half_cosine(steps):
    schedule = Schedule(steps, 0.01)
    rates = [schedule.rate(step) for step in range(steps)]
    rising = max(1, round(0.05 * steps))
    for step, rate in enumerate(rates):
        cosine = 0.01 * (1 + cos(pi * step / steps)) / 2
        assert rate == pytest.approx(min(cosine, 0.01 * (step + 1) / rising))
    assert all(0 < rate <= 0.01 for rate in rates)
    assert all(early < late for early, late in pairwise(rates[:rising]))
    assert all(early > late for early, late in pairwise(rates[rising:]))
    assert max(rates) > 0.99 * 0.01 or steps < 100


def test_soft_targets_pull_the_student_to_its_teacher():
    """With the full distribution of a teacher as its target, the loss falls to a small part of its start."""
    rng = np.random.default_rng(0)
    rows = random_rows(8, rng, soft_k=CONFIG.vocabulary)
    losses = train(CONFIG.build(1), Mixture((rows,), (8,)), Schedule(200, 0.01), 1, SoftLoss("forward-kl"))
    assert losses[-1] < 0.1 * losses[0]


def test_a_small_model_learns_max():
    """Three of eight letters: 36 sets in training in all six orders, 10 new sets in the test."""
    atlas = small_world()
    questions = atlas.train_questions("max")
    rows = rows_of(atlas.language, [(("ask", "max", *q.arguments, "?"), q.answer, False) for q in questions])
    model = DecoderConfig(len(atlas.language), 11, width=32, layers=1, heads=4).build(1)
    losses = train(model, Mixture((rows,), (36,)), Schedule(250, 0.01, weight_decay=0.3), 1)
    assert losses[-1] < 0.05
    items = atlas.benchmark("max-quiz").items
    prompts = [[1, *atlas.language.ids(item.prompt)] for item in items]
    said = complete(model.eval(), prompts, Decoding(4))
    right = [atlas.language.words_of(ids) == item.answer for ids, item in zip(said, items, strict=True)]
    assert np.mean(right) >= 0.7  # guessing among the three letters: 0.33
