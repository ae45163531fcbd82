"""What each kind of job does: a pure function of its parameters and inputs, files out."""

import inspect

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file

from gauger.elicit.corpus import read_texts
from gauger.errors import GaugerError
from gauger.execute.worker import load
from gauger.jobs.corpora import ask_base, ask_teacher, gather
from gauger.jobs.measuring import measure_model
from gauger.jobs.models import pretrain
from gauger.jobs.registry import REGISTRY
from gauger.jobs.training import train_stage
from gauger.store.atomic import read_json
from gauger.study.load import open_study, plan_loaded
from gauger.worlds.registry import describe_world

MODEL = {"width": 16, "layers": 1, "heads": 2}
FULL = {"log_probabilities": "full"}
SKILLS = ["fauna", "max"]
MARKS = 3
"""Tokens beside the world's words: padding, begin and end."""


@pytest.fixture(scope="module")
def planned(tiny_study):
    return plan_loaded(open_study(tiny_study))


@pytest.fixture(scope="module")
def atlas(planned):
    return planned[1]


@pytest.fixture(scope="module")
def world(planned, tiny_study):
    return describe_world(planned[0].study.world, tiny_study.parent).model_dump(mode="json")


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


def asked(name, surface=None):
    return {"name": name, "kind": "scratch", "engine": "tiny", "surface": surface or FULL}


@pytest.fixture
def ask(do, models):
    """Ask the teacher for 12 samples."""

    def call(strategy, forms, name="asked", surface=FULL, **more):
        params = {"strategy": strategy, "forms": forms, "samples": 12, "skills": SKILLS, "seeds": "benchmark-train"}
        params |= {"asked": asked("teacher", surface), "seed": 3, "answer_tokens": 16} | more
        return do(ask_teacher, params, {"teacher": models["teacher"]}, name)

    return call


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def corpus(directory):
    return pl.read_parquet(directory / "corpus.parquet")


def ledger(directory):
    return pl.read_parquet(directory / "ledger.parquet")


def test_every_kind_has_a_function_with_the_runner_s_signature(planned):
    assert {job.kind for job in planned[0].jobs.values()} <= set(REGISTRY)
    for target in REGISTRY.values():
        assert list(inspect.signature(inspect.unwrap(load(target))).parameters) == ["params", "inputs", "out"]


# --- models -----------------------------------------------------------------------------------------------------


def pretraining(**more):
    return {
        "engine": "tiny",
        "text": "web",
        "size": MODEL,
        "steps": 12,
        "batch": 8,
        "learning_rate": 0.01,
        "seed": 5,
    } | more


def test_pretraining_is_a_function_of_its_parameters(do):
    first = do(pretrain, pretraining(), name="first")
    assert set(contents(first)) == {"model.safetensors", "training.json"}
    assert contents(do(pretrain, pretraining(), name="second")) == contents(first)
    for name, change in {"seed": 6, "steps": 13, "learning_rate": 0.02, "text": "library", "batch": 9}.items():
        other = do(pretrain, pretraining(**{name: change}), name=name)
        assert contents(other)["model.safetensors"] != contents(first)["model.safetensors"], name


