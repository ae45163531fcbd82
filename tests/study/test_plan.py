"""A study as a DAG of jobs: what is shared, what is drawn anew, and what a change of the study changes."""

import pytest

from gauger.errors import UserError
from gauger.execute.schedule import JobSchedule
from gauger.spec import CONTROL_NAMES
from gauger.study.load import open_study, plan_loaded
from gauger.study.plan import seed_of
from gauger.train.registry import ENGINES

ASK = "samples: 40, steps: 9, batch: 16"
ARMS = f"""arms={{
  label: {{stages: [{{kind: text-distill, strategy: label, seeds: benchmark-train, forms: [quiz], {ASK}}}]}},
  expand: {{stages: [{{kind: text-distill, strategy: expand, seeds: expanded, forms: [quiz], {ASK}}}]}},
  textbook: {{stages: [{{kind: text-distill, strategy: textbook, seeds: textbook, forms: [story], {ASK}}}]}},
  seedless: {{stages: [{{kind: text-distill, strategy: seedless, seeds: seedless, forms: [quiz, cloze], {ASK}}}]}},
  self: {{stages: [{{kind: text-distill, strategy: self, seeds: expanded, forms: [quiz], {ASK}}}]}},
  logits: {{stages: [
    {{kind: logit-distill, strategy: seedless, seeds: seedless, forms: [quiz, cloze], {ASK}, top_k: 3}}]}},
  continue: {{stages: [{{kind: continue, steps: 9, batch: 16}}]}},
  human: {{stages: [{{kind: sft, source: reference, forms: [quiz], steps: 9, batch: 16}}]}},
  pipeline: {{start: human, stages: [
    {{kind: logit-distill, strategy: label, seeds: benchmark-train, forms: [quiz], {ASK}}},
    {{kind: continue, source: reference, steps: 5, batch: 16}}]}}}}"""
EVERYTHING = (ARMS, "verdict.arm=logits")


@pytest.fixture
def plan(tiny_study):
    """Plan the tiny study with overrides."""
    return lambda *overrides: plan_loaded(open_study(tiny_study, overrides))[0]


def job_of(plan, arm, replicate, stage=-1, what="corpora"):
    """A corpus (or a training job, or the records) of a cell."""
    (cell,) = [cell for cell in plan.cells if (cell.arm, cell.replicate) == (arm, replicate)]
    keys = getattr(cell, what)
    return plan.jobs[keys if isinstance(keys, str) else keys[stage]]


def of_kind(plan, kind):
    return {key for key, job in plan.jobs.items() if job.kind == kind}


def test_every_arm_has_a_cell_per_replicate_and_the_untrained_models_one(plan):
    planned = plan("replicates=3", *EVERYTHING)
    arms = [arm.name for arm in planned.arms if arm.name != "base"]
    wanted = [("teacher", 0), ("base", 0), *((arm, replicate) for arm in arms for replicate in range(3))]
    assert [(cell.arm, cell.replicate) for cell in planned.cells] == wanted
    assert set(CONTROL_NAMES) - {"matched"} <= {"base", *arms}
    for cell in planned.cells:
        recipe = next((arm.recipe for arm in planned.arms if arm.name == cell.arm), ())
        assert len(cell.corpora) == len(cell.stages) == len(recipe)


def test_inputs_come_first_and_every_job_is_needed(plan):
    planned = plan(*EVERYTHING)
    seen = set()
    for key, job in planned.jobs.items():
        assert set(job.inputs.values()) <= seen
        assert job.cost > 0
        seen.add(key)
    assert JobSchedule(list(planned.jobs.values()), ()).has_ready
    read = {key for job in planned.jobs.values() for key in job.inputs.values()}
    assert set(planned.jobs) == read | {cell.records for cell in planned.cells}
    assert planned.requested > len(planned.jobs)


