"""Studies whose training is somebody else's program: every arm goes through it, and a killed run ends the same."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from tests.elicit.teacher.fault_server import FaultServer
from tests.train.external import stub_trainer
from tests.train.models import small_llama, small_tokenizer

from gauger.cli import main
from gauger.execute.keeper import MARK
from gauger.store import read_json
from gauger.study.load import open_study, plan_loaded

STUB = Path(stub_trainer.__file__)
STUDY = """
study: elsewhere
question: Does every arm go through the same command?
replicates: 1
world:
  kind: language
  tasks:
    mine: {{kind: jsonl, train: train.jsonl, test: test.jsonl, new: new.jsonl}}
    facts: {{kind: invented-facts, entities: 8, families: 2, relations: 2}}
  common: [facts]
  benchmark_items: 4
teacher: {{kind: endpoint, url: '{url}', model: m}}
student: {{kind: checkpoint, model: model, lora: null}}
benchmarks:
  mine-qa: {{role: targeted}}
  mine-qa-new: {{role: near}}
arms:
  label:
    stages:
      - kind: external
        command: "{{python}} {stub} {{config}}"
        template: stub.json.j2
        format: plain
        progress: '"step": (?P<step>\\d+), "loss": (?P<loss>[\\d.]+)'
        version: "{python} {folder}/version.py"
        environment: [STUB_PAUSE]
        strategy: label
        seeds: benchmark-train
        forms: [qa]
        samples: 6
        steps: 8
        batch: 3
        learning_rate: 0.05
        checkpoint_steps: 1
decoding: {{max_new_tokens: 4}}
unparsed: wrong
verdict: {{arm: label, threshold: 0.25}}
"""
KINDS = ("train-external", "measure", "ask-teacher", "ask-base")
CHAT = "world.chat=true"
OFF = [word for name in ("placebo", "format", "leak", "reference") for word in ("--set", f"controls.{name}.off=Short.")]
ARMS = {"label", "matched", "placebo", "format", "leak", "leak-twin", "reference"}


@pytest.fixture(scope="module")
def server():
    with FaultServer() as found:
        yield found


@pytest.fixture(scope="module")
def path(tmp_path_factory, server):
    folder = tmp_path_factory.mktemp("elsewhere")
    small_llama().save_pretrained(str(folder / "model"))
    small_tokenizer().save_pretrained(str(folder / "model"))
    for name, first in (("train", 1), ("test", 50), ("new", 90)):
        lines = [{"id": f"{name}{i}", "prompt": f"Say {first + i}", "answer": str(first + i)} for i in range(8)]
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    text = (STUB.parent / "stub.json.j2").read_text()
    (folder / "stub.json.j2").write_text(text.replace("{{ options.pause }}", "null"))
    (folder / "version.py").write_text("print('stub 1')")
    study = folder / "study.yaml"
    study.write_text(STUDY.format(url=server.url, stub=STUB, python=sys.executable, folder=folder))
    return study


def run(path, out, pause="0"):
    """Start a run in a process of its own."""
    command = [sys.executable, "-m", "gauger", "run", str(path), "--out", str(out), "--workers", "2", *OFF]
    environment = {**os.environ, "STUB_PAUSE": pause, "GAUGER_API_KEY": "sk-planted-in-a-test"}
    with Path(f"{out}.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment)


@pytest.fixture(scope="module")
def finished(path, tmp_path_factory):
    out = tmp_path_factory.mktemp("done") / "run"
    assert run(path, out).wait() == 0, Path(f"{out}.log").read_text()
    return out


def programs():
    """Processes that carry the mark of any program."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                environment = (place / "environ").read_bytes()
            except OSError:
                continue
            if MARK.encode() in environment and b"STUB_PAUSE" in environment:
                found.append(int(place.name))
    return found


def planned(path, *overrides):
    plan, _ = plan_loaded(open_study(path, overrides))
    return plan


def trainings(plan):
    return {key for key, job in plan.jobs.items() if job.kind == "train-external"}


