"""A student that a command serves is measured as it is in this process: same records, through the one client."""

import json
import sys
from pathlib import Path

import polars as pl
import pytest
from tests.elicit.api import stub_server
from tests.jobs.facts_study import FACTS_WORLD, write_facts_study
from tests.jobs.running import Doing
from tests.train.models import ALL

from gauger.errors import GaugerError
from gauger.jobs import corpora
from gauger.jobs.models import read_model
from gauger.jobs.parameters import Asked, Materialise, job
from gauger.jobs.scope import job_scope, until_done
from gauger.jobs.teachers_elsewhere import asking_identity
from gauger.spec import Serving
from gauger.study.load import open_study, plan_loaded
from gauger.train.engine import Adapter
from gauger.train.hf.tokens import CheckpointTokens
from gauger.train.loop import Options
from gauger.train.text import train_on_text

SERVE = f"{sys.executable} {Path(stub_server.__file__)} {{model}} {{port}} model"
STUDY = (
    """
study: served
question: Is a served student measured as it is?
replicates: 1
"""
    + FACTS_WORLD
    + """\
teacher: {kind: checkpoint, model: model, lora: null}
student: {kind: checkpoint, model: model, lora: {rank: 2, alpha: 64}}
benchmarks: {facts-qa: {role: targeted}, facts-qa-new: {role: near}}
arms:
  label:
    stages:
      - {kind: text-distill, strategy: label, seeds: benchmark-train, forms: [qa], samples: 6, steps: 2, batch: 4}
decoding: {max_new_tokens: 6, temperature: 1.0}
verdict: {arm: label, threshold: 0.25}
"""
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    return write_facts_study(folder, STUDY)


def doing(path, folder, *overrides):
    plan, world = plan_loaded(open_study(path, overrides))
    return Doing(plan, world, folder)


def serve(who, **settings):
    told = ", ".join(f"{name}: {value}" for name, value in {"command": json.dumps(SERVE), **settings}.items())
    return f"{who}.serve={{{told}}}"


def records_of(done, arm):
    cell = next(cell for cell in done.plan.cells if cell.arm == arm)
    return pl.read_parquet(done.of(cell.records) / "records.parquet").drop("tokens_in", "tokens_out")


def test_records_are_those_of_the_same_model_in_this_process_and_its_log_is_kept(path, tmp_path):
    here, served = doing(path, tmp_path / "here"), doing(path, tmp_path / "served", serve("student"))
    ours, theirs = records_of(here, "base"), records_of(served, "base")
    assert ours["said"].n_unique() > 1
    assert theirs.equals(ours)
    keys = [next(cell for cell in done.plan.cells if cell.arm == "base").records for done in (here, served)]
    assert keys[0] != keys[1], "how it is asked may change an answer, so it is part of the address"
    assert stub_server.LISTENS in (served.entries / keys[1] / "server.log").read_text()


def test_records_through_a_server_that_is_killed_are_those_of_one_that_is_not(path, tmp_path):
    lives = tmp_path / "lives"
    lives.write_text("1")
    here = doing(path, tmp_path / "here")
    served = doing(path, tmp_path / "served", serve("student", command=json.dumps(f"{SERVE} {lives}")))
    assert records_of(served, "base").equals(records_of(here, "base"))
    assert lives.read_text() == "0"
    key = next(cell for cell in served.plan.cells if cell.arm == "base").records
    assert (served.entries / key / "server.log").read_text().count(stub_server.LISTENS) == 2


def test_a_served_teacher_s_corpus_is_counted_in_its_own_tokens(path, tmp_path, monkeypatch):
    """Adversary: what counts them was lost behind the surface, and a corpus had a third of its characters as tokens."""
    counting = []
    count = corpora.counter
    monkeypatch.setattr(corpora, "counter", lambda counts: counting.append(counts) or count(counts))
    done = doing(path, tmp_path / "served", serve("teacher"))
    done.of(next(key for key, job in done.plan.jobs.items() if job.kind == "ask-teacher"))
    assert [type(counts) for counts in counting] == [CheckpointTokens]


def test_replies_of_one_student_are_not_taken_for_another_s(path, tmp_path):
    """Measuring two students has the same parameters: their inputs alone tell them apart."""
    done = doing(path, tmp_path / "served", serve("student"))
    base = next(cell for cell in done.plan.cells if cell.arm == "base")
    label = next(cell for cell in done.plan.cells if cell.arm == "label")
    training, out = done.plan.jobs[label.stages[0]], done.entries / label.stages[0]
    out.mkdir()
    model = read_model({"start": path.parent / "model"}, "start", "hf")
    trained = train_on_text(model, ALL, model.defaults.schedule(20, 0.05), Options(1, adapter=Adapter(2, 64.0)))
    trained.model.save(out)
    done._done[training.key] = out
    assert (out / "adapter_config.json").exists(), "an adapter is merged before it is served"
    ours, others = records_of(done, "base"), records_of(done, "label")
    assert not ours.equals(others)
    here = doing(path, tmp_path / "here")
    here._done[training.key] = out
    assert others.equals(records_of(here, "label"))
    assert len(list((done.entries.parent / "journals").glob("*.jsonl"))) == 2, base


def test_a_model_that_is_served_another_way_answers_anew(path, tmp_path):
    """In one directory, as a study is run again after its server was mended."""

    def base(**settings):
        plan, world = plan_loaded(open_study(path, [serve("student", **settings)]))
        done = Doing.__new__(Doing)
        done.plan, done.world, done.folder, done._n, done._done = plan, world, tmp_path, 0, {}
        done.entries = tmp_path / "jobs" / "entries"
        done.entries.mkdir(parents=True, exist_ok=True)
        return records_of(done, "base")["said"].to_list()

    first = base()
    assert base(concurrency=3) == first
    echo = base(command=json.dumps(SERVE.removesuffix("model") + "echo"))
    assert not set(echo) & set(first)
    assert len(list((tmp_path / "jobs" / "journals").glob("*.jsonl"))) == 2


@pytest.mark.parametrize(
    ("settings", "same"),
    [
        ({"command": "vllm serve {model} --port {port} --quantization fp8"}, False),
        ({"name": "another"}, False),
        ({"path": "/v2"}, False),
        ({"manner": "chat"}, False),
        ({"environment": ("HOME",)}, False),
        ({"concurrency": 3, "timeout_s": 30.0, "start_minutes": 9.0, "health": "/", "gpus": 2}, True),
    ],
)
def test_replies_are_kept_under_what_serves_a_model(settings, same):
    def identity(**settings):
        serving = Serving(**{"command": "vllm serve {model} --port {port}", **settings})
        asked = Asked(name="student", kind="checkpoint", engine="hf", serving=serving)
        return asking_identity({"asked": asked.model_dump(mode="json"), "benchmarks": ["x"]})

    assert (identity(**settings) == identity()) is same


def test_what_needs_log_probabilities_is_not_served(path, tmp_path):
    soft = "arms.label.stages.0={kind: logit-distill, strategy: label, seeds: benchmark-train, forms: [qa], samples: 4, steps: 1}"  # noqa: E501
    shown = "teacher.surface={log_probabilities: top-k, top_k: 2}"
    done = doing(path, tmp_path / "soft", soft, shown, serve("teacher"))
    cell = next(cell for cell in done.plan.cells if cell.arm == "label")
    assert (done.of(cell.corpora[0]) / "ledger.parquet").exists()
    assert not (done.entries / cell.corpora[0] / "server.log").exists()


def test_what_a_job_opened_ends_with_it_whatever_happens():
    ended = []

    class Thing:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            return self

        def __exit__(self, *_):
            ended.append(self.name)

    @job(Materialise)
    def one(params, inputs, out):
        until_done(Thing("first"))
        until_done(Thing("second"))
        raise GaugerError("it fails")

    with pytest.raises(GaugerError, match="it fails"):
        one({"engine": "hf", "reference": "x", "identity": "y"}, {}, Path())
    assert ended == ["second", "first"]
    with job_scope():
        until_done(Thing("third"))
    assert ended == ["second", "first", "third"]
    with pytest.raises(GaugerError, match="kept open outside"):
        until_done(Thing("fourth"))
