"""Following a log: losses by step, across cut lines and resumptions, and nothing said for too long."""

import pytest

from gauger.errors import GaugerError
from gauger.train.external.trainers import TRAINERS
from gauger.train.external.watch import LogWatch, reason_in, tells_of_signal

COUNTED = r"loss (?P<loss>[\d.]+)"
STEPPED = r"step (?P<step>\d+) loss (?P<loss>[-\d.naif]+)"


def said(path, text):
    with path.open("a") as log:
        log.write(text)


def test_a_line_that_is_cut_is_read_once_it_is_whole(tmp_path):
    watch = LogWatch(tmp_path / "log", STEPPED, "")
    said(tmp_path / "log", "step 1 loss 2.5\nstep 2 lo")
    watch.look()
    assert watch.curve == [2.5]
    said(tmp_path / "log", "ss 1.25\rstep 3 loss 1\n")
    watch.look()
    assert watch.curve == [2.5, 1.25, 1.0]


def test_steps_that_are_trained_again_count_once(tmp_path):
    said(tmp_path / "log", "step 1 loss 3\nstep 2 loss 2\nstep 3 loss 1\n")
    watch = LogWatch(tmp_path / "log", STEPPED, "")
    said(tmp_path / "log", "step 3 loss 1\nstep 4 loss 0.5\n")
    watch.look()
    assert watch.curve == [3, 2, 1, 0.5]


def test_without_steps_losses_are_counted_from_the_checkpoint_that_was_gone_on_from(tmp_path):
    """Adversary: counting lines would give five losses for four steps."""
    first = LogWatch(tmp_path / "log", COUNTED, "")
    first.begin(0)
    said(tmp_path / "log", "loss 3\nloss 2\nlos")  # killed within a line
    watch = LogWatch(tmp_path / "log", COUNTED, "")
    assert watch.curve == [3, 2]
    watch.begin(1)
    said(tmp_path / "log", "loss 2\nloss 1\nloss 0.5\n")
    watch.look()
    assert watch.curve == [3, 2, 1, 0.5]


def test_where_a_trainer_looks_for_its_own_checkpoint_the_curve_of_a_resumed_training_is_not_known(tmp_path):
    watch = LogWatch(tmp_path / "log", COUNTED, "")
    watch.begin(0)
    said(tmp_path / "log", "loss 3\nloss 2\n")
    watch.begin(None)
    said(tmp_path / "log", "loss 1\n")
    watch.look()
    assert watch.curve == []
    stepped = LogWatch(tmp_path / "other", STEPPED, "")
    stepped.begin(None)
    said(tmp_path / "other", "step 1 loss 3\n")
    stepped.look()
    assert stepped.curve == [3]


def test_a_loss_that_was_no_number_before_the_last_start_fails_nothing(tmp_path):
    """Adversary: one NaN, and every later run fails at its first look, whatever its trainer does."""
    said(tmp_path / "log", "step 1 loss 2\nstep 2 loss nan\n")
    for done, kept in ((0, []), (1, [2.0]), (None, [2.0])):
        watch = LogWatch(tmp_path / "log", STEPPED, "")
        watch.begin(done)
        watch.look()
        assert list(watch.losses.values()) == kept
        said(tmp_path / "log", "step 1 loss 2\nstep 2 loss nan\n")
        with pytest.raises(GaugerError, match="the loss of step 2 is nan"):
            watch.look()


def test_losses_after_the_checkpoint_that_is_gone_on_from_are_dropped(tmp_path):
    said(tmp_path / "log", "step 1 loss 4\nstep 2 loss 3\nstep 3 loss 2\n")
    watch = LogWatch(tmp_path / "log", STEPPED, "")
    watch.begin(1)
    said(tmp_path / "log", "step 2 loss 2.5\n")
    watch.look()
    assert watch.curve == [4, 2.5]
    assert LogWatch(tmp_path / "log", STEPPED, "").curve == [4, 2.5]


def test_a_pattern_that_takes_in_more_than_a_number_is_named(tmp_path):
    watch = LogWatch(tmp_path / "log", r"(step (?P<step>\S+) )?loss(?P<loss> [\d.,]+)?", "")
    said(tmp_path / "log", "loss\nloss 3\nstep 2 loss 2.5\n")
    watch.look()
    assert watch.curve == [3, 2.5], "a step or a loss that a line does not name is none"
    said(tmp_path / "log", "step 3 loss 0.5,\n")
    with pytest.raises(GaugerError, match=r"group loss takes in a number .* got ' 0\.5,' in the line 'step 3 loss 0"):
        watch.look()
    said(tmp_path / "log", "step 3/9 loss 0.5\n")
    with pytest.raises(GaugerError, match=r"group step takes in a number .* got '3/9'"):
        watch.look()


def test_all_of_a_long_log_is_read_at_once(tmp_path):
    """The look after a program's end is the last one."""
    watch = LogWatch(tmp_path / "log", STEPPED, "out of memory")
    said(tmp_path / "log", "".join(f"step {step} loss 1 {'.' * 300}\n" for step in range(1, 10_001)))
    watch.look()
    assert len(watch.curve) == 10_000
    said(tmp_path / "log", "." * (5 << 20) + "\nout of memory\n")
    with pytest.raises(GaugerError, match="out of memory"):
        watch.look()