def test_every_arm_is_trained_by_the_same_command_and_its_corpus_alone_differs(path):
    plan = planned(path)
    jobs = {cell.arm: plan.jobs[cell.stages[0]] for cell in plan.cells if cell.stages}
    assert jobs.keys() == ARMS
    assert {job.kind for job in jobs.values()} == {"train-external"}
    assert all(job.params == jobs["label"].params for job in jobs.values())
    assert len({job.inputs["corpus"] for job in jobs.values()}) == len(ARMS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("command", "'{python} -u {config} {script}'"),
        ("version", "'echo stub 2'"),
        ("format", "tokens"),
        ("batch", "2"),
    ],
)
def test_the_address_of_a_training_holds_what_it_is_run_with(path, name, value):
    keys = trainings(planned(path))
    assert not keys & trainings(planned(path, f"arms.label.stages.0.{name}={value}"))


def test_the_address_of_a_training_holds_the_template_and_not_its_name(path):
    keys, template = trainings(planned(path)), path.parent / "stub.json.j2"
    text = template.read_text()
    (path.parent / "other.json.j2").write_text(text)
    assert trainings(planned(path, "arms.label.stages.0.template=other.json.j2")) == keys
    (path.parent / "other.json.j2").write_text(text.replace('"pause"', ' "pause"'))
    assert not trainings(planned(path, "arms.label.stages.0.template=other.json.j2")) & keys


@pytest.mark.parametrize("setting", ["checkpoint_steps=2", "silence_minutes=30"])
def test_how_a_training_is_watched_and_goes_on_is_no_part_of_its_address(path, setting):
    """A stuck training goes on from its checkpoints where more silence is allowed it."""
    assert trainings(planned(path, f"arms.label.stages.0.{setting}")) == trainings(planned(path))


def test_the_students_own_checkpoints_hold_where_the_stage_says_nothing(path):
    def steps(*overrides):
        plan = planned(path, *overrides)
        return {plan.jobs[key].params["checkpoint_steps"] for key in trainings(plan)}

    assert steps("student.checkpoint_steps=3") == {1}
    assert steps("student.checkpoint_steps=3", "arms.label.stages.0.checkpoint_steps=null") == {3}
    assert steps("arms.label.stages.0.checkpoint_steps=null") == {None}


def test_gpus_are_asked_of_the_machine_and_where_no_model_is_at_hand_none(path):
    serve = "student.serve={command: 'serve {model} {port}', gpus: 2}"
    plan = planned(path, "arms.label.stages.0.gpus=4", serve)
    asked = {kind: {job.resources.get("gpus") for job in plan.jobs.values() if job.kind == kind} for kind in KINDS}
    assert asked == {"train-external": {4.0}, "measure": {2.0, 0.0}, "ask-teacher": {0.0}, "ask-base": {2.0}}
    assert {job.resources.get("gpus") for job in planned(path).jobs.values() if job.kind == "train-external"} == {None}


def test_a_run_says_what_was_trained_on_with_which_losses(finished):
    records = pl.read_parquet(finished / "records.parquet")
    assert set(records["arm"]) == {"label", "matched", "base", "teacher"}
    assert not read_json(finished / "estimates.json")["failures"]
    told = [read_json(file) for file in finished.rglob("training.json")]
    assert len(told) == 2
    assert {one["sources"][0]["rows"] for one in told} == {8 * 3}
    mean = sum(1 / step for step in range(1, 9)) / 8  # both ends are means over the ten steps nearest to them
    assert [(one["first_loss"], one["last_loss"]) for one in told] == [pytest.approx((mean, mean))] * 2
    described = [read_json(file) for file in finished.rglob("trainer.json")]
    assert {one["version"] for one in described} == {"stub 1"}
    assert len({one["weights"]["model.safetensors"] for one in described}) == 2
    assert not (finished / "jobs" / "unfinished").exists() or not list((finished / "jobs" / "unfinished").iterdir())
    for file in finished.rglob("*"):
        assert not file.is_file() or b"sk-planted" not in file.read_bytes(), file


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found by their environment in /proc")
def test_killed_in_mid_training_it_goes_on_and_says_the_same(path, finished, tmp_path):
    out = tmp_path / "run"
    driver = run(path, out, "0.2")
    end = time.monotonic() + 900  # it takes seconds; a machine may be busy
    while not (half := list((out / "jobs").glob("unfinished/*/checkpoints/checkpoint-3/trainer_state.json"))):
        assert time.monotonic() < end
        assert driver.poll() is None, Path(f"{out}.log").read_text()
        time.sleep(0.02)
    assert programs()
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    while programs():
        assert time.monotonic() < end, "a process was left behind"
        time.sleep(0.05)
    assert run(path, out).wait() == 0, Path(f"{out}.log").read_text()
    assert (out / "estimates.json").read_bytes() == (finished / "estimates.json").read_bytes()
    assert any("resumed at" in file.read_text() for file in out.rglob("trainer.log")), half
    assert not programs()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("command=null", "arms.label.stages.0.command: expected a trainer that is ready, or a command"),
        ("trainer=axoltl", "Did you mean 'axolotl'?"),
        ("template=nowhere.j2", "a file with a template"),
        ("progress='('", "arms.label.stages.0.progress: expected a regular expression"),
        ("environment=['NO SUCH']", "arms.label.stages.0.environment"),
        ("format=messages", "expected a format of bare text in a world without chat, got messages"),
    ],
)
def test_mistakes_are_the_users_and_are_named(path, override, message, capsys):
    assert main(["plan", str(path), "--set", f"arms.label.stages.0.{override}"]) == 2
    assert message in capsys.readouterr().err


