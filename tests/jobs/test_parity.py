"""Every stage, strategy and surface setting says the same in both worlds: same ledger, same guard, same budgets."""

import numpy as np
import polars as pl
import pytest
from tests.jobs.running import Doing, surfaced
from tests.train.models import small_llama as small_model
from tests.train.models import small_tokenizer

from gauger.elicit.sample_rows import LEDGER
from gauger.elicit.teacher.messages import ReplyOutcome
from gauger.errors import GaugerError, StudyError
from gauger.records import Outcome
from gauger.spec import parse_study
from gauger.store.atomic import read_json
from gauger.study.load import open_study, plan_loaded
from gauger.train.hf.engine import HfModel
from gauger.train.rows import Mixture, RowSource, TrainingRow
from gauger.train.schedule import TrainingSchedule
from gauger.train.text import train_on_text

HEAD = {
    "atlas": """
world:
  {entities: 16, genera: 4, relations: 6, values: 4, held_out_facts: 1, letters: 8, letter_sets: 60, test_contents: 10,
   benchmark_items: 12}
teacher:
  model: {width: 16, layers: 1, heads: 2}
  training: {steps: 150, batch: 32, learning_rate: 0.01}
  surface: {log_probabilities: full}
student:
  model: {width: 16, layers: 1, heads: 2}
  training: {steps: 60, batch: 32, learning_rate: 0.01}
benchmarks: {fauna-quiz: {role: targeted}, fauna-cloze-new: {role: near}}
""",
    "language": """
world:
  kind: language
  tasks:
    sums: {kind: reasoning-gym, task: chain_sum, train: 60, test: 8, new: 8,
           settings: {min_terms: 2, max_terms: 2, max_digits: 1, min_digits: 1}}
    facts: {kind: invented-facts, entities: 16, families: 4, relations: 2}
  common: [facts]
  benchmark_items: 8
teacher:
  kind: checkpoint
  model: guesser
  lora: null
  specialise: {forms: [qa], samples: 12, steps: 2, batch: 4, learning_rate: 0.0001}
  surface: {log_probabilities: full}
student: {kind: checkpoint, model: guesser, lora: {rank: 2, alpha: 4}}
benchmarks: {sums-qa: {role: targeted}, sums-cloze-new: {role: near}}
""",
}
STRATEGIES = {"label": "benchmark-train", "expand": "expanded", "textbook": "textbook", "seedless": "seedless"}
TRAINED = "steps: 3, batch: 8, learning_rate: 0.001"
ASKED = f"strategy: label, seeds: benchmark-train, forms: [FORM], samples: 10, {TRAINED}"
OWN = f"seeds: benchmark-train, forms: [FORM], prompts: 12, {TRAINED}"
MIXED = (
    "{source: web, forms: [FORM]}, "
    "{source: teacher, strategy: label, seeds: benchmark-train, forms: [FORM], samples: 8}"
)
STAGES = {
    "continue": f"{{kind: continue, {TRAINED}}}",
    "continue-forms": f"{{kind: continue, source: reference, forms: [cloze], samples: 9, {TRAINED}}}",
    "sft": f"{{kind: sft, source: reference, forms: [FORM], samples: 12, web_share: 0.25, {TRAINED}}}",
    "text": f"{{kind: text-distill, web_share: 0.25, {ASKED}}}",
    "self": f"{{kind: text-distill, {ASKED.replace('label', 'self', 1)}}}",
    "logit": f"{{kind: logit-distill, {ASKED}}}",
    "sorted": f"{{kind: logit-distill, divergence: sorted, {ASKED}}}",
    "policy": f"{{kind: on-policy-distill, web_share: 0.25, {OWN}}}",
    "judged": f"{{kind: preference, judge: teacher, candidates: 12, {OWN}}}",
    "truth": f"{{kind: preference, judge: truth, candidates: 12, {OWN}}}",
    "rewarded": f"{{kind: rl, group: 4, {OWN}}}",
    "above": f"{{kind: preference-distill, rounds: 2, {ASKED}}}",
    "passing": f"{{kind: adversarial-distill, group: 4, {ASKED}}}",
    "mixed": f"{{kind: mixture, {TRAINED}, sources: [{MIXED}]}}",
    **{
        name: f"{{kind: text-distill, strategy: {name}, seeds: {seeds}, forms: [FORM, cloze], samples: 8, {TRAINED}}}"
        for name, seeds in STRATEGIES.items()
    },
}
OFF = ", ".join(f"{name}: {{off: Not needed here.}}" for name in ("matched", "placebo", "format", "reference"))
FORM = {"atlas": "quiz", "language": "qa"}
TAIL = f"""
controls: {{{OFF}, leak: {{of: text}}}}
decoding: {{max_new_tokens: 4}}
verdict: {{arm: text, estimand: gain, threshold: 0.25}}
"""