def test_base_and_teacher_are_trained_once(plan):
    planned = plan(*EVERYTHING)
    pretrained = [planned.jobs[key] for key in of_kind(planned, "pretrain")]
    assert sorted((job.arm, job.params["text"]) for job in pretrained) == [("base", "web"), ("teacher", "library")]
    base = job_of(planned, "base", 0, what="records").inputs["model"]
    for cell in planned.cells[2:]:
        assert planned.jobs[cell.stages[0]].inputs["start"] == base


def test_a_base_that_is_switched_off_is_trained_but_not_measured(plan):
    planned = plan("controls.base.off=We know it.")
    assert len(of_kind(planned, "pretrain")) == 2
    assert "base" not in {cell.arm for cell in planned.cells}


def test_an_arm_that_continues_another_shares_its_jobs(plan):
    planned = plan(*EVERYTHING)
    human, pipeline = (job_of(planned, arm, 1, 0, "stages") for arm in ("human", "pipeline"))
    assert human.key == pipeline.key
    assert job_of(planned, "pipeline", 1, 1, "stages").inputs["start"] == human.key
    assert (
        job_of(planned, "pipeline", 1, what="records").inputs["model"]
        == job_of(planned, "pipeline", 1, 2, "stages").key
    )
    assert [job_of(planned, "pipeline", 0, n, "stages").stage for n in range(3)] == ["sft", "logit-distill", "continue"]


def test_controls_that_copy_an_arm_share_its_prompts(plan):
    planned = plan(*EVERYTHING)
    for replicate in (0, 1):
        asked = job_of(planned, "logits", replicate)
        for control in ("placebo", "reference"):
            assert job_of(planned, control, replicate).inputs["prompts"] == asked.key
        assert job_of(planned, "leak", replicate).inputs["prompts"] == job_of(planned, "label", replicate).key
        assert job_of(planned, "format", replicate).inputs == {}
    askings = len(of_kind(planned, "ask-teacher"))
    sampled, fixed = ("expand", "textbook", "seedless", "logits"), ("label", "pipeline")
    assert askings == 2 * len(sampled) + len(fixed)  # `self` takes the prompts of `expand`


LABEL = f"{{kind: text-distill, strategy: label, seeds: benchmark-train, forms: [quiz], {ASK}}}"
WEB = "{kind: continue, steps: 9, batch: 16}"
TWICE = (
    f"arms={{label: {{stages: [{LABEL}]}}, twice: {{stages: [{LABEL}, {WEB}, {LABEL}]}}}}",
    *(f"controls.{name}.of=twice" for name in ("placebo", "leak", "reference", "format")),
    "verdict.arm=label",
)


def test_a_stage_that_asks_again_what_its_arm_has_asked_gets_new_samples(plan):
    planned = plan(*TWICE)
    first, again = (job_of(planned, "twice", 0, stage) for stage in (0, 2))
    assert first.key == job_of(planned, "label", 0).key, "the first keeps its address"
    assert {name for name in first.params if first.params[name] != again.params[name]} == {"seed"}
    assert first.inputs == again.inputs
    assert again.key == job_of(planned, "twice", 1, 2).key, "for all replicates alike"
    once = plan(f"arms={{label: {{stages: [{LABEL}]}}}}", "verdict.arm=label")
    assert first.key == job_of(once, "label", 0).key


def test_controls_share_the_prompts_of_both_times(plan):
    planned = plan(*TWICE)
    asked = [job_of(planned, "twice", 0, stage).key for stage in (0, 2)]
    for control in ("placebo", "reference", "leak"):
        assert [job_of(planned, control, 0, stage).inputs["prompts"] for stage in (0, 2)] == asked
    for control in ("matched-quiz-27-steps", "format"):
        assert job_of(planned, control, 0, 0).key != job_of(planned, control, 0, 2).key, control
    assert len(of_kind(planned, "ask-teacher")) == 2