ASKED = "strategy: label, seeds: benchmark-train, forms: [qa], samples: 4, steps: 2"


@pytest.mark.parametrize("trainer", ["axolotl", "llama-factory", "open-instruct"])
def test_a_trainer_with_a_chat_template_is_for_worlds_with_chat(path, trainer, capsys):
    stage = f"arms.label.stages.0={{kind: external, trainer: {trainer}, {ASKED}}}"
    assert main(["plan", str(path), "--set", stage]) == 2
    told = capsys.readouterr().err
    assert "the student would be trained in its chat template, and measured on bare text" in told
    assert "Set world.chat to true" in told
    assert {plan.jobs[key].params["format"] for plan in [planned(path, stage, CHAT)] for key in trainings(plan)} == {
        "messages"
    }


def test_bare_text_is_for_worlds_without_chat(path, capsys):
    assert main(["plan", str(path), "--set", CHAT]) == 2
    assert "expected a format that has its turns in a world with chat, got plain" in capsys.readouterr().err


@pytest.mark.parametrize(("overrides", "form"), [((), "plain"), ((CHAT,), "messages")])
def test_where_nobody_says_a_format_rows_are_as_the_student_is_measured(path, overrides, form):
    plan = planned(path, "arms.label.stages.0.format=null", *overrides)
    assert {plan.jobs[key].params["format"] for key in trainings(plan)} == {form}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("batch: 64, gpus: 8, options: {micro_batch: 3}", "Take a batch of 48 or 72, or a micro_batch of 1, 2, 4, 8."),
        ("batch: 4, options: {micro_batch: 8}", "Take a batch of 8, or a micro_batch of 1, 2, 4."),
        ("batch: 32, gpus: 6", "Take a batch of 30 or 36."),
        ("batch: 3, processes: 2", "Take a batch of 2 or 4."),
        ("batch: 4, options: {micro_batch: 0}", "expected a micro_batch of 1 or more rows, got 0"),
    ],
)
@pytest.mark.parametrize("trainer", ["axolotl", "llama-factory", "open-instruct", "torchtune"])
def test_a_step_that_no_whole_passes_make_is_refused_before_anything_runs(path, trainer, settings, told, capsys):
    stage = f"arms.label.stages.0={{kind: external, trainer: {trainer}, {ASKED}, {settings}}}"
    assert main(["plan", str(path), "--set", CHAT, "--set", stage]) == 2
    assert told in capsys.readouterr().err


def test_models_of_the_embedded_world_are_not_for_others_to_train(tiny_study, capsys):
    asked = "strategy: label, seeds: benchmark-train, forms: [cloze], samples: 4, steps: 2"
    stage = f"{{kind: external, trainer: trl, {asked}}}"
    assert main(["plan", str(tiny_study), "--set", f"arms.label.stages.0={stage}"]) == 2
    assert "expected a student of kind checkpoint for external, got one of kind scratch" in capsys.readouterr().err