RANKED = """
gauger: the trainer starts after step 0
ValueError: of an earlier start
gauger: the trainer starts after step 0
[rank0]: Traceback (most recent call last):
[rank0]:     raise ValueError(f"Template {data_args.template} does not exist.")
[rank0]: ValueError: Template no-such does not exist.
E1129 23:44:33.797000 11442 torch/distributed/elastic/multiprocessing/api.py:1002] failed (exitcode: 1) local_rank: 0
Traceback (most recent call last):
    raise ChildFailedError(
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
Root Cause (first observed failure):
  exitcode  : 1 (pid: 11449)
"""
LISTED = """
pydantic_core._pydantic_core.ValidationError: 1 validation error for AxolotlConfigWCapabilities
chat_template.str-enum[ChatTemplate]
  Input should be 'alpaca' or 'chatml'
    For further information visit https://errors.pydantic.dev/2.12/v/enum
Traceback (most recent call last):
subprocess.CalledProcessError: Command '['python3.11', '-m', 'axolotl.cli.train']' returned non-zero exit status 1.
"""


def test_the_reason_of_a_failure_is_the_trainers_and_not_its_launchers():
    assert reason_in(RANKED) == "ValueError: Template no-such does not exist."
    assert reason_in(LISTED).endswith("chat_template.str-enum[ChatTemplate] Input should be 'alpaca' or 'chatml'")
    assert reason_in("it went\nwrong \n") == "wrong"
    assert reason_in("") == "nothing"


@pytest.mark.parametrize(
    ("line", "signalled"),
    [
        ("  traceback : Signal 9 (SIGKILL) received by PID 5566", True),
        ("subprocess.CalledProcessError: Command '['python3.11']' died with <Signals.SIGKILL: 9>.", True),
        ("subprocess.CalledProcessError: Command '['python3.11']' returned non-zero exit status 1.", False),
        (
            "W1129 torch/distributed/elastic/multiprocessing/api.py:1003] Sending process 12 closing signal SIGTERM",
            False,
        ),
    ],
)
def test_a_launcher_tells_that_a_signal_ended_what_it_started(line, signalled):
    assert tells_of_signal(f"gauger: the trainer starts after step 0\n{line}\n") == signalled
    assert not tells_of_signal(f"{line}\ngauger: the trainer starts after step 3\nValueError: no\n")


def test_silence_counts_from_the_last_word(tmp_path):
    now = [0.0]
    watch = LogWatch(tmp_path / "log", "", "", 10.0, lambda: now[0])
    for moment, words in ((0, ""), (9, "x\n"), (18, ""), (19, "y\n"), (28.9, "")):
        now[0] = moment
        said(tmp_path / "log", words)
        watch.look()
    now[0] = 29.1
    with pytest.raises(GaugerError, match="printed nothing"):
        watch.look()


AXOLOTL_LINE = (
    "{'loss': '5.597', 'grad_norm': '1.68', 'learning_rate': '0.01', 'ppl': '269.6', 'memory/max_active (GiB)': '0', "
    "'tokens/trainable': 19, 'tokens/total': 512, 'epoch': '0.125'}"
)


@pytest.mark.parametrize(
    ("trainer", "line", "step", "loss"),
    [
        ("trl", '{"step": 12, "loss": 1.5e-01}', 12, 0.15),
        ("axolotl", AXOLOTL_LINE, 1, 5.597),
        (
            "llama-factory",
            "{'loss': '5.41', 'grad_norm': '2.368', 'learning_rate': '0.009957', 'epoch': '0.08333'}",
            1,
            5.41,
        ),
        (
            "torchtune",
            "1|2|Loss: 5.411263942718506:  25%|██▌       | 2/8 [00:00<00:00, 43.34it/s]",
            2,
            5.411263942718506,
        ),
        ("open-instruct", "  Step: 10, LR: 2e-05, Loss: 0.75, TPS: 1200", 10, 0.75),
    ],
)
def test_ready_trainers_lines_are_understood(tmp_path, trainer, line, step, loss):
    watch = LogWatch(tmp_path / "log", TRAINERS.load(trainer).progress, TRAINERS.load(trainer).failure)
    said(tmp_path / "log", f"something else\n{line}\n")
    watch.look()
    assert watch.losses == {step: loss}


@pytest.mark.parametrize("trainer", ["axolotl", "llama-factory"])
def test_the_mean_loss_that_a_trainer_ends_with_is_that_of_no_step(tmp_path, trainer):
    watch = LogWatch(tmp_path / "log", TRAINERS.load(trainer).progress, "")
    said(tmp_path / "log", "{'train_runtime': '0.1726', 'train_samples_per_second': '278.1', 'train_loss': '5.142'}\n")
    watch.look()
    assert not watch.losses


def test_rows_that_llama_factory_leaves_out_end_its_training(tmp_path):
    watch = LogWatch(tmp_path / "log", "", TRAINERS.load("llama-factory").failure)
    said(
        tmp_path / "log",
        "[WARNING|2026-11-29 23:40:25] llamafactory.data.converter:148 >> Skipping this abnormal example.\n",
    )
    with pytest.raises(GaugerError, match="Skipping this abnormal example"):
        watch.look()
