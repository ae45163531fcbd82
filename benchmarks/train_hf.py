"""Speed of the engine hf beside TRL's SFTTrainer: tokens per processor second on the same model, rows and steps.

The model has random weights and a vocabulary of 49,152: the shape of SmolLM2-135M (`--shape 135m`), a Llama of 4 layers
and width 256 (`--shape small`), or a checkpoint given with `--model`. Rows are random tokens, 15 to 45 of prompt and 4
to 32 of completion; the loss is on the completions. `gauger` does as it does where nobody chose, `gauger, 256`
has `computing.tokens_together: 256`; all pad rows (TRL's `padding_free` wants flash attention, which a CPU has not),
but Gauger puts rows of similar length together within a step. All sides get the same rows in every step, as tokens, so
that no tokenising is timed. Switched off on all: dropout, gradient clipping, gradient checkpointing, bfloat16,
shuffling, logging, saving, evaluation, progress bars. Every side runs in its own process with one thread, `--rounds`
times in turn. The learning rate is next to nothing, so that the mean losses must agree whatever the schedules are; that
they do is checked.

Run: python benchmarks/train_hf.py [--shape small] [--rounds 3] [--steps 8] [--model DIRECTORY]
     python benchmarks/train_hf.py --shape 135m --rounds 3 --steps 2
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
from functools import partial
from pathlib import Path
from typing import Any

for variable, value in {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}.items():
    os.environ[variable] = value

import numpy as np
import torch

BATCH, VOCABULARY, RATE, RANK = 16, 49_152, 1e-9, 16
SHAPES: dict[str, dict[str, int]] = {
    "small": {
        "hidden_size": 256,
        "intermediate_size": 688,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
    },
    "135m": {
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
    },
}
"""135m: as the config.json of SmolLM2-135M has it."""


def rows(n_rows: int) -> list[tuple[list[int], int]]:
    """Draw (tokens, first token learnt) of every row."""
    rng = np.random.default_rng(0)
    drawn = []
    for prompt, completion in zip(rng.integers(15, 46, n_rows), rng.integers(4, 33, n_rows), strict=True):
        drawn.append((rng.integers(10, VOCABULARY, prompt + completion).tolist(), int(prompt)))
    return drawn


def make_model(args: argparse.Namespace) -> Any:
    """Return the model with the same weights on every side."""
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

    if args.model:
        return AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32, local_files_only=True)
    torch.manual_seed(0)
    shape = LlamaConfig(
        **SHAPES[args.shape],
        vocab_size=VOCABULARY,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    return LlamaForCausalLM(shape)


def ours(args: argparse.Namespace, together: int | None = None) -> tuple[float, float, str]:
    """Train with Gauger; seconds and mean loss."""
    from gauger.train.engine import Adapter
    from gauger.train.given_rows import fit_rows
    from gauger.train.hf.engine import HfModel
    from gauger.train.loop import Options
    from gauger.train.losses import NextToken
    from gauger.train.rows import token_rows
    from gauger.train.schedule import TrainingSchedule

    drawn = rows(args.steps * BATCH)
    texts = token_rows([i for ids, _ in drawn for i in ids], [len(ids) for ids, _ in drawn], [at for _, at in drawn])
    draws = [[np.arange(first, first + BATCH)] for first in range(0, len(drawn), BATCH)]
    options = Options(adapter=Adapter(RANK, 2 * RANK) if args.lora else None, micro_tokens=together)
    model = HfModel(make_model(args), None)  # nothing is tokenised
    start = time.process_time()
    losses = fit_rows(model, [texts], draws, TrainingSchedule(args.steps, RATE), options, NextToken()).losses
    return time.process_time() - start, float(np.mean(losses)), f"torch {torch.__version__}"


def trl(args: argparse.Namespace) -> tuple[float, float, str]:
    """Train with SFTTrainer; seconds and mean loss."""
    import transformers
    import trl
    from datasets import Dataset
    from peft import LoraConfig
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    data = [{"input_ids": ids, "labels": [-100] * start + ids[start:]} for ids, start in rows(args.steps * BATCH)]
    words = Tokenizer(WordLevel({"a": 0, "b": 1, "c": 2}, unk_token="a"))  # noqa: S106 - a word, no password
    with tempfile.TemporaryDirectory() as directory:
        settings = trl.SFTConfig(
            output_dir=directory,
            max_steps=args.steps,
            per_device_train_batch_size=BATCH,
            learning_rate=RATE,
            adam_beta2=0.98,
            weight_decay=0.0,
            optim="adamw_torch_fused",
            max_grad_norm=0.0,
            max_length=None,
            use_cpu=True,
            bf16=False,
            activation_checkpointing=False,
            dataset_kwargs={"skip_prepare_dataset": True},
            train_sampling_strategy="sequential",
            dataloader_pin_memory=False,
            logging_strategy="no",
            save_strategy="no",
            eval_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        trainer = trl.SFTTrainer(
            model=make_model(args),
            args=settings,
            train_dataset=Dataset.from_list(data),
            processing_class=PreTrainedTokenizerFast(tokenizer_object=words, pad_token="c", eos_token="c"),  # noqa: S106
            peft_config=LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear") if args.lora else None,
        )
        start = time.process_time()
        loss = trainer.train().training_loss
        seconds = time.process_time() - start
    return seconds, loss, f"trl {trl.__version__}, transformers {transformers.__version__}, torch {torch.__version__}"


SIDES = {"gauger": ours, "gauger, 256": partial(ours, together=256), "TRL": trl}


def measure(side: str, lora: bool, args: argparse.Namespace) -> dict[str, Any]:
    """Run one side in its own process."""
    command = [sys.executable, __file__, "--side", side, "--steps", str(args.steps)]
    command += ["--shape", args.shape] + ["--lora"] * lora + (["--model", args.model] if args.model else [])
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--shape", choices=SHAPES, default="small")
    parser.add_argument("--model")
    parser.add_argument("--side", choices=SIDES)
    parser.add_argument("--lora", action="store_true")
    args = parser.parse_args()
    if args.side:
        torch.set_num_threads(1)
        seconds, loss, versions = SIDES[args.side](args)
        print(json.dumps({"seconds": seconds, "loss": loss, "versions": versions}))
        return
    n_tokens = sum(len(ids) for ids, _ in rows(args.steps * BATCH))
    print(f"{platform.machine()}, one thread, load {os.getloadavg()[0]:.1f} from other work")
    shape = SHAPES[args.shape]
    made = f"Llama {shape['num_hidden_layers']} x {shape['hidden_size']}, vocabulary {VOCABULARY:,}, random weights"
    print(f"model: {Path(args.model).name if args.model else made}")
    print(f"{args.steps} steps of {BATCH} rows, {n_tokens:,} tokens")
    for lora in (False, True):
        runs: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
        for _ in range(args.rounds):
            for side in SIDES:
                runs[side].append(measure(side, lora, args))
        best = {side: min(run["seconds"] for run in done) for side, done in runs.items()}
        losses = {side: done[0]["loss"] for side, done in runs.items()}
        assert all(abs(loss - losses["TRL"]) < 1e-4 * losses["TRL"] for loss in losses.values()), losses
        print(f"\n{f'LoRA, rank {RANK}, all layers' if lora else 'all weights'} ({runs['TRL'][0]['versions']})")
        for side, done in runs.items():
            spread = f"{best[side]:.2f} to {max(run['seconds'] for run in done):.2f} s"
            speed = f"{n_tokens / best[side]:8,.0f} tokens per processor second ({spread})"
            print(f"{side:13} {speed}, mean loss {losses[side]:.5f}")
        for side in list(SIDES)[:-1]:
            ratios = [b["seconds"] / a["seconds"] for a, b in zip(runs[side], runs["TRL"], strict=True)]
            times = f"{best['TRL'] / best[side]:.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f})"
            print(f"{side} is {times}")


if __name__ == "__main__":
    main()
