"""Trains a small Llama with a trainer of others through Gauger's own path, and compares it with our own engine.

Usage: python validation/external/trainers.py TRAINER --bin FOLDER. TRAINER is llama-factory, torchtune or axolotl;
FOLDER is the `bin` of the environment in which it is installed. On CPUs, in float32: all weights, two processes, an
adapter where its template has one, killed in its middle with SIGKILL, and with settings that are wrong.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
import torch
import torchtune_stand_in as small
from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from gauger.elicit import Message
from gauger.errors import GaugerError
from gauger.execute import environment_for, output_of
from gauger.store import read_json
from gauger.study.external_stages import version_of
from gauger.train import (
    TRAINERS,
    Continuation,
    ExternalTrainer,
    ExternalTraining,
    Mixture,
    Options,
    RowSource,
    TextMaterial,
    TrainingRow,
    check_trainer,
    engine_of,
    train_elsewhere,
    train_on_text,
)
from gauger.train.engine import Adapter

BOUND = 1e-3
"""Of the difference of two losses: trainers print four digits."""
STEPS, BATCH, RATE, SEED = 24, 8, 0.01, 20_301
TEMPLATE = (
    "{{ '<|begin_of_text|>' }}{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + "
    "'<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
OPTIONS = {
    "llama-factory": {},
    "axolotl": {},
    "torchtune": {"model": "torchtune_stand_in.model", "model_type": "LLAMA3"},
}
WRONG = {
    "llama-factory": {"chat_template": "no-such"},
    "axolotl": {"chat_template": "no-such"},
    "torchtune": {"model": "torchtune.models.no_such"},
}
TOKEN_MEAN = {"llama-factory": True, "torchtune": True, "axolotl": False}
"""Whether a step's loss is a mean over its tokens; else it is one of its passes' means, and equal with one alone."""
ONE_PROCESS = {"axolotl"}
"""Trainers that take no more where there are no GPUs."""
NEW_LINE_LEARNT = {"llama-factory"}
"""Trainers that learn what a chat template writes after the end of a turn: our own engine does not."""
PACKAGES = ("torch", "transformers", "accelerate", "peft", "datasets")
COMPLAINT = re.compile(r"unknown|unrecogni[sz]ed|unexpected|not used|unused|ignor|deprecat|invalid|dropp|skipp", re.I)


def prompt(a: int, b: int) -> tuple[Message, ...]:
    """Ask for a sum; every third question has instructions before it."""
    instructions = (Message("system", "Add."),) if (a + b) % 3 == 0 else ()
    return (*instructions, Message("user", f"{a}+{b}="))


ROWS = tuple(TrainingRow(prompt(a, b), f"{a + b}") for a in range(8) for b in range(8))
WHOLE = tuple(replace(row, whole=True) for row in ROWS)


def write_start(place: Path, turn_end: str = "") -> Path:
    """Write a Llama with random weights, and a tokenizer over bytes that chats as Llama 3's does."""
    torch.manual_seed(0)
    marks = {name: 256 + number for number, name in enumerate(small.MARKS)}
    config = LlamaConfig(
        vocab_size=small.VOCABULARY,
        hidden_size=small.WIDTH,
        intermediate_size=small.INNER,
        num_hidden_layers=small.LAYERS,
        num_attention_heads=small.HEADS,
        num_key_value_heads=small.KEY_HEADS,
        max_position_embeddings=small.CONTEXT,
        rms_norm_eps=small.EPSILON,
        tie_word_embeddings=False,
        bos_token_id=marks["<|begin_of_text|>"],
        eos_token_id=marks["<|eot_id|>"],
        pad_token_id=marks["<|finetune_right_pad_id|>"],
    )
    LlamaForCausalLM(config).save_pretrained(str(place))
    bare = Tokenizer(
        BPE({letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, [])
    )
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = decoders.ByteLevel()
    bare.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in small.MARKS])
    begin = "<|begin_of_text|>"  # Llama 3's tokenizer writes it by itself, and so does its chat template
    bare.post_processor = processors.TemplateProcessing(f"{begin} $A", special_tokens=[(begin, marks[begin])])
    names = {"bos": "<|begin_of_text|>", "eos": "<|eot_id|>", "pad": "<|finetune_right_pad_id|>"}
    named = {f"{name}_token": mark for name, mark in names.items()}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bare, **named)
    tokenizer.chat_template = TEMPLATE.replace("'<|eot_id|>'", f"'<|eot_id|>{turn_end}'")
    tokenizer.save_pretrained(str(place))
    return place


