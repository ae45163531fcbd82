"""Turns texts into the tokens of a language model: prompts, chat templates, end marks, rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gauger.errors import GaugerError, UserError
from gauger.train.rows import Prompt, TokenRows, TrainingRow, token_rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def encode_prompt(tokenizer: PreTrainedTokenizerBase, prompt: Prompt) -> list[int]:
    """Return the tokens that a completion follows, with the tokenizer's own begin mark and without an end mark.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
        Messages need its chat template.
    prompt : Prompt
        Plain text, continued as it stands, or messages, after which the template opens the assistant's turn.

    Returns
    -------
    list of int
        Empty for an empty text where the tokenizer has no begin mark.

    Notes
    -----
    Proof: tests/train/hf/test_tokens.py.
    """
    if isinstance(prompt, str):
        ids = list(tokenizer(prompt).input_ids)
        # some tokenizers add an end mark; one token alone may be a begin mark that is the end mark as well (GPT-2)
        return ids[:-1] if len(ids) > 1 and ids[-1] == tokenizer.eos_token_id else ids
    if not tokenizer.chat_template:
        hint = "A base model continues plain text: gauger elicit --plain, or chat: false in the world of a study."
        raise UserError(
            "a model with a chat template", f"a tokenizer without one ({tokenizer.name_or_path})", hint=hint
        )
    text = tokenizer.apply_chat_template([asdict(turn) for turn in prompt], add_generation_prompt=True, tokenize=False)
    return list(tokenizer(str(text), add_special_tokens=False).input_ids)


def end_marks(tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """Return the tokens that end a text: first the one that ends an assistant's turn, then the end of text."""
    marks = [tokenizer.eos_token_id] if tokenizer.eos_token_id is not None else []
    if tokenizer.chat_template:
        turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "ANSWER"}]
        after = str(tokenizer.apply_chat_template(turns, tokenize=False)).rpartition("ANSWER")[2]
        ids = tokenizer(after, add_special_tokens=False).input_ids
        if ids and ids[0] in tokenizer.all_special_ids:
            marks = [ids[0], *(mark for mark in marks if mark != ids[0])]
    if not marks:
        raise GaugerError("the tokenizer names no token that ends a text")
    return tuple(marks)


def encode(tokenizer: PreTrainedTokenizerBase, rows: Sequence[TrainingRow], longest: int) -> TokenRows:
    """Turn rows into tokens; the completion is tokenised apart from its prompt, as it will be when it is decoded.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
        The model's.
    rows : sequence of Row
        Texts.
    longest : int
        Most tokens of a row: what is longer loses its end, and a prompt that fills it teaches nothing.
    """
    end_of_turn, end_of_text = end_marks(tokenizer)[0], end_marks(tokenizer)[-1]
    completions = tokenizer([row.completion for row in rows], add_special_tokens=False).input_ids if rows else []
    flat: list[int] = []
    lengths, starts = [], []
    for row, completion in zip(rows, completions, strict=True):
        prompt = encode_prompt(tokenizer, row.prompt)
        end = end_of_text if isinstance(row.prompt, str) else end_of_turn
        tokens = [*prompt, *completion, end][:longest]
        flat += tokens
        lengths.append(len(tokens))
        starts.append(1 if row.whole else len(prompt))
    return token_rows(flat, lengths, starts)


def context_of(model: Any) -> int:
    """Return the longest sequence that a model takes, in tokens."""
    return int(getattr(model.config, "max_position_embeddings", 1 << 20))
