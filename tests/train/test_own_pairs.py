"""The teacher's text against the student's own answers: which pairs there are, when they are made anew, what wins."""

from dataclasses import replace
from math import log

import numpy as np
import pytest

from gauger.errors import GaugerError
from gauger.train.engine import Adapter, Continuation
from gauger.train.hf.engine import HfModel
from gauger.train.likelihood import token_logs
from gauger.train.loop import Options
from gauger.train.own_pairs import OwnPairs, prefer_theirs
from gauger.train.own_samples import AskedOfStudent, draw
from gauger.train.preference_loss import PreferenceLoss
from gauger.train.preferences import Pair, Preferences, train_on_preferences
from gauger.train.rows import TrainingRow, without_end

from .models import BOTH_ENGINES, HF_KIT, PROMPTS, TINY_KIT, chat, small_llama, small_tokenizer

THEIRS = ("4", "12", "green")


def pairs(**settings):
    questions = AskedOfStudent(PROMPTS, Continuation(3, temperature=1.0))
    own = {"as_text": lambda _, answer: answer.text, "refuses": lambda *_: False, "per_step": 3}
    return OwnPairs(questions, THEIRS, **own | settings)


def trained(kit, steps=4, options=None, seed=0, **settings):
    return prefer_theirs(kit.model(seed), pairs(**settings), kit.schedule(steps), options)


def logs_of(model, texts):
    """Log-probability of each text after its prompt, end mark included."""
    rows = model.encode([TrainingRow(*both) for both in zip(PROMPTS, texts, strict=True)])
    return np.add.reduceat(token_logs(model, rows).numpy(), rows.first_learnt)


@BOTH_ENGINES
def test_a_round_is_preferences_over_the_answers_that_the_student_gave_as_it_began(kit):
    """Against the same by hand: one answer to each prompt, below the teacher's."""
    options = Options(3, PreferenceLoss(0.5))
    found = trained(kit, 5, options)
    _, answers = draw(kit.model(), pairs().questions, range(3), 3, 0)
    assert [own.completion for own in found.drawn] == answers
    by_hand = tuple(
        Pair(prompt, theirs, own.text, own.ended, () if own.ended else own.ids)
        for prompt, theirs, own in zip(PROMPTS, THEIRS, answers, strict=True)
    )
    wanted = train_on_preferences(kit.model(), Preferences(by_hand, 3), kit.schedule(5), options)
    assert found.losses == wanted.losses
    assert found.model.digest() == wanted.model.digest()
    assert [own.times for own in found.drawn] == [5, 5, 5]
    (used,) = found.sources
    assert used.count_N.tolist() == [5, 5, 5]
    assert used.length_N.tolist() == kit.model().encode([*map(TrainingRow, PROMPTS, THEIRS)]).length_N.tolist()
    assert (found.n_tokens, found.n_learnt) == (wanted.n_tokens, wanted.n_learnt)


@BOTH_ENGINES
def test_the_teachers_text_becomes_likelier_than_what_the_student_wrote(kit):
    found = trained(kit, 30, Options(1, PreferenceLoss(0.5)))
    own = [answer.completion.text for answer in found.drawn]
    gained = [logs_of(found.model, texts) - logs_of(kit.model(), texts) for texts in (THEIRS, own)]
    assert (gained[0] > gained[1]).all()
    assert found.losses[0] == pytest.approx(log(2), rel=1e-4)
    assert np.mean(found.losses[-5:]) < 0.8 * log(2)


@BOTH_ENGINES
@pytest.mark.parametrize("rounds", [1, 3])
def test_no_steps_change_nothing(kit, rounds):
    found = trained(kit, 0, rounds=rounds)
    assert found.model.digest() == kit.model().digest()
    assert (found.losses, found.sources[0].count_N.sum()) == ([], 0)
    assert len(found.drawn) == 3 * rounds


def test_equal_and_refused_answers_make_no_pair():
    found = trained(
        TINY_KIT,
        as_text=lambda place, answer: THEIRS[0] if place == 0 else answer.text,
        refuses=lambda place, _: place == 1,
    )
    assert [own.times for own in found.drawn] == [0, 0, 12]  # the one pair stands in all places of all steps
    assert found.sources[0].count_N.tolist() == [0, 0, 12]


def test_without_any_pair_the_error_says_why():
    same = {"as_text": lambda place, _: THEIRS[place]}
    with pytest.raises(GaugerError, match="none to 3 prompts: 0 answers touch what is held out, the others are what"):
        trained(TINY_KIT, **same)
    with pytest.raises(GaugerError, match="none to 3 prompts: 1 answers touch"):
        trained(TINY_KIT, refuses=lambda place, _: place == 2, **same)
    with pytest.raises(GaugerError, match="no prompts"):
        prefer_theirs(TINY_KIT.model(), replace(pairs(), theirs=()), TINY_KIT.schedule(1))


def test_a_later_round_without_a_pair_ends_the_training():
    """As a student that has come to write what its teacher does."""
    asked = []

    def as_text(place, answer):
        asked.append(place)
        return answer.text if len(asked) <= 2 * 3 else THEIRS[place]  # once to compare, once for the pair

    found = trained(TINY_KIT, 7, rounds=3, as_text=as_text)
    assert len(found.losses) == 7 // 3
    assert len(found.drawn) == 3


