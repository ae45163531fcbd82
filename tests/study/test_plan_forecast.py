"""The forecast: counts equal the plan, what is done costs nothing, and settings move it the right way."""

from collections import Counter

import pytest

from gauger.execute.cache import Cache
from gauger.study.load import open_study, plan_loaded
from gauger.study.plan_forecast import forecast


@pytest.fixture
def said(tiny_study, tmp_path):
    """Forecast the tiny study, by default in an empty directory on two workers."""

    def call(*overrides, cache=None, workers=2):
        plan, atlas = plan_loaded(open_study(tiny_study, overrides))
        return forecast(plan, atlas, cache or Cache(tmp_path / "jobs"), workers)

    return call


def test_counts_are_the_plan_s(said, tiny_study):
    plan, _ = plan_loaded(open_study(tiny_study))
    found = said()
    assert found.jobs == dict(Counter(job.kind for job in plan.jobs.values()))
    assert sum(found.jobs.values()) == found.jobs_total == len(plan.jobs)
    assert found.jobs_shared == plan.requested - len(plan.jobs) > 0
    assert (found.jobs_done, found.replicates, found.workers, found.usd) == (0, 2, 2, 0.0)
    assert [arm["name"] for arm in found.arms] == [arm.name for arm in plan.arms]
    logits = next(arm for arm in found.arms if arm["name"] == "logits")
    assert logits == {
        "name": "logits",
        "kind": "distilled",
        "stages": ["text-distill", "logit-distill"],
        "steps": 50,
        "matched": "matched-cloze-quiz",
    }


def test_what_is_done_costs_no_time(said, finished_run, copy_of_run):
    whole = said(cache=Cache(finished_run / "jobs"))
    assert (whole.jobs_done, whole.minutes) == (whole.jobs_total, 0.0)
    cache = Cache(copy_of_run / "jobs")
    entries = sorted(path.name for path in (copy_of_run / "jobs" / "entries").iterdir())
    for key in entries[:7]:
        cache.discard(key)
    part = said(cache=cache)
    assert part.jobs_done == part.jobs_total - 7
    assert 0 < part.minutes <= said().minutes
    assert part.training_tokens == whole.training_tokens, "tokens are those of the whole study"


def test_a_damaged_result_counts_as_left(said, copy_of_run):
    entry = next((copy_of_run / "jobs" / "entries").iterdir())
    (entry / "done.json").write_text("{}")
    found = said(cache=Cache(copy_of_run / "jobs"))
    assert found.jobs_done == found.jobs_total - 1
    assert entry.exists(), "a forecast changes nothing"


LONG = ("student.training.steps=60000", "teacher.training.steps=60000")


def test_time_is_the_work_shared_out_but_never_less_than_the_longest_chain(said):
    one, two, many = (said(*LONG, workers=workers).minutes for workers in (1, 2, 100))
    assert one == pytest.approx(2 * two, abs=0.3)  # tenths are rounded up; arms of the base follow its training
    assert many == pytest.approx(two, abs=0.3)


def test_a_larger_teacher_takes_longer(said):
    assert said(*LONG, "teacher.model.width=64").minutes > 3 * said(*LONG).minutes


def test_training_tokens_and_flops(said):
    longer = said("arms.label.stages.0.steps=60")
    assert longer.training_tokens > said().training_tokens
    assert said("teacher.model.width=32").training_flops > said().training_flops
    assert said("replicates=4").training_tokens < 2 * said().training_tokens, "base and teacher are trained once"


def test_queries(said):
    # label: 40 of the training questions it could ask, once; seedless: a prompt and an answer each, per replicate
    assert said().teacher_queries == 40 + 2 * (2 * 30)
    few = "arms.label.stages.0.samples=100000"
    assert 40 < said(few).teacher_queries - 2 * (2 * 30) < 200, "no more than there are training questions"
    # label: 10; logits: 40 and 30 samples share 10, rounded down, and what it continues it asks for itself, with less
    assert said("teacher.surface.max_queries=10").teacher_queries == 10 + 5 + 2 * 4


def test_what_it_could_find(said):
    few, many = said(), said("replicates=8")
    assert 0 < many.smallest_detectable_uplift < few.smallest_detectable_uplift < 1
    assert few.assumption.startswith("16 items near one half, 2 paired replicates")
    assert said("estimation.level=0.8").smallest_detectable_uplift < few.smallest_detectable_uplift
    one = said("replicates=1")
    assert "with one replicate the interval covers items alone" in one.assumption
    assert one.smallest_detectable_uplift > 0
    assert said("replicates=1", "estimation.level=0.8").smallest_detectable_uplift < one.smallest_detectable_uplift


def test_controls_that_are_off_are_named(said):
    found = said("controls.leak.off=Shown before.")
    assert found.switched_off == {"leak": "Shown before."}
    assert "leak" not in {arm["name"] for arm in found.arms}
