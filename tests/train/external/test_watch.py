"""Following a log: losses by step, across cut lines and resumptions, and nothing said for too long."""

import pytest

from gauger.errors import GaugerError
from gauger.train.external.trainers import TRAINERS
from gauger.train.external.watch import LogWatch

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


def test_without_steps_the_curve_of_a_resumed_training_is_not_known(tmp_path):
    """Adversary: counting lines would give five losses for four steps."""
    said(tmp_path / "log", "loss 3\nloss 2\n")
    watch = LogWatch(tmp_path / "log", r"loss (?P<loss>[\d.]+)", "")
    assert watch.curve == []
    whole = LogWatch(tmp_path / "other", r"loss (?P<loss>[\d.]+)", "")
    said(tmp_path / "other", "loss 3\nloss 2\n")
    whole.look()
    assert whole.curve == [3, 2]


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


@pytest.mark.parametrize(
    ("trainer", "line", "step", "loss"),
    [
        ("trl", '{"step": 12, "loss": 1.5e-01}', 12, 0.15),
        ("axolotl", "{'loss': '0.4375', 'grad_norm': '1.2', 'learning_rate': '1e-05', 'epoch': '0.1'}", 1, 0.4375),
        ("llama-factory", "{'loss': 0.4375, 'grad_norm': 1.2, 'learning_rate': 1e-05, 'epoch': 0.1}", 1, 0.4375),
        ("torchtune", "1|25|Loss: 1.3125:  10%|█         | 25/250", 25, 1.3125),
        ("open-instruct", "  Step: 10, LR: 2e-05, Loss: 0.75, TPS: 1200", 10, 0.75),
    ],
)
def test_ready_trainers_lines_are_understood(tmp_path, trainer, line, step, loss):
    watch = LogWatch(tmp_path / "log", TRAINERS.load(trainer).progress, TRAINERS.load(trainer).failure)
    said(tmp_path / "log", f"something else\n{line}\n")
    watch.look()
    assert watch.losses == {step: loss}