@pytest.mark.parametrize("arm", ["expand", "textbook", "seedless", "logits", "self"])
def test_sampled_strategies_ask_anew_in_every_replicate(plan, arm):
    planned = plan(*EVERYTHING)
    assert job_of(planned, arm, 0).key != job_of(planned, arm, 1).key


@pytest.mark.parametrize(("arm", "stage"), [("label", 0), ("pipeline", 1), ("leak", 0)])
def test_label_asks_once_for_all_replicates(plan, arm, stage):
    planned = plan(*EVERYTHING)
    assert job_of(planned, arm, 0, stage).key == job_of(planned, arm, 1, stage).key
    assert job_of(planned, arm, 0, stage, "stages").key != job_of(planned, arm, 1, stage, "stages").key


@pytest.mark.parametrize("arm", ["continue", "human", "matched-label", "format"])
def test_texts_that_nobody_was_asked_for_are_drawn_anew(plan, arm):
    planned = plan(*EVERYTHING)
    assert job_of(planned, arm, 0).key != job_of(planned, arm, 1).key


def test_replicates_of_different_arms_are_paired(plan):
    planned = plan(*EVERYTHING)
    seeds = {}
    for cell in planned.cells[2:]:
        for stage, key in enumerate(cell.stages):
            seeds.setdefault((cell.replicate, stage), set()).add(planned.jobs[key].params["seed"])
    assert all(len(found) == 1 for found in seeds.values())
    assert len({seed for found in seeds.values() for seed in found}) == len(seeds), "no two stages share a seed"


def test_soft_targets_are_asked_for_where_they_are_learnt(plan):
    planned = plan(*EVERYTHING)
    soft = {arm: job_of(planned, arm, 0).params.get("soft") for arm in ("seedless", "logits", "placebo", "reference")}
    assert soft == {"seedless": False, "logits": True, "placebo": True, "reference": None}
    assert job_of(planned, "placebo", 0).params["top_k"] == job_of(planned, "logits", 0).params["top_k"] == 3
    learnt = {arm: job_of(planned, arm, 0, what="stages") for arm in ("logits", "placebo", "leak", "reference")}
    assert {arm: job.stage for arm, job in learnt.items()} == {
        "logits": "logit-distill",
        "placebo": "logit-distill",
        "leak": "sft",
        "reference": "sft",
    }
    assert learnt["placebo"].params["own"]["divergence"] == "forward-kl"


def test_what_a_corpus_is_made_from(plan):
    planned = plan(*EVERYTHING)
    wanted = {
        "continue": ("web", True, 9 * 16),
        "human": ("truth", False, 9 * 16),
        "matched-story": ("web", False, 40),
        "format": ("unrelated", False, 40),
        "leak": ("test-items", False, 40),
        "reference": ("truth", False, 40),
    }
    for arm, (source, whole, samples) in wanted.items():
        params = job_of(planned, arm, 0).params
        assert (params["source"], params["whole"], params["samples"]) == (source, whole, samples), arm
    assert job_of(planned, "leak", 0).params["benchmarks"] == ["fauna-quiz", "max-quiz"]
    assert not {"fauna", "max"} & set(job_of(planned, "format", 0).params["skills"])
    assert job_of(planned, "label", 0).params["skills"] == ["fauna", "max"]


def test_models_are_trained_and_asked_by_the_engine_that_the_study_names(plan, monkeypatch):
    monkeypatch.setitem(ENGINES.targets, "other", "gauger.train.tiny:ENGINE")
    planned, other = plan(), plan("student.engine=other")
    engines = {job.params["engine"] for job in other.jobs.values() if job.kind in ("train", "pretrain")}
    assert engines == {"other", "tiny"}
    by_arm = {job.arm: job.params["engine"] for job in other.jobs.values() if job.kind == "pretrain"}
    assert by_arm == {"teacher": "tiny", "base": "other"}
    asked = {arm: job_of(other, arm, 0).params["asked"]["engine"] for arm in ("label", "placebo")}
    assert asked == {"label": "tiny", "placebo": "other"}
    assert not {"ask-teacher"} & {kind for kind, _ in affected(planned, other)}, "the teacher has its own engine"


