"""Training rows: prompts and completions as text, and as the token sequences that a step is made of.

Dimension letters: B rows, T tokens, P learnt positions of all rows one after the other, K shown tokens, D width.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gauger.elicit.teacher.messages import Message
from gauger.elicit.twin_teacher import Shown
from gauger.errors import GaugerError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Prompt = str | tuple[Message, ...]
"""Plain text is continued as it stands; messages go through the model's chat template."""


@dataclass(frozen=True)
class Row:
    """One training text."""

    prompt: Prompt
    completion: str
    """What follows the prompt; the end mark is added."""
    whole: bool = False
    """True: the prompt is learnt too (continued pre-training). False: the loss is on the completion alone."""


@dataclass(frozen=True)
class Source:
    """Rows of one source, with the teacher's log-probabilities along each completion where it showed them."""

    rows: tuple[Row, ...]
    shown: tuple[Shown, ...] | None = None
    """One per row (`teacher.log_probabilities`); rows then are learnt from the distribution instead of the text."""


@dataclass(frozen=True)
class Example:
    """One row as tokens."""

    ids: tuple[int, ...]
    start: int
    """First position learnt; at least 1, because the first token follows nothing."""
    shown: Shown | None = None
    hidden_PD: Tensor | None = None
    """Last hidden states of a teacher with the same tokenizer, at the positions that predict the learnt tokens."""
    reference: float | None = None
    """Log-probability of the learnt tokens under the model before a training on preferences, in nats."""
    states_TD: Tensor | None = None
    """States that enter layer `from_layer`, where the layers below are frozen (`frozen.py`)."""
    from_layer: int = 0

    @property
    def n_learnt(self) -> int:
        """Number of learnt positions."""
        return len(self.ids) - self.start


def encode_prompt(tokenizer: PreTrainedTokenizerBase, prompt: Prompt) -> list[int]:
    """Return the tokens that a completion follows, with the tokenizer's own begin mark and without an end mark."""
    if isinstance(prompt, str):
        ids = list(tokenizer(prompt).input_ids)
        return ids[:-1] if len(ids) > 1 and ids[-1] == tokenizer.eos_token_id else ids
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


def encode(tokenizer: PreTrainedTokenizerBase, rows: Sequence[Row], longest: int) -> list[Example]:
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
    examples = []
    for row, completion in zip(rows, completions, strict=True):
        prompt = encode_prompt(tokenizer, row.prompt)
        end = end_of_text if isinstance(row.prompt, str) else end_of_turn
        ids = (*prompt, *completion, end)[:longest]
        examples.append(Example(ids, min(1 if row.whole else max(1, len(prompt)), len(ids))))
    return examples


def encode_for(model: Any, tokenizer: PreTrainedTokenizerBase, rows: Sequence[Row]) -> list[Example]:
    """Turn rows into tokens, cut to the model's context."""
    return encode(tokenizer, rows, context_of(model))


def context_of(model: Any) -> int:
    """Return the longest sequence that a model takes, in tokens."""
    return int(getattr(model.config, "max_position_embeddings", 1 << 20))


@dataclass(frozen=True)
class Mixture:
    """Several sources of rows, each with a fixed number of rows in every batch."""

    sources: tuple[Source, ...]
    rows_per_batch: tuple[int, ...]

    def draws(self, steps: int, seed: int) -> Iterator[list[tuple[int, int]]]:
        """Yield (source, row) of every step; each source passes through fresh permutations, epoch after epoch.

        Raises
        ------
        GaugerError
            Where a source that every batch draws from has no rows.
        """
        pairs = list(zip(self.sources, self.rows_per_batch, strict=True))
        if any(count and not source.rows for source, count in pairs):
            raise GaugerError("there is nothing to train on: the corpus has no samples")
        streams = [
            shuffled(len(source.rows), count, np.random.default_rng([seed, index]))
            for index, (source, count) in enumerate(pairs)
        ]
        for _ in range(steps):
            yield [(index, int(row)) for index, stream in enumerate(streams) for row in next(stream)]


def shuffled(n_rows: int, count: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield `count` row numbers at a time out of one permutation after the other, without end."""
    stream = np.empty(0, dtype=np.int64)
    while True:
        while len(stream) < count:
            stream = np.concatenate([stream, rng.permutation(n_rows)])
        yield stream[:count]
        stream = stream[count:]


@dataclass(frozen=True)
class MicroBatch:
    """Rows of similar length as tensors, padded at the right.

    Attention is causal, so a row never sees the padding behind it and no mask is needed.
    """

    examples: tuple[Example, ...]
    tokens_BT: Tensor
    learnt: Tensor
    """Which of the positions 1.. are learnt, (B, T - 1)."""

    def to(self, device: torch.device) -> MicroBatch:
        """Return the same batch on a device."""
        return MicroBatch(self.examples, self.tokens_BT.to(device), self.learnt.to(device))

    @property
    def labels(self) -> Tensor:
        """The learnt tokens, row after row, (P,)."""
        return self.tokens_BT[:, 1:][self.learnt]


def micro_batches(groups: Sequence[tuple[Example, ...]], max_tokens: int) -> list[MicroBatch]:
    """Split a step's rows, longest first, into batches of at most `max_tokens` tokens, padding included.

    The rows of a group stay together and in order; a group that is larger than `max_tokens` makes its own batch.
    """
    longest = [max(len(example.ids) for example in group) for group in groups]
    batches: list[list[Example]] = []
    width = 0
    for place in sorted(range(len(groups)), key=lambda place: -longest[place]):
        if batches and (len(batches[-1]) + len(groups[place])) * width <= max_tokens:
            batches[-1].extend(groups[place])
        else:
            batches.append(list(groups[place]))
            width = longest[place]
    return [collate(batch) for batch in batches]


def collate(examples: Sequence[Example]) -> MicroBatch:
    """Put rows into one tensor as long as the longest of them."""
    longest = max(2, *(len(example.ids) for example in examples))
    tokens_BT = torch.zeros(len(examples), longest, dtype=torch.int64)
    learnt = torch.zeros(len(examples), longest - 1, dtype=torch.bool)
    for place, example in enumerate(examples):
        tokens_BT[place, : len(example.ids)] = torch.tensor(example.ids)
        learnt[place, example.start - 1 : len(example.ids) - 1] = True
    return MicroBatch(tuple(examples), tokens_BT, learnt)
