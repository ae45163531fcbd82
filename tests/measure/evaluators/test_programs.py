"""What lm-eval and Inspect are told: every setting of a task reaches them, and the model is the one that is meant."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gauger.errors import GaugerError, UserError
from gauger.measure.evaluators.run import evaluator_version
from gauger.measure.evaluators.target import PROGRAMS, EvaluationTarget
from gauger.spec import InspectTask, LmEvalTask

HERE = Path(__file__).parent
LOCAL = EvaluationTarget(Path("/m"), seed=5)
SERVED = EvaluationTarget(Path("/m"), "http://127.0.0.1:81/v1", "the-model")


def lm_eval(target=LOCAL, **settings):
    task = LmEvalTask(kind="lm-eval", role="far", task="capitals", **settings)
    return " ".join(PROGRAMS.load("lm-eval").command(task, target, HERE, Path("/out")))


def inspect(target=LOCAL, **settings):
    task = InspectTask(**{"kind": "inspect", "role": "far", "task": "tasks/capitals_inspect.py@capitals"} | settings)
    return " ".join(PROGRAMS.load("inspect").command(task, target, HERE, Path("/out")))


def test_lm_eval_loads_a_checkpoint_or_asks_a_server():
    assert "--model hf --model_args pretrained=/m,dtype=float32" in lm_eval()
    assert "--device cpu" in lm_eval()
    assert "dtype=bfloat16" in lm_eval(EvaluationTarget(Path("/m"), gpus=1))
    served = lm_eval(SERVED)
    assert "--model local-completions" in served
    assert "base_url=http://127.0.0.1:81/v1/completions" in served
    assert "tokenizer=/m" in served
    assert "--device" not in served
    chat = lm_eval(EvaluationTarget(None, "https://host/v1", "m", chat=True))
    assert "--model local-chat-completions" in chat
    assert "base_url=https://host/v1/chat/completions" in chat
    assert "--apply_chat_template" in chat
    assert "tokenizer_backend=None" in chat


@pytest.mark.parametrize("gpus", [0, 1])
def test_what_a_study_says_of_computing_reaches_who_loads_the_checkpoint(gpus):
    chosen = EvaluationTarget(Path("/m"), gpus=gpus, precision="float32", attention="eager")
    assert "pretrained=/m,dtype=float32,attn_implementation=eager" in lm_eval(chosen)
    assert "-M dtype=float32 -M attn_implementation=eager" in inspect(chosen)
    unchosen = EvaluationTarget(Path("/m"), gpus=gpus)
    assert all("attn_implementation" not in told for told in (lm_eval(unchosen), inspect(unchosen)))
    assert "dtype" not in inspect(unchosen)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"limit": 7}, "--limit 7"),
        ({"shots": 3}, "--num_fewshot 3"),
        ({"include": "tasks"}, f"--include_path {HERE / 'tasks'}"),
        ({"model_args": {"max_length": 99}}, "max_length=99"),
        ({"concurrency": 9}, "--batch_size 9"),
        ({"program": "/other/lm_eval -q"}, "/other/lm_eval -q run"),
    ],
)
def test_every_setting_reaches_lm_eval(settings, words):
    assert words in lm_eval(**settings)
    assert words not in lm_eval()


def test_requests_in_flight_are_said_where_there_are_any():
    assert "num_concurrent=9" in lm_eval(SERVED, concurrency=9)
    assert "--max-connections 9" in inspect(SERVED, concurrency=9)


@pytest.mark.parametrize("place", ["/runs/lr=1e-4/m", "/m,n", "/m(1", "/it's"])
def test_lm_eval_is_told_a_checkpoint_whatever_its_name(place):
    """Its own reading of the words that it is given."""
    reading = pytest.importorskip("lm_eval._cli.utils")
    for target, settings in [(EvaluationTarget(Path(place)), {}), (LOCAL, {"model_args": {"revision": place}})]:
        words = PROGRAMS.load("lm-eval").command(
            LmEvalTask(kind="lm-eval", role="far", task="x", **settings), target, HERE, Path("/out")
        )
        parser = argparse.ArgumentParser(allow_abbrev=False)
        parser.add_argument("--model_args", nargs="+", action=reading.MergeDictAction)
        read = parser.parse_known_args(words)[0].model_args
        assert place in read.values()
        assert read["dtype"] == "float32"


def test_lm_eval_is_given_tasks_that_are_there():
    with pytest.raises(UserError, match="a folder with tasks"):
        lm_eval(include="nowhere")


ASKED = EvaluationTarget(None, "https://host/v1", "m", chat=True, sent={"top_p": 0.9, "x": {"y": False}})


def test_a_teacher_is_asked_as_the_study_asks_it():
    assert '--gen_kwargs {"top_p": 0.9, "x": {"y": false}}' in lm_eval(ASKED)
    assert '--extra-body {"top_p": 0.9, "x": {"y": false}}' in inspect(ASKED)
    assert "gen_kwargs" not in lm_eval(SERVED)
    assert "extra-body" not in inspect(SERVED)


@pytest.mark.parametrize("target", [LOCAL, SERVED, ASKED])
def test_the_longest_answer_is_the_evaluators_own_setting(target):
    assert '"max_gen_toks": 77}' in lm_eval(target, max_tokens=77)
    assert "max_gen_toks" not in lm_eval(target)
    assert "--max-tokens 77" in inspect(target, max_tokens=77)
    assert "--max-tokens" not in inspect(target)


def script(path, first, text=""):
    path.write_text(f"{first}\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_a_program_is_of_the_version_that_its_own_python_has(tmp_path):
    """`lm_eval --version` does not exist."""
    own = evaluator_version("lm-eval", None)
    fails = "import sys; sys.exit('invalid choice: --version')"
    assert evaluator_version("lm-eval", script(tmp_path / "lm_eval", f"#!{sys.executable}", fails)) == own
    assert evaluator_version("lm-eval", f"{sys.executable} -m lm_eval") == own
    assert evaluator_version("lm-eval", script(tmp_path / "wrapper", "#!/bin/sh", "echo wrapped 7")) == "wrapped 7"


def test_a_program_without_a_version_is_refused(tmp_path):
    with pytest.raises(GaugerError, match="exit code 2"):
        evaluator_version("lm-eval", script(tmp_path / "mute", "#!/bin/sh", "exit 2"))
    with pytest.raises(GaugerError, match="a program that can be run"):
        evaluator_version("lm-eval", "/no/such")


def test_inspect_loads_a_checkpoint_or_asks_a_server():
    assert "--model hf/local -M model_path=/m -M device=cpu" in inspect()
    assert "--model openai-api/evaluated/the-model" in inspect(SERVED)
    assert PROGRAMS.load("inspect").environment(SERVED)["EVALUATED_BASE_URL"] == SERVED.url
    assert PROGRAMS.load("inspect").environment(LOCAL) == {}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"limit": 7}, "--limit 7"),
        ({"settings": {"first": 2, "deep": True, "name": "x"}}, "-T first=2 -T deep=true -T name=x"),
        ({"task": "inspect_evals/gpqa"}, " eval inspect_evals/gpqa "),
        ({"program": "/other/inspect"}, "/other/inspect eval"),
    ],
)
def test_every_setting_reaches_inspect(settings, words):
    assert words in inspect(**settings)
    assert words not in inspect()
    assert f" eval {HERE / 'tasks/capitals_inspect.py'}@capitals " in inspect()


def test_the_users_files_are_known():
    task = LmEvalTask(kind="lm-eval", role="far", task="capitals", include="tasks")
    names = {path.name for path in PROGRAMS.load("lm-eval").files(task, HERE)}
    assert {"capitals.yaml", "capitals.jsonl"} <= names
    own = InspectTask(kind="inspect", role="far", task="tasks/capitals_inspect.py@capitals")
    assert {"capitals_inspect.py", "capitals.jsonl"} <= {
        path.name for path in PROGRAMS.load("inspect").files(own, HERE)
    }
    assert (
        PROGRAMS.load("inspect").files(InspectTask(kind="inspect", role="far", task="inspect_evals/gpqa"), HERE) == ()
    )
    with pytest.raises(UserError, match="a file with a task"):
        PROGRAMS.load("inspect").files(InspectTask(kind="inspect", role="far", task="no.py@x"), HERE)


def test_the_seed_is_the_studys():
    assert "--seed 5" in lm_eval()
    assert "--seed 5" in inspect()


def test_the_version_of_inspect_names_the_packages_that_its_tasks_come_from(tmp_path):
    """Adversary: a task of `inspect_evals` changes with that package, and its results had stayed at their address."""
    pytest.importorskip("inspect_ai")
    about = tmp_path / "some_evals-1.2.dist-info"
    about.mkdir()
    (about / "entry_points.txt").write_text("[inspect_ai]\nsome_evals = some_evals._registry\n")
    printed = []
    for version in ("1.2", "1.3"):
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: some-evals\nVersion: {version}\n")
        command = [sys.executable, "-c", PROGRAMS.load("inspect").version]
        printed.append(subprocess.check_output(command, text=True, env={**os.environ, "PYTHONPATH": str(tmp_path)}))
    assert all(text.startswith("inspect_ai ") for text in printed)
    assert "some-evals 1.2" in printed[0]
    assert "some-evals 1.3" in printed[1]
