"""Next tokens chosen otherwise: untouched at strength 0, the limits, and slopes against the gradient itself."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from gauger.elicit import Message, Request, Surfaced, generated
from gauger.elicit.defences.antidistillation import STEEPEST, tilted
from gauger.elicit.defences.experts import product
from gauger.elicit.defences.steering import NextTokens, Reads, Steering
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.limited import Limited
from gauger.errors import UserError
from gauger.spec import Surface
from gauger.train.batches import collate
from gauger.train.engine import Architecture
from gauger.train.likelihood import mean_loss
from gauger.train.losses import NextToken
from gauger.train.registry import engine_of
from gauger.train.rows import TrainingRow
from gauger.train.steered import ProxyStudent, slope_models, steer_by
from gauger.train.teacher import LocalTeacher

WORDS = tuple(f"w{number}" for number in range(12))
ROWS = (TrainingRow("w1 w2", " w3 w4"), TrainingRow("w5", " w6"))


def model(seed, words=WORDS):
    return engine_of("tiny").build(Architecture(16, 1, 2), words, 12, seed)


TEACHER, PROXY = model(1), model(2)
ASKED = [Request((Message("user", f"w{i} w{j}"),), 6, t, 3) for i in range(4) for j in range(3) for t in (0.0, 1.0)]


def local(**more):
    return LocalTeacher("it", TEACHER, chat=False, timed=False, proxy=ProxyStudent(PROXY, ROWS), **more)


def replies(teacher, asked=ASKED):
    return [reply for _, reply in sorted(teacher.ask(asked), key=lambda row: row[0])]


@pytest.mark.parametrize("name", ["product-of-experts", "antidistil", "watermark"])
def test_at_strength_zero_every_reply_is_the_teachers_byte_for_byte_and_above_some_are_not(name):
    whole = [replace(request, top_log_probabilities=3) for request in ASKED]
    for strength in (0.0, 1.0):
        surface = Surface(defence=name, strength=strength, log_probabilities="full", reasoning="shown")
        defended = Surfaced(generated(Limited(local(), QueryBudget()), surface), surface)
        plain = Surfaced(Limited(local(), QueryBudget()), surface.model_copy(update={"defence": None}))
        assert (replies(defended, whole) == replies(plain, whole)) == (strength == 0.0)


@pytest.mark.parametrize(("change", "reads"), [(product, Reads.CHANCES), (tilted, Reads.SLOPE)])
def test_a_steering_that_is_asked_at_strength_zero_changes_nothing_either(change, reads):
    steered = local().steered(Steering(partial(change, strength=0.0), reads))
    assert [one.text for one in replies(steered)] == [one.text for one in replies(local())]


def test_at_full_strength_the_product_is_the_proxy_and_between_it_is_between():
    steered = local().steered(Steering(partial(product, strength=1.0), Reads.CHANCES))
    proxy = LocalTeacher("proxy", PROXY, chat=False, timed=False)
    assert [one.text for one in replies(steered)] == [one.text for one in replies(proxy)]
    assert [one.text for one in replies(local())] != [one.text for one in replies(proxy)]
    known = NextTokens(np.log([[0.7, 0.2, 0.1]]), [[0]], proxy_BV=np.log([[0.1, 0.2, 0.7]]))
    half = np.exp(product(known, 0.5))
    assert np.allclose(half / half.sum(), np.sqrt([[0.07, 0.04, 0.07]]) / np.sqrt([0.07, 0.04, 0.07]).sum())


def test_a_tilt_is_the_slope_times_the_strength():
    known = NextTokens(np.log([[0.5, 0.5]]), [[0]], slope_BV=np.array([[1.0, -2.0]]))
    assert np.allclose(tilted(known, 0.5) - known.teacher_BV, STEEPEST * 0.5 * np.array([[1.0, -2.0]]))


def test_the_slope_is_the_gradient_of_the_loss_times_that_of_the_token():
    """Against automatic differentiation of one token's log-probability, with a step small enough for float32."""
    step = 1e-3
    up, down = slope_models(ProxyStudent(PROXY, ROWS), step)
    assert mean_loss(up, ROWS) > mean_loss(PROXY, ROWS) > mean_loss(down, ROWS)
    open_model = PROXY.copy().trainee(None, 0)
    rows = open_model.encode(ROWS)
    batch = collate([(rows, np.arange(len(rows)))])
    NextToken()(open_model.hidden(batch), open_model.head(), batch).backward()
    loss = {name: weight.grad.clone() for name, weight in open_model.weights().items()}
    size = float(torch.stack([w.detach().double().norm() for w in open_model.weights().values()]).norm())
    length = float(torch.stack([g.double().norm() for g in loss.values()]).norm())
    context = [*PROXY.encode_prompt("w1 w7")]
    for token in (4, 9):
        for weight in open_model.weights().values():
            weight.grad = None
        logits = open_model.decoder(torch.tensor([context]))[0, -1]
        logits.log_softmax(-1)[token].backward()
        exact = sum(float((loss[n] * w.grad).sum()) for n, w in open_model.weights().items() if w.grad is not None)
        logs = [one.decoder(torch.tensor([context]))[0, -1].double().log_softmax(-1)[token] for one in (up, down)]
        assert float(logs[0] - logs[1]) / (2 * step) == pytest.approx(exact * size / length, rel=0.05, abs=0.02)