def test_an_unknown_engine_is_named_with_the_nearest(plan):
    with pytest.raises(UserError, match=r"a known engine, got 'tiyn'\. Did you mean 'tiny'"):
        plan("student.engine=tiyn")


@pytest.mark.parametrize("change", ["decoding.temperature=0.5", "decoding={temperature: 0.5, samples: 3}"])
def test_how_answers_are_decoded_changes_the_measuring_alone(plan, change):
    assert {kind for kind, _ in affected(plan(), plan(change))} == {"measure"}


def affected(before, after):
    """Kinds of jobs, with their arms, that only one of two plans has."""
    changed = {**before.jobs, **after.jobs}
    return {(job.kind, job.arm) for key, job in changed.items() if (key in before.jobs) != (key in after.jobs)}


PURE = ("question=Another?", "arms.label.description=Other words", "study=other", "controls.leak.of=label")
"""What changes no number."""
OF_ESTIMATES = ("estimation.level=0.9", "estimation.paired=false", "verdict.threshold=0.5", "unparsed=missing")
"""What changes estimates, but nothing that is run."""
TRAINED = {
    "matched-cloze",
    "matched-cloze-quiz",
    "label",
    "logits",
    "placebo",
    "format",
    "leak",
    "leak-twin",
    "reference",
}
ASKED = {("ask-teacher", "label"), ("ask-teacher", "logits")}
COPIES = {("ask-base", "placebo"), ("gather", "leak"), ("gather", "leak-twin"), ("gather", "reference")}
PAIRED = {("gather", "matched-cloze"), ("gather", "matched-cloze-quiz")}
LEARNT = {(kind, arm) for kind in ("train", "measure") for arm in TRAINED}
OWN = {  # `matched-cloze` is the first stage of `matched-cloze-quiz`, and `label` that of `logits`: the former names it
    "decoding.max_new_tokens=7": {("measure", arm) for arm in {*TRAINED, "base", "teacher"}},
    "teacher.surface.max_queries=30": ASKED
    | COPIES
    | {(kind, arm) for kind in ("train", "measure") for arm in TRAINED - {"format"}}
    | PAIRED,
    "arms.logits.stages.0.temperature=2": {
        (kind, arm) for kind in ("train", "measure") for arm in ("logits", "placebo")
    },
    "arms.logits.stages.0.divergence=reverse-kl": {
        (kind, arm) for kind in ("train", "measure") for arm in ("logits", "placebo")
    },
    "arms.logits.stages.0.top_k=3": {("ask-teacher", "logits"), ("ask-base", "placebo"), ("gather", "reference")}
    | {(kind, "matched-cloze-quiz") for kind in ("gather", "train", "measure")}
    | {
        (kind, arm) for kind in ("train", "measure") for arm in ("logits", "placebo", "reference", "matched-cloze-quiz")
    },
    "arms.logits.stages.0.learning_rate=0.02": {
        (kind, arm)
        for kind in ("train", "measure")
        for arm in ("logits", "placebo", "format", "reference", "matched-cloze-quiz")
    },
    "benchmarks.max-cloze-new.role=parallel": set(),
}


@pytest.mark.parametrize("change", [*PURE, *OF_ESTIMATES])
def test_what_changes_no_job(plan, change):
    assert affected(plan(), plan("verdict.role=targeted", change)) == set()


@pytest.mark.parametrize("change", OWN)
def test_a_change_reaches_the_jobs_it_can_change_and_no_others(plan, change):
    assert affected(plan("verdict.role=targeted"), plan("verdict.role=targeted", change)) == OWN[change]


def test_a_change_of_the_student_leaves_the_teacher(plan):
    kinds = affected(plan(), plan("student.training.steps=99"))
    assert ("pretrain", "base") in kinds
    assert not {"ask-teacher", "gather"} & {kind for kind, _ in kinds}
    assert not {"teacher"} & {arm for _, arm in kinds}


