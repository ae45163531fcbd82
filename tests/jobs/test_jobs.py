"""What each kind of job does: a pure function of its parameters and inputs, files out."""

import inspect
import subprocess
import sys
from importlib import import_module

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file

from gauger.elicit.twin_samples import read_texts
from gauger.errors import GaugerError
from gauger.jobs import atlas_jobs as jobs
from gauger.jobs.registry import CODE, REGISTRY
from gauger.store.atomic import read_json
from gauger.study.load import open_study, plan_loaded
from gauger.worlds.atlas.forms import content_keys, form_of
from gauger.worlds.atlas.truth import true_answer

MODEL = {"width": 16, "layers": 1, "heads": 2}
FULL = {"log_probabilities": "full"}


@pytest.fixture(scope="module")
def planned(tiny_study):
    return plan_loaded(open_study(tiny_study))


@pytest.fixture(scope="module")
def atlas(planned):
    return planned[1]


@pytest.fixture(scope="module")
def world(planned):
    return planned[0].study.world.model_dump(mode="json")


@pytest.fixture(scope="module")
def models(planned, finished_run):
    """The teacher and the base of the finished run."""
    found = {job.arm: job.key for job in planned[0].jobs.values() if job.kind == "pretrain"}
    return {name: finished_run / "jobs" / "entries" / key for name, key in found.items()}


@pytest.fixture
def do(world, tmp_path):
    """Do a job in a fresh directory, and return the directory."""

    def call(function, params, inputs=None, name="out"):
        out = tmp_path / name
        out.mkdir()
        function({"world": world, **params}, inputs or {}, out)
        return out

    return call


@pytest.fixture
def ask(do, models):
    """Ask the teacher for 12 samples."""

    def call(strategy, forms, name="asked", **more):
        params = {"strategy": strategy, "forms": forms, "samples": 12, "skills": ["fauna", "max"], "surface": FULL}
        params |= {"seed": 3, "soft": False, "top_k": None} | more
        return do(jobs.ask_teacher, params, {"teacher": models["teacher"]}, name)

    return call


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def corpus(directory):
    return pl.read_parquet(directory / "corpus.parquet")


def ledger(directory):
    return pl.read_parquet(directory / "ledger.parquet")


# --- the registry -----------------------------------------------------------------------------------------------


def test_every_kind_has_a_function_with_the_runner_s_signature(planned):
    assert {job.kind for job in planned[0].jobs.values()} <= set(REGISTRY)
    for target in REGISTRY.values():
        module, _, name = target.partition(":")
        assert list(inspect.signature(getattr(import_module(module), name)).parameters) == ["params", "inputs", "out"]


def test_all_code_behind_the_jobs_enters_their_addresses():
    code = "import sys, gauger.jobs.atlas_jobs; print(*(m for m in sys.modules if m.startswith('gauger.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    # statistics are reached through the checks of a study file (designs of factorials) and by no job
    settings_and_storage = ("gauger.spec", "gauger.store", "gauger.errors", "gauger.records", "gauger.stats")
    packages = ("gauger.jobs", "gauger.measure", "gauger.train")  # their __init__ says nothing but what is in them
    covered = (*CODE, *settings_and_storage)
    assert [
        name
        for name in loaded
        if name not in packages and not any(name == one or name.startswith(f"{one}.") for one in covered)
    ] == []


# --- models -----------------------------------------------------------------------------------------------------


def pretraining(**more):
    return {"text": "web", "model": MODEL, "steps": 12, "batch": 8, "learning_rate": 0.01, "seed": 5} | more


def test_pretraining_is_a_function_of_its_parameters(do):
    first = do(jobs.pretrain, pretraining(), name="first")
    assert set(contents(first)) == {"model.safetensors", "training.json"}
    assert contents(do(jobs.pretrain, pretraining(), name="second")) == contents(first)
    for name, change in {"seed": 6, "steps": 13, "learning_rate": 0.02, "text": "library", "batch": 9}.items():
        other = do(jobs.pretrain, pretraining(**{name: change}), name=name)
        assert contents(other)["model.safetensors"] != contents(first)["model.safetensors"], name


def test_pretraining_learns_and_counts(do, atlas):
    training = read_json(do(jobs.pretrain, pretraining(steps=60)) / "training.json")
    assert training["last_loss"] < training["first_loss"]
    (source,) = training["sources"]
    assert (source["rows"], source["unique_rows"]) == (60 * 8, len(atlas.web))
    assert source["mean_tokens"] == pytest.approx(np.mean([2 + len(text.words) for text in atlas.web]))


# --- corpora ----------------------------------------------------------------------------------------------------