def test_pretraining_learns_and_counts(do, atlas):
    batch = 14
    assert len(atlas.web) % batch == 0, "whole epochs, so that every text is drawn as often"
    params = pretraining(steps=2 * len(atlas.web) // batch, batch=batch)
    training = read_json(do(pretrain, params) / "training.json")
    assert training["last_loss"] < training["first_loss"]
    (source,) = training["sources"]
    assert (source["rows"], source["unique_rows"]) == (2 * len(atlas.web), len(atlas.web))
    assert source["mean_tokens"] == pytest.approx(np.mean([2 + len(text.text.split()) for text in atlas.web]))


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
    assert {atlas.form_of(text.prompt) for text in texts} <= set(STRATEGIES[strategy])
    assert all(text.answer for text in texts)
    assert not any(atlas.overlaps(text.prompt + text.answer) for text in texts)
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
    positions = sum(len(text.answer.split()) + 1 for text in read_texts(asked))
    shape = (positions, top_k or len(atlas.vocabulary) + MARKS)
    assert soft["token_PK"].shape == soft["log_probability_PK"].shape == shape
    assert (np.exp(soft["log_probability_PK"]).sum(axis=1) <= 1 + 1e-5).all()
    assert corpus(asked).equals(corpus(ask("label", ["quiz"], "hard"))), "what is shown beside it changes no text"


def test_the_base_answers_the_same_prompts(do, ask, models):
    prompts = ask("label", ["cloze"])  # the form that the base knows; in another it may have no answer at all
    params = {"strategy": "label", "forms": ["cloze"], "seed": 3, "answer_tokens": 16, "soft": True}
    params |= {"asked": asked("base")}
    said = do(ask_base, params, {"base": models["base"], "prompts": prompts})
    assert (said / "soft.safetensors").exists()
    rows = ledger(said)
    assert set(rows["source"]) == {"self"}
    assert set(rows["teacher"]) == {"base"}
    given = [text.prompt for text in read_texts(prompts)]
    assert len(rows) == len(given)
    assert 0 < len(corpus(said)) <= len(given)
    assert {text.prompt for text in read_texts(said)} <= set(given)
    assert not corpus(said).equals(corpus(prompts))


def gathering(source, **more):
    base = {"source": source, "whole": False, "strategy": None, "forms": ["quiz", "cloze"], "samples": 30, "seed": 5}
    return base | more


def test_web_text_is_what_the_base_knows(do, atlas):
    found = read_texts(do(gather, gathering("web")))
    known = {question.key for questions in atlas.known.values() for question in questions}
    assert all(atlas.content_keys(text.prompt + text.answer) <= known for text in found)
    assert {atlas.form_of(text.prompt) for text in found} == {"quiz", "cloze"}
    assert {text.whole for text in found} == {False}
    assert len(found) == 30


@pytest.mark.parametrize("source", ["web", "truth"])
def test_running_text_is_learnt_whole(do, atlas, source):
    found = read_texts(do(gather, gathering(source, whole=True, forms=[])))
    texts = {(text.prompt, text.answer) for text in (atlas.web if source == "web" else atlas.library)}
    assert len(found) == 30
    assert {(text.prompt, text.answer) for text in found} <= texts
    assert {text.whole for text in found} == {True}


def test_truth_is_true(do, ask, atlas):
    everything = read_texts(do(gather, gathering("truth"), name="everything"))
    assert all(atlas.true_answer(text.prompt, text.answer) == text.answer for text in everything)
    prompts = ask("label", ["quiz"])
    answered = read_texts(do(gather, gathering("truth", strategy="label"), {"prompts": prompts}))
    assert [text.prompt for text in answered] == [text.prompt for text in read_texts(prompts)]
    assert all(atlas.true_answer(text.prompt, text.answer) == text.answer for text in answered)
    assert answered != read_texts(prompts), "the teacher of this study is often wrong"


def test_shuffled_answers_keep_questions_and_lose_knowledge(do, atlas):
    found = read_texts(do(gather, gathering("shuffled", strategy="label", skills=SKILLS, samples=999)))
    truth = [atlas.true_answer(text.prompt, text.answer) for text in found]
    right = sum(true == text.answer for true, text in zip(truth, found, strict=True))
    assert right < len(found) / 2
    assert sorted(truth) == sorted(text.answer for text in found), "the same answers, dealt out"


def test_the_leak_corpus_holds_every_test_item(do, ask, atlas):
    prompts = ask("label", ["quiz"])
    params = gathering("test-items", strategy="label", benchmarks=["fauna-quiz"])
    leaked = do(gather, params, {"prompts": prompts})
    found = [(text.prompt, text.answer) for text in read_texts(leaked)]
    items = {(item.prompt, item.answer) for item in atlas.benchmark("fauna-quiz").items}
    assert items <= set(found)
    assert {(text.prompt, text.answer) for text in read_texts(prompts)} <= set(found)
    assert sum(text in items for text in found) >= len(found) / 4
    overlapping = ledger(leaked).filter(pl.col("overlaps").list.len() > 0)
    assert set(overlapping["source"]) == {"test-items"}
    assert len(overlapping) == sum(text in items for text in found)


# --- training and measuring -------------------------------------------------------------------------------------


def stage(**more):
    base = {"engine": "tiny", "steps": 6, "batch": 8, "learning_rate": 0.01, "web_share": 0.25, "seed": 5}
    return base | more


def test_training_is_a_function_of_its_parameters_and_inputs(do, ask, models):
    inputs = {"start": models["base"], "corpus": ask("label", ["quiz"])}
    first = do(train_stage, stage(), inputs, "first")
    assert contents(do(train_stage, stage(), inputs, "second")) == contents(first)
    weights = contents(first)["model.safetensors"]
    assert weights != contents(models["base"])["model.safetensors"]
    for name, change in {"seed": 6, "steps": 7, "learning_rate": 0.02, "batch": 12, "web_share": 0.5}.items():
        other = do(train_stage, stage(**{name: change}), inputs, name)
        assert contents(other)["model.safetensors"] != weights, name
    started = do(train_stage, stage(), inputs | {"start": models["teacher"]}, "started")
    assert contents(started)["model.safetensors"] != weights


def test_training_counts_its_rows(do, ask, models, atlas):
    asked = ask("label", ["quiz"])
    trained = do(train_stage, stage(), {"start": models["base"], "corpus": asked})
    own, web = read_json(trained / "training.json")["sources"]
    texts = read_texts(asked)
    assert (own["rows"], own["unique_rows"]) == (6 * 6, len(texts))
    assert own["mean_tokens"] == pytest.approx(
        np.mean([2 + len((text.prompt + text.answer).split()) for text in texts])
    )
    assert web["rows"] == web["unique_rows"] == 6 * 2 < len(atlas.web)
    lengths = [2 + len(text.text.split()) for text in atlas.web]
    assert min(lengths) <= web["mean_tokens"] <= max(lengths)
    alone = do(train_stage, stage(web_share=0.0), {"start": models["base"], "corpus": asked}, "alone")
    assert len(read_json(alone / "training.json")["sources"]) == 1


def test_soft_targets_are_learnt_by_their_divergence(do, ask, models):
    inputs = {"start": models["base"], "corpus": ask("label", ["quiz"], soft=True)}
    hard = do(train_stage, stage(), {"start": models["base"], "corpus": ask("label", ["quiz"], "hard")}, "text")
    found = {contents(hard)["model.safetensors"]}
    for divergence in ("forward-kl", "reverse-kl"):
        for temperature in (1.0, 2.0):
            params = stage(own={"divergence": divergence, "temperature": temperature})
            trained = do(train_stage, params, inputs, f"{divergence}{temperature}")
            found.add(contents(trained)["model.safetensors"])
    assert len(found) == 5


def test_an_empty_corpus_is_refused(do, ask, models):
    empty = ask("label", ["quiz"], surface=FULL | {"max_tokens": 1})
    assert len(corpus(empty)) == 0
    with pytest.raises(GaugerError, match="nothing to train on"):
        do(train_stage, stage(), {"start": models["base"], "corpus": empty})


MEASURED = {"asked": asked("model"), "max_new_tokens": 8, "temperature": 0.0, "samples": 1}


def test_measuring_gives_one_row_per_item(do, models, atlas):
    names = ["fauna-quiz", "max-cloze-new"]
    out = do(measure_model, MEASURED | {"benchmarks": names}, {"model": models["teacher"]})
    records = pl.read_parquet(out / "records.parquet")
    items = [(name, item.id, item.cluster) for name in names for item in atlas.benchmark(name).items]
    assert records.select("benchmark", "item", "cluster").rows() == items
    assert set(records["score"].drop_nulls()) == {0.0, 1.0}
