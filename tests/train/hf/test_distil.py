"""Distillation with the teacher at hand: along given texts, and along the student's own answers."""

from dataclasses import replace

import pytest
import torch
from tests.train.hf.models import ROWS, same_weights, small_model, small_tokenizer, tokenizer, weights

from gauger.errors import GaugerError, UserError
from gauger.train.hf.decode import Decoding
from gauger.train.hf.distil import Practice, train_on_logits, train_on_policy
from gauger.train.hf.head import Head
from gauger.train.hf.loop import Options, Schedule, train
from gauger.train.hf.lora import Lora
from gauger.train.hf.losses import SoftLoss
from gauger.train.hf.rows import Mixture, Source
from gauger.train.hf.state import Checkpoints
from gauger.train.hf.teacher import HfTeacher, log_probabilities

TEACHER = HfTeacher("teacher", small_model(1, sharp=20.0), tokenizer())
MIXTURE = Mixture((Source(ROWS),), (4,))
PRACTICE = Practice(("2+2=", "7+5=", "the sun"), 2, Decoding(5, temperature=1.0))


def test_a_step_is_the_literal_divergence_over_the_whole_vocabulary():
    everything = Mixture((Source(ROWS[:3]),), (3,))
    found = train_on_logits(small_model(), tokenizer(), TEACHER, everything, Schedule(1, 1e-3))
    shown = tuple(log_probabilities(TEACHER.model, tokenizer(), ROWS[:3], None))
    stored = Mixture((Source(ROWS[:3], shown),), (3,))
    again = train(small_model(), tokenizer(), stored, Schedule(1, 1e-3), Options(loss=SoftLoss()))
    assert found.losses == pytest.approx(again.losses, abs=1e-5)  # stored in float32, V + 1 outcomes instead of V


@pytest.mark.parametrize("divergence", ["forward-kl", "reverse-kl"])
def test_the_student_comes_closer_to_the_teacher(divergence):
    options = Options(loss=SoftLoss(divergence))
    found = train_on_logits(small_model(), tokenizer(), TEACHER, MIXTURE, Schedule(30, 2e-2), options)
    assert sum(found.losses[-5:]) < 0.7 * sum(found.losses[:5])


def test_on_its_own_answers_the_student_comes_closer_too():
    found = train_on_policy(small_model(), tokenizer(), TEACHER, PRACTICE, Schedule(40, 2e-2))
    assert sum(found.losses[-5:]) < 0.8 * sum(found.losses[:5])


def test_an_adapter_practises_too_and_the_weights_below_it_stay():
    options = Options(lora=Lora(rank=2))
    found = train_on_policy(small_model(), tokenizer(), TEACHER, PRACTICE, Schedule(2, 1e-2), options)
    kept = {name.replace(".base_layer", ""): w for name, w in weights(found.model.get_base_model()).items()}
    assert all(torch.equal(kept[name], weight) for name, weight in weights(small_model()).items())
    assert all(weight.any() for name, weight in kept.items() if "lora_B" in name)


def test_a_student_that_is_its_teacher_stays():
    before = weights(TEACHER.model)
    found = train_on_policy(small_model(1, sharp=20.0), tokenizer(), TEACHER, PRACTICE, Schedule(3, 1e-3))
    assert found.losses == pytest.approx([0, 0, 0], abs=1e-4)
    assert same_weights(weights(TEACHER.model), before)


def test_same_seed_same_answers_and_another_seed_others():
    first, again, other = (
        train_on_policy(small_model(), tokenizer(), TEACHER, PRACTICE, Schedule(3, 1e-2), Options(seed))
        for seed in (1, 1, 2)
    )
    assert first.losses == again.losses != other.losses
    assert same_weights(weights(first.model), weights(again.model))


def test_practice_goes_on_where_it_was_stopped(tmp_path):
    options = Options(lora=Lora(rank=2))
    whole = train_on_policy(small_model(), tokenizer(), TEACHER, PRACTICE, Schedule(4, 1e-2), options)
    options = replace(options, checkpoints=Checkpoints(tmp_path, every=3))
    train_on_policy(small_model(), tokenizer(), TEACHER, PRACTICE, Schedule(4, 1e-2), options)
    again = train_on_policy(small_model(), tokenizer(), TEACHER, PRACTICE, Schedule(4, 1e-2), options)  # from step 3
    assert again.losses == whole.losses
    assert same_weights(weights(again.model), weights(whole.model))


def test_another_vocabulary_is_refused_before_anything_is_trained():
    other = small_tokenizer(first=("new",))
    with pytest.raises(UserError, match="text instead"):
        train_on_logits(small_model(), other, TEACHER, MIXTURE, Schedule(1, 1e-3))
    with pytest.raises(UserError, match="text instead"):
        train_on_policy(small_model(), other, TEACHER, PRACTICE, Schedule(1, 1e-3))


def test_no_prompts_is_an_error():
    with pytest.raises(GaugerError, match="no prompts"):
        train_on_policy(small_model(), tokenizer(), TEACHER, replace(PRACTICE, prompts=()), Schedule(1, 1e-3))


def test_the_teachers_head_is_never_trained():
    found = train_on_logits(TEACHER.model, tokenizer(), TEACHER, MIXTURE, Schedule(1, 0.0))
    assert found.losses[0] == pytest.approx(0, abs=1e-5)
    assert not Head.of(TEACHER.model).detached().weight_VD.requires_grad
    assert torch.isfinite(TEACHER.model.lm_head.weight).all()