STRATEGIES = {
    "label": ["quiz"],
    "expand": ["quiz"],
    "textbook": ["story"],
    "seedless": ["quiz", "cloze"],
}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_asking_the_teacher(ask, strategy, atlas):
    asked = ask(strategy, STRATEGIES[strategy])
    assert contents(ask(strategy, STRATEGIES[strategy], "again")) == contents(asked)
    texts = read_texts(asked)
    assert 0 < len(texts) <= 12
    assert {form_of(prompt) for prompt, _, _ in texts} <= set(STRATEGIES[strategy])
    assert all(answer for _, answer, _ in texts)
    assert not any(content_keys((*prompt, *answer)) & atlas.splits.held_out for prompt, answer, _ in texts)
    rows = ledger(asked)
    assert rows.filter(pl.col("dropped").is_null())["id"].to_list() == corpus(asked)["id"].to_list()
    assert set(rows["source"]) == {"teacher"}
    assert rows["queries"].sum() >= len(texts)
    if strategy in ("expand", "seedless", "textbook"):
        assert not corpus(ask(strategy, STRATEGIES[strategy], "other", seed=4)).equals(corpus(asked))


def test_budgets_end_the_asking_with_a_note(ask):
    asked = ask("label", ["quiz"], surface=FULL | {"max_queries": 5})
    assert len(corpus(asked)) <= 5
    assert ledger(asked)["queries"].sum() == 5
    (note,) = read_json(asked / "notes.json")
    assert note.endswith("of 12 samples: the budget is spent")


@pytest.mark.parametrize("top_k", [None, 2])
def test_soft_targets_stand_at_every_learnt_position(ask, top_k, atlas):
    asked = ask("label", ["quiz"], soft=True, top_k=top_k)
    soft = load_file(asked / "soft.safetensors")
    positions = sum(len(answer) + 1 for _, answer, _ in read_texts(asked))
    shape = (positions, top_k or len(atlas.language))
    assert soft["token_PK"].shape == soft["log_probability_PK"].shape == shape
    assert (np.exp(soft["log_probability_PK"]).sum(axis=1) <= 1 + 1e-5).all()
    assert corpus(asked).equals(corpus(ask("label", ["quiz"], "hard"))), "what is shown beside it changes no text"


def test_the_base_answers_the_same_prompts(do, ask, models):
    prompts = ask("label", ["cloze"])  # the form that the base knows; in another it may have no answer at all
    params = {"strategy": "label", "forms": ["cloze"], "seed": 3, "soft": True, "top_k": None}
    said = do(jobs.ask_base, params, {"base": models["base"], "prompts": prompts})
    assert (said / "soft.safetensors").exists()
    rows = ledger(said)
    assert set(rows["source"]) == {"self"}
    assert set(rows["teacher"]) == {"base"}
    asked = [prompt for prompt, _, _ in read_texts(prompts)]
    assert len(rows) == len(asked)
    assert 0 < len(corpus(said)) <= len(asked)
    assert {prompt for prompt, _, _ in read_texts(said)} <= set(asked)
    assert not corpus(said).equals(corpus(prompts))


def gathering(source, **more):
    base = {"source": source, "kind": "sft", "strategy": None, "forms": ["quiz", "cloze"], "samples": 30, "seed": 5}
    return base | more


def test_web_text_is_what_the_base_knows(do, atlas):
    found = read_texts(do(jobs.gather, gathering("web")))
    known = {question.key for questions in atlas.known.values() for question in questions}
    assert all(content_keys((*prompt, *answer)) <= known for prompt, answer, _ in found)
    assert {form_of(prompt) for prompt, _, _ in found} == {"quiz", "cloze"}
    assert {whole for _, _, whole in found} == {False}
    assert 20 <= len(found) <= 30


@pytest.mark.parametrize("source", ["web", "truth"])
def test_running_text_is_learnt_whole(do, atlas, source):
    found = read_texts(do(jobs.gather, gathering(source, kind="continue", forms=[])))
    texts = {(text.prompt, text.answer) for text in (atlas.web if source == "web" else atlas.library)}
    assert len(found) == 30
    assert {(prompt, answer) for prompt, answer, _ in found} <= texts
    assert {whole for _, _, whole in found} == {True}


def test_truth_is_true(do, ask, atlas):
    everything = read_texts(do(jobs.gather, gathering("truth"), name="everything"))
    assert all(true_answer(atlas, prompt, answer) == answer for prompt, answer, _ in everything)
    prompts = ask("label", ["quiz"])
    answered = read_texts(do(jobs.gather, gathering("truth", strategy="label"), {"prompts": prompts}))
    assert [prompt for prompt, _, _ in answered] == [prompt for prompt, _, _ in read_texts(prompts)]
    assert all(true_answer(atlas, prompt, answer) == answer for prompt, answer, _ in answered)
    assert answered != read_texts(prompts), "the teacher of this study is often wrong"


