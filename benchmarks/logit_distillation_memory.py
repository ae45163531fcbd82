"""Memory of logit distillation beside TRL's GKDTrainer at a vocabulary of 49,152: equal models, batch and loss.

Student and teacher are Llamas of 4 layers and width 256 with random weights; the step has 8 rows of 128 tokens with 96
learnt, all in one batch; the loss is the forward KL at temperature 1; the student's adapter alone is trained, so that
gradients and moments weigh nothing. Extra memory is the highest resident set while training less the resident set just
before it (Linux: VmHWM after a reset through /proc/self/clear_refs), each side in its own process with one thread.
The mean losses must agree to 1e-4, which is checked.

Run: python benchmarks/logit_distillation_memory.py [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

for variable, value in {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}.items():
    os.environ[variable] = value

import numpy as np
import torch

VOCABULARY, BATCH, LENGTH, PROMPT, STEPS, RATE, RANK = 49_152, 8, 128, 32, 2, 1e-9, 8


def rows() -> list[list[int]]:
    rng = np.random.default_rng(0)
    return rng.integers(10, VOCABULARY, (STEPS * BATCH, LENGTH)).tolist()


def make_model(seed: int) -> Any:
    """Return a model whose distribution is not flat."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    shape = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=688,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=False,
        initializer_range=0.1,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    return LlamaForCausalLM(shape)


def make_tokenizer() -> Any:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(WordLevel({"a": 0, "b": 1, "c": 2}, unk_token="a"))  # noqa: S106 - a word, no password
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="c", eos_token="c")  # noqa: S106


def status(field: str) -> int:
    """Return a field of /proc/self/status in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


class Watch:
    """Time and extra memory between `with` and its end."""

    def __enter__(self) -> Watch:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        self.before, self.start = status("VmRSS"), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.extra, self.seconds = status("VmHWM") - self.before, time.process_time() - self.start


def ours(_directory: str) -> tuple[Watch, float]:
    import accelerate  # noqa: F401 - both sides have read all their modules when the watch starts
    import peft  # noqa: F401

    from gauger.train.engine import Adapter
    from gauger.train.hf.engine import HfModel
    from gauger.train.likelihood import hidden_states
    from gauger.train.loop import Options, fit
    from gauger.train.losses import SoftLoss
    from gauger.train.rows import token_rows
    from gauger.train.schedule import TrainingSchedule

    teacher, texts = HfModel(make_model(1).eval().requires_grad_(False), None), rows()  # nothing is tokenised
    loss, student = SoftLoss("forward-kl", teacher_head=teacher.head()), HfModel(make_model(0), None)

    def step(first: int) -> list[Any]:
        own = texts[first : first + BATCH]
        batch = token_rows([i for ids in own for i in ids], [LENGTH] * BATCH, [PROMPT] * BATCH)
        return [(batch.with_targets(teacher_hidden=hidden_states(teacher, batch)), np.arange(BATCH))]

    steps = [(lambda first=first: step(first)) for first in range(0, len(texts), BATCH)]
    with Watch() as watch:
        options, schedule = Options(adapter=Adapter(RANK, RANK)), TrainingSchedule(STEPS, RATE, clip=1.0)
        trained = fit(student.trainee(options.adapter, 0), steps, schedule, options, loss, dict)
    return watch, float(np.mean(trained.losses))


def trl(directory: str) -> tuple[Watch, float]:
    from datasets import Dataset
    from peft import LoraConfig
    from trl.experimental.gkd import GKDConfig, GKDTrainer

    def collate(batch: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
        ids = torch.tensor([row["input_ids"] for row in batch])
        labels = torch.cat([torch.full((len(batch), PROMPT), -100), ids[:, PROMPT:]], dim=1)
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels, "prompts": ids[:, :PROMPT]}

    settings = GKDConfig(
        output_dir=directory,
        lmbda=0.0,
        beta=0.0,
        temperature=1.0,
        max_steps=STEPS,
        per_device_train_batch_size=BATCH,
        learning_rate=RATE,
        max_grad_norm=0.0,
        use_cpu=True,
        bf16=False,
        activation_checkpointing=False,
        train_sampling_strategy="sequential",
        dataloader_pin_memory=False,
        logging_strategy="no",
        save_strategy="no",
        eval_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    trainer = GKDTrainer(
        model=make_model(0),
        teacher_model=make_model(1),
        args=settings,
        data_collator=collate,
        train_dataset=Dataset.from_list([{"input_ids": ids} for ids in rows()]),
        processing_class=make_tokenizer(),
        peft_config=LoraConfig(r=RANK, lora_alpha=RANK, target_modules="all-linear"),
    )
    with Watch() as watch:
        loss = trainer.train().training_loss
    return watch, loss


SIDES = {"gauger": ours, "TRL GKD": trl}


def measure(side: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, __file__, "--side", side], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=SIDES)
    args = parser.parse_args()
    if args.side:
        torch.set_num_threads(1)
        with tempfile.TemporaryDirectory() as directory:
            watch, loss = SIDES[args.side](directory)
        print(json.dumps({"extra": watch.extra, "seconds": watch.seconds, "loss": loss}))
        return
    runs: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for _ in range(args.rounds):
        for side in SIDES:
            runs[side].append(measure(side))
    print(f"{platform.machine()}, one thread, load {os.getloadavg()[0]:.1f} from other work, torch {torch.__version__}")
    print(f"{STEPS} steps of {BATCH} rows of {LENGTH} tokens, {LENGTH - PROMPT} learnt; vocabulary {VOCABULARY:,}")
    for side, done in runs.items():
        extra = [run["extra"] / 2**20 for run in done]
        seconds = min(run["seconds"] for run in done)
        print(
            f"{side:8} {min(extra):6,.0f} to {max(extra):,.0f} MiB extra, {seconds:5.1f} s, loss {done[0]['loss']:.6f}"
        )
    mine, theirs = (max(run["extra"] for run in runs[side]) for side in SIDES)
    losses = [runs[side][0]["loss"] for side in SIDES]
    assert abs(losses[0] - losses[1]) < 1e-4, losses
    print(
        f"gauger's extra memory is {mine / theirs:.3f} of TRL GKD's; losses differ by {abs(losses[0] - losses[1]):.1e}"
    )


if __name__ == "__main__":
    main()
