"""Distillation across tokenizers: the distance of sorted probabilities, its loss, and students of other tokens."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tokenizers.models import BPE

from gauger.errors import GaugerError
from gauger.train.alignment import characters_before
from gauger.train.divergence import sorted_distance
from gauger.train.hf.engine import HfModel
from gauger.train.loop import Options
from gauger.train.losses import NextToken
from gauger.train.rows import Mixture, RowSource, TrainingRow
from gauger.train.soft_targets import load_soft, save_soft, stack_shown
from gauger.train.sorted_loss import SortedLoss
from gauger.train.text import encoded, train_on_text

from .models import BOTH_ENGINES, HF_KIT, ROWS, batch_of, small_llama, small_tokenizer

VOCABULARY = 13


def draw(seed, vocabulary=VOCABULARY):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(6, vocabulary, generator=generator, dtype=torch.float64) * 2


def literal(student, log_PK, temperature=1.0):
    """The sum, number by number, for a teacher that shows everything."""
    distances = []
    for own, theirs in zip(student.tolist(), log_PK.tolist(), strict=True):
        weights = [np.exp(value / temperature) for value in own]
        shown = [np.exp(value / temperature) for value in theirs]
        q, p = (sorted((value / sum(values) for value in values), reverse=True) for values in (weights, shown))
        size = max(len(p), len(q))
        p, q = (values + [0.0] * (size - len(values)) for values in (p, q))
        distances.append(sum(abs(a - b) for a, b in zip(p, q, strict=True)))
    return distances


# --- the distance ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("theirs", [VOCABULARY, VOCABULARY + 4])
def test_it_is_the_literal_sum(temperature, theirs):
    log_PK = draw(1, theirs).log_softmax(-1)
    own = sorted_distance(draw(0), log_PK, temperature)
    assert own.tolist() == pytest.approx(literal(draw(0), log_PK, temperature), abs=1e-12)
    assert own.min() > 0.01


def test_a_smaller_vocabulary_of_the_teachers_is_filled_up():
    """What the student gives to more tokens than the teacher has is one outcome: a bound of the literal sum."""
    log_PK = draw(1, 9).log_softmax(-1)
    own, whole = sorted_distance(draw(0), log_PK), literal(draw(0), log_PK)
    assert own.tolist() == pytest.approx(whole, abs=1e-12), "the rest of the teacher's is nothing"


def test_neither_vocabularys_order_matters():
    order = torch.randperm(VOCABULARY, generator=torch.Generator().manual_seed(5))
    log_PK = draw(1).log_softmax(-1)
    own = sorted_distance(draw(0), log_PK)
    assert sorted_distance(draw(0), log_PK[:, order]).tolist() == own.tolist()
    assert sorted_distance(draw(0)[:, order], log_PK).tolist() == pytest.approx(own.tolist(), abs=1e-12)


def test_equal_distributions_have_distance_0_whatever_is_shown():
    log_PV = draw(0).log_softmax(-1)
    for k in (1, 4, VOCABULARY):
        assert sorted_distance(draw(0), log_PV.topk(k).values).tolist() == pytest.approx([0.0] * 6, abs=1e-12)
        assert sorted_distance(draw(0), log_PV.flip(-1).topk(k).values, 2.0).tolist() == pytest.approx([0.0] * 6)


def test_fewer_shown_tokens_bound_it_from_below():
    log_PV, whole = draw(1).log_softmax(-1), sorted_distance(draw(0), draw(1).log_softmax(-1))
    for k in range(1, VOCABULARY):
        assert (whole - sorted_distance(draw(0), log_PV.topk(k).values)).min() > -1e-12


def test_the_gradient_leads_to_the_teachers_certainty():
    student, log_PK = draw(3), draw(4).log_softmax(-1)
    first = sorted_distance(student, log_PK).sum().item()
    for _ in range(400):
        student = student.detach().requires_grad_()
        (slope,) = torch.autograd.grad(sorted_distance(student, log_PK).sum(), student)
        student = student - 0.5 * slope
    assert sorted_distance(student, log_PK).sum().item() < 0.1 * first


# --- the loss ----------------------------------------------------------------------------------------------------


def shown_by(model, rows, top_k=None):
    soft = stack_shown(model.log_probabilities(rows, top_k))
    return replace(soft, before_P=characters_before(model, model.encode(rows)))


def loss_of(model, rows, weight=1.5, temperature=1.0):
    batch = batch_of(rows)
    with torch.no_grad():
        hidden = model.hidden(batch)
        return [float(loss(hidden, model.head(), batch)) for loss in (SortedLoss(weight, temperature), NextToken())]


@BOTH_ENGINES
def test_a_student_that_equals_its_teacher_learns_the_text_alone(kit):
    model = kit.model(1, sharp=True)
    rows = encoded(model, RowSource(ROWS, shown_by(model, ROWS), other_tokens=True))
    assert bool((rows.targets["aligned"] == 1).all())
    both, text = loss_of(model, rows)
    assert both == pytest.approx(text, abs=1e-3)
    other, text = loss_of(kit.model(2, sharp=True), rows)
    assert other > text + 0.1


@BOTH_ENGINES
def test_weight_and_temperature_matter(kit):
    rows = encoded(kit.model(), RowSource(ROWS, shown_by(kit.model(1, sharp=True), ROWS), other_tokens=True))
    student = kit.model(2, sharp=True)
    plain, text = loss_of(student, rows)
    twice, _ = loss_of(student, rows, weight=3.0)
    assert twice - text == pytest.approx(2 * (plain - text), rel=1e-3)
    assert loss_of(student, rows, temperature=2.0)[0] != pytest.approx(plain, rel=1e-3)


@BOTH_ENGINES
def test_where_nothing_is_aligned_the_text_alone_is_learnt(kit):
    soft = shown_by(kit.model(1, sharp=True), ROWS)
    none = replace(soft, before_P=soft.before_P + 1000)
    rows = encoded(kit.model(), RowSource(ROWS, none, other_tokens=True))
    both, text = loss_of(kit.model(2, sharp=True), rows)
    assert both == pytest.approx(text)


@BOTH_ENGINES
def test_the_teachers_numbers_of_tokens_are_not_read(kit):
    """Another vocabulary with the same chances gives the same student, bit for bit; a KL would not."""
    soft = shown_by(kit.model(1, sharp=True), ROWS, 5)
    other = replace(soft, token_PK=(soft.token_PK + 3) % 7)
    digests = []
    for own in (soft, other):
        data = Mixture((RowSource(ROWS, own, other_tokens=True), RowSource(ROWS[:2])), (4, 2))
        trained = train_on_text(kit.model(2), data, kit.schedule(3), Options(loss=SortedLoss()))
        digests.append(trained.model.digest())
    assert digests[0] == digests[1] != kit.model(2).digest()


def teacher_of_other_tokens():
    """A language model that has `12` and `ea` as one token, where the student has two."""
    words = small_tokenizer(first=("12", "ea"))
    words.backend_tokenizer.model = BPE(words.get_vocab(), [("1", "2"), ("e", "a")])
    model = small_llama(3, sharp=4.0)
    model.resize_token_embeddings(len(words))
    return HfModel(model, words)


def test_a_teacher_with_other_tokens_is_compared_where_both_follow_the_same_text():
    teacher, student = teacher_of_other_tokens(), HF_KIT.model()
    rows = (TrainingRow("2+2=", "4"), TrainingRow("7+5=", "12"), TrainingRow("name it", "a sea"))
    soft = shown_by(teacher, rows)
    own = encoded(student, RowSource(rows, soft, other_tokens=True))
    assert own.targets["aligned"].tolist() == [1, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1]
    place = [0, 1, 2, None, 3, 4, 5, 6, 7, None, 8]
    for log, where in zip(own.targets["sorted_log"], place, strict=True):
        if where is not None:
            assert log.tolist() == soft.log_probability_PK[where].tolist()
    data, options = Mixture((RowSource(rows, soft, other_tokens=True),), (3,)), Options(1, SortedLoss(1000.0))
    trained = train_on_text(student, data, HF_KIT.schedule(40, 0.02), options)
    assert trained.losses[-1] < 0.5 * trained.losses[0]
    with pytest.raises(GaugerError, match="log-probabilities at 2 of the 3 tokens of text 1"):
        encoded(student, RowSource(rows, soft))


def test_where_positions_are_not_known_it_is_refused():
    soft = replace(shown_by(HF_KIT.model(), ROWS), before_P=None)
    with pytest.raises(GaugerError, match="the characters before each"):
        encoded(HF_KIT.model(), RowSource(ROWS, soft, other_tokens=True))


def test_positions_come_back_from_disk(tmp_path):
    soft = shown_by(HF_KIT.model(), ROWS)
    save_soft(soft, tmp_path)
    again = load_soft(tmp_path)
    assert again is not None
    assert np.array_equal(again.before_P, soft.before_P)
