"""A local language model that can be asked, as `elicit` wants it, and what it says of texts that are already there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from gauger.elicit.teacher.messages import ChatReply, ChatRequest, ReplyOutcome
from gauger.elicit.twin_teacher import Shown
from gauger.errors import UserError
from gauger.train.hf.decode import Completion, Decoding, complete
from gauger.train.hf.head import Head, chunks
from gauger.train.hf.loop import learnt_hidden
from gauger.train.hf.rows import Example, Row, encode_for, micro_batches

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_MICRO_TOKENS = 2048


@dataclass(frozen=True)
class HfTeacher:
    """A language model with its tokenizer; offers `elicit.chat.messages.ChatTeacher`."""

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    terms: str | None = None
    """Terms-of-use tag, such as the licence of its weights."""
    batch: int = 64
    """Requests answered together."""

    def ask(self, requests: Sequence[ChatRequest]) -> Iterator[tuple[int, ChatReply]]:
        """Yield replies batch by batch; requests with the same settings and of similar length go together."""
        by_settings: dict[Decoding, list[int]] = {}
        for index, request in enumerate(requests):
            by_settings.setdefault(self._decoding(request), []).append(index)
        for decoding, indices in by_settings.items():
            ordered = sorted(indices, key=lambda index: sum(len(turn.content) for turn in requests[index].messages))
            for first in range(0, len(ordered), self.batch):
                part = ordered[first : first + self.batch]
                yield from zip(part, self._answer([requests[index] for index in part], decoding), strict=True)

    def _decoding(self, request: ChatRequest) -> Decoding:
        return Decoding(
            request.max_tokens, request.temperature, request.stop, self.batch, request.top_log_probabilities
        )

    def _answer(self, requests: Sequence[ChatRequest], decoding: Decoding) -> list[ChatReply]:
        start = perf_counter()
        prompts, seeds = [request.messages for request in requests], [request.seed for request in requests]
        completions = complete(self.model, self.tokenizer, prompts, decoding, seeds)
        return [_reply(completion, perf_counter() - start) for completion in completions]

    def log_probabilities(self, rows: Sequence[Row], top_k: int | None) -> list[Shown]:
        """Return the most likely tokens along each completion (`log_probabilities`)."""
        return log_probabilities(self.model, self.tokenizer, rows, top_k)


def _reply(completion: Completion, seconds: float) -> ChatReply:
    return ChatReply(
        ReplyOutcome.ANSWERED if completion.ended else ReplyOutcome.TRUNCATED,
        completion.text,
        tokens_in=completion.tokens_in,
        tokens_out=completion.tokens_out,
        seconds=seconds,
        log_probabilities=completion.choices,
    )


def log_probabilities(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: Sequence[Row], top_k: int | None
) -> list[Shown]:
    """Say how likely a model finds each learnt token of a text, and what else it would have written there.

    Returns
    -------
    list of Shown
        Per row, (T, top_k) tokens and log-probabilities in nats along what a training would learn of it: the completion
        and its end mark, or the whole text. None for `top_k` shows the whole vocabulary, 400 kB a token at 49k: for a
        full distribution keep `hidden_states` instead.
    """
    head = Head.of(model)
    k = head.weight_VD.shape[0] if top_k is None else top_k
    return [_show(hidden_PD, head, k) for hidden_PD in hidden_states(model, encode_for(model, tokenizer, rows))]


@torch.inference_mode()
def _show(hidden_PD: Tensor, head: Head, k: int) -> Shown:
    tokens, values = [], []
    for part in chunks(len(hidden_PD)):
        value_CK, token_CK = head.logits(hidden_PD[part].to(head.weight_VD.device)).log_softmax(dim=-1).topk(k, dim=-1)
        tokens.append(token_CK.cpu().numpy())
        values.append(value_CK.cpu().numpy().astype(np.float32))
    return Shown(np.concatenate(tokens), np.concatenate(values))


@torch.no_grad()
def hidden_states(model: PreTrainedModel, examples: Sequence[Example]) -> list[Tensor]:
    """Return the hidden states that predict each row's learnt tokens, (T, D) per row, on the CPU.

    With the model's head they hold its full distribution in D numbers a token.
    """
    found: dict[int, Tensor] = {}
    for batch in micro_batches([(example,) for example in examples], _MICRO_TOKENS):
        hidden_PD = learnt_hidden(model, batch.to(model.device)).cpu()
        sizes = [example.n_learnt for example in batch.examples]
        found.update(zip(map(id, batch.examples), torch.split(hidden_PD, sizes), strict=True))
    return [found[id(example)] for example in examples]


def require_same_vocabulary(teacher: PreTrainedTokenizerBase, student: PreTrainedTokenizerBase) -> None:
    """Refuse to compare distributions over different tokens.

    Raises
    ------
    UserError
        Where the two tokenizers differ in any token or its number.
    """
    ours, theirs = student.get_vocab(), teacher.get_vocab()
    if ours != theirs:
        differing = sum(ours.get(token) != number for token, number in theirs.items())
        raise UserError(
            "a teacher with the student's tokenizer",
            f"vocabularies of {len(theirs)} and {len(ours)} tokens, {differing} of the teacher's not the student's",
            hint="Log-probabilities cannot be compared; distil its text instead (strategy label, expand or rationale).",
        )
