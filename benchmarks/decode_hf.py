"""Speed of the engine hf at writing beside transformers' `generate`: milliseconds per token, by length of the answer.

The model has the shape of SmolLM2-135M and random weights. Prompts of 24 to 56 random tokens are continued together,
by the most likely token, for as many tokens as `--tokens` says; no answer ends before. Both sides keep keys and values
and pad at the left; `generate` is called as its documentation does, on tokens, and its answers are spelled at the end
as ours are. That both write the same tokens is checked. A hook on the model notes the processor time of each step, so
that one run shows what a token costs early and late: a way of writing that reads its text again at every token would
cost 8 times as much at token 512 as at token 64. Each side runs in its own process with one thread, `--rounds` times
in turn.

Run: python benchmarks/decode_hf.py [--rounds 2] [--prompts 8] [--tokens 512]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from typing import Any

for variable, value in {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}.items():
    os.environ[variable] = value

import numpy as np
import torch

VOCABULARY = 49_152
WINDOWS = (64, 256, 512)
"""Answers of these lengths are priced, and the last `LATE` tokens of each."""
LATE = 32


def make_model() -> Any:
    """Return the model, the same on both sides."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    return LlamaForCausalLM(shape).eval()


def make_tokenizer() -> Any:
    """Return a tokenizer of one word a token."""
    from tokenizers import Tokenizer, pre_tokenizers
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(WordLevel({f"w{number}": number for number in range(VOCABULARY)}, unk_token="w3"))  # noqa: S106
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="w0", bos_token="w1", eos_token="w2")  # noqa: S106


def prompts(count: int) -> list[str]:
    """Draw prompts as texts."""
    rng = np.random.default_rng(0)
    return [" ".join(f"w{i}" for i in rng.integers(10, VOCABULARY, rng.integers(24, 57))) for _ in range(count)]


def ours(model: Any, tokenizer: Any, texts: list[str], n_tokens: int) -> list[list[int]]:
    """Write with Gauger."""
    from gauger.train.engine import Continuation
    from gauger.train.hf.decode import complete

    with torch.inference_mode():
        answers = complete(model, tokenizer, texts, Continuation(n_tokens), [0] * len(texts), [()] * len(texts))
    return [list(answer.ids) for answer in answers]


def theirs(model: Any, tokenizer: Any, texts: list[str], n_tokens: int) -> list[list[int]]:
    """Write with `generate`."""
    asked = tokenizer(texts, return_tensors="pt", padding=True, padding_side="left")
    asked.pop("token_type_ids", None)
    with torch.inference_mode():
        written = model.generate(**asked, max_new_tokens=n_tokens, do_sample=False)
    ids = written[:, asked["input_ids"].shape[1] :]
    tokenizer.batch_decode(ids, skip_special_tokens=True)
    return ids.tolist()


SIDES = {"gauger": ours, "generate": theirs}


def timed(side: str, count: int, n_tokens: int) -> dict[str, Any]:
    """Run one side here: processor time at the start of every step and at the end, and the tokens written."""
    torch.set_num_threads(1)
    model, tokenizer, texts, steps = make_model(), make_tokenizer(), prompts(count), []
    SIDES[side](model, tokenizer, texts[:2], 4)  # what is imported and allocated once
    model.get_decoder().register_forward_hook(lambda *_: steps.append(time.process_time()))
    start = time.process_time()
    ids = SIDES[side](model, tokenizer, texts, n_tokens)
    total = time.process_time() - start
    assert {len(own) for own in ids} == {n_tokens}, "no answer ends before"
    digest = hashlib.sha256(json.dumps(ids).encode()).hexdigest()
    return {"total": total, "steps": [step - start for step in steps], "digest": digest}


def measure(side: str, args: argparse.Namespace) -> dict[str, Any]:
    """Run one side in its own process."""
    command = [sys.executable, __file__, "--side", side, "--prompts", str(args.prompts), "--tokens", str(args.tokens)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=WINDOWS[-1])
    parser.add_argument("--side", choices=SIDES)
    args = parser.parse_args()
    if args.side:
        print(json.dumps(timed(args.side, args.prompts, args.tokens)))
        return
    import transformers

    versions = f"transformers {transformers.__version__}, torch {torch.__version__}"
    print(f"{platform.machine()}, one thread, load {os.getloadavg()[0]:.1f} from other work, {versions}")
    print(f"Llama 30 x 576, random weights; {args.prompts} prompts of 24 to 56 tokens, {args.tokens} tokens each")
    runs: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for _ in range(args.rounds):
        for side in SIDES:
            runs[side].append(measure(side, args))
    assert len({run["digest"] for done in runs.values() for run in done}) == 1, "both write the same tokens"
    windows = [length for length in WINDOWS if length <= args.tokens]
    best = {side: min(done, key=lambda run: run["total"]) for side, done in runs.items()}
    print("\nmilliseconds of processor time per step of all prompts (and of the last 32 steps alone)")
    print(f"{'answer of':10}" + "".join(f"{length:>18}" for length in windows) + "             whole")
    for side, run in best.items():
        steps = run["steps"]
        # a step's time is noted behind the model: what follows the first note is writing, not reading the prompt
        cells = [1e3 * (steps[-args.tokens + n - 1] - steps[-args.tokens]) / (n - 1) for n in windows]
        late = [1e3 * (steps[-args.tokens + n - 1] - steps[-args.tokens + n - 1 - LATE]) / LATE for n in windows]
        shown = "".join(f"{f'{cell:.1f} ({end:.1f})':>18}" for cell, end in zip(cells, late, strict=True))
        print(f"{side:10}{shown}{run['total']:16.2f} s")
    ratios = [b["total"] / a["total"] for a, b in zip(runs["gauger"], runs["generate"], strict=True)]
    times = best["generate"]["total"] / best["gauger"]["total"]
    print(f"\ngauger is {times:.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