@BOTH_ENGINES
def test_every_round_has_answers_a_reference_and_an_order_of_its_own(kit):
    found = trained(kit, 7, Options(2, PreferenceLoss(0.5)), rounds=3)
    assert len(found.losses) == 7
    assert len(found.drawn) == 9
    for first in (0, 2, 4):  # steps of the rounds: 2, 2, 3
        assert found.losses[first] == pytest.approx(log(2), rel=1e-4), "the reference is the student as it is"
    once = trained(kit, 2, Options(2, PreferenceLoss(0.5)))
    assert found.losses[:2] == once.losses
    assert found.drawn[:3] == once.drawn
    _, later = draw(once.model.merged(), pairs().questions, range(3), 2, 1)
    assert [own.completion for own in found.drawn[3:6]] == later
    assert found.model.digest() != trained(kit, 7, Options(2, PreferenceLoss(0.5))).model.digest()


@BOTH_ENGINES
def test_it_is_decided_by_the_seed_and_beta_matters(kit):
    def digest(seed, beta):
        return trained(kit, 3, Options(seed, PreferenceLoss(beta)), rounds=2).model.digest()

    assert digest(1, 0.5) == digest(1, 0.5)
    assert len({digest(1, 0.5), digest(2, 0.5), digest(1, 2.0)}) == 3


def test_an_adapter_stands_alone_after_one_round_and_in_the_weights_after_more(tmp_path):
    options = Options(loss=PreferenceLoss(0.5), adapter=Adapter(rank=4, alpha=64))
    for rounds in (1, 2):
        found = trained(HF_KIT, 10, options, rounds=rounds)
        found.model.save(tmp_path / f"{rounds}")
        assert (tmp_path / f"{rounds}" / "adapter_config.json").exists() == (rounds == 1)
        assert (logs_of(found.model, THEIRS) > logs_of(HF_KIT.model(), THEIRS)).any()


# --- answers that did not end --------------------------------------------------------------------------------------


@BOTH_ENGINES
def test_a_text_that_was_cut_off_has_no_end_mark(kit):
    rows = kit.model().encode([*map(TrainingRow, PROMPTS, THEIRS)])
    found = without_end(rows, [1])
    assert found.tokens_of(1) == rows.tokens_of(1)[:-1]
    assert [found.tokens_of(i) for i in (0, 2)] == [rows.tokens_of(i) for i in (0, 2)]
    assert (found.n_learnt - rows.n_learnt).tolist() == [0, -1, 0]
    assert without_end(rows, []).token_F.tolist() == rows.token_F.tolist()


def test_a_text_whose_end_the_context_took_keeps_its_last_token():
    model = TINY_KIT.model()
    rows = model.encode([TrainingRow("2+2=", " ".join(["4"] * 40)), TrainingRow("2+2=", "4")])
    assert rows.lost_N[0] > 0
    found = without_end(rows, [0, 1])
    assert found.length_N.tolist() == [rows.length_N[0], rows.length_N[1] - 1]
    assert found.lost_N.tolist() == [rows.lost_N[0] - 1, 0], "the mark was the last of what was lost"


def test_an_answer_that_fills_the_context_is_not_too_long():
    """Its end mark, which nobody wrote, would be."""
    model = TINY_KIT.model()
    room = model.context - len(model.encode_prompt("2+2="))
    data = Preferences((Pair("2+2=", "4", " ".join(["5"] * room), worse_ended=False),), 1)
    options = Options(too_long="refuse")
    assert len(train_on_preferences(model, data, TINY_KIT.schedule(1), options).losses) == 1
    ended = Preferences((replace(data.pairs[0], worse_ended=True),), 1)
    with pytest.raises(GaugerError, match="got 1 of 2 that are longer"):
        train_on_preferences(model, ended, TINY_KIT.schedule(1), options)


def test_a_thought_that_was_cut_off_is_learnt_open_as_the_student_left_it(monkeypatch):
    own = small_tokenizer()
    own.chat_template = own.chat_template.replace("<s>assistant\n", "<s>assistant\n<think>\n")
    model = HfModel(small_llama(), own)
    data = pairs()
    data = replace(data, questions=replace(data.questions, prompts=tuple(map(chat, PROMPTS))))
    rows = []
    monkeypatch.setattr(
        "gauger.train.preferences.token_logs", lambda student, given: rows.append(given) or token_logs(student, given)
    )
    drawn = prefer_theirs(model, data, HF_KIT.schedule(1)).drawn
    cut_off = [i for i, answer in enumerate(drawn) if not answer.completion.ended]
    assert cut_off
    learnt = [rows[0].tokens_of(2 * i + 1)[int(rows[0].start_N[2 * i + 1]) :] for i in cut_off]
    assert learnt == [drawn[i].completion.ids for i in cut_off]


@BOTH_ENGINES
def test_whether_the_worse_one_ended_matters(kit):
    def digest(ended):
        data = Preferences((Pair("2+2=", "4", "5", ended),), 1)
        return train_on_preferences(kit.model(), data, kit.schedule(2)).model.digest()

    assert digest(True) != digest(False)
