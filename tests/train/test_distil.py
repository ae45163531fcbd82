"""On-policy distillation at its limits, and against the divergence of whole answers, all of them listed."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from gauger.errors import GaugerError, UserError
from gauger.train.distil import Practice, distil_on_policy
from gauger.train.engine import Adapter, Continuation
from gauger.train.likelihood import hidden_states, token_logs
from gauger.train.loop import Options
from gauger.train.losses import SoftLoss
from gauger.train.own_samples import AskedOfStudent, draw
from gauger.train.rows import Mixture, RowSource, answered, mixed
from gauger.train.soft_targets import stack_shown
from gauger.train.state import Checkpoints

from .models import (
    BOTH_ENGINES,
    HF_KIT,
    PROMPTS,
    ROWS,
    batch_of,
    every_answer,
    hf_model,
    nano_model,
    small_tokenizer,
    tiny_model,
)

PRACTICE = Practice(AskedOfStudent(PROMPTS, Continuation(5, temperature=1.0)), 3)


def practised(kit, steps=3, data=PRACTICE, options=None, teacher=1, rate=None, student=0):
    teacher = kit.model(teacher, sharp=True)
    return distil_on_policy(kit.model(student), teacher, data, kit.schedule(steps, rate), options)


@BOTH_ENGINES
def test_the_student_comes_closer_along_its_own_answers(kit):
    found = practised(kit, 40, rate=2e-2)
    assert np.mean(found.losses[-5:]) < 0.8 * np.mean(found.losses[:5])
    assert len(found.drawn) == 40 * 3
    assert {answer.times for answer in found.drawn} == {1}
    assert sorted(answer.prompt for answer in found.drawn[:3]) == [0, 1, 2]
    assert sum(answer.n_tokens for answer in found.drawn) == found.n_tokens
    assert sum(answer.completion.tokens_out for answer in found.drawn) == found.n_learnt


@BOTH_ENGINES
def test_a_student_that_is_its_teacher_stays(kit):
    teacher = kit.model(1, sharp=True)
    before = teacher.digest()
    found = distil_on_policy(kit.model(1, sharp=True), teacher, PRACTICE, kit.schedule(3, 1e-12))
    assert found.losses == pytest.approx([0, 0, 0], abs=1e-5)
    assert teacher.digest() == before
    assert practised(kit, 1).losses[0] > 0.1


@BOTH_ENGINES
def test_the_first_loss_is_the_literal_reverse_divergence(kit):
    found, student, teacher = practised(kit, 1), kit.model(), kit.model(1, sharp=True)
    literal, n = 0.0, 0
    for answer in found.drawn:
        asked = student.encode_prompt(PROMPTS[answer.prompt])
        ids = (*asked, *answer.completion.ids)
        q, p = (
            kit.logits_of(m, ids)[len(asked) - 1 : -1].detach().double().log_softmax(-1) for m in (student, teacher)
        )
        literal += float((q.exp() * (q - p)).sum())
        n += len(answer.completion.ids)
    assert found.losses[0] == pytest.approx(literal / n, rel=1e-4)


@BOTH_ENGINES
def test_fewer_shown_tokens_bound_the_divergence_from_below(kit):
    losses = [practised(kit, 1, replace(PRACTICE, top_k=k)).losses[0] for k in (1, 4, None)]
    assert losses == sorted(losses)
    everything = len(kit.model().vocabulary)
    assert practised(kit, 1, replace(PRACTICE, top_k=everything)).losses[0] == pytest.approx(losses[2], abs=1e-5)


@BOTH_ENGINES
def test_another_divergence_may_be_given(kit):
    forward = practised(kit, 1, options=Options(loss=SoftLoss("forward-kl")))
    assert forward.losses != practised(kit, 1).losses


@BOTH_ENGINES
def test_kept_in_rows_are_learnt_as_text_beside_the_samples(kit):
    kept_in = Mixture((RowSource(ROWS),), (len(ROWS),))
    student = kit.model()
    hard = token_logs(student, student.encode(ROWS))
    alone = practised(kit, 1)
    both = practised(kit, 1, replace(PRACTICE, kept_in=kept_in))
    wanted = (alone.losses[0] * alone.n_learnt - float(hard.sum())) / (alone.n_learnt + len(hard))
    assert both.losses[0] == pytest.approx(wanted, rel=1e-4)
    assert both.drawn == alone.drawn
    (used,) = both.sources
    assert used.count_N.tolist() == [1] * len(ROWS)
    assert used.length_N.sum() + sum(answer.n_tokens for answer in both.drawn) == both.n_tokens


@BOTH_ENGINES
def test_kept_in_rows_are_text_whatever_a_teacher_showed_along_them(kit):
    shown = stack_shown(kit.model(1, sharp=True).log_probabilities(ROWS, 3))
    plain, soft = (
        practised(kit, 2, replace(PRACTICE, kept_in=Mixture((RowSource(ROWS, targets),), (2,))))
        for targets in (None, shown)
    )
    assert soft.losses == plain.losses


def test_a_prompt_that_fills_the_context_is_answered_with_nothing_and_teaches_nothing():
    prompts = (*PROMPTS, "the sun is green")
    longest = max(len(tiny_model().encode_prompt(prompt)) for prompt in prompts)
    for context in (longest, longest - 1, longest - 2):  # a model reads all but the last token: two more are too many
        student, teacher = tiny_model(0, context=context), tiny_model(1, 5.0, context=context)
        data = Practice(AskedOfStudent(prompts, Continuation(5, temperature=1.0)), len(prompts))
        found = distil_on_policy(student, teacher, data, student.defaults.schedule(1, 1e-3))
        full = [len(student.encode_prompt(prompts[answer.prompt])) >= context for answer in found.drawn]
        assert any(full)
        assert [not answer.completion.ids for answer in found.drawn] == full
        assert found.n_learnt == sum(len(answer.completion.ids) for answer in found.drawn)


def test_own_samples_share_no_stream_with_the_rows_beside_them():
    """The order of the prompts was that of the first source kept in: the same numbers of the same seed."""
    prompts = tuple(f"{n}" for n in range(50))
    order = AskedOfStudent(prompts, Continuation(1)).order(50, seed=3)
    for sources in range(1, 4):
        beside = next(mixed([50] * sources, [50] * sources, seed=3))
        assert not any(np.array_equal(next(order), own) for own in beside)


@BOTH_ENGINES
def test_answers_that_are_refused_are_not_learnt_and_a_spent_budget_ends_the_training(kit):
    asked = []

    def choose(drawn):
        asked.append(drawn)
        return None if len(asked) == 4 else [place for place, one in enumerate(drawn) if one.prompt != 2]

    found = practised(kit, 9, replace(PRACTICE, choose=choose))
    assert len(found.losses) == 3
    assert [(answer.prompt == 2) == (answer.times == 0) for answer in found.drawn] == [True] * 9
    assert found.n_tokens == sum(answer.n_tokens for answer in found.drawn if answer.times)
    nothing = practised(kit, 2, replace(PRACTICE, choose=lambda drawn: []), Options(seed=1))
    assert nothing.losses == [0.0, 0.0]


@BOTH_ENGINES
def test_the_seed_decides_everything_and_answers_follow_the_student(kit):
    first, again, other = (practised(kit, options=Options(seed)) for seed in (1, 1, 2))
    assert first.losses == again.losses != other.losses
    assert first.model.digest() == again.model.digest() != other.model.digest()
    assert first.drawn == again.drawn != other.drawn
    fast = practised(kit, options=Options(1), rate=1.0)
    assert fast.drawn[:3] == first.drawn[:3]
    assert fast.drawn[3:] != first.drawn[3:]


@BOTH_ENGINES
def test_it_goes_on_where_it_was_stopped(kit, tmp_path):
    whole = practised(kit, 4)
    options = Options(checkpoints=Checkpoints(tmp_path, every=3))
    practised(kit, 4, options=options)
    again = practised(kit, 4, options=options)  # from step 3
    assert again.losses == whole.losses
    assert again.model.digest() == whole.model.digest()
    assert again.drawn == whole.drawn[9:]


def test_an_adapter_practises_too_and_the_weights_below_it_stay():
    found = practised(HF_KIT, 2, options=Options(adapter=Adapter(rank=2)))
    assert all(weight.any() for name, weight in found.model.weights().items() if "lora_B" in name)
    assert found.model.digest() == hf_model().digest()


def test_what_cannot_be_is_refused_before_anything_is_trained():
    other = hf_model(1)
    other.tokenizer = small_tokenizer(first=("new",))
    with pytest.raises(UserError, match="text instead"):
        distil_on_policy(hf_model(), other, PRACTICE, HF_KIT.schedule(1))
    with pytest.raises(GaugerError, match="no prompts"):
        distil_on_policy(
            tiny_model(),
            tiny_model(1),
            replace(PRACTICE, questions=AskedOfStudent((), Continuation(1))),
            HF_KIT.schedule(1),
        )


# --- whole answers ---------------------------------------------------------------------------------------------------


def divergence_by_row(student, teacher, rows):
    """Sum of reverse divergences of each row's tokens, by the loss itself."""
    scored = rows.with_targets(teacher_hidden=hidden_states(teacher, rows))
    loss, found = SoftLoss("reverse-kl", teacher_head=teacher.head()), []
    for row in range(len(rows)):
        batch = batch_of(scored.take(np.array([row])))
        with torch.no_grad():
            found.append(float(loss(student.hidden(batch), student.head(), batch)))
    return np.array(found)