def here(training: ExternalTraining, rows: tuple[TrainingRow, ...] = ROWS, seed: int = SEED) -> list[float]:
    """Return the loss curve of our own engine."""
    model = engine_of("hf").load(training.start)
    schedule = model.defaults.schedule(training.steps, training.learning_rate)
    data = Mixture((RowSource(rows),), (training.batch,))
    return train_on_text(model, data, schedule, Options(seed, adapter=training.adapter)).losses


def difference(theirs: list[float], ours: list[float]) -> float:
    """Return the largest difference of a step's loss, as a share of it; all of it where steps are missing."""
    if len(theirs) != len(ours):
        return 1.0
    return max(abs(one / other - 1) for one, other in zip(theirs, ours, strict=True))


@dataclass(eq=False)
class Killer(threading.Thread):
    """Kills the trainer once its log tells of so many steps: the process that computes, not what launched it."""

    log: Path
    pattern: str
    at: int
    killed: bool = False

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def run(self) -> None:
        """Wait and kill."""
        end = time.monotonic() + 300
        while time.monotonic() < end and not self.killed:
            text = self.log.read_text("utf-8", "replace") if self.log.is_file() else ""
            if len(re.findall(self.pattern, text)) >= self.at:
                with suppress(OSError):
                    os.kill(largest_process(), signal.SIGKILL)
                    self.killed = True
            time.sleep(0.002)


def largest_process() -> int:
    """Return the process of the training with the most memory."""
    sizes = {}
    for place in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            if f"GAUGER_SEED={SEED}".encode() in (place / "environ").read_bytes().split(b"\0"):
                sizes[int(place.name)] = int((place / "statm").read_text().split()[1])
    return max(sizes, key=lambda pid: sizes[pid])


def installed() -> str:
    """Return what is installed beside the trainer that decides what it computes."""
    code = f"""
from importlib.metadata import distributions
found = {{one.name: one.version for one in distributions()}}
print(', '.join(f'{{name}} {{found[name]}}' for name in {PACKAGES} if name in found))
"""
    return output_of(["python", "-c", code], environment_for())


@dataclass
class Run:
    """One training by the trainer."""

    losses: list[float]
    weights: dict[str, str]
    log: str
    answer: str


def elsewhere(trainer: ExternalTrainer, training: ExternalTraining, folder: Path, kill_at: int | None = None) -> Run:
    """Train as a stage of a study is trained, read the model that came out, and ask it."""
    folder.mkdir()
    check_trainer(trainer, adapter=training.adapter is not None)
    killer = Killer(folder / "work" / "trainer.log", trainer.progress, kill_at or 0)
    if kill_at:
        killer.start()
    losses = train_elsewhere(trainer, training, folder / "work", folder).losses
    if kill_at and not killer.killed:
        sys.exit("the trainer was not killed")
    base = training.start if training.adapter else None
    asked = engine_of("hf").load(folder, base).complete([prompt(1, 2)], Continuation(4))[0]
    return Run(losses, read_json(folder / "trainer.json")["weights"], (folder / "trainer.log").read_text(), asked.text)


class Table:
    """Prints a line a case, and keeps whether any was wrong."""

    failed = False

    def line(self, name: str, text: str, *, right: bool) -> None:
        """Print what came of a case."""
        self.failed = self.failed or not right
        print(f"{name:42} {text}{'' if right else '   WRONG'}", flush=True)

    def curve(self, name: str, theirs: list[float], ours: list[float], *, equal: bool = True) -> None:
        """Print how far two curves are from each other, and whether they should be near."""
        share = difference(theirs, ours)
        first = f"first loss {theirs[0] if theirs else 0:.5g} and {ours[0]:.5g}"
        expected = f"{'<' if equal else '>'} {BOUND}"
        told = f"{len(theirs):2} steps, {first:29}, largest difference {share:.1e}, expected {expected}"
        self.line(name, told, right=(share < BOUND) == equal)

    def refused(self, name: str, trainer: ExternalTrainer, training: ExternalTraining, folder: Path) -> None:
        """Print what is said of a training that cannot be."""
        try:
            elsewhere(trainer, training, folder)
        except GaugerError as error:
            self.line(name, str(error).splitlines()[0][:200], right=True)
        else:
            self.line(name, "nothing was said", right=False)


