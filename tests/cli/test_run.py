"""`gauger run STUDY.yaml`, from the study file to the verdict, on real training."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import polars as pl
import pytest

from gauger.cli import main
from gauger.execute.status import read_plan
from gauger.records import RECORD_COLUMNS, ArmKind, Failure
from gauger.store.documents import read_document

GAUGER = [sys.executable, "-m", "gauger"]


def key_of(directory, kind, arm, replicate):
    """Content address of one job of a run."""
    found = [j.key for j in read_plan(directory) if (j.kind, j.arm, j.replicate) == (kind, arm, replicate)]
    assert len(found) == 1
    return found[0]


def test_everything_is_there(finished_run):
    names = {path.name for path in finished_run.iterdir()}
    assert names == {
        "estimates.json",
        "records.parquet",
        "ledger.parquet",
        "corpora.parquet",
        "frozen.json",
        "starts.jsonl",
        "manifest.json",
        "study.resolved.json",
        "report.html",
        "figures",
        "jobs",
    }
    figures = {path.name for path in (finished_run / "figures").iterdir()}
    assert {"verdict.svg", "verdict.png", "uplift.svg", "scores.png"} <= figures
    resolved = json.loads((finished_run / "study.resolved.json").read_text())
    assert (resolved["study"], resolved["decoding"]) == (
        "tiny",
        {"max_new_tokens": 8, "temperature": 0.0, "samples": 1},
    )
    records = pl.read_parquet(finished_run / "records.parquet")
    assert records.columns == [name for name in RECORD_COLUMNS if name != "seconds"]
    arms = {"base": 1, "teacher": 1, "matched-cloze": 2, "matched-cloze-quiz": 2, "label": 2, "logits": 2, "placebo": 2}
    arms |= {"format": 2, "leak": 2, "leak-twin": 2, "reference": 2}
    cells = records.group_by("arm").agg(pl.col("replicate").n_unique())
    assert dict(cells.iter_rows()) == arms
    assert records.group_by("arm", "replicate", "benchmark").len()["len"].is_in([16, 20]).all()
    assert records["score"].n_unique() > 1, "a study in which nothing differs would prove nothing"


def test_results_on_standard_output_and_progress_on_standard_error(finished_run):
    out = (finished_run.parent / "stdout").read_text().splitlines()
    assert out[0].startswith("No verdict: this study could not have shown that its instrument fails")
    assert [line.partition(":")[0] for line in out[1:-1]] == ["Why", "What this is", "Threshold", "Open threats"]
    assert "A made-up world" in out[2]
    assert out[-1] == f"Report: {finished_run / 'report.html'}"
    err = (finished_run.parent / "stderr").read_text().splitlines()
    total = len(read_plan(finished_run))
    assert err[0] == f"{total} jobs on 2 workers"
    assert err[-1] == f"{total} of {total} jobs done"


def test_the_document_is_whole(finished_run):
    document = read_document(finished_run / "estimates.json")
    assert document.failures == []
    assert document.study["command"] == "gauger run tiny.yaml"
    assert document.verdict.rule["post_hoc"] is False
    assert (document.study["items"]["arm"], document.study["items"]["control"]) == ("logits", "matched-cloze-quiz")
    assert {row["benchmark"] for row in document.study["items"]["counts"]} == {one.name for one in document.benchmarks}
    assert {row["arm"] for row in document.ledger} == {arm.name for arm in document.arms} - {"teacher", "base"}
    assert all((one.value is None) == (one.reason is not None) for one in document.estimates)
    assert str(finished_run) not in (finished_run / "estimates.json").read_text()


def test_again_it_runs_nothing_and_gives_the_same_bytes(tiny_study, copy_of_run, finished_run, capsysbinary):
    (copy_of_run / "estimates.json").unlink()
    entries = sorted((copy_of_run / "jobs" / "entries").iterdir())
    assert main(["run", str(tiny_study), "--out", str(copy_of_run), "--json"]) == 0
    said = capsysbinary.readouterr()
    assert said.out == (copy_of_run / "estimates.json").read_bytes()
    assert said.out == (finished_run / "estimates.json").read_bytes()
    total = len(read_plan(copy_of_run))
    assert said.err.decode().splitlines()[-1] == f"{total} of {total} jobs done, {total} of them before"
    assert sorted((copy_of_run / "jobs" / "entries").iterdir()) == entries
    assert list((copy_of_run / "jobs" / "logs").iterdir()) == [], "no worker was needed"


def test_a_damaged_model_is_noticed_and_trained_again(tiny_study, copy_of_run, finished_run, capsys):
    key = key_of(copy_of_run, "train", "label", 1)
    weights = copy_of_run / "jobs" / "entries" / key / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-5] + bytes([content[-5] ^ 1]) + content[-4:])
    assert main(["run", str(tiny_study), "--out", str(copy_of_run), "--workers", "1"]) == 0
    err = capsys.readouterr().err
    what = "damaged: the result of label · replicate 1 · text-distill: model.safetensors does not match its checksum"
    assert f"{what}; set aside and computed again" in err
    assert weights.read_bytes() == content
    assert (copy_of_run / "estimates.json").read_bytes() == (finished_run / "estimates.json").read_bytes()


def wait_for_results(directory, number, process=None):
    entries, end = directory / "jobs" / "entries", time.monotonic() + 900
    while not (entries.is_dir() and len(list(entries.iterdir())) >= number):
        assert process is None or process.poll() is None, process.stderr.read()
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def workers_of(pid):
    children = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return [child for child in children if b"gauger.execute.worker" in Path(f"/proc/{child}/cmdline").read_bytes()]


def test_kill_9_of_a_worker_in_mid_run(tiny_study, copy_of_run, finished_run, capsys):
    total = len(read_plan(copy_of_run))
    for job in read_plan(copy_of_run):
        if job.kind in ("train", "measure"):
            shutil.rmtree(copy_of_run / "jobs" / "entries" / job.key)
    left = len(list((copy_of_run / "jobs" / "entries").iterdir()))
    killed = []

    def kill_one():
        wait_for_results(copy_of_run, left + 4)
        killed.append(workers_of(os.getpid())[0])
        os.kill(killed[0], signal.SIGKILL)

    thread = threading.Thread(target=kill_one)
    thread.start()
    assert main(["run", str(tiny_study), "--out", str(copy_of_run), "--workers", "2"]) == 0
    thread.join()
    assert len(killed) == 1
    assert len(list((copy_of_run / "jobs" / "logs").iterdir())) == 3, "a third worker took its place"
    assert capsys.readouterr().err.splitlines()[-1] == f"{total} of {total} jobs done, {left} of them before"
    assert (copy_of_run / "estimates.json").read_bytes() == (finished_run / "estimates.json").read_bytes()


def test_kill_9_of_the_driver_in_mid_run(tiny_study, finished_run, tmp_path, capsys):
    command = [*GAUGER, "run", str(tiny_study), "--out", str(tmp_path), "--workers", "2"]
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for_results(tmp_path, 20, driver)
    driver.kill()
    driver.communicate()
    assert not (tmp_path / "estimates.json").exists()
    assert main(["run", str(tiny_study), "--out", str(tmp_path), "--workers", "1"]) == 0
    total = len(read_plan(tmp_path))
    told = capsys.readouterr().err.splitlines()
    last = told[-1]
    before = int(last.removeprefix(f"{total} of {total} jobs done, ").removesuffix(" of them before"))
    assert 20 <= before < total
    assert told[0] == f"{total} jobs on 1 worker, {before} of them done before"
    assert (tmp_path / "estimates.json").read_bytes() == (finished_run / "estimates.json").read_bytes()
    for table in ("records.parquet", "ledger.parquet", "corpora.parquet"):
        assert pl.read_parquet(tmp_path / table).equals(pl.read_parquet(finished_run / table))


def about(estimate):
    """What an estimate is about."""
    return estimate.estimand, estimate.arm, estimate.control, estimate.benchmark, estimate.over, estimate.scale


def test_what_fails_is_said_and_the_rest_goes_on(tiny_study, copy_of_run, finished_run, capsys):
    poor = "teacher.surface.max_tokens=4"
    assert main(["run", str(tiny_study), "--out", str(copy_of_run), "--workers", "1", "--set", poor]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == f"Report: {copy_of_run / 'report.html'}"
    lines = said.err.splitlines()
    reason = (
        "GaugerError: there is nothing to train on: the corpus has no samples (0 of 40 samples: the budget is spent)"
    )
    assert f"missing: label (replicates 0, 1): text-distill: {reason}" in lines
    assert lines[-1] == f"details: gauger status {copy_of_run}; the same command tries again what failed"
    document = read_document(copy_of_run / "estimates.json")
    assert Failure("label", 1, "text-distill", reason) in document.failures
    missing = {"label", "logits", "placebo", "reference"}  # the leak arm and its twin have their items left
    assert {failure.arm for failure in document.failures} == missing
    # a matched arm's rows are chosen by the lengths of the teacher's, and here there are none
    changed = {"leak", "leak-twin"} | {arm.name for arm in document.arms if arm.kind == ArmKind.MATCHED}
    assert len(changed) < len(document.arms) - len(missing), "some arms are as they were"
    whole = {about(one): one.value for one in read_document(finished_run / "estimates.json").estimates}
    for one in document.estimates:
        if missing & {one.arm, one.control}:
            assert (one.value, one.reason) == (None, "arm missing")
        elif not changed & {one.arm, one.control} and one.scale == "points":
            # item logits rest on the spread that all arms show
            assert one.value == whole[about(one)]
    assert document.verdict.outcome in ("invalid", "undetermined", "not_powered")
    assert "label" in (copy_of_run / "report.html").read_text()
    assert main(["status", str(copy_of_run)]) == 0
    assert "failed: label · replicate 0 · text-distill" in capsys.readouterr().out


def test_by_default_a_study_runs_below_runs(tiny_study, monkeypatch, tmp_path):
    from gauger.api import directory_of

    monkeypatch.chdir(tmp_path)
    assert directory_of("tiny", None) == Path("runs/tiny")
    assert main(["plan", str(tiny_study), "--json"]) == 0
    assert list(tmp_path.iterdir()) == []


MISTAKES = {
    "no such file": (["nothing.yaml"], "nothing.yaml: expected a study file, got no such file."),
    "a directory": (["."], ".: expected a study file, got a directory."),
    "an unknown key": (
        ["tiny.yaml", "--set", "wrold.seed=2"],
        "expected a key of a study, got 'wrold'. Did you mean",
    ),
    "a key without value": (["tiny.yaml", "--set", "world.seed"], "--set: expected a key and a value"),
    "an unknown benchmark": (
        [
            "tiny.yaml",
            "--set",
            "verdict.role=far",
            "--set",
            "benchmarks={fauna-quizz: {role: targeted}, max-cloze: {role: far}}",
        ],
        "expected a benchmark of this world, got 'fauna-quizz'. Did you mean 'fauna-quiz'?",
    ),
    "a role that is missing": (
        ["tiny.yaml", "--set", "benchmarks={fauna-quiz: {role: targeted}}"],
        "verdict.role: expected a role that some benchmark has, got 'near'. Give a benchmark the role near",
    ),
    "a file in the way": (
        ["tiny.yaml", "--out", "tiny.yaml"],
        "tiny.yaml: expected a folder for the run, got an existing file.",
    ),
    "a file on the way": (
        ["tiny.yaml", "--out", "tiny.yaml/x"],
        "tiny.yaml: expected a folder for the run, got an existing file.",
    ),
    "too small a world": (
        ["tiny.yaml", "--set", "world.test_contents=50"],
        "--set world.test_contents=50: world.test_contents: these sizes make no world: 56 contents cannot give",
    ),
    "too few facts": (
        ["tiny.yaml", "--set", "world.held_out_facts=3"],
        "--set world.held_out_facts=3: world.held_out_facts: these sizes make no world: 6 relations are too few",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_mistakes_are_said_once_and_clearly(command, mistake, tiny_study, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(tiny_study.read_text())
    arguments, message = MISTAKES[mistake]
    assert main([command, *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert len(said.err.splitlines()) == 1, said.err
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"], "nothing was begun"


def test_a_negative_number_of_workers(tiny_study, capsys):
    assert main(["run", str(tiny_study), "--workers", "-1"]) == 2
    err = capsys.readouterr().err
    assert "--workers" in err
    assert "Traceback" not in err


def test_training_without_the_packages_that_train(tiny_study, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("gauger.study.run.find_spec", lambda name: None)
    assert main(["run", str(tiny_study), "--out", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "training models needs an optional part of Gauger. Install it with: pip install 'gauger[train]'"
    ]
    assert not (tmp_path / "run").exists()


def test_the_driver_needs_no_torch(tiny_study, copy_of_run):
    code = "import sys; sys.modules['torch'] = None\nfrom gauger.cli import main; sys.exit(main(sys.argv[1:]))"
    found = subprocess.run([sys.executable, "-c", code, "plan", str(tiny_study)], capture_output=True, check=False)
    assert (found.returncode, found.stderr) == (0, b"")


def test_a_directory_that_is_in_use(tiny_study, tmp_path, capsys):
    from gauger.store.lock import locked

    with locked(tmp_path / "jobs" / "lock"):
        assert main(["run", str(tiny_study), "--out", str(tmp_path)]) == 2
    assert f"process {os.getpid()} on " in capsys.readouterr().err


def test_a_limit_ends_a_run_cleanly_and_names_what_is_left(tiny_study, tmp_path, capsys):
    assert main(["run", str(tiny_study), "--out", str(tmp_path / "run"), "--max-hours", "0"]) == 1
    said = capsys.readouterr()
    assert "stopped: the limit of 0 hours was reached; 65 jobs left: teacher · pre-train, " in said.err
    assert "missing: label (replicates 0, 1): ask the teacher: not run: the limit of 0 hours was reached" in said.err
    assert said.err.endswith("the same command goes on with what is left\n")
    assert said.out.startswith("This study does not settle")
    assert "The number to be judged is undefined" in said.out
    assert main(["status", str(tmp_path / "run")]) == 0
    assert "0 of 65 jobs done, 65 left" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options", [["--store", "s3://x"], ["--ray-address", "auto"], ["--need", "train.gpus=1"], ["--need", "train=1"]]
)
def test_options_of_a_cluster_without_a_cluster_are_refused(options, tiny_study, tmp_path, capsys):
    assert main(["run", str(tiny_study), "--out", str(tmp_path / "run"), *options]) == 2
    assert options[0] in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