def test_a_change_of_the_teacher_leaves_what_is_not_the_teachers(plan):
    kinds = affected(plan(), plan("teacher.training.learning_rate=0.02"))
    assert ("pretrain", "teacher") in kinds
    assert not {"base", "format"} & {arm for _, arm in kinds}
    assert kinds >= PAIRED, "the rows of a matched arm are as long as the teacher's"


def test_another_targeted_benchmark_of_the_same_skill_leaves_the_corpora_but_the_leak(plan):
    both = "benchmarks.max-quiz-new.role=targeted"
    leaking = {(kind, arm) for kind in ("gather", "train", "measure") for arm in ("leak", "leak-twin")}
    assert affected(plan(), plan(both)) == leaking


@pytest.mark.parametrize("change", ["seed=2", "world.seed=2", "world.known_sorts=0.2"])
def test_what_changes_every_job(plan, change):
    assert not set(plan().jobs) & set(plan(change).jobs)


def test_more_replicates_keep_the_earlier_ones(plan):
    assert set(plan().jobs) <= set(plan("replicates=3").jobs)


def test_a_control_that_is_switched_off_takes_its_own_jobs_along(plan):
    gone = {(kind, arm) for kind in ("gather", "train", "measure") for arm in ("leak", "leak-twin")}
    assert affected(plan(), plan("controls.leak.off=Shown before.")) == gone


def test_seeds_are_a_function_of_their_parts():
    # printf '1\\0train\\0000' | sha256sum | cut -c1-8, halved: another value would make every stored result unreachable
    assert seed_of(1, "train", 0) == 0xF87FB0F2 >> 1
    seeds = {
        seed_of(*parts)
        for parts in ((1, "train", 0), (1, "train", 1), (2, "train", 0), (1, "ask", 0), (12, 3), (1, 23))
    }
    assert len(seeds) == 6
    assert all(0 <= seed < 2**31 for seed in seeds)


def unrelated(planned):
    return next(job.params["skills"] for job in planned.jobs.values() if job.params.get("source") == "unrelated")


def test_the_format_arm_learns_from_what_no_benchmark_asks_and_else_from_what_far_ones_do(plan):
    """The tiny study asks fauna, max, sort and minerals, or some of them; the base has had something of every skill."""
    asked = "benchmarks={fauna-quiz: {role: targeted}, fauna-cloze: {role: near}, sort-quiz: {role: far}}"
    assert set(unrelated(plan(asked))) == {"minerals", "max", "middle"}
    everything = ", ".join(f"{skill}-cloze: {{role: far}}" for skill in ("minerals", "max", "sort", "middle"))
    all_asked = f"benchmarks={{fauna-quiz: {{role: targeted}}, fauna-cloze: {{role: near}}, {everything}}}"
    assert set(unrelated(plan(all_asked))) == {"minerals", "max", "sort", "middle"}


def test_where_everything_is_asked_nearby_unrelated_answers_are_refused_and_shuffled_ones_serve(plan):
    roles = ", ".join(f"{skill}-quiz: {{role: targeted}}" for skill in ("fauna", "minerals", "max", "sort", "middle"))
    nothing_left = (f"benchmarks={{{roles}, fauna-cloze: {{role: near}}}}", "verdict.role=near")
    with pytest.raises(UserError, match="something that the base has had") as refused:
        plan(*nothing_left)
    assert refused.value.where.key == "controls.format.answers"
    shuffled = plan(*nothing_left, "controls.format.answers=shuffled")
    assert "shuffled" in {job.params.get("source") for job in shuffled.jobs.values()}


def test_the_answers_of_the_format_arm_reach_that_arm_alone(plan):
    changed = affected(plan("verdict.role=targeted"), plan("verdict.role=targeted", "controls.format.answers=shuffled"))
    assert changed == {(kind, "format") for kind in ("gather", "train", "measure")}