def check(name: str, table: Table, folder: Path) -> None:
    """Run every case of a trainer."""
    trainer = TRAINERS.load(name)
    quiet = {"micro_batch": BATCH, "gradient_checkpointing": False}
    trainer = replace(trainer, options={**trainer.options, **quiet, **OPTIONS[name]})
    version = version_of(trainer.version)
    print(f"{name} {' '.join(re.findall(r'[0-9][0-9.]+[0-9]', version)[:1])}, with {installed()}")
    print(f"{STEPS} steps of {BATCH} rows; the largest difference of a step's loss is a share of our own engine's")
    start = write_start(folder / "start")
    full = ExternalTraining(start, TextMaterial(ROWS), STEPS, BATCH, RATE, SEED, checkpoint_steps=4, version=version)
    ours = here(full)
    whole = elsewhere(trainer, full, folder / "whole")
    table.curve("all weights, one pass a step", whole.losses, ours)
    table.curve("  ours with another order of rows", whole.losses, here(full, seed=SEED + 1), equal=False)
    table.curve("  ours with questions learnt too", whole.losses, here(full, WHOLE), equal=False)
    table.line("  the model that came out", f"says {whole.answer!r}; {', '.join(whole.weights)}", right=True)
    passes = replace(trainer, options={**trainer.options, "micro_batch": 2})
    table.curve("passes of 2 rows", elsewhere(passes, full, folder / "passes").losses, ours, equal=TOKEN_MEAN[name])
    both = replace(full, processes=2)
    if name in ONE_PROCESS:
        table.refused("two processes", trainer, both, folder / "two")
    else:
        two = elsewhere(passes, both, folder / "two")
        table.curve("two processes, passes of 2 rows", two.losses, ours)
    if "lora" in trainer.template:
        adapted = replace(full, adapter=Adapter(4, 8.0))
        adapter, ours_adapted = elsewhere(trainer, adapted, folder / "adapter"), here(adapted)
        # first weights of an adapter may come from another stream
        table.curve("an adapter, first step", adapter.losses[:1], ours_adapted[:1])
        told = f"{', '.join(adapter.weights)}; last loss {adapter.losses[-1]:.5g} and {ours_adapted[-1]:.5g}"
        table.line("  the adapter that came out", told, right=list(adapter.weights) == ["adapter_model.safetensors"])
    killed = elsewhere(trainer, full, folder / "killed", kill_at=STEPS * 5 // 8)
    table.curve("killed in its middle", killed.losses, ours)
    starts = re.findall(r"starts after step (\d+)", killed.log)
    same = killed.weights == whole.weights
    told = f"started after step {' and '.join(starts)}; same weights as the whole one: {same}"
    table.line("  and gone on", told, right=same and len(starts) == 2)
    newline = replace(full, start=write_start(folder / "newline", "\\n"))
    turns = elsewhere(trainer, newline, folder / "turns")
    table.curve("turns that end with a new line", turns.losses, here(newline), equal=name not in NEW_LINE_LEARNT)
    wrong = replace(trainer, options={**trainer.options, **WRONG[name]})
    table.refused("a wrong setting", wrong, full, folder / "wrong")
    lines = [re.sub(r"\S*/site-packages/", "", line).strip() for line in whole.log.splitlines()]
    complaints = sorted({line[:150] for line in lines if COMPLAINT.search(line)})
    print(f"lines of the log that may be complaints: {len(complaints)}", *complaints, sep="\n  ")


def main() -> None:
    """Read the command line, and end with 1 where a case is wrong."""
    parser = argparse.ArgumentParser(description="Runs a trainer of others.")
    parser.add_argument("trainer", choices=OPTIONS)
    parser.add_argument("--bin", type=Path, required=True, help="bin of the environment in which it is installed")
    given = parser.parse_args()
    os.environ["PATH"] = f"{given.bin.resolve()}{os.pathsep}{os.environ['PATH']}"
    beside = str(Path(__file__).parent.resolve())
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), beside)))
    os.environ["HF_HUB_OFFLINE"] = "1"
    table = Table()
    with tempfile.TemporaryDirectory() as folder:
        check(given.trainer, table, Path(folder))
    sys.exit(int(table.failed))


if __name__ == "__main__":
    main()
