"""Studies with benchmarks that lm-eval runs: on a task in a file beside the study, without a network."""

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from tests.elicit.api import stub_server
from tests.jobs import stub_evaluator
from tests.jobs.facts_study import FACTS_WORLD, write_facts_study
from tests.jobs.running import Doing
from tests.measure import evaluators

from gauger.cli import main
from gauger.jobs.evaluating import _target
from gauger.spec import EndpointTeacher, InspectTask, LmEvalTask, Surface
from gauger.study.evaluator_tasks import evaluator_settings
from gauger.study.load import open_study, plan_loaded
from gauger.study.models_elsewhere import EndpointMaker

STUDY = (
    """
study: evaluated
question: Do benchmarks of others stand beside those of the world?
replicates: 2
"""
    + FACTS_WORLD
    + """\
teacher: {kind: checkpoint, model: model, lora: null}
student: {kind: checkpoint, model: model, lora: {rank: 2, alpha: 64}}
benchmarks: {facts-qa: {role: targeted}, facts-qa-new: {role: parallel}}
evaluators:
  capitals: {kind: lm-eval, role: near, task: capitals, include: tasks}
arms:
  label:
    stages:
      - {kind: text-distill, strategy: label, seeds: benchmark-train, forms: [qa], samples: 6, steps: 2, batch: 4}
decoding: {max_new_tokens: 6}
verdict: {arm: label, threshold: 0.25}
"""
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluated")
    shutil.copytree(Path(evaluators.__file__).parent / "tasks", folder / "tasks")
    return write_facts_study(folder, STUDY)


def planned(path, *overrides):
    return plan_loaded(open_study(path, overrides))


def evaluations(plan):
    return {key for key, job in plan.jobs.items() if job.kind == "evaluate"}


def test_every_model_is_evaluated_and_measured_together(path):
    plan, _ = planned(path)
    assert len(evaluations(plan)) == len({cell.records for cell in plan.cells}) == 1 + 2 * 7
    for cell in plan.cells:
        assert evaluations(plan) & set(plan.jobs[cell.records].inputs.values())
    assert plan.study.roles == {"facts-qa": "targeted", "facts-qa-new": "parallel", "capitals": "near"}


@pytest.fixture(scope="module")
def evaluated(path, tmp_path_factory):
    """The base's records, and the directory of its evaluation by lm-eval itself."""
    plan, world = planned(path)
    done = Doing(plan, world, tmp_path_factory.mktemp("done"))
    base = next(cell for cell in plan.cells if cell.arm == "base")
    records = pl.read_parquet(done.of(base.records) / "records.parquet")
    (job,) = [plan.jobs[key] for key in plan.jobs[base.records].inputs.values() if key in evaluations(plan)]
    return records, done.entries / job.key


def test_lm_eval_runs_its_own_task_and_its_records_stand_beside_the_worlds(evaluated):
    records, directory = evaluated
    theirs = records.filter(benchmark="capitals")
    assert theirs.height == 5
    assert set(theirs["outcome"]) == {"scored"}
    assert theirs["flexible_score"].to_list() == theirs["score"].to_list()
    assert set(records["benchmark"]) == {"capitals", "facts-qa", "facts-qa-new"}
    assert list((directory / "logs").rglob("samples_capitals_*.jsonl"))
    assert (directory / "evaluator.log").stat().st_size


def test_an_evaluator_whose_server_is_killed_is_stopped_and_begins_anew(path, tmp_path, evaluated):
    """The server is killed at its third question; left alone, the evaluator would try again for ten minutes."""
    lives = tmp_path / "lives"
    lives.write_text("1")
    command = f"{sys.executable} {Path(stub_server.__file__)} {{model}} {{port}} echo {lives}"
    evaluator = f"{sys.executable} {Path(stub_evaluator.__file__)} {evaluated[1] / 'logs'}"
    plan, world = planned(
        path,
        f"student.serve={{command: {json.dumps(command)}}}",
        f"evaluators.capitals.program={json.dumps(evaluator)}",
    )
    base = next(cell for cell in plan.cells if cell.arm == "base")
    (key,) = evaluations(plan) & set(plan.jobs[base.records].inputs.values())
    out = Doing(plan, world, tmp_path).of(key)
    assert lives.read_text() == "0"
    assert (out / "server.log").read_text().count(stub_server.LISTENS) == 2
    assert (out / "evaluator.log").read_text() == "asked 0\nasked 1\nasked 2\nasked 3\n", "from its beginning"
    assert pl.read_parquet(out / "records.parquet").equals(pl.read_parquet(evaluated[1] / "records.parquet"))


def test_the_address_holds_task_settings_and_data_and_not_the_role(path):
    before, data = evaluations(planned(path)[0]), path.parent / "tasks" / "capitals.jsonl"
    assert evaluations(planned(path, "evaluators.capitals.role=far", "verdict.role=far")[0]) == before
    assert not evaluations(planned(path, "evaluators.capitals.limit=3")[0]) & before
    assert not evaluations(planned(path, "evaluators.capitals.shots=1")[0]) & before
    text = data.read_text()
    data.write_text(text.replace("Lima", "Quito"))
    try:
        assert not evaluations(planned(path)[0]) & before
    finally:
        data.write_text(text)


@pytest.mark.parametrize("how", ["beside", "link", "inspect"])
def test_tasks_may_lie_outside_the_study_and_the_address_does_not_say_where(tmp_path, how):
    tasks = Path(evaluators.__file__).parent / "tasks"
    said = []
    for name in ("here", "deeper/there"):
        place = tmp_path / name
        (place / "study").mkdir(parents=True)
        shutil.copytree(tasks, place / "tasks")
        (place / "study" / "linked").symlink_to(place / "tasks")
        task = {
            "beside": LmEvalTask(kind="lm-eval", role="far", task="capitals", include="../tasks"),
            "link": LmEvalTask(kind="lm-eval", role="far", task="capitals", include="linked"),
            "inspect": InspectTask(kind="inspect", role="far", task="../tasks/capitals_inspect.py@capitals"),
        }[how]
        said.append(evaluator_settings(task, place / "study")["files"])
    assert said[0] == said[1]
    assert {"capitals.yaml", "capitals.jsonl"} <= said[0].keys()


ENDPOINT = {"kind": "endpoint", "url": "https://host/v1", "model": "gpt"}


def test_an_endpoint_teacher_is_evaluated_as_it_teaches():
    settings = {"effort": "high", "top_p": 0.9, "manner": "completions", "extra": {"deep": {"er": False}}}
    teacher = EndpointTeacher.model_validate(ENDPOINT | settings, strict=False)
    asked = EndpointMaker(teacher, Path()).asked("teacher", Surface(), None)
    params, where = SimpleNamespace(asked=asked, seed=1), SimpleNamespace(world=SimpleNamespace(chat=True))
    target, server = _target(params, where)
    assert (target.url, target.name, target.chat, server) == ("https://host/v1", "gpt", False, None)
    assert target.sent == {"top_p": 0.9, "reasoning_effort": "high", "deep": {"er": False}}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("headers: {api-key: $AZ}", "teacher.headers: expected no headers beside evaluators"),
        ("query: {api-version: '1'}", "teacher.query: expected no query beside evaluators"),
        ("extra: {seed: null}", "teacher.extra: expected no null in extra beside evaluators"),
        ("manner: completions", "expected lm-eval for a teacher whose manner is completions, got inspect"),
    ],
)
def test_a_teacher_that_an_evaluator_would_ask_otherwise_is_refused(path, settings, message, capsys):
    teacher = f"teacher={{kind: endpoint, url: 'https://host/v1', model: gpt, {settings}}}"
    known = "evaluators.gpqa={kind: inspect, role: far, task: inspect_evals/gpqa_diamond}"
    assert main(["plan", str(path), "--set", teacher, "--set", known]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("evaluators.capitals.kind=lm-evil", "lm-eval"),
        ("evaluators.capitals.include=nowhere", "a folder with tasks"),
        ("evaluators={facts-qa: {kind: lm-eval, role: far, task: x}}", "a name of its own"),
        ("teacher.surface={max_usd: 3}", "max_usd"),
        ("evaluators.capitals.program=/no/such", "a program of lm-eval that tells its version"),
        ("evaluators.capitals.program=/bin/false", "a program of lm-eval that tells its version"),
    ],
)
def test_mistakes_are_the_users_and_are_named(path, override, message, capsys):
    assert main(["plan", str(path), "--set", override]) == 2
    assert message in capsys.readouterr().err