def test_shuffled_answers_keep_questions_and_lose_knowledge(do, atlas):
    found = read_texts(do(jobs.gather, gathering("shuffled", strategy="label", skills=["fauna", "max"], samples=999)))
    truth = [true_answer(atlas, prompt, answer) for prompt, answer, _ in found]
    right = sum(true == answer for true, (_, answer, _) in zip(truth, found, strict=True))
    assert right < len(found) / 2
    assert sorted(truth) == sorted(answer for _, answer, _ in found), "the same answers, dealt out"


def test_the_leak_corpus_holds_every_test_item(do, ask, atlas):
    prompts = ask("label", ["quiz"])
    params = gathering("test-items", strategy="label", benchmarks=["fauna-quiz"])
    leaked = do(jobs.gather, params, {"prompts": prompts})
    found = [(prompt, answer) for prompt, answer, _ in read_texts(leaked)]
    items = {(item.prompt, item.answer) for item in atlas.benchmark("fauna-quiz").items}
    assert items <= set(found)
    assert {(prompt, answer) for prompt, answer, _ in read_texts(prompts)} <= set(found)
    assert sum(text in items for text in found) >= len(found) / 4
    overlapping = ledger(leaked).filter(pl.col("overlaps").list.len() > 0)
    assert set(overlapping["source"]) == {"test-items"}
    assert len(overlapping) == sum(text in items for text in found)


# --- training and measuring -------------------------------------------------------------------------------------


def stage(**more):
    base = {"steps": 6, "batch": 8, "learning_rate": 0.01, "web_share": 0.25, "divergence": None, "temperature": None}
    return base | {"seed": 5} | more


def test_training_is_a_function_of_its_parameters_and_inputs(do, ask, models):
    inputs = {"start": models["base"], "corpus": ask("label", ["quiz"])}
    first = do(jobs.train_stage, stage(), inputs, "first")
    assert contents(do(jobs.train_stage, stage(), inputs, "second")) == contents(first)
    weights = contents(first)["model.safetensors"]
    assert weights != contents(models["base"])["model.safetensors"]
    for name, change in {"seed": 6, "steps": 7, "learning_rate": 0.02, "batch": 12, "web_share": 0.5}.items():
        other = do(jobs.train_stage, stage(**{name: change}), inputs, name)
        assert contents(other)["model.safetensors"] != weights, name
    started = do(jobs.train_stage, stage(), inputs | {"start": models["teacher"]}, "started")
    assert contents(started)["model.safetensors"] != weights


def test_training_counts_its_rows(do, ask, models, atlas):
    asked = ask("label", ["quiz"])
    trained = do(jobs.train_stage, stage(), {"start": models["base"], "corpus": asked})
    own, web = read_json(trained / "training.json")["sources"]
    texts = read_texts(asked)
    assert (own["rows"], own["unique_rows"]) == (6 * 6, len(texts))
    assert own["mean_tokens"] == pytest.approx(np.mean([2 + len(p) + len(a) for p, a, _ in texts]))
    assert (web["rows"], web["unique_rows"]) == (6 * 2, len(atlas.web))
    alone = do(jobs.train_stage, stage(web_share=0.0), {"start": models["base"], "corpus": asked}, "alone")
    assert len(read_json(alone / "training.json")["sources"]) == 1


def test_soft_targets_are_learnt_by_their_divergence(do, ask, models):
    inputs = {"start": models["base"], "corpus": ask("label", ["quiz"], soft=True)}
    hard = do(jobs.train_stage, stage(), {"start": models["base"], "corpus": ask("label", ["quiz"], "hard")}, "text")
    found = {contents(hard)["model.safetensors"]}
    for divergence in ("forward-kl", "reverse-kl"):
        for temperature in (1.0, 2.0):
            params = stage(divergence=divergence, temperature=temperature)
            trained = do(jobs.train_stage, params, inputs, f"{divergence}{temperature}")
            found.add(contents(trained)["model.safetensors"])
    assert len(found) == 5


def test_an_empty_corpus_is_refused(do, ask, models):
    empty = ask("label", ["quiz"], surface=FULL | {"max_tokens": 1})
    assert len(corpus(empty)) == 0
    with pytest.raises(GaugerError, match="nothing to train on"):
        do(jobs.train_stage, stage(), {"start": models["base"], "corpus": empty})


def test_measuring_gives_one_row_per_item(do, models, atlas):
    names = ["fauna-quiz", "max-cloze-new"]
    out = do(jobs.measure_model, {"benchmarks": names, "max_new_tokens": 8}, {"model": models["teacher"]})
    records = pl.read_parquet(out / "records.parquet")
    items = [(name, item.id, item.cluster) for name in names for item in atlas.benchmark(name).items]
    assert records.select("benchmark", "item", "cluster").rows() == items
    assert set(records["score"].drop_nulls()) == {0.0, 1.0}
