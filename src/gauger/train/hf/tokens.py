"""Turns texts into the tokens of a language model: prompts, chat templates, end marks, rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gauger.elicit import Message, open_thought, without_system
from gauger.errors import GaugerError, UserError
from gauger.train.rows import Prompt, TokenRows, TrainingRow, token_rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

HALF = "\ufffd"
"""What bytes are spelled as that are no whole character yet."""


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
    return list(tokenizer(_templated(tokenizer, prompt), add_special_tokens=False).input_ids)


def _templated(tokenizer: PreTrainedTokenizerBase, prompt: Sequence[Message]) -> str:
    """Put messages into the chat template; of one that takes no system prompt its words stand before the user's.

    Raises
    ------
    UserError
        Where the template takes the messages neither way.
    """
    from jinja2 import TemplateError

    why: TemplateError | None = None
    for turns in dict.fromkeys([tuple(prompt), without_system(tuple(prompt))]):
        asked = [asdict(turn) for turn in turns]
        try:
            return str(tokenizer.apply_chat_template(asked, add_generation_prompt=True, tokenize=False))
        except TemplateError as error:
            why = error
    given = f"{', '.join(turn.role for turn in prompt)}, which the template of {tokenizer.name_or_path} refuses: {why}"
    raise UserError("messages that the model's chat template takes", given)


def end_marks(tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """Return the tokens that end a text: first the one that ends an assistant's turn, then the end of text."""
    marks = [tokenizer.eos_token_id] if tokenizer.eos_token_id is not None else []
    if tokenizer.chat_template:
        turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "ANSWER"}]
        after = str(tokenizer.apply_chat_template(turns, tokenize=False)).rpartition("ANSWER")[2]
        ids = tokenizer(after, add_special_tokens=False).input_ids
        if ids and _is_special(tokenizer, ids[0]):
            marks = [ids[0], *(mark for mark in marks if mark != ids[0])]
    if not marks:
        raise GaugerError("the tokenizer names no token that ends a text")
    return tuple(marks)


def thought_of_template(tokenizer: PreTrainedTokenizerBase) -> tuple[str, str] | None:
    """Return the marks of the thought that the chat template opens in the assistant's place; None: it opens none.

    Some templates open it (DeepSeek-R1, QwQ): what a model is asked for begins inside a thought.
    """
    if not tokenizer.chat_template:
        return None
    asked = [{"role": "user", "content": "?"}]
    return open_thought(str(tokenizer.apply_chat_template(asked, add_generation_prompt=True, tokenize=False)))


def _thought_closed(completion: str, thought: tuple[str, str] | None) -> str:
    """Put a completion into the thought that the template has opened: closed before an answer, and opened once.

    Without it an answer would be learnt as a thought, and nothing after it.
    """
    if thought is None:
        return completion
    opening, closing = thought
    inside = completion.lstrip().removeprefix(opening) if completion.lstrip().startswith(opening) else completion
    return inside.lstrip("\n") if closing in inside else f"\n{closing}\n\n{inside.lstrip()}"


def _is_special(tokenizer: PreTrainedTokenizerBase, token: int) -> bool:
    """Tell whether a token is a mark: named by the tokenizer (eos, ...), or special in its vocabulary alone (Gemma)."""
    added = tokenizer.added_tokens_decoder.get(token)
    return token in tokenizer.all_special_ids or (added is not None and bool(added.special))


def special_tokens(tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    """Return the special tokens of a vocabulary with their numbers: those that are left out where a text is spelled."""
    added = tokenizer.added_tokens_decoder
    return {str(added[number]): number for number in added if _is_special(tokenizer, number)}


def encode(tokenizer: PreTrainedTokenizerBase, rows: Sequence[TrainingRow], longest: int) -> TokenRows:
    """Turn rows into tokens; the completion is tokenised apart from its prompt, as it will be when it is decoded.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
        The model's.
    rows : sequence of Row
        Texts.
    longest : int
        Most tokens of a row: what is longer loses its end (`TokenRows.lost_N`), and a prompt that fills it teaches
        nothing; `context_limit.held_to_context` decides what becomes of them.
    """
    end_of_turn, end_of_text = end_marks(tokenizer)[0], end_marks(tokenizer)[-1]
    thought = thought_of_template(tokenizer)
    completed = [
        row.completion if isinstance(row.prompt, str) else _thought_closed(row.completion, thought) for row in rows
    ]
    completions = tokenizer(completed, add_special_tokens=False).input_ids if rows else []
    thoughts = _beside_text(tokenizer, rows, completed, completions) if thought else []
    flat: list[int] = []
    lengths, starts, lost = [], [], []
    for row, completion in zip(rows, completions, strict=True):
        prompt = encode_prompt(tokenizer, row.prompt)
        end = end_of_text if isinstance(row.prompt, str) else end_of_turn
        tokens = [*prompt, *completion, end]
        lost.append(max(0, len(tokens) - longest))
        flat += tokens[:longest]
        lengths.append(len(tokens) - lost[-1])
        starts.append(1 if row.whole else len(prompt))
    encoded = token_rows(flat, lengths, starts, lost)
    return replace(encoded, thought_N2=np.array(thoughts, dtype=np.int64)) if thoughts else encoded


def _beside_text(
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[TrainingRow],
    completed: Sequence[str],
    completions: Sequence[Sequence[int]],
) -> list[tuple[int, int]]:
    """Return by how many tokens and characters the template's thought made each completion longer, or shorter."""
    texts = [row.completion for row in rows]
    plain = tokenizer(texts, add_special_tokens=False).input_ids if rows else []
    longer = [len(ids) - len(own) for ids, own in zip(completions, plain, strict=True)]
    characters = [
        len("".join(whole.split())) - len("".join(own.split())) for whole, own in zip(completed, texts, strict=True)
    ]
    return list(zip(longer, characters, strict=True))


def added_texts(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> list[str | None]:
    """Return the text that each token adds to that of those before it; None where it ends within a character.

    Tokens are spelled together with those before them whose text may still change, so that the bytes of one character
    become it.
    """
    added: list[str | None] = []
    context_from = open_from = 0
    for end in range(1, len(ids) + 1):
        before = str(tokenizer.decode(list(ids[context_from:open_from])))
        now = str(tokenizer.decode(list(ids[context_from:end])))
        text = now[len(before) :] if now.startswith(before) else now
        added.append(None if text.endswith(HALF) else text)
        if text and not text.endswith(HALF):
            context_from, open_from = open_from, end
    return added


def context_of(model: Any) -> int:
    """Return the longest sequence that a model takes, in tokens."""
    return int(getattr(model.config.get_text_config(), "max_position_embeddings", 1 << 20))


class CheckpointTokens:
    """The tokens of a checkpoint, without its weights.

    Parameters
    ----------
    directory : Path
        The checkpoint.
    """

    def __init__(self, directory: Path) -> None:
        self.tokenizer = tokenizer_of(directory)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text, without marks."""
        ids = self.tokenizer(list(texts), add_special_tokens=False).input_ids if texts else []
        return [len(own) for own in ids]


def tokenizer_of(directory: Path) -> PreTrainedTokenizerBase:
    """Read the tokenizer of a checkpoint; nothing is fetched, and no code beside it is run."""
    from transformers import AutoTokenizer

    safe: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    read: Any = AutoTokenizer.from_pretrained
    tokenizer: PreTrainedTokenizerBase = read(str(directory), **safe)
    return tokenizer
