"""A training by another program, from its files to a checked model: with a stub that runs in a second."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.train.models import small_llama, small_tokenizer

from gauger.errors import GaugerError, InputError, UserError
from gauger.store import read_json
from gauger.train.external.material import PairMaterial, QuestionMaterial, TextMaterial
from gauger.train.external.reward_server import RewardServer
from gauger.train.external.stage_run import train_elsewhere
from gauger.train.external.stage_values import newest_checkpoint, stage_values
from gauger.train.external.trainers import TRAINERS, ExternalTrainer
from gauger.train.external.training import ExternalTraining
from gauger.train.hf import ENGINE
from gauger.train.preferences import Pair
from gauger.train.rows import TrainingRow

HERE = Path(__file__).parent
STUB = ExternalTrainer(
    command=f"{{python}} {HERE / 'stub_trainer.py'} {{config}}",
    template=(HERE / "stub.json.j2").read_text(),
    config="config.json",
    format="plain",
    progress=r'"step": (?P<step>\d+), "loss": (?P<loss>[-\d.naif]+)',
    options={"pause": 0.0},
)
ROWS = tuple(TrainingRow(f"{a}+{b}=", f"{a + b}") for a in range(3) for b in range(3))


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    place = tmp_path_factory.mktemp("start")
    small_llama().save_pretrained(str(place))
    small_tokenizer().save_pretrained(str(place))
    return place


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def training(start, rows=ROWS, **settings):
    given = {"material": TextMaterial(rows), "steps": 6, "batch": 3, "learning_rate": 0.01, "seed": 3}
    return ExternalTraining(**{"start": start} | given | settings)


def failing(**settings):
    """The stub told to fail."""
    more = "".join(f', "{name}": {json.dumps(value)}' for name, value in settings.items())
    return replace(STUB, template=STUB.template.rstrip().removesuffix("}") + more + "}")


def trained(trainer, given, folder):
    folder.mkdir()
    train_elsewhere(trainer, given, folder / "work", folder)
    return read_json(folder / "trainer.json")["weights"]


def test_a_model_comes_out_with_its_losses_and_what_it_was_trained_on(start, out, tmp_path):
    result = train_elsewhere(STUB, training(start), tmp_path / "work", out)
    assert result.losses == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6])
    assert result.used.count_N.tolist() == [2] * 9  # 6 steps of 3 rows pass twice over nine rows
    assert result.used.length_N.tolist() == [len("0+0=") + 1 + 1] * 9  # a token a byte, and the end mark
    assert ENGINE.load(out).n_parameters == ENGINE.load(start).n_parameters
    assert not (tmp_path / "work").exists()
    assert '"step": 6' in (out / "trainer.log").read_text()


def test_every_setting_changes_the_model_and_nothing_else_does(start, tmp_path):
    same = [trained(STUB, training(start), tmp_path / name) for name in ("a", "b")]
    assert same[0] == same[1]
    for setting in ({"seed": 4}, {"learning_rate": 0.02}, {"rows": ROWS[:8]}):
        other = trained(STUB, training(start, **setting), tmp_path / next(iter(setting)))
        assert other != same[0], setting
    pairs = tuple(Pair(row.prompt, row.completion, "7") for row in ROWS)
    of_pairs = replace(STUB, learns="preferences")
    by_beta = {
        beta: trained(of_pairs, training(start, material=PairMaterial(pairs, beta), batch=4), tmp_path / f"{beta}")
        for beta in (0.1, 0.2)
    }
    assert by_beta[0.1] == by_beta[0.2], "the stub has no place for beta: the rows alone reach it"
    assert by_beta[0.1] != same[0]
    paused = replace(STUB, options={"pause": 0.01})
    assert trained(paused, training(start, checkpoint_steps=1, processes=2), tmp_path / "c") == same[0]


def test_a_training_that_broke_off_goes_on_from_its_checkpoint_and_ends_the_same(start, tmp_path):
    whole = trained(STUB, training(start, checkpoint_steps=2), tmp_path / "whole")
    folder = tmp_path / "broken"
    folder.mkdir()
    with pytest.raises(GaugerError, match="exit code 1, and said last: lost its disk"):
        train_elsewhere(
            failing(fail_at=4, fail_with="lost its disk"), training(start, checkpoint_steps=2), folder / "work", folder
        )
    half = folder / "work" / "checkpoints" / "checkpoint-5"
    half.mkdir()  # one that was cut off: it has no state
    result = train_elsewhere(STUB, training(start, checkpoint_steps=2), folder / "work", folder)
    assert "resumed at 4" in (folder / "trainer.log").read_text()
    assert read_json(folder / "trainer.json")["weights"] == whole
    assert len(result.losses) == 6


def test_one_that_a_signal_ended_is_started_again_at_once(start, out, tmp_path):
    """Adversary: the same training that fails by itself is not."""
    once = tmp_path / "once"
    code = (
        "import os, signal, subprocess, sys; from pathlib import Path\n"
        f"once = Path({str(once)!r}); was = once.exists(); once.touch()\n"
        f"was or os.kill(os.getpid(), signal.SIGKILL)\n"
        f"sys.exit(subprocess.call([sys.executable, {str(HERE / 'stub_trainer.py')!r}, sys.argv[1]]))\n"
    )
    (tmp_path / "wrapper.py").write_text(code)
    killed = replace(STUB, command=f"{{python}} {tmp_path / 'wrapper.py'} {{config}}")
    assert len(train_elsewhere(killed, training(start), tmp_path / "work", out).losses) == 6
    once.unlink()
    code = code.replace("os.kill(os.getpid(), signal.SIGKILL)", "sys.exit(5)")
    (tmp_path / "wrapper.py").write_text(code)
    with pytest.raises(GaugerError, match="exit code 5"):
        train_elsewhere(killed, training(start), tmp_path / "work", out)


def test_one_whose_launcher_says_that_a_signal_ended_it_is_started_again_too(start, out, tmp_path):
    once = tmp_path / "once"
    code = (
        "import subprocess, sys; from pathlib import Path\n"
        f"once = Path({str(once)!r}); was = once.exists(); once.touch()\n"
        "was or sys.exit('  traceback : Signal 9 (SIGKILL) received by PID 5566')\n"
        f"sys.exit(subprocess.call([sys.executable, {str(HERE / 'stub_trainer.py')!r}, sys.argv[1]]))\n"
    )
    (tmp_path / "launcher.py").write_text(code)
    launched = replace(STUB, command=f"{{python}} {tmp_path / 'launcher.py'} {{config}}")
    assert len(train_elsewhere(launched, training(start), tmp_path / "work", out).losses) == 6


def test_a_program_is_told_to_report_nothing_and_where_a_trainers_own_classes_are(start, out, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/theirs")
    monkeypatch.setenv("DO_NOT_TRACK", "0")
    names = ("DO_NOT_TRACK", "HF_DATASETS_CACHE", "PYTHONPATH")
    code = (
        f"import os, subprocess, sys\nfor name in {names}: print(name, os.environ.get(name), flush=True)\n"
        f"sys.exit(subprocess.call([sys.executable, {str(HERE / 'stub_trainer.py')!r}, sys.argv[1]]))\n"
    )
    (tmp_path / "telling.py").write_text(code)
    telling = replace(STUB, command=f"{{python}} {tmp_path / 'telling.py'} {{config}}")
    work = tmp_path / "work"
    train_elsewhere(replace(telling, script="torchtune_rows.py"), training(start), work, out)
    log = (out / "trainer.log").read_text()
    assert "DO_NOT_TRACK 1" in log
    assert f"HF_DATASETS_CACHE {work}/cache" in log
    assert f"PYTHONPATH {work}:/theirs" in log
    train_elsewhere(telling, training(start, environment=("DO_NOT_TRACK",)), work, out)
    assert "PYTHONPATH /theirs" in (out / "trainer.log").read_text()
    assert "DO_NOT_TRACK 1" not in (out / "trainer.log").read_text(), "who names a variable decides"


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "the trainer says: torch.OutOfMemory"),
        ('{"step": 3, "loss": nan}', "the loss of step 3 is nan"),
    ],
)
def test_what_its_log_says_of_failure_is_the_reason(start, out, tmp_path, told, message):
    with pytest.raises(GaugerError, match=message):
        train_elsewhere(failing(fail_at=2, fail_with=told, fail_code=0), training(start), tmp_path / "work", out)


def test_one_that_falls_silent_is_ended(start, out, tmp_path):
    silent = replace(STUB, options={"pause": 60})
    with pytest.raises(GaugerError, match=r"printed nothing for 0\.005 minutes"):
        train_elsewhere(silent, training(start, silence_minutes=0.005), tmp_path / "work", out)


def test_named_secrets_reach_it_and_do_not_stay_in_the_log(start, out, tmp_path, monkeypatch):
    monkeypatch.setenv("HUB_TOKEN", "s3cret-value")
    wrapper = tmp_path / "wrapper.py"
    wrapper.write_text(
        "import os, subprocess, sys\nprint('with', os.environ.get('HUB_TOKEN'), flush=True)\n"
        f"sys.exit(subprocess.call([sys.executable, {str(HERE / 'stub_trainer.py')!r}, sys.argv[1]]))\n"
    )
    telling = replace(STUB, command=f"{{python}} {wrapper} {{config}}")
    train_elsewhere(telling, training(start, environment=("HUB_TOKEN",)), tmp_path / "work", out)
    assert "with $HUB_TOKEN" in (out / "trainer.log").read_text()
    train_elsewhere(telling, training(start), tmp_path / "work", out)
    assert "with None" in (out / "trainer.log").read_text()


def test_another_version_than_planned_is_refused(start, out, tmp_path):
    told = replace(STUB, version=f"{sys.executable} -c 'print(2)'")
    with pytest.raises(GaugerError, match="planned with the trainer's version '1', here it says '2'"):
        train_elsewhere(told, training(start, version="1"), tmp_path / "work", out)
    assert train_elsewhere(told, training(start, version="2"), tmp_path / "work", out).losses


def test_more_gpus_than_there_are_is_refused_and_none_is_a_cpu(start, out, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(GaugerError, match="wants 2 GPUs, and this job may use 1"):
        train_elsewhere(STUB, training(start, gpus=2), tmp_path / "work", out)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert train_elsewhere(STUB, training(start, gpus=2), tmp_path / "work", out).losses


def test_rows_over_the_context_are_refused_or_cut_as_the_study_says(start, out, tmp_path):
    rows = (*ROWS, TrainingRow("x" * 200, "y"))  # a token a byte, and a context of 96
    with pytest.raises(GaugerError, match="96"):
        train_elsewhere(STUB, training(start, rows=rows), tmp_path / "work", out)
    result = train_elsewhere(STUB, training(start, rows=rows, too_long="cut"), tmp_path / "work", out)
    assert result.used.length_N.max() == 96


def test_the_newest_whole_checkpoint_is_taken_and_halves_go(tmp_path):
    for number, state in ((9, "{}"), (10, '{"global_step": 10}'), (11, '{"glo')):
        place = tmp_path / "c" / f"checkpoint-{number}"
        place.mkdir(parents=True)
        (place / "trainer_state.json").write_text(state)
    values = {"checkpoints": str(tmp_path / "c"), "out": str(tmp_path)}
    assert newest_checkpoint(values) == str(tmp_path / "c" / "checkpoint-10")
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["checkpoint-10", "checkpoint-9"]


QUESTIONS = QuestionMaterial(
    tuple(row.prompt for row in ROWS), answer_tokens=4, group=2, kl_weight=0.0, clip=0.2, updates=2
)
REWARDED = replace(STUB, learns="rewards")


def rewarded(start, folder, trainer=REWARDED, grade=lambda place, text, ended: float(ended), **settings):
    folder.mkdir(exist_ok=True)
    work = folder / "work"
    work.mkdir(exist_ok=True)
    given = training(start, material=QUESTIONS, batch=4, **settings)
    with RewardServer(grade, len(ROWS), work / "rewards.jsonl") as server:
        result = train_elsewhere(trainer, given, work, folder, server)
    return result, [(answer.step, answer.place, answer.text, answer.reward) for answer in server.answers]


def test_rewards_reach_the_trainer_and_decide_what_it_learns(start, tmp_path):
    result, answers = rewarded(start, tmp_path / "a")
    assert result.used is None
    assert [step for step, *_ in answers] == [step for step in (0, 2, 4) for _ in range(4)], "two steps on each batch"
    assert all(answers[n][1] == answers[n + 1][1] for n in range(0, 12, 2)), "groups of two to a question"
    ours = read_json(tmp_path / "a" / "trainer.json")["weights"]
    assert rewarded(start, tmp_path / "b")[1] == answers
    assert read_json(tmp_path / "b" / "trainer.json")["weights"] == ours
    rewarded(start, tmp_path / "c", grade=lambda place, text, ended: 0.5)
    assert read_json(tmp_path / "c" / "trainer.json")["weights"] != ours
    log = (tmp_path / "a" / "trainer.log").read_text()
    assert "token $GAUGER_REWARD_TOKEN" in log, "it has the token, and the log that is kept has not"


def test_only_rewards_that_never_differed_excuse_a_model_that_stayed_as_it_was(start, tmp_path):
    """A rate of 0 leaves every weight as it was."""
    rewarded(start, tmp_path / "same", grade=lambda place, text, ended: 0.5, learning_rate=0.0)
    assert list(read_json(tmp_path / "same" / "trainer.json")["weights"])
    with pytest.raises(InputError, match="the one that it started from"):
        rewarded(start, tmp_path / "differ", learning_rate=0.0)
    with pytest.raises(InputError, match="the one that it started from"):
        trained(STUB, training(start, learning_rate=0.0), tmp_path / "text")


def test_answers_of_a_training_that_broke_off_count_once(start, tmp_path):
    whole = rewarded(start, tmp_path / "whole", checkpoint_steps=1)
    broken = replace(REWARDED, template=failing(fail_at=5, fail_with="lost its disk").template)
    with pytest.raises(GaugerError, match="lost its disk"):
        rewarded(start, tmp_path / "broken", broken, checkpoint_steps=1)
    result, answers = rewarded(start, tmp_path / "broken", checkpoint_steps=1)
    assert "resumed at 4" in (tmp_path / "broken" / "trainer.log").read_text(), "checkpoints come after whole batches"
    assert answers == whole[1]
    assert result.losses == whole[0].losses
    digests = [read_json(tmp_path / name / "trainer.json")["weights"] for name in ("whole", "broken")]
    assert digests[0] == digests[1]


def test_a_training_without_its_rewards_fails_and_no_answer_counts_as_wrong(start, tmp_path):
    def grade(place, text, ended):
        raise GaugerError("the verifier broke")

    with pytest.raises(GaugerError, match=r"no rewards.*the verifier broke"):
        rewarded(start, tmp_path / "a", grade=grade)


def test_questions_that_leave_no_room_for_an_answer_are_refused(start, tmp_path):
    long = replace(QUESTIONS, answer_tokens=94)  # a context of 96, a token a byte
    with pytest.raises(GaugerError, match=r"room for 94 tokens in 96 of context.* got 9 of 9"):
        train_elsewhere(REWARDED, training(start, material=long, batch=4), tmp_path / "work", tmp_path)


def test_a_missing_program_is_the_users_mistake(start, out, tmp_path):
    with pytest.raises(UserError, match="'no-such-trainer'"):
        train_elsewhere(replace(STUB, command="no-such-trainer {config}"), training(start), tmp_path / "work", out)


def test_a_stage_says_to_accelerate_whether_gpus_share_the_model(start, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    for shared, word in ((True, "--use_fsdp"), (False, "--multi_gpu")):
        work = tmp_path / word
        work.mkdir()
        trl = TRAINERS.load("trl")
        chosen = replace(trl, options={**trl.options, "fsdp": shared})
        values = stage_values(chosen, training(start, gpus=2), 10, work)
        assert [name for name in ("--use_fsdp", "--multi_gpu") if name in values["launch"]] == [word]
