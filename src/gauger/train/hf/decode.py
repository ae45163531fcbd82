"""Batched decoding: greedy or sampled, prompts of similar length together, what they share read once.

Prompts are padded at the left, the padding is masked and positions are counted without it, so an answer does not
depend on the prompts beside it (up to the rounding of float32). A sampled answer depends on its seed and its prompt
alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from gauger.elicit.teacher.messages import TokenChoices
from gauger.train.hf.rows import Prompt, context_of, encode_prompt, end_marks

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class Decoding:
    """How to continue prompts."""

    max_new_tokens: int
    """Most new tokens, end mark included; the model's context is a limit too."""
    temperature: float = 0.0
    """0 takes the most likely token; otherwise softmax(logits / temperature) is sampled."""
    stops: tuple[str, ...] = ()
    """Strings that end an answer and are not part of it, besides the model's own end marks."""
    batch: int = 64
    """Prompts decoded together."""
    top_log_probabilities: int = 0
    """Alternatives kept per token; 0: none."""


@dataclass(frozen=True)
class Completion:
    """One answer."""

    text: str
    ended: bool
    """False where it was cut off by the token limit."""
    tokens_in: int
    tokens_out: int
    """End mark included."""
    ids: tuple[int, ...] = ()
    """What was written, end mark included."""
    choices: tuple[TokenChoices, ...] = ()
    """One per token of `ids`, where log-probabilities were wanted."""


@dataclass
class _Answer:
    prompt: list[int]
    rng: np.random.Generator
    ids: list[int] = field(default_factory=list)
    choices: list[TokenChoices] = field(default_factory=list)
    text: str = ""
    ended: bool = False


def complete(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Prompt],
    decoding: Decoding,
    seeds: int | Sequence[int] = 0,
) -> list[Completion]:
    """Continue each prompt.

    Parameters
    ----------
    model, tokenizer
        The model that answers; merge an adapter first (`lora.merge`), it is faster.
    prompts : sequence of str or of tuples of Message
        Text is continued as it stands; messages are answered through the chat template.
    decoding : Decoding
        Length, temperature and stops.
    seeds : int or sequence of int
        One for all, or one per prompt; matters when sampling. Equal prompts with equal seeds get equal answers.

    Returns
    -------
    list of Completion
        In the order of `prompts`. A prompt that fills the context gets an empty answer that has not ended.
    """
    each = [seeds] * len(prompts) if isinstance(seeds, int) else list(seeds)
    answers = []
    for prompt, seed in zip(prompts, each, strict=True):
        ids = encode_prompt(tokenizer, prompt)
        answers.append(_Answer(ids, np.random.default_rng([seed, *ids])))
    context = context_of(model)
    order = sorted((a for a in answers if 0 < len(a.prompt) < context), key=lambda a: (len(a.prompt), a.prompt))
    writer = _Writer(model, tokenizer, decoding, context)
    for first in range(0, len(order), decoding.batch):
        writer.write(order[first : first + decoding.batch])
    return [Completion(a.text, a.ended, len(a.prompt), len(a.ids), tuple(a.ids), tuple(a.choices)) for a in answers]


def complete_each(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Prompt],
    stops: Sequence[tuple[str, ...]],
    decoding: Decoding,
    seeds: Sequence[int],
) -> list[Completion]:
    """Continue prompts that have stops of their own, in place of the decoding's; those with the same ones together."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for at, own in enumerate(stops):
        groups.setdefault(own, []).append(at)
    found: dict[int, Completion] = {}
    for own, group in groups.items():
        same = replace(decoding, stops=own)
        answers = complete(model, tokenizer, [prompts[at] for at in group], same, [seeds[at] for at in group])
        found.update(zip(group, answers, strict=True))
    return [found[at] for at in range(len(prompts))]


class _Writer:
    """One model with its way of writing."""

    def __init__(
        self,
        model: PreTrainedModel | PeftModel,
        tokenizer: PreTrainedTokenizerBase,
        decoding: Decoding,
        context: int,
    ) -> None:
        self.model, self.tokenizer, self.decoding, self.context = model, tokenizer, decoding, context
        named = getattr(model.generation_config, "eos_token_id", None)
        more = [named] if isinstance(named, int) else list(named or [])
        self.ends = frozenset({*end_marks(tokenizer), *more})

    @torch.inference_mode()
    def write(self, answers: list[_Answer]) -> None:
        """Write the answers of one batch."""
        cache, mask, position_B = self._read([answer.prompt for answer in answers])
        logits_BV = cache.pop("logits")
        while True:
            next_B = self._choose(logits_BV, answers)
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

    def _choose(self, logits_BV: Tensor, answers: list[_Answer]) -> Tensor:
        """Take or draw the next token of each answer, and keep its alternatives."""
        if self.decoding.temperature > 0:
            chances = (logits_BV.double() / self.decoding.temperature).softmax(dim=-1).cumsum(dim=-1)
            drawn = torch.tensor([[answer.rng.random()] for answer in answers], dtype=torch.float64)
            next_B = torch.searchsorted(chances, drawn.to(chances.device) * chances[:, -1:], right=True)[:, 0]
            next_B = next_B.clamp_max(logits_BV.shape[1] - 1)
        else:
            next_B = logits_BV.argmax(dim=-1)
        if self.decoding.top_log_probabilities:
            self._keep_choices(logits_BV.log_softmax(dim=-1), next_B, answers)
        return next_B

    def _keep_choices(self, log_BV: Tensor, next_B: Tensor, answers: list[_Answer]) -> None:
        values_BK, tokens_BK = log_BV.topk(self.decoding.top_log_probabilities, dim=-1)
        chosen_B = log_BV.gather(1, next_B[:, None])[:, 0]
        for place, answer in enumerate(answers):
            texts = [str(self.tokenizer.decode([token])) for token in (int(next_B[place]), *tokens_BK[place].tolist())]
            alternatives = tuple(zip(texts[1:], values_BK[place].tolist(), strict=True))
            answer.choices.append(TokenChoices(texts[0], float(chosen_B[place]), alternatives))

    def _append(self, answer: _Answer, token: int) -> None:
        """Add a token; an end mark or a stop string ends the answer."""
        answer.ids.append(token)
        if token in self.ends:
            answer.ended = True
            answer.text = str(self.tokenizer.decode(answer.ids[:-1], skip_special_tokens=True))
            return
        answer.text = str(self.tokenizer.decode(answer.ids, skip_special_tokens=True))
        places = [place for stop in self.decoding.stops if (place := answer.text.find(stop)) >= 0]
        if places:
            answer.text, answer.ended = answer.text[: min(places)], True


def _shared_length(prompts: list[list[int]]) -> int:
    """Return how many first tokens all prompts share, leaving at least one to read for each."""
    if len(prompts) < 2:
        return 0
    first, last = min(prompts), max(prompts)  # what the extremes in dictionary order share, all share
    most = min(len(prompt) for prompt in prompts) - 1
    return next((place for place in range(most) if first[place] != last[place]), most)
