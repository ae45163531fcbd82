"""Writes the rows of an external training: in the order in which our own engine would train on them.

The file holds steps x batch rows, repeats included, drawn as `text.train_on_text` draws them. So one pass over the file
is the whole training, replicates of different arms with the same seed share their order, and what was trained on is
known whatever the trainer says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
_LLAMA_FACTORY: Mapping[str, Mapping[str, Any]] = {
    "messages": {
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"},
    },
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


def write_rows(drawn: DrawnRows, form: str, path: Path) -> None:
    """Write the rows as JSON Lines, with `dataset_info.json` beside them.

    Parameters
    ----------
    drawn : DrawnRows
        Rows and their order.
    form : str
        One of `ROW_FORMATS`.
    path : Path
        The file.

    Raises
    ------
    UserError
        Where the format cannot hold such rows.
    """
    with path.open("w", encoding="utf-8") as file:
        for number in drawn.order.tolist():
            file.write(json.dumps(_line(drawn, number, form), ensure_ascii=False) + "\n")
    if form in _LLAMA_FACTORY:
        write_json(path.parent / "dataset_info.json", {"gauger": {"file_name": path.name, **_LLAMA_FACTORY[form]}})


def _line(drawn: DrawnRows, number: int, form: str) -> dict[str, Any]:
    row = drawn.rows[number]
    if form == "tokens":
        ids, start = drawn.tokens.tokens_of(number), int(drawn.tokens.start_N[number])
        return {"input_ids": list(ids), "labels": [NOT_LEARNT] * start + list(ids[start:])}
    if row.whole:
        hint = "Take the format tokens, which marks what is learnt."
        raise UserError("rows with a prompt and an answer", "running text, learnt whole", hint=hint)
    turns, reply = _turns(row.prompt), [{"role": "assistant", "content": row.completion}]
    if form == "messages":
        return {"messages": [*turns, *reply]}
    if form == "plain" or isinstance(row.prompt, str):
        return {"prompt": _text(row.prompt), "completion": row.completion}
    return {"prompt": turns, "completion": reply}


def _turns(prompt: Prompt) -> Sequence[dict[str, str]]:
    return [asdict(turn) for turn in ((Message("user", prompt),) if isinstance(prompt, str) else prompt)]


def _text(prompt: Prompt) -> str:
    return prompt if isinstance(prompt, str) else "\n\n".join(turn.content for turn in prompt)
