"""The discriminator: its features, its optimum, what it cannot tell, and students that learn to pass."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from gauger.train.discriminator import Discriminator, difference, features_of, fit_discriminator
from gauger.train.engine import Completion, Continuation
from gauger.train.loop import Options
from gauger.train.own_samples import AskedOfStudent
from gauger.train.reward_loss import GrpoLoss
from gauger.train.rewards import Play, train_on_rewards

from .models import BOTH_ENGINES

PROMPTS = ("2+2=", "7+5=")


def said(text, *, ended=True):
    return Completion(text, ended, None, 1, 1)


def discriminator(theirs, **settings):
    return Discriminator(
        PROMPTS, theirs, lambda _, answer: answer.text, settings.pop("refuses", lambda *_: False), **settings
    )


def rewards_of(judge, *texts, places=None):
    return judge(places or [0] * len(texts), [said(text) for text in texts])


# --- features and the fit ----------------------------------------------------------------------------------------


def test_features_are_runs_pairs_and_an_end():
    own = features_of("ask a?", "b b", 2)
    assert set(own) == {
        *(("run", word) for word in ("<", "b", ">")),
        *(("run", *pair) for pair in (("<", "b"), ("b", "b"), ("b", ">"))),
        *(("follows", word, "b") for word in ("ask", "a", "?")),
    }
    assert set(own.values()) == {1 / 3}
    assert set(features_of("ask a?", "b b", 1)) < set(own) < set(features_of("ask a?", "b b", 3))
    assert set(features_of("ask a?", "b b", 2, ended=False)) - set(own) == {("unended",)}
    assert features_of("ask a?", " b  b ", 2) == own, "white space is not looked at"
    for answer in ("", "b", "b c d e"):
        assert sum(value**2 for value in features_of("x y", answer, 3).values()) == pytest.approx(1.0)


PAIRS = [{("a",): 1.0, ("b",): -1.0}, {("a",): 1.0, ("c",): 0.5}, {("b",): 1.0}, {}]


@pytest.mark.parametrize("ridge", [0.001, 0.01, 1.0])
def test_the_fit_is_the_optimum(ridge):
    """The gradient is 0 there, up to the 1e-7 at which L-BFGS stops; a convex loss has no other such place."""
    fitted = fit_discriminator(PAIRS, ridge)
    slope = {name: ridge * value for name, value in fitted.items()}
    for pair in PAIRS:
        margin = sum(fitted[name] * value for name, value in pair.items())
        for name, value in pair.items():
            slope[name] -= expit(-margin) * value / len(PAIRS)
    assert max(map(abs, slope.values())) < 1e-5
    assert min(map(abs, fitted.values())) > 1e-2 * min(1, 1 / ridge) / 10


def test_a_larger_ridge_tells_less():
    lengths = [np.linalg.norm(list(fit_discriminator(PAIRS, ridge).values())) for ridge in (0.001, 0.1, 10.0)]
    assert lengths[0] > lengths[1] > lengths[2] > 0


def test_what_does_not_differ_cannot_be_told():
    same = features_of("2+2=", "4", 2)
    assert difference(same, same) == {}
    assert fit_discriminator([{}, {}], 0.01) == {}
    assert fit_discriminator([], 0.01) == {}
    judge = discriminator(("4", "12"))
    assert judge([0, 1, 0], [said("4"), said("12"), said("4")]) == [0.5] * 3


# --- the reward --------------------------------------------------------------------------------------------------


def test_what_is_nearer_to_the_teachers_answer_has_the_larger_reward():
    passed, near, far = rewards_of(discriminator(("the sum is 4", "12")), "the sum is 4", "the sum is 5", "dunno")
    assert passed == 0.5 > near > far > 0


def test_the_same_words_are_another_answer_to_another_prompt():
    """Either answer is the teacher's to one prompt: only pairs with the prompt's words tell which."""
    judge = discriminator(("a", "b"))
    right, wrong, other_wrong, other_right = judge([0, 0, 1, 1], [said(text) for text in "abab"])
    assert right == other_right == 0.5 > max(wrong, other_wrong)


def test_an_answer_that_does_not_end_is_told_by_that():
    judge = discriminator(("4", "12"))
    ended, endless = judge([0, 0], [said("4"), said("4", ended=False)])
    assert ended == 0.5 > endless


def test_what_is_refused_is_neither_compared_nor_learnt():
    free, held = discriminator(("a", "b")), discriminator(("a", "b"), refuses=lambda _, answer: answer.text == "z")
    kept = rewards_of(held, "a", "c", "z")
    assert kept[2] is None
    assert kept[:2] == rewards_of(free, "a", "c")
    assert held.coefficients == free.coefficients


def test_it_is_fitted_again_when_a_fit_is_due():
    """With `refit` 2 the second batch is rewarded by what the first taught, and the third fit knows both since."""
    often, seldom = discriminator(("a", "b")), discriminator(("a", "b"), refit=2)
    assert rewards_of(often, "c", "d") == rewards_of(seldom, "c", "d")
    known = dict(seldom.coefficients)
    assert rewards_of(seldom, "e", "e") != rewards_of(often, "e", "e")
    assert seldom.coefficients == known != often.coefficients
    rewards_of(seldom, "f", "f")
    both = discriminator(("a", "b"))
    rewards_of(both, "e", "e", "f", "f")
    assert seldom.coefficients == both.coefficients


def test_each_setting_changes_the_rewards():
    answers = ("x y", "y x")
    plain = rewards_of(discriminator(("x y", "b")), *answers)
    assert plain == rewards_of(discriminator(("x y", "b")), *answers)
    assert rewards_of(discriminator(("x y", "b"), longest_run=1), *answers) == [0.5, 0.5], "no word tells the two apart"
    assert rewards_of(discriminator(("x y", "b"), ridge=1.0), *answers)[1] > plain[1]


# --- training ----------------------------------------------------------------------------------------------------


def play(kit, theirs, **settings):
    questions = AskedOfStudent(PROMPTS, Continuation(2, temperature=1.0))
    judge = Discriminator(PROMPTS, theirs, lambda _, answer: answer.text, lambda *_: False, **settings)
    return Play(questions, judge, group=8, per_step=16)


def against(other):
    """A reward that compares every answer with one of the same batch: its own (0), or that of `other` places on."""

    def reward(places, answers):
        texts = [answer.text for answer in answers]
        theirs = texts[other:] + texts[:other]
        prompts = [PROMPTS[place] for place in places]
        judge = Discriminator(prompts, theirs, lambda _, answer: answer.text, lambda *_: False)
        return judge(range(len(answers)), [replace(answer, ended=True) for answer in answers])

    return reward


@BOTH_ENGINES
@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_own_text_as_the_teachers_leaves_a_student_where_it_was(kit, weight):
    """Nothing tells the two apart, so no answer has an advantage; another's text in its place moves the weights."""
    data, schedule = play(kit, ("", "")), replace(kit.schedule(3), weight_decay=0.0)
    options = Options(loss=GrpoLoss(0.2, weight))
    same, other = (
        train_on_rewards(kit.model(), replace(data, reward=against(step)), schedule, options) for step in (0, 1)
    )
    assert len({answer.completion.text for answer in same.drawn[:8]}) > 1
    assert same.rewards == (0.5,) * 3
    assert same.losses == pytest.approx([0.0] * 3, abs=1e-6)
    assert same.model.digest() == kit.model().digest() != other.model.digest()


@BOTH_ENGINES
def test_a_student_comes_to_write_as_its_teacher(kit):
    token = kit.model().token_texts([7])[0].strip()
    trained = train_on_rewards(
        kit.model(), play(kit, (token, token)), kit.schedule(30, 0.05), Options(1, GrpoLoss(0.2, 0.0))
    )
    passed = [token in answer.completion.text for answer in trained.drawn]
    assert np.mean(passed[-48:]) > np.mean(passed[:48]) + 0.25


@BOTH_ENGINES
def test_the_same_seed_gives_the_same_student(kit):
    first, again, other = (
        train_on_rewards(kit.model(), play(kit, ("4", "12")), kit.schedule(3, 0.05), Options(seed))
        for seed in (3, 3, 4)
    )
    assert first.model.digest() == again.model.digest() != other.model.digest()
    assert first.rewards == again.rewards != other.rewards
