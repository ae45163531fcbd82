"""Writes the pairs of an external preference training: in the order in which our own engine would train on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gauger.train.external.rows_file import LLAMA_FACTORY_TAGS, answer_turn, text_of, turns_of, write_lines
from gauger.train.given_rows import used_of
from gauger.train.loop import Used
from gauger.train.preferences import Pair
from gauger.train.rows import IntArray, TokenRows

_LLAMA_FACTORY = {
    "formatting": "sharegpt",
    "ranking": True,
    "columns": {"messages": "messages", "chosen": "chosen", "rejected": "rejected"},
    "tags": LLAMA_FACTORY_TAGS,
}


@dataclass(frozen=True)
class DrawnPairs:
    """Pairs of answers, as tokens, and the order in which they are trained on."""

    pairs: tuple[Pair, ...]
    tokens: TokenRows
    """Better, worse, better, worse."""
    order: IntArray
    """Numbers of pairs, (steps x batch / 2,)."""

    @property
    def used(self) -> Used:
        """How often each answer is trained on."""
        rows = (2 * self.order[:, None] + np.arange(2)).reshape(-1)
        return used_of([self.tokens], [[rows]])[0]

    @property
    def longest(self) -> int:
        """Tokens of the longest prompt with an answer."""
        return int(self.tokens.length_N.max())

    def write(self, form: str, path: Path) -> None:
        """Write the pairs in a format of `ROW_FORMATS`."""
        described = _LLAMA_FACTORY if form == "messages" else None
        write_lines((self._line(number, form) for number in self.order.tolist()), path, described)

    def _line(self, number: int, form: str) -> dict[str, Any]:
        pair = self.pairs[number]
        if form == "tokens":
            better, worse = (list(self.tokens.tokens_of(2 * number + place)) for place in (0, 1))
            start = int(self.tokens.start_N[2 * number])
            return {"prompt_ids": better[:start], "chosen_ids": better[start:], "rejected_ids": worse[start:]}
        chosen, rejected = answer_turn(pair.better), answer_turn(pair.worse)
        if form == "messages":
            return {"messages": turns_of(pair.prompt), "chosen": chosen, "rejected": rejected}
        if form == "plain" or isinstance(pair.prompt, str):
            return {"prompt": text_of(pair.prompt), "chosen": pair.better, "rejected": pair.worse}
        return {"prompt": turns_of(pair.prompt), "chosen": [chosen], "rejected": [rejected]}
