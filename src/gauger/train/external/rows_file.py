"""Writes the rows of an external training: in the order in which our own engine would train on them.

The file holds steps x batch rows, repeats included, drawn as `text.train_on_text` draws them. So one pass over the file
is the whole training, replicates of different arms with the same seed share their order, and what was trained on is
known whatever the trainer says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from gauger.elicit import Message
from gauger.errors import UserError
from gauger.store import write_json
from gauger.train.given_rows import used_of
from gauger.train.loop import Used
from gauger.train.rows import IntArray, Prompt, TokenRows, TrainingRow, mixed

NOT_LEARNT = -100
LLAMA_FACTORY_TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",  # where other tags are given this has no default, and rows with instructions are left out
}
_LLAMA_FACTORY: Mapping[str, Mapping[str, Any]] = {
    "messages": {"formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": LLAMA_FACTORY_TAGS},
    "plain": {"columns": {"prompt": "prompt", "response": "completion"}},
}


@dataclass(frozen=True)
class DrawnRows:
    """Rows of a corpus, as tokens, and the order in which they are trained on."""

    rows: tuple[TrainingRow, ...]
    tokens: TokenRows
    order: IntArray
    """Numbers of rows, (steps x batch,)."""

    @property
    def used(self) -> Used:
        """How often each row is trained on."""
        return used_of([self.tokens], [[self.order]])[0]

    @property
    def longest(self) -> int:
        """Tokens of the longest row."""
        return int(self.tokens.length_N.max())

    def write(self, form: str, path: Path) -> None:
        """Write the rows in a format of `ROW_FORMATS`; UserError where it cannot hold such rows."""
        write_lines((_line(self, number, form) for number in self.order.tolist()), path, _LLAMA_FACTORY.get(form))


def draw_order(n_rows: int, steps: int, batch: int, seed: int) -> IntArray:
    """Return the numbers of rows in the order in which `train_on_text` draws them, (steps x batch,).

    Parameters
    ----------
    n_rows : int
        Rows of the corpus.
    steps, batch : int
        Optimiser steps, and rows of each.
    seed : int
        Of the training.

    Raises
    ------
    GaugerError
        Where there are no rows.
    """
    return np.concatenate([step[0] for step in islice(mixed([n_rows], [batch], seed), steps)])


def write_lines(lines: Iterable[Mapping[str, Any]], path: Path, described: Mapping[str, Any] | None) -> None:
    """Write rows as JSON Lines, and beside them `dataset_info.json`, which describes them to LLaMA-Factory.

    Parameters
    ----------
    lines : iterable of mapping
        Column -> value, row by row.
    path : Path
        The file.
    described : mapping, optional
        What LLaMA-Factory must know; None: it cannot read such rows, and no such file is written.
    """
    with path.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    if described is not None:
        write_json(path.parent / "dataset_info.json", {"gauger": {"file_name": path.name, **described}})


def _line(drawn: DrawnRows, number: int, form: str) -> dict[str, Any]:
    row = drawn.rows[number]
    if form == "tokens":
        ids, start = drawn.tokens.tokens_of(number), int(drawn.tokens.start_N[number])
        return {"input_ids": list(ids), "labels": [NOT_LEARNT] * start + list(ids[start:])}
    if row.whole:
        hint = "Take the format tokens, which marks what is learnt."
        raise UserError("rows with a prompt and an answer", "running text, learnt whole", hint=hint)
    turns, reply = turns_of(row.prompt), answer_turn(row.completion)
    if form == "messages":
        return {"messages": [*turns, reply]}
    if form == "plain" or isinstance(row.prompt, str):
        return {"prompt": text_of(row.prompt), "completion": row.completion}
    return {"prompt": turns, "completion": [reply]}


def turns_of(prompt: Prompt) -> Sequence[dict[str, str]]:
    """Return a prompt as messages; plain text is a user's."""
    return [asdict(turn) for turn in ((Message("user", prompt),) if isinstance(prompt, str) else prompt)]


def answer_turn(text: str) -> dict[str, str]:
    """Return an answer as a message."""
    return {"role": "assistant", "content": text}


def text_of(prompt: Prompt) -> str:
    """Return a prompt as text; messages stand one below the other."""
    return prompt if isinstance(prompt, str) else "\n\n".join(turn.content for turn in prompt)