def test_learning_a_token_with_a_high_slope_does_harm():
    """What the tilt rests on: the change of the loss after a small step on a token follows the token's slope."""
    context = "w1 w7"
    slope = steer_by(Steering(lambda known: known.slope_BV, Reads.SLOPE), TEACHER, ProxyStudent(PROXY, ROWS))
    logits = torch.zeros(1, len(PROXY.vocabulary))
    slope_V = slope(logits, [list(PROXY.encode_prompt(context))])[0].numpy()
    changes = []
    for word in WORDS:
        taught, _ = slope_models(ProxyStudent(PROXY, (TrainingRow(context, f" {word}"),)), -1e-3)
        changes.append(mean_loss(taught, ROWS) - mean_loss(PROXY, ROWS))
    slopes = [slope_V[PROXY.vocabulary[word]] for word in WORDS]
    assert np.corrcoef(slopes, changes)[0, 1] > 0.8


def test_log_probabilities_are_of_what_was_drawn_from():
    steered = local().steered(Steering(partial(product, strength=1.0), Reads.CHANCES))
    proxy = LocalTeacher("proxy", PROXY, chat=False, timed=False)
    asked = [replace(request, top_log_probabilities=3) for request in ASKED[:4]]
    for ours, theirs in zip(replies(steered, asked), replies(proxy, asked), strict=True):
        for one, other in zip(ours.log_probabilities, theirs.log_probabilities, strict=True):
            assert one.token == other.token
            assert one.log_probability == pytest.approx(other.log_probability, abs=1e-4)
            assert [name for name, _ in one.alternatives] == [name for name, _ in other.alternatives]


def test_what_is_missing_is_said():
    asks = Steering(partial(product, strength=0.5), Reads.CHANCES)
    with pytest.raises(UserError, match="a proxy student with the teacher's tokens, got none"):
        LocalTeacher("it", TEACHER).steered(asks)
    with pytest.raises(UserError, match="one with other tokens"):
        steer_by(asks, TEACHER, ProxyStudent(model(3, WORDS[:-1])))
    with pytest.raises(UserError, match="texts that a student is not to learn"):
        steer_by(Steering(partial(tilted, strength=0.5), Reads.SLOPE), TEACHER, ProxyStudent(PROXY))
    assert steer_by(Steering(lambda known: known.teacher_BV), TEACHER, None).proxies == ()


def test_models_behind_an_interface_cannot_be_steered():
    class Elsewhere:
        name, terms = "elsewhere", None

        def ask(self, requests):
            yield from ()

    for teacher in (Elsewhere(), Limited(Elsewhere(), QueryBudget())):
        with pytest.raises(UserError, match="a teacher at hand"):
            generated(teacher, Surface(defence="watermark", strength=0.5))
