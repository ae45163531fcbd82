"""Preferences: the loss at its limits and against a literal computation, and that training follows them."""

from dataclasses import replace
from math import exp, log

import pytest
import torch
from tests.train.hf.models import same_weights, small_model, tokenizer, weights

from gauger.errors import GaugerError
from gauger.train.hf.head import Head
from gauger.train.hf.loop import Options, Schedule, learnt_hidden
from gauger.train.hf.lora import Lora
from gauger.train.hf.preferences import Pair, PreferenceLoss, train_on_preferences, with_reference
from gauger.train.hf.rows import Row, collate, encode

PAIRS = (Pair("2+2=", "4", "5 or so"), Pair("7+5=", "12", "75"), Pair("the sun", " rises", " is green"))


def examples(model):
    rows = [Row(pair.prompt, answer) for pair in PAIRS for answer in (pair.better, pair.worse)]
    return with_reference(model, encode(tokenizer(), rows, 96))


@torch.no_grad()
def slow_log_probability(model, example):
    logs = model(torch.tensor([example.ids])).logits[0].log_softmax(-1)
    return sum(float(logs[place - 1, example.ids[place]]) for place in range(example.start, len(example.ids)))


def value(model, rows, beta):
    batch = collate(rows)
    with torch.no_grad():
        return float(PreferenceLoss(beta)(learnt_hidden(model, batch), Head.of(model), batch))


def test_references_are_the_log_probabilities_of_the_answers():
    model = small_model(sharp=20.0)
    for example in examples(model):
        assert example.reference == pytest.approx(slow_log_probability(model, example), abs=1e-3)


def test_the_loss_is_the_literal_formula():
    model, other, beta = small_model(sharp=20.0), small_model(1, sharp=20.0), 0.3
    rows, literal = examples(model), 0.0
    for better, worse in zip(rows[0::2], rows[1::2], strict=True):
        gains = [slow_log_probability(other, each) - each.reference for each in (better, worse)]
        literal += log(1 + exp(-beta * (gains[0] - gains[1])))
    assert value(other, rows, beta) == pytest.approx(literal, rel=1e-4)
    assert PreferenceLoss(beta).size(rows) == 3


def test_at_the_start_every_pair_costs_log_2_whatever_beta():
    model = small_model(sharp=20.0)
    for beta in (0.01, 0.1, 10.0):
        assert value(model, examples(model), beta) == pytest.approx(3 * log(2), rel=1e-4)


def test_a_model_far_on_the_right_side_pays_nothing_and_on_the_wrong_side_beta_times_the_margin():
    model = small_model()
    rows = examples(model)
    right = [replace(row, reference=row.reference + (100 if place % 2 else -100)) for place, row in enumerate(rows)]
    wrong = [replace(row, reference=row.reference - (100 if place % 2 else -100)) for place, row in enumerate(rows)]
    assert value(model, right, 1.0) == pytest.approx(0, abs=1e-6)
    assert value(model, wrong, 1.0) == pytest.approx(3 * 200, rel=1e-4)
    assert value(model, wrong, 0.0) == pytest.approx(3 * log(2), rel=1e-6)


@pytest.mark.parametrize("lora", [None, Lora(rank=4)])
def test_training_makes_the_better_answer_likelier_against_the_worse(lora):
    model = small_model()
    before = [slow_log_probability(model, example) for example in examples(model)]
    found = train_on_preferences(model, tokenizer(), PAIRS, 2, Schedule(20, 1e-2), Options(lora=lora))
    assert found.losses[0] == pytest.approx(log(2), rel=1e-4)
    assert sum(found.losses[-5:]) / 5 < log(2) - 0.03
    after = [slow_log_probability(found.model, example) for example in examples(small_model())]
    margins = [[side[place] - side[place + 1] for place in (0, 2, 4)] for side in (before, after)]
    assert all(late > early for early, late in zip(*margins, strict=True))


def test_micro_batches_keep_pairs_together_and_change_nothing_but_rounding():
    runs = []
    for size in (4096, 1):
        options = Options(loss=PreferenceLoss(0.5), micro_tokens=size)
        runs.append(train_on_preferences(small_model(), tokenizer(), PAIRS, 3, Schedule(3, 1e-3), options))
    assert runs[0].losses == pytest.approx(runs[1].losses, rel=1e-4)


def test_same_seed_same_bytes_and_beta_matters():
    first, again, other = (
        train_on_preferences(
            small_model(), tokenizer(), PAIRS, 2, Schedule(4, 1e-2), Options(loss=PreferenceLoss(beta))
        )
        for beta in (0.1, 0.1, 1.0)
    )
    assert first.losses == again.losses != other.losses
    assert same_weights(weights(first.model), weights(again.model))


def test_no_pairs_is_an_error():
    with pytest.raises(GaugerError, match="no preference pairs"):
        train_on_preferences(small_model(), tokenizer(), (), 2, Schedule(1, 1e-3))
