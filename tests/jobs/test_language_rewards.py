"""Reinforcement learning of a language model in a study, on a tiny model that guesses."""

import polars as pl
import pytest
from tests.jobs.test_language_stages import STUDY, TEACHER, folder

from gauger.execute.worker import load
from gauger.jobs.models import answer_in
from gauger.jobs.registry import REGISTRY
from gauger.jobs.rewards_elsewhere import until_stop
from gauger.store.atomic import read_json
from gauger.study.load import open_study, plan_loaded
from gauger.worlds.items import VerifierError
from gauger.worlds.language.world import TextWorld

__all__ = ["folder"]
ARMS = """arms:
  rewarded:
    stages:
      - {kind: text-distill, strategy: label, seeds: benchmark-train, forms: [qa], samples: 8, steps: 2, batch: 4,
         learning_rate: 0.001}
      - {kind: rl, seeds: benchmark-train, forms: [qa], steps: 4, batch: 16, group: 8, learning_rate: 0.01}
"""


@pytest.fixture(scope="module")
def finished(folder, tmp_path_factory):
    """Run the stage's own jobs in this process, from the base as it comes."""
    text = STUDY.format(teacher=TEACHER, judge="truth", seeds="benchmark-train")
    head, rest = text.split("arms:\n")[0], text[text.index("decoding:") :]
    path = folder / "rewards.yaml"
    path.write_text(head + ARMS + rest.replace("judged", "rewarded"))
    plan, world = plan_loaded(open_study(path))
    training = next(job for job in plan.jobs.values() if job.kind == "train-on-rewards")
    base, out = training.inputs["start_base"], tmp_path_factory.mktemp("rewards")
    places = {key: out / key for key in (base, training.inputs["corpus"], training.key)}
    for key, place in places.items():
        place.mkdir()
        job = plan.jobs[key]
        inputs = {role: places.get(given, places[base]) for role, given in job.inputs.items()}
        load(REGISTRY[job.kind])(job.params, inputs, place)
    return world, training, places[training.key]


def test_the_students_own_samples_are_trained_on_and_in_the_ledger(finished):
    _, job, place = finished
    assert (job.params["group"], job.params["answer_tokens"], job.params["adapter"]["rank"]) == (8, 4, 2)
    training = read_json(place / "training.json")
    assert 0 <= training["first_reward"] <= 1
    (own,) = training["sources"]
    assert (own["name"], own["rows"]) == ("student", 4 * 16)
    ledger = pl.read_parquet(place / "ledger.parquet")
    assert set(ledger["source"]) == {"student"}
    assert ledger["queries"].sum() == 0
    assert ledger["teacher"].is_null().all()


def test_only_an_answer_that_ended_in_its_form_and_is_right_is_rewarded(finished):
    world: TextWorld = finished[0]
    (text,) = world.word(world.train_questions("sums")[:1], ["qa"])
    graded = [world.grade(text.prompt, said, ended=True) for said in (text.answer, " 99", "")]
    assert [*graded, world.grade(text.prompt, text.answer, ended=False)] == [1.0, 0.0, 0.0, 0.0]


def test_an_answer_is_read_behind_the_thought_of_who_gave_it(finished):
    world, _, _ = finished
    assert answer_in(world, "<think>\n1 or 2?\n</think>\n\n2") == answer_in(world, "1 or 2?\n</think>\n\n2") == "2"
    assert answer_in(world, " 2\n<b>") == " 2\n<b>"
    prompt = "Question: What is 1 + 1?\nAnswer:"
    assert until_stop(world, prompt, "<think>\n1 or 2?\n</think>\n\n2\nQ", ended=False) == ("1 or 2?", "2", True)
    assert until_stop(world, prompt, " 2\nQ", ended=False) == ("", " 2", True)
    assert until_stop(world, prompt, " 2", ended=False) == ("", " 2", False)


def test_a_verifier_that_breaks_gives_no_reward_and_not_0(finished, monkeypatch):
    def broken(*_):
        raise VerifierError("broken")

    world = finished[0]
    (text,) = world.word(world.train_questions("sums")[:1], ["qa"])
    monkeypatch.setattr(TextWorld, "verify", broken)
    assert world.grade(text.prompt, text.answer, ended=True) is None


@pytest.mark.parametrize(
    ("method", "result", "dropped"),
    [("overlaps", lambda *_: frozenset({"sums:9"}), "overlap"), ("grade", lambda *_, ended: None, "verifier failed")],
)
def test_an_answer_that_has_no_reward_is_not_learnt_and_says_why(
    finished, monkeypatch, tmp_path, method, result, dropped
):
    _, job, place = finished
    monkeypatch.setattr(TextWorld, method, result)
    inputs = {role: place.parent / key for role, key in job.inputs.items()}
    inputs["start"] = inputs["start_base"]  # as the finished one started
    load(REGISTRY[job.kind])({**job.params, "steps": 1}, inputs, tmp_path)
    ledger = pl.read_parquet(tmp_path / "ledger.parquet")
    assert set(ledger["dropped"]) == {dropped}
    (own,) = read_json(tmp_path / "training.json")["sources"]
    assert own["rows"] == 0
