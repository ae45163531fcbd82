"""reasoning-gym: what is drawn, and what is refused."""

import os
import subprocess
import sys

import pytest

from gauger.errors import UserError
from gauger.worlds.items import VerifierError
from gauger.worlds.language.gym import REFUSED
from gauger.worlds.language.sources import NEW, TEST, TRAIN
from worlds.language.small import one_task, small_world


def gym(task, **more):
    return one_task(kind="reasoning-gym", task=task, **({"train": 20, "test": 5, "new": 5} | more))


def test_splits_have_their_sizes_and_no_content_in_common():
    for name, task in small_world().settings.tasks.items():
        splits = small_world().sources[name].questions
        keys = {split: {q.key for q in questions} for split, questions in splits.items()}
        assert sum(map(len, keys.values())) == len(set().union(*keys.values())) == sum(map(len, splits.values()))
        if task.kind == "reasoning-gym":
            assert {split: len(found) for split, found in keys.items()} == {
                TRAIN: task.train,
                TEST: task.test,
                NEW: task.new,
            }


def test_levels_are_the_difficulty_and_share_contents_equally():
    for split, each in ((TRAIN, 10), (TEST, 5), (NEW, 5)):
        levels = [q.difficulty for q in small_world().sources["gcd"].questions[split]]
        assert levels.count(1.0) == levels.count(2.0) == each


def test_own_answers_score_one_and_others_do_not():
    world = small_world()
    for source in world.sources.values():
        for question in source.questions[TEST]:
            assert world.verify(question, question.answer) == 1.0
            assert world.verify(question, question.answer + " or so") == 0.0


def test_part_credit_is_kept_only_where_asked_for():
    exact = gym("chain_sum")
    part = gym("chain_sum")
    part.settings = part.settings.model_copy(update={"credit": "partial"})
    question = exact.train_questions("one")[0]
    said = f"It is {question.answer}."
    assert exact.verify(question, said) == 0.0
    assert 0 < part.verify(question, said) < 1


def test_own_wording_asks_in_the_tasks_words_and_keeps_keys():
    own, short = gym("chain_sum", wording="own"), gym("chain_sum")
    assert own.train_questions("one")[0].text.startswith("State the final answer")
    assert [q.key for q in own.train_questions("one")] == [q.key for q in short.train_questions("one")]
    prompt = own.word(own.train_questions("one"), ["qa"])[0]
    assert own.true_answer(prompt.prompt) == prompt.answer


@pytest.mark.parametrize(
    ("task", "more", "words"),
    [
        ("chain_sun", {}, "Did you mean 'chain_sum'"),
        ("graph_color", {}, "gives no answer"),
        ("n_queens", {}, "runs the model's answer as a program"),
        ("word_ladder", {}, "other items in every process"),
        ("chain_sum", {"settings": {"max_term": 2}}, "Did you mean 'max_terms'"),
        ("chain_sum", {"settings": {"seed": 2}}, "'seed'"),
        ("chain_sum", {"settings": {"min_terms": 3, "max_terms": 2}}, "max_terms must be >= min_terms"),
        ("chain_sum", {"settings": {"min_terms": "two"}}, "settings that chain_sum accepts"),
        ("products", {"settings": {"max_digits": 1}, "train": 80}, "90 different contents.* only 55"),
    ],
)
def test_mistakes_are_the_users_and_named(task, more, words):
    with pytest.raises(UserError, match=words) as caught:
        gym(task, **more).check()
    assert caught.value.where.key.startswith("world.tasks.one")


def test_refused_tasks_exist():
    from reasoning_gym.factory import DATASETS

    assert set(REFUSED) <= set(DATASETS)


def test_a_task_that_rejects_its_own_answer_is_refused(monkeypatch):
    from reasoning_gym.arithmetic.chain_sum import ChainSumDataset

    monkeypatch.setattr(ChainSumDataset, "score_answer", lambda self, answer, entry: 0.5)
    with pytest.raises(UserError, match=r"gives its own answer 0\.5"):
        gym("chain_sum").check()


def test_a_verifier_that_breaks_gives_no_score(monkeypatch):
    from reasoning_gym.arithmetic.chain_sum import ChainSumDataset

    world = gym("chain_sum")
    question = world.train_questions("one")[0]

    def breaks(self, answer, entry):
        raise RuntimeError("no")

    monkeypatch.setattr(ChainSumDataset, "score_answer", breaks)
    with pytest.raises(VerifierError, match="chain_sum broke"):
        world.verify(question, "1")


def test_another_process_draws_the_same():
    code = (
        "from worlds.language.small import small_world as w\n"
        "from hashlib import sha256\n"
        "print(sha256(repr([s.questions for s in w().sources.values()]).encode()).hexdigest())"
    )
    from hashlib import sha256

    here = sha256(repr([s.questions for s in small_world().sources.values()]).encode()).hexdigest()
    there = subprocess.run(
        [sys.executable, "-c", code],
        cwd="tests",
        env=os.environ | {"PYTHONHASHSEED": "5"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == here
