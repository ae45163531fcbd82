"""Decodes in batches: prompts of similar length together, what they share read once.

Prompts are padded at the left, the padding is masked and positions are counted without it, so an answer does not
depend on the prompts beside it (up to the rounding of float32).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from gauger.elicit import begun_thought, mark_tokens, may_begin_thought, up_to_stop
from gauger.train.draws import keys_of, next_tokens
from gauger.train.engine import Completion, Continuation
from gauger.train.hf.tokens import HALF, context_of, encode_prompt, end_marks, special_tokens, thought_of_template
from gauger.train.rows import Prompt

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

BATCH = 64
_LONGEST_BEGINNING = 64
"""Tokens in which a thought has begun, if one begins: who writes blanks for ever is not waited for."""


@dataclass
class _Answer:
    prompt: list[int]
    key: np.uint64
    stops: tuple[str, ...]
    thought: tuple[str, str] | None = None
    """Marks of the thought that the prompt, or the answer itself, has opened; None: neither has, as far as is known."""
    ids: list[int] = field(default_factory=list)
    text: str = ""
    ended: bool = False
    stop: str | None = None
    settled: str = ""
    """Text of the tokens up to `open_from`, as far as it is needed to look for stops."""
    context_from: int = 0
    """First token that is decoded with the open ones: what it is may change how they are spelled."""
    open_from: int = 0
    """First token whose text may still change with the tokens after it."""
    thought_closed: bool = False
    """Whether the closing mark of the thought has been seen."""
    begun: bool = False
    """Whether it is known if the answer itself opens a thought."""
    n_at_stop: int | None = None
    """Tokens up to a stop that stands where a thought may still begin; it counts once it is known that none does."""

    def said_from(self) -> int | None:
        """Return where the answer begins in the text, behind a thought; None while the thought is not closed."""
        if self.thought is None:
            return 0
        _, closed, answer = self.text.partition(self.thought[1])
        return len(self.text) - len(answer.lstrip()) if closed else None

    def without_empty_thought(self) -> str:
        """Return the text; a thought in which nothing was thought is no part of it."""
        start = self.said_from()
        if not start or self.thought is None:
            return self.text
        opening, closing = self.thought
        return self.text if self.text.partition(closing)[0].strip().removeprefix(opening).strip() else self.text[start:]

    def completion(self) -> Completion:
        text = self.without_empty_thought()
        return Completion(text, self.ended, self.stop, len(self.prompt), len(self.ids), tuple(self.ids))


def complete(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Prompt],
    decoding: Continuation,
    seeds: Sequence[int],
    stops: Sequence[tuple[str, ...]],
) -> list[Completion]:
    """Continue each prompt: `Model.complete` of this engine.

    Parameters
    ----------
    model : PreTrainedModel
        The plain model; adapters inside its layers are used.
    tokenizer : PreTrainedTokenizerBase
        The model's.
    prompts : sequence of Prompt
        Plain text or messages. An empty one, or one that fills the context, gets an empty answer that has not ended.
    decoding : Decoding
        Most new tokens, temperature, and prompts of a batch (None: 64).
    seeds : sequence of int
        One per prompt; without effect at temperature 0.
    stops : sequence of tuple of str
        Strings that end an answer, one tuple per prompt. They are looked for in the decoded text, so they need not be
        whole tokens. Where the chat template or the model itself opens a thought, only behind that.

    Returns
    -------
    list of Completion
        In the order of `prompts`.

    Notes
    -----
    Proof: tests/train/hf/test_decode.py (against one prompt at a time).
    """
    ids = [encode_prompt(tokenizer, prompt) for prompt in prompts]
    opened = thought_of_template(tokenizer)
    thoughts = [None if isinstance(prompt, str) else opened for prompt in prompts]
    answers = [_Answer(*each) for each in zip(ids, keys_of(ids, seeds), stops, thoughts, strict=True)]
    context = context_of(model)
    # by their tokens too: prompts with the same beginning share a batch, which reads it once
    order = sorted((a for a in answers if 0 < len(a.prompt) < context), key=lambda a: (len(a.prompt), a.prompt))
    writer, batch = _Writer(model, tokenizer, decoding, context), decoding.batch or BATCH
    for first in range(0, len(order), batch):
        writer.write(order[first : first + batch])
    return [answer.completion() for answer in answers]


class _Writer:
    """One model with its way of writing."""

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, decoding: Continuation, context: int
    ) -> None:
        self.model, self.tokenizer, self.decoding, self.context = model, tokenizer, decoding, context
        named = getattr(model.generation_config, "eos_token_id", None)
        more = [named] if isinstance(named, int) else list(named or [])
        self.ends = frozenset({*end_marks(tokenizer), *more})
        special = special_tokens(tokenizer)
        shown = mark_tokens(special)
        self.hidden = frozenset(number for token, number in special.items() if token not in shown)
        """Special tokens that are no part of a text; marks of reasoning are, for they tell it from the answer."""

    @torch.inference_mode()
    def write(self, answers: list[_Answer]) -> None:
        """Write the answers of one batch."""
        cache, mask, position_B = self._read([answer.prompt for answer in answers])
        logits_BV, temperature = cache.pop("logits"), self.decoding.temperature
        while True:
            if self.decoding.steer is not None:
                logits_BV = self.decoding.steer(logits_BV, [answer.prompt + answer.ids for answer in answers])
            keys_B = np.array([answer.key for answer in answers])
            next_B = next_tokens(logits_BV, temperature, keys_B, len(answers[0].ids))
            for answer, token in zip(answers, next_B.tolist(), strict=True):
                self._append(answer, token)
            alive = [place for place, answer in enumerate(answers) if self._goes_on(answer)]
            if not alive:
                return
            if len(alive) < len(answers):
                kept = torch.tensor(alive, device=mask.device)
                cache["past"].batch_select_indices(kept)
                mask, position_B, next_B = mask[kept], position_B[kept], next_B[kept]
                answers = [answers[place] for place in alive]
            mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
            position_B = position_B + 1
            logits_BV = self._forward(next_B[:, None], mask, position_B[:, None], cache["past"])

    def _goes_on(self, answer: _Answer) -> bool:
        room = min(self.decoding.max_new_tokens, self.context - len(answer.prompt))
        return not answer.ended and len(answer.ids) < room

    def _read(self, prompts: list[list[int]]) -> tuple[dict[str, Any], Tensor, Tensor]:
        """Read prompts: the beginning that all share once, the rest padded at the left."""
        from transformers import DynamicCache

        device, B = self.model.device, len(prompts)
        past = DynamicCache(config=self.model.config)
        shared = _shared_length(prompts)
        if shared:
            start = torch.tensor([prompts[0][:shared]], device=device)
            self._forward(start, torch.ones_like(start), torch.arange(shared, device=device)[None], past)
            past.batch_repeat_interleave(B)
        longest = max(len(prompt) for prompt in prompts) - shared
        tokens = torch.zeros(B, longest, dtype=torch.int64)
        mask = torch.ones(B, shared + longest, dtype=torch.int64)
        for place, prompt in enumerate(prompts):
            pad = longest - (len(prompt) - shared)
            tokens[place, pad:] = torch.tensor(prompt[shared:])
            mask[place, shared : shared + pad] = 0
        positions = (mask.cumsum(dim=1) - 1).clamp_min(0).to(device)
        tokens, mask = tokens.to(device), mask.to(device)
        logits_BV = self._forward(tokens, mask, positions[:, shared:], past)
        return {"past": past, "logits": logits_BV}, mask, positions[:, -1]

    def _forward(self, tokens: Tensor, mask: Tensor, positions: Tensor, past: Any) -> Tensor:
        """Return the logits after the last token, (B, V)."""
        logits: Tensor = self.model(
            input_ids=tokens,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=past,
            use_cache=True,
            logits_to_keep=1,
        ).logits
        return logits[:, -1].float()

    def _append(self, answer: _Answer, token: int) -> None:
        """Add a token; an end mark or a stop string ends the answer."""
        answer.ids.append(token)
        answer.ended = token in self.ends
        if not answer.ended and not self._may_have_stopped(answer) and self._goes_on(answer):
            return  # the whole text is wanted at the end alone: to spell it at every token would take quadratic time
        if answer.n_at_stop is not None:  # what follows the stop was read to see whether a thought begins
            del answer.ids[answer.n_at_stop :]
            answer.ended = False
        answer.text = self._spell(answer.ids[:-1] if answer.ended else answer.ids)
        answer.thought = answer.thought or begun_thought(answer.text)
        start = answer.said_from()
        if start is not None and not answer.ended:
            before, answer.stop = up_to_stop(answer.text[start:], answer.stops)
            answer.text, answer.ended = answer.text[:start] + before, answer.stop is not None

    def _may_have_stopped(self, answer: _Answer) -> bool:
        """Look for stops in the last few tokens alone, with enough of the text before them for the longest stop.

        A token's text is settled once that of the tokens after it no longer changes it: where what is added is more
        than nothing and does not end in the middle of a character. Nothing stops where a thought may still begin.
        """
        if not answer.stops:
            return False
        may_begin = self._looks_for_thought(answer)
        before = self._spell(answer.ids[answer.context_from : answer.open_from])
        now = self._spell(answer.ids[answer.context_from :])
        added = now[len(before) :] if now.startswith(before) else now
        # within a thought nothing ends the answer: only its closing mark is looked for
        marks = (answer.thought[1],) if answer.thought is not None and not answer.thought_closed else answer.stops
        stopped = any(mark in answer.settled + added for mark in marks)
        answer.thought_closed = answer.thought_closed or (stopped and marks is not answer.stops)
        if added and not now.endswith(HALF):
            longest = max(map(len, (*answer.stops, answer.thought[1] if answer.thought else "")))
            answer.settled = (answer.settled + added)[-longest:]
            answer.context_from, answer.open_from = answer.open_from, len(answer.ids)
        if may_begin and stopped:
            answer.n_at_stop = answer.n_at_stop or len(answer.ids)
        return not may_begin and (stopped or answer.n_at_stop is not None)

    def _looks_for_thought(self, answer: _Answer) -> bool:
        """Tell whether a thought may still begin at the beginning of an answer; takes it down where one has."""
        if answer.thought is not None or answer.begun:
            return False
        text = self._spell(answer.ids)
        answer.thought = begun_thought(text)
        may_begin = len(answer.ids) < _LONGEST_BEGINNING and may_begin_thought(text.rstrip(HALF))
        answer.begun = answer.thought is not None or not may_begin
        if answer.thought is not None:
            answer.n_at_stop = None
        return not answer.begun

    def _spell(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode([token for token in ids if token not in self.hidden]))


def _shared_length(prompts: list[list[int]]) -> int:
    """Return how many first tokens all prompts share, leaving at least one to read for each."""
    if len(prompts) < 2:
        return 0
    first, last = min(prompts), max(prompts)  # what the extremes in dictionary order share, all share
    most = min(len(prompt) for prompt in prompts) - 1
    return next((place for place in range(most) if first[place] != last[place]), most)
