"""A study from start to end, without its report: failures, changes after the start, one replicate."""

import os
from io import StringIO
from pathlib import Path

import polars as pl
import pytest

from gauger.errors import UserError
from gauger.execute.cache import Cache
from gauger.execute.execution import Execution
from gauger.execute.progress import LogProgress, RunProgress
from gauger.jobs.registry import REGISTRY
from gauger.spec import AtlasWorld
from gauger.store.atomic import read_json
from gauger.store.directory import RunDirectory
from gauger.store.documents import read_document
from gauger.study import run
from gauger.study.document import make_document
from gauger.study.history import begin, read_log
from gauger.study.load import open_study, plan_loaded
from gauger.study.results import sample_texts
from gauger.study.run import run_study, seal
from gauger.worlds.atlas.forms import form_of
from gauger.worlds.registry import open_world

TOYS = Path(__file__).parents[1] / "execute"


@pytest.fixture
def again(tiny_study, copy_of_run):
    """Run the tiny study once more in a copy of the finished run."""

    def call(*overrides, progress=None):
        return run_study(
            open_study(tiny_study, overrides),
            copy_of_run,
            execution=Execution(workers=1),
            progress=progress or RunProgress(),
        )

    return call


def test_a_change_of_the_rule_is_post_hoc(again, finished_run):
    stream = StringIO()
    changes = ("verdict.threshold=0.5", "controls.leak.off=It was shown before.")
    finished = again(*changes, progress=LogProgress(stream))
    n = len(list((finished_run / "jobs" / "entries").iterdir()))
    change = f"verdict.threshold was 0.25 and is now 0.5, after {n} results"
    said = f"changed with results in sight, and so post hoc: {change}\n"
    assert said in stream.getvalue().partition(" jobs on ")[0], "before anything is run"
    document = finished.document
    assert finished.result.cached == set(finished.result.done), "nothing had to be run"
    assert document.verdict.rule["post_hoc"] is True
    assert document.verdict.rule["threshold"] == 0.5
    after = f", after {n} results."
    assert f"Changed after the run had started: verdict.threshold was 0.25 and is now 0.5{after}" in document.warnings
    assert f"Changed after the run had started: controls.leak.on was True and is now False{after}" in document.warnings
    assert document.switched_off == {"leak": "It was shown before."}
    leak = next(check for check in document.assay if check.name == "leak")
    assert (leak.outcome, leak.detail) == ("not_made", "Switched off: It was shown before.")
    assert "leak" not in {arm.name for arm in document.arms} | {row["arm"] for row in document.ledger}
    assert read_json(finished.directory.frozen) == read_json(finished_run / "frozen.json"), "the rule stays as it was"
    assert read_json(finished.directory.study)["verdict"]["threshold"] == 0.5
    assert read_document(finished.directory.estimates).verdict.rule["post_hoc"] is True


def test_one_replicate(again):
    finished = again("replicates=1")
    assert finished.result.cached == set(finished.result.done)
    assert finished.document.limits[-1].startswith("Nothing was replicated")
    uplift = next(one for one in finished.document.estimates if one.estimand == "uplift" and one.value is not None)
    assert uplift.n_replicates == 1
    assert "nothing was replicated" in uplift.note


def test_a_failed_job_leaves_the_other_arms(again, copy_of_run, tiny_study, monkeypatch):
    plan, _ = plan_loaded(open_study(tiny_study))
    (key,) = [cell.records for cell in plan.cells if (cell.arm, cell.replicate) == ("label", 0)]
    Cache(copy_of_run / "jobs").discard(key)
    monkeypatch.setattr(run, "REGISTRY", {**REGISTRY, "measure": "toy_jobs:fail"})
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TOYS), os.environ.get("PYTHONPATH", "")]))
    finished = again()
    assert [job.name for job, _ in finished.result.failed] == ["label · replicate 0 · measure"]
    (failure,) = finished.document.failures
    assert (failure.arm, failure.replicate, failure.stage) == ("label", 0, "measure")
    assert failure.reason == "ValueError: the loss is not finite"
    records = pl.read_parquet(finished.directory.records)
    assert set(records.filter(arm="label")["replicate"]) == {1}
    assert set(records.filter(arm="logits")["replicate"]) == {0, 1}


def test_a_look_is_logged_before_anybody_can_read_the_estimates(again, copy_of_run, monkeypatch):
    before, kinds = (copy_of_run / "estimates.json").read_bytes(), []

    def killed(folder, contents):
        assert (folder / "estimates.json").read_bytes() == before
        kinds.extend(entry["kind"] for entry in read_log(RunDirectory(folder)))
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "write_together", killed)
    with pytest.raises(KeyboardInterrupt):
        again("replicates=1")
    assert kinds == ["start", "look", "end", "start", "look"]


def start_another(study, root):
    loaded = open_study(study, ("verdict.threshold=0.1",))
    begin(RunDirectory(root), loaded, plan_loaded(loaded)[0])


def test_what_one_start_found_is_never_logged_as_another_s(again, copy_of_run, tiny_study, monkeypatch):
    """While estimates are made nobody holds the lock; a start with other settings may be logged meanwhile."""

    def estimating(material):
        start_another(tiny_study, copy_of_run)
        return make_document(material)

    monkeypatch.setattr(run, "make_document", estimating)
    before = (copy_of_run / "estimates.json").read_bytes()
    with pytest.raises(UserError, match=r"another process began in the meantime \(start 5 of starts\.jsonl\)"):
        again("replicates=1")
    kinds = [entry["kind"] for entry in read_log(RunDirectory(copy_of_run))]
    assert kinds == ["start", "look", "end", "start", "start"]
    assert (copy_of_run / "estimates.json").read_bytes() == before


def test_a_run_is_not_sealed_once_another_start_was_logged(again, copy_of_run, tiny_study):
    finished = again("replicates=1")
    start_another(tiny_study, copy_of_run)
    with pytest.raises(UserError, match=r"start 6 of starts\.jsonl"):
        seal(finished)
    assert read_log(RunDirectory(copy_of_run))[-1]["kind"] == "start"


def test_texts_are_read_from_what_there_is(tiny_study, finished_run):
    plan, _ = plan_loaded(open_study(tiny_study))
    from gauger.execute.result import RunResult

    assert sample_texts(plan, RunResult()) == {}
    cache = Cache(finished_run / "jobs")
    texts = sample_texts(plan, RunResult(done={key: cache.path(key) for key in plan.jobs}))
    assert set(texts) == {cell.arm for cell in plan.cells if cell.corpora}
    assert all(len(rows) == 3 for rows in texts.values())
    assert all(form_of(prompt) == "cloze" for prompt, _ in texts["label"])


def test_commands_can_be_pasted(tiny_study):
    from gauger.study.document import about

    loaded = open_study(tiny_study, ("arms.label.description=two words", "world.seed=3"))
    command = about(loaded)["command"]
    assert command == "gauger run tiny.yaml --set 'arms.label.description=two words' --set world.seed=3"


def test_worlds_are_built_once():
    settings = AtlasWorld(entities=16, letter_sets=60, test_contents=10)
    assert open_world(settings) is open_world(AtlasWorld(entities=16, letter_sets=60, test_contents=10))
    assert open_world(settings) is not open_world(AtlasWorld(entities=17, letter_sets=60, test_contents=10))