def study_of(world):
    stages = STAGES | ({"rationale": STAGES["text"].replace("label", "rationale", 1)} if world == "language" else {})
    arms = "".join(f"  {name}: {{stages: [{stage}]}}\n" for name, stage in stages.items())
    head = f"study: parity\nquestion: Do both worlds say the same?\nreplicates: 1\n{HEAD[world]}"
    return f"{head}arms:\n{arms.replace('FORM', FORM[world])}{TAIL}"


def guesser(place):
    """A tiny language model that answers sums with numbers up to 18, and ends its answers."""
    rng, model = np.random.default_rng(0), small_model()
    rows = tuple(
        TrainingRow(f"Question: What is {a} + {b}?\nAnswer:", f" {n}")
        for a, b, n in zip(*rng.integers(1, 10, size=(2, 200)), rng.integers(2, 19, size=200), strict=True)
    )
    train_on_text(HfModel(model, small_tokenizer()), Mixture((RowSource(rows),), (16,)), TrainingSchedule(100, 0.02))
    model.save_pretrained(str(place))
    small_tokenizer().save_pretrained(str(place))


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Kind of world -> the study in it."""
    found = {}
    for world in HEAD:
        place = tmp_path_factory.mktemp(world)
        if world == "language":
            guesser(place / "guesser")
        (place / "study.yaml").write_text(study_of(world))
        found[world] = Doing(*plan_loaded(open_study(place / "study.yaml")), place)
    return found


def ledger_of(doing, arm):
    """Everything that stands in the ledger of an arm, of its corpus and of its training."""
    places = [doing.of(doing.job(arm, 0, what).key) for what in ("corpora", "stages")]
    tables = [pl.read_parquet(path) for place in places if (path := place / "ledger.parquet").exists()]
    assert all(table.schema == pl.Schema(LEDGER) for table in tables), "every ledger has the same columns"
    return pl.concat(tables)


def training_of(doing, arm):
    return read_json(doing.of(doing.job(arm).key) / "training.json")


def facts_of(doing, arm):
    """What an arm's ledger and training record say, but for numbers that depend on what the models know."""
    ledger, training = ledger_of(doing, arm), training_of(doing, arm)
    asked = ledger.filter(pl.col("teacher").is_not_null())
    return {
        "jobs": [doing.job(arm, 0, what).kind for what in ("corpora", "stages")],
        "who wrote": set(ledger["source"]),
        "who was asked": set(asked["teacher"]),
        "surface": set(asked["surface"]),
        "strategy": set(ledger["strategy"]),
        "trained on": [source.get("name") for source in training["sources"]],
        "recorded": [sorted(source) for source in training["sources"]],
        "ends": sorted(set(training) - {"sources"}),
        "learnt whole": set(ledger["whole"]),
    }


def trained_rows(doing, arm):
    return [source["rows"] for source in training_of(doing, arm)["sources"]]


# --- stages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arm", [arm for arm in STAGES if arm not in STRATEGIES])
def test_a_stage_says_the_same_in_both_worlds(both, arm):
    assert facts_of(both["atlas"], arm) == facts_of(both["language"], arm)


@pytest.mark.parametrize("world", HEAD)
@pytest.mark.parametrize(
    ("arm", "rows"),
    [("continue", [24]), ("continue-forms", [24]), ("sft", [18, 6]), ("text", [18, 6]), ("logit", [24])],
)
def test_as_many_rows_are_trained_on(both, world, arm, rows):
    assert trained_rows(both[world], arm) == rows


@pytest.mark.parametrize("world", HEAD)
def test_a_mixture_fills_its_batches(both, world):
    assert sum(trained_rows(both[world], "mixed")) == 24


@pytest.mark.parametrize("world", HEAD)
@pytest.mark.parametrize("arm", [*STAGES, "leak"])
def test_nothing_held_out_is_trained_on_but_in_the_leak(both, world, arm):
    doing = both[world]
    corpora = doing.of(doing.job(arm, 0, "corpora").key)
    kept = (ledger_of(doing, arm) if arm not in STRATEGIES else pl.read_parquet(corpora / "ledger.parquet")).filter(
        pl.col("dropped").is_null()
    )
    touching = kept.filter(pl.col("overlaps").list.len() > 0)
    assert set(touching["source"]) == ({"test-items"} if arm == "leak" else set())
    texts = pl.read_parquet(corpora / "corpus.parquet")
    pairs = texts.select("prompt", "answer").iter_rows()
    touched = [bool(doing.world.overlaps(prompt + answer)) for prompt, answer in pairs]
    assert any(touched) == (arm == "leak"), "what the ledger says is so"


