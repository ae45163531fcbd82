"""TRL's part of `train_tiny.py`: reads the work, trains with SFTTrainer, prints its processor seconds as JSON.

Needs torch, transformers, trl, datasets and accelerate, and nothing of Gauger. Switched off, in TRL's favour: dropout,
gradient clipping, gradient checkpointing, bfloat16, shuffling, tokenising, logging, saving, evaluation, progress bars.

Run: by `train_tiny.py --trl-python ENV/bin/python`
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

for variable, value in {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}.items():
    os.environ[variable] = value

import torch
import transformers
import trl
from datasets import Dataset
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer

WARM_UP_STEPS = 20
IGNORED = -100


def main() -> None:
    """Train twice, a few steps and then all, and say how long the second run took."""
    torch.set_num_threads(1)
    work, steps = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as directory:
        seconds_of_training(work, min(WARM_UP_STEPS, steps), directory)
        seconds = seconds_of_training(work, steps, directory)
    versions = f"trl {trl.__version__}, transformers {transformers.__version__}, torch {torch.__version__}"
    print(json.dumps({"seconds": seconds, "versions": versions}))


def seconds_of_training(work: dict[str, Any], steps: int, directory: str) -> float:
    """Time `trainer.train()`."""
    torch.manual_seed(1)
    texts = work["texts"][: steps * work["batch"]]
    trainer = SFTTrainer(
        model=GPT2LMHeadModel(shape(work["model"])),
        args=settings(work, steps, directory),
        train_dataset=Dataset.from_list([row(text) for text in texts]),
        processing_class=tokenizer(work["model"]["vocabulary"]),
    )
    start = time.process_time()
    trainer.train()
    return time.process_time() - start


def shape(model: dict[str, int]) -> GPT2Config:
    """Return a GPT-2 of the same shape, without dropout."""
    return GPT2Config(
        vocab_size=model["vocabulary"],
        n_positions=model["context"],
        n_embd=model["width"],
        n_layer=model["layers"],
        n_head=model["heads"],
        n_inner=model["width"] * model["expansion"],
        activation_function="relu",
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        use_cache=False,
    )


def settings(work: dict[str, Any], steps: int, directory: str) -> SFTConfig:
    """Return the trainer's settings: the same optimiser and schedule, and nothing beside the training."""
    return SFTConfig(
        output_dir=directory,
        max_steps=steps,
        per_device_train_batch_size=work["batch"],
        learning_rate=work["rate"],
        weight_decay=work["weight_decay"],
        adam_beta2=0.98,
        warmup_steps=round(0.05 * steps),
        lr_scheduler_type="cosine",
        optim="adamw_torch_fused",
        max_grad_norm=0.0,
        max_length=None,
        use_cpu=True,
        bf16=False,
        activation_checkpointing=False,
        completion_only_loss=True,
        dataset_kwargs={"skip_prepare_dataset": True},
        train_sampling_strategy="sequential",
        dataloader_pin_memory=False,
        logging_strategy="no",
        save_strategy="no",
        eval_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )


def row(text: dict[str, Any]) -> dict[str, list[int]]:
    """Return a text as SFTTrainer takes it once it is tokenised."""
    labels = [token if place >= text["start"] else IGNORED for place, token in enumerate(text["tokens"])]
    return {"input_ids": text["tokens"], "labels": labels}


def tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    """Return a tokenizer that is never used to tokenise; the trainer asks it for its padding and end marks."""
    names = {f"w{index}": index for index in range(vocabulary)}
    words = Tokenizer(WordLevel(names, unk_token="w0"))  # noqa: S106 - a word, no password
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="w0", bos_token="w1", eos_token="w2")  # noqa: S106


if __name__ == "__main__":
    main()
