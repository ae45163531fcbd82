"""A tiny decoder that can be asked, as `elicit` wants it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from gauger.elicit.twin_teacher import Answer, Request, Shown, Words
from gauger.train.tiny.decode import Decoding, complete, log_probabilities
from gauger.train.tiny.model import Decoder
from gauger.worlds.atlas.language import BEGIN, END, Language


@dataclass(frozen=True)
class TinyTeacher:
    """A decoder with its language; offers `elicit.teacher.Teacher`."""

    name: str
    model: Decoder
    language: Language

    def complete(self, prompts: Sequence[Words], request: Request) -> list[Answer]:
        """Continue each prompt after the begin mark."""
        stops = frozenset({END, *self.language.ids(sorted(request.stops))})
        decoding = Decoding(request.max_new_tokens, request.temperature, stops)
        generator = torch.Generator().manual_seed(request.seed)
        ids = [self._ids(prompt) for prompt in prompts]
        written = complete(self.model, ids, decoding, generator)
        return [self._answer(prompt, new, stops) for prompt, new in zip(ids, written, strict=True)]

    def log_probabilities(self, prompts: Sequence[Words], answers: Sequence[Words], top_k: int | None) -> list[Shown]:
        """Return the most likely tokens at each token of the answers, end of text included."""
        ended = [[*self.language.ids(answer), END] for answer in answers]
        k = len(self.language) if top_k is None else top_k
        shown = log_probabilities(self.model, [self._ids(prompt) for prompt in prompts], ended, k)
        return [Shown(tokens.numpy(), values.numpy().astype(np.float32)) for tokens, values in shown]

    def _ids(self, prompt: Words) -> list[int]:
        return [BEGIN, *self.language.ids(prompt)]

    def _answer(self, prompt: list[int], new: list[int], stops: frozenset[int]) -> Answer:
        return Answer(self.language.words_of(new), bool(new) and new[-1] in stops, len(prompt), len(new))
