"""A tiny decoder that is asked in words."""

import numpy as np
import pytest
import torch

from gauger.elicit.twin_teacher import Request
from gauger.train.tiny.corpora import rows_of, stack_shown
from gauger.train.tiny.decode import Decoding, complete
from gauger.train.tiny.losses import SoftLoss
from gauger.train.tiny.model import DecoderConfig
from gauger.train.tiny.rows import collate
from gauger.train.tiny.teacher import TinyTeacher
from gauger.worlds.atlas.language import BEGIN, END, Language

LANGUAGE = Language(["a", "b", "c", "d", "?"], context=9)
PROMPTS = [("a", "?"), (), ("c", "d", "b", "?"), ("b",)]


@pytest.fixture(scope="module")
def teacher():
    model = DecoderConfig(len(LANGUAGE), LANGUAGE.context, width=16, layers=1, heads=2).build(6)
    with torch.no_grad():
        model.token.weight.mul_(6)
    return TinyTeacher("tiny", model.eval(), LANGUAGE)


def test_it_answers_in_words_after_the_begin_mark(teacher):
    ids = [[BEGIN, *LANGUAGE.ids(prompt)] for prompt in PROMPTS]
    expected = complete(teacher.model, ids, Decoding(5))
    for prompt, new, answer in zip(PROMPTS, expected, teacher.complete(PROMPTS, Request(5)), strict=True):
        assert answer.words == LANGUAGE.words_of(new)
        assert answer.ended == (new[-1] == END)
        assert (answer.tokens_in, answer.tokens_out) == (len(prompt) + 1, len(new))


def test_stop_words_end_an_answer_and_stay_in_it(teacher):
    everything = frozenset(LANGUAGE.words[3:])
    for answer in teacher.complete(PROMPTS, Request(5, temperature=1.0, stops=everything, seed=2)):
        assert len(answer.words) <= 1
        assert answer.ended or not answer.words


def test_an_answer_without_room_has_not_ended(teacher):
    (answer,) = teacher.complete([("a",) * 8], Request(5))
    assert (answer.words, answer.ended, answer.tokens_out) == ((), False, 0)


def test_samples_are_decided_by_the_seed(teacher):
    first, same, other = (teacher.complete(PROMPTS * 5, Request(6, 1.0, seed=seed)) for seed in (1, 1, 2))
    assert first == same
    assert first != other


def test_log_probabilities_stand_at_every_token_and_at_the_end(teacher):
    (shown,) = teacher.log_probabilities([("a", "?")], [("b", "c")], None)
    text = torch.tensor([[BEGIN, *LANGUAGE.ids(["a", "?", "b", "c"])]])
    logs = teacher.model(text)[0, 2:].log_softmax(-1).detach().numpy()
    assert shown.token_TK.shape == (3, len(LANGUAGE))
    assert np.take_along_axis(logs, shown.token_TK, axis=1) == pytest.approx(shown.log_probability_TK, abs=1e-5)
    assert np.exp(shown.log_probability_TK).sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    (top,) = teacher.log_probabilities([("a", "?")], [("b", "c")], 2)
    assert top.token_TK.tolist() == shown.token_TK[:, :2].tolist()
    assert top.log_probability_TK.dtype == np.float32


@pytest.mark.parametrize("divergence", ["forward-kl", "reverse-kl"])
@pytest.mark.parametrize("k", [None, 3])
def test_learning_from_oneself_has_nothing_to_learn(teacher, divergence, k):
    """From asking to training, every soft target stands at its own position: the model's loss on itself is 0."""
    answers = [("b", "c"), ("d",), ("a", "a", "?"), ()]
    shown = teacher.log_probabilities(PROMPTS, answers, k)
    texts = [(prompt, answer, False) for prompt, answer in zip(PROMPTS, answers, strict=True)]
    rows = rows_of(LANGUAGE, texts, stack_shown(shown))
    batch = collate([(rows, np.array([2, 0, 3, 1, 2]))])
    assert SoftLoss(divergence)(teacher.model, batch).item() == pytest.approx(0.0, abs=1e-5)
