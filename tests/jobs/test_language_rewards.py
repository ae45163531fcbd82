"""Reinforcement learning of a language model in a study, on a tiny model that guesses."""

import polars as pl
import pytest
from tests.jobs.test_language_stages import STUDY, TEACHER, folder

from gauger.execute.worker import load as resolve
from gauger.jobs.language_reward_jobs import reward_of
from gauger.jobs.registry import REGISTRY
from gauger.store.atomic import read_json
from gauger.study.load import open_study, plan_loaded
from gauger.train.hf.decode import Completion
from gauger.worlds.language import TextWorld
from gauger.worlds.language.sources import VerifierError

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
    training = next(job for job in plan.jobs.values() if job.kind == "language-train-on-rewards")
    base, out = training.inputs["base"], tmp_path_factory.mktemp("rewards")
    places = {key: out / key for key in (base, training.inputs["corpus"], training.key)}
    for key, place in places.items():
        place.mkdir()
        job = plan.jobs[key]
        inputs = {role: places.get(given, places[base]) for role, given in job.inputs.items()}
        resolve(REGISTRY[job.kind])(job.params, inputs, place)
    return world, training, places[training.key]


def test_the_students_own_samples_are_trained_on_and_in_the_ledger(finished):
    _, job, place = finished
    assert (job.params["group"], job.params["max_new_tokens"], job.params["lora"]["rank"]) == (8, 4, 2)
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
    right, cut = Completion(text.answer, True, 9, 3), Completion(text.answer, False, 9, 3)
    wrong, empty = Completion(" 99", True, 9, 3), Completion("", True, 9, 1)
    assert [reward_of(world, text.prompt, one) for one in (right, cut, wrong, empty)] == [1.0, 0.0, 0.0, 0.0]


def test_a_verifier_that_breaks_gives_no_reward_and_not_0(finished, monkeypatch):
    def broken(*_):
        raise VerifierError("broken")

    world = finished[0]
    (text,) = world.word(world.train_questions("sums")[:1], ["qa"])
    monkeypatch.setattr(TextWorld, "verify", broken)
    assert reward_of(world, text.prompt, Completion(text.answer, True, 9, 3)) is None


def test_an_answer_that_touches_what_is_held_out_gives_no_reward(finished, monkeypatch):
    world = finished[0]
    (text,) = world.word(world.train_questions("sums")[:1], ["qa"])
    monkeypatch.setattr(TextWorld, "overlaps", lambda *_: {"sums:9"})
    assert reward_of(world, text.prompt, Completion(text.answer, True, 9, 3)) is None