@pytest.mark.parametrize("world", HEAD)
@pytest.mark.parametrize("arm", ["policy", "rewarded", "passing"])
def test_own_samples_that_touch_what_is_held_out_are_refused(both, world, arm, monkeypatch):
    doing, job = both[world], both[world].job(arm)
    for key in job.inputs.values():
        doing.of(key)  # made before everything touches what is held out
    monkeypatch.setattr(type(doing.world), "overlaps", lambda *_: frozenset({"held:out"}))
    out = doing.again(job, steps=1)
    ledger = pl.read_parquet(out / "ledger.parquet")
    assert set(ledger["dropped"]) == {"overlap"}
    assert ledger["queries"].sum() == 0
    assert read_json(out / "training.json")["sources"][0]["rows"] == 0


@pytest.mark.parametrize("world", HEAD)
def test_pairs_of_which_all_touch_what_is_held_out_are_an_error(both, world, monkeypatch):
    doing, job = both[world], both[world].job("above")
    for key in job.inputs.values():
        doing.of(key)
    monkeypatch.setattr(type(doing.world), "overlaps", lambda *_: frozenset({"held:out"}))
    with pytest.raises(GaugerError, match=r"none to (\d+) prompts: \1 answers touch what is held out"):
        doing.again(job)


@pytest.mark.parametrize("world", HEAD)
def test_own_answers_below_the_teachers_cost_no_request(both, world):
    """Its corpus is what text distillation would have; each step has as many texts of the student's as of others'."""
    doing = both[world]
    assert doing.job("above", 0, "corpora").key == doing.job("text", 0, "corpora").key
    own = pl.read_parquet(doing.of(doing.job("above").key) / "ledger.parquet")
    assert (own["queries"].sum(), set(own["source"])) == (0, {"student"})
    assert trained_rows(doing, "above") == [12, 12]


def test_a_judged_pair_costs_a_request_for_each_prompt_and_a_true_one_none(both):
    for doing in both.values():
        prompts = pl.read_parquet(doing.of(doing.job("judged", 0, "corpora").inputs["questions"]) / "corpus.parquet")
        assert ledger_of(doing, "judged")["queries"].sum() == len(prompts) == 12
        assert ledger_of(doing, "truth")["queries"].sum() == 0


def test_scored_samples_are_a_request_each(both):
    for doing in both.values():
        ledger = ledger_of(doing, "policy")
        assert ledger["queries"].sum() == training_of(doing, "policy")["sources"][0]["rows"] > 0


# --- strategies --------------------------------------------------------------------------------------------------


def asked_of(doing, arm):
    return pl.read_parquet(doing.of(doing.job(arm, 0, "corpora").key) / "ledger.parquet")


def test_steps_to_an_answer_are_asked_for_where_a_world_has_them(both):
    """`rationale` is of language alone: the other world refuses it by name, and here it says what `label` says."""
    label, rationale = (asked_of(both["language"], arm) for arm in ("text", "rationale"))
    assert set(rationale["strategy"]) == {"rationale"}
    assert rationale.schema == label.schema
    for column in ("seed_ids", "prompt_hash", "surface", "teacher", "queries"):
        assert rationale[column].to_list() == label[column].to_list(), column
    with pytest.raises(StudyError, match="a strategy that a world of kind atlas has"):
        parse_study(study_of("atlas").replace("strategy: label", "strategy: rationale", 1))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_strategy_says_the_same_in_both_worlds(both, strategy):
    ledgers = {world: asked_of(doing, strategy) for world, doing in both.items()}
    for world, ledger in ledgers.items():
        asked = ledger.filter(pl.col("request").is_not_null())
        assert ledger.schema == pl.Schema(LEDGER)
        assert set(ledger["strategy"]) == {strategy}
        assert set(asked["surface"]) == {"text, log-probabilities"}, world
        assert set(asked["outcome"]) <= {str(outcome) for outcome in ReplyOutcome}
        assert set(asked["teacher"]) == {"teacher"}
        assert asked["queries"].sum() > 0
        assert asked["seconds"].sum() == 0, "what is kept of a model at hand is the same every time"
    dropped = [set(ledger["dropped"].drop_nulls()) for ledger in ledgers.values()]
    known = {"step", "unasked", "failed", "refused", "truncated", "length", "form", "topic", "overlap", "duplicate"}
    known |= {"prompt-form", "prompt-topic", "prompt-overlap", "prompt-duplicate"}
    assert set.union(*dropped) <= known, "one vocabulary of reasons"
    for doing, reasons in zip(both.values(), dropped, strict=True):
        writes = strategy in ("expand", "seedless") or (strategy == "textbook" and not doing.world.topics(["fauna"]))
        assert ("step" in reasons) == writes, "who writes prompts is asked for them"