def answer_logs(model, rows):
    return np.add.reduceat(token_logs(model, rows).double().numpy(), rows.first_learnt)


PROMPT = (1, 3)


def listed(student, teacher):
    answers = every_answer(len(PROMPT))
    rows = answered([PROMPT] * len(answers), answers)
    log_q, log_p = (answer_logs(model, rows) for model in (student, teacher))
    return rows, log_q, float((np.exp(log_q) * (log_q - log_p)).sum())


def test_its_expectation_is_the_divergence_of_whole_answers():
    """Sum over answers y of q(y) x (sum over tokens of KL(q || p)) = KL(q(y) || p(y)), for every answer there is."""
    student, teacher = nano_model(1), nano_model(2)
    rows, log_q, whole = listed(student, teacher)
    assert np.exp(log_q).sum() == pytest.approx(1, abs=1e-5)
    assert whole > 0.05
    assert float(np.exp(log_q) @ divergence_by_row(student, teacher, rows)) == pytest.approx(whole, abs=1e-4)


def test_samples_come_as_often_as_the_model_says_and_their_mean_is_near_that_expectation():
    student, teacher, n = nano_model(1), nano_model(2), 3000
    rows, log_q, whole = listed(student, teacher)
    drawn, _ = draw(student, AskedOfStudent(("w",), Continuation(5, temperature=1.0)), [0] * n, 4, 0)
    texts = [drawn.tokens_of(row) for row in range(n)]
    for place, chance in enumerate(np.exp(log_q)):  # five standard errors: one failure in 30 000 for 40 answers
        share = texts.count(rows.tokens_of(place)) / n
        assert abs(share - chance) < 5 * math.sqrt(chance * (1 - chance) / n) + 1e-9
    values = dict(zip(map(rows.tokens_of, range(len(rows))), divergence_by_row(student, teacher, rows), strict=True))
    summed = np.array([values[text] for text in texts])
    assert abs(summed.mean() - whole) < 4 * summed.std() / math.sqrt(n)