# --- surfaces ----------------------------------------------------------------------------------------------------


SHOWN = [
    ({"log_probabilities": "none"}, "text"),
    ({"log_probabilities": "top-k", "top_k": 2}, "text, top-2 log-probabilities"),
    ({"log_probabilities": "full"}, "text, log-probabilities"),
]


@pytest.mark.parametrize(("surface", "word"), SHOWN)
def test_the_ledger_names_what_the_surface_shows(both, surface, word):
    for doing in both.values():
        job = doing.job("text", 0, "corpora")
        out = doing.again(job, asked=surfaced(job.params["asked"], **surface))
        assert set(pl.read_parquet(out / "ledger.parquet")["surface"]) == {word}
        judging = doing.job("judged", 0, "corpora")
        out = doing.again(judging, judge=surfaced(judging.params["judge"], **surface))
        asked = pl.read_parquet(out / "ledger.parquet").filter(pl.col("teacher").is_not_null())
        assert set(asked["surface"]) == {word}


@pytest.mark.parametrize(("surface", "word"), SHOWN)
def test_scored_samples_are_learnt_as_far_as_the_surface_shows(both, surface, word):
    for doing in both.values():
        job = doing.job("policy")
        shown = surfaced(job.params["scorer"], **surface)
        if surface["log_probabilities"] == "none":
            with pytest.raises(GaugerError, match="shows no log-probabilities"):
                doing.again(job, scorer=shown)
            continue
        out = doing.again(job, scorer=shown)
        asked = pl.read_parquet(out / "ledger.parquet").filter(pl.col("teacher").is_not_null())
        assert set(asked["surface"]) == {word}


@pytest.mark.parametrize("surface", [surface for surface, _ in SHOWN[1:]])
def test_soft_targets_hold_no_more_than_the_surface_shows(both, surface):
    from gauger.train.soft_targets import load_soft

    for doing in both.values():
        job = doing.job("logit", 0, "corpora")
        soft = load_soft(doing.again(job, asked=surfaced(job.params["asked"], **surface)))
        shown = soft.token_PK.shape[1]
        assert shown == 2 if "top_k" in surface else shown > 50


ASKING = (("text", "corpora", "asked"), ("judged", "corpora", "judge"), ("policy", "stages", "scorer"))


@pytest.mark.parametrize("limit", [1, 3, 7])
def test_a_budget_of_requests_is_kept(both, limit):
    for doing in both.values():
        for arm, what, who in ASKING:
            job = doing.job(arm, 0, what)
            out = doing.again(job, **{who: surfaced(job.params[who], max_queries=limit)})
            assert pl.read_parquet(out / "ledger.parquet")["queries"].sum() == limit, arm
            assert any("the budget is spent" in note for note in read_json(out / "notes.json")), arm


@pytest.mark.parametrize("limit", [40, 150])
def test_a_budget_of_tokens_is_kept(both, limit):
    for doing in both.values():
        for arm, what, who in ASKING:
            job = doing.job(arm, 0, what)
            out = doing.again(job, **{who: surfaced(job.params[who], max_tokens=limit)})
            ledger = pl.read_parquet(out / "ledger.parquet")
            assert ledger["tokens_in"].sum() + ledger["tokens_out"].sum() <= limit, arm


# --- measuring ---------------------------------------------------------------------------------------------------


def test_records_have_the_same_columns_and_outcomes_whatever_the_temperature(both):
    for doing in both.values():
        job = doing.job("base", what="records")
        once = pl.read_parquet(doing.of(job.key) / "records.parquet")
        drawn = pl.read_parquet(doing.again(job, temperature=1.0, samples=3, seed=5) / "records.parquet")
        assert drawn.schema == once.schema
        assert len(drawn) == 3 * len(once)
        assert set(drawn["sample"]) == {0, 1, 2}
        texts = drawn.group_by("benchmark", "item").agg(pl.col("said").n_unique())
        assert texts["said"].max() > 1, "samples are drawn"
        assert set(drawn["outcome"]) <= {str(outcome) for outcome in Outcome}
        assert drawn.filter(pl.col("outcome") != "scored")["score"].null_count() == len(
            drawn.filter(pl.col("outcome") != "scored")
        )


def test_measuring_the_teacher_spends_no_arms_budget(both, tmp_path_factory):
    for world, doing in both.items():
        limited = open_study(doing.folder / "study.yaml", ("teacher.surface.max_queries=2",))
        plan, _ = plan_loaded(limited)
        keys = [next(cell for cell in one.cells if cell.arm == "teacher").records for one in (doing.plan, plan)]
        assert keys[0] == keys[1], world
        records = pl.read_parquet(doing.of(keys[0]) / "records.parquet")
        assert "failed" not in set(records["outcome"])
