"""Describes what an external training learns from: texts, pairs of answers, or questions that the student answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from gauger.errors import GaugerError
from gauger.spec import Learns, TooLong
from gauger.train.context_limit import held_to_context
from gauger.train.engine import Continuation
from gauger.train.external.pairs_file import DrawnPairs
from gauger.train.external.questions_file import DrawnQuestions
from gauger.train.external.rows_file import DrawnRows, draw_order
from gauger.train.hf.checkpoint_files import read_config, text_settings
from gauger.train.hf.tokens import encode, encode_prompt, tokenizer_of
from gauger.train.loop import Used
from gauger.train.own_samples import AskedOfStudent
from gauger.train.preferences import Pair
from gauger.train.rows import Prompt, TokenRows, TrainingRow


@dataclass(frozen=True)
class DrawPlan:
    """How long a training is, and what its order is drawn from."""

    steps: int
    batch: int
    seed: int
    too_long: TooLong = "refuse"


class DrawnMaterial(Protocol):
    """What is written for a trainer, in the order in which it is trained on."""

    @property
    def used(self) -> Used | None:
        """How often each row is trained on; None where nobody knows beforehand."""
        ...

    @property
    def longest(self) -> int:
        """Tokens of the longest row."""
        ...

    def write(self, form: str, path: Path) -> None:
        """Write it in a format of `ROW_FORMATS`."""
        ...


class TrainingMaterial(Protocol):
    """What is learnt from."""

    learns: ClassVar[Learns]

    @property
    def values(self) -> Mapping[str, Any]:
        """What a command or a template may name of it besides (`recipe.NEEDED_TOO`)."""
        ...

    @property
    def whole_steps(self) -> int:
        """Steps after which a checkpoint may come."""
        ...

    def drawn(self, start: Path, plan: DrawPlan) -> DrawnMaterial:
        """Return it as tokens of a checkpoint, in order; no weights are read for it."""
        ...


@dataclass(frozen=True)
class TextMaterial:
    """Texts."""

    rows: tuple[TrainingRow, ...]
    learns: ClassVar[Learns] = "text"
    values: ClassVar[Mapping[str, Any]] = {}
    whole_steps: ClassVar[int] = 1

    def drawn(self, start: Path, plan: DrawPlan) -> DrawnRows:
        """Draw rows as `text.train_on_text` does; GaugerError for rows over the context that are refused."""
        tokens = _encoded(self.rows, start, plan.too_long)
        return DrawnRows(self.rows, tokens, draw_order(len(self.rows), plan.steps, plan.batch, plan.seed))


@dataclass(frozen=True)
class PairMaterial:
    """Pairs of a better and a worse answer."""

    pairs: tuple[Pair, ...]
    beta: float
    """Of the loss (`losses.PreferenceLoss`)."""
    learns: ClassVar[Learns] = "preferences"
    whole_steps: ClassVar[int] = 1

    @property
    def values(self) -> Mapping[str, Any]:
        """How strongly the student is held to what it was."""
        return {"beta": self.beta}

    def drawn(self, start: Path, plan: DrawPlan) -> DrawnPairs:
        """Draw pairs as `preferences.train_on_preferences` does; GaugerError where there are none."""
        rows = [TrainingRow(pair.prompt, answer) for pair in self.pairs for answer in (pair.better, pair.worse)]
        tokens = _encoded(tuple(rows), start, plan.too_long)
        return DrawnPairs(self.pairs, tokens, draw_order(len(self.pairs), plan.steps, plan.batch // 2, plan.seed))


@dataclass(frozen=True)
class QuestionMaterial:
    """Questions that the student answers, and what its answers are learnt with."""

    prompts: tuple[Prompt, ...]
    answer_tokens: int
    """Longest answer."""
    group: int
    """Answers to each question."""
    kl_weight: float
    clip: float
    """Both of the loss (`losses.GrpoLoss`)."""
    updates: int
    """Steps on each batch of answers."""
    learns: ClassVar[Learns] = "rewards"

    @property
    def whole_steps(self) -> int:
        """Answers of a batch are lost with the trainer: a checkpoint comes when it has been used up."""
        return self.updates

    @property
    def values(self) -> Mapping[str, Any]:
        """All of it but the questions."""
        names = ("answer_tokens", "group", "kl_weight", "clip", "updates")
        return {name: getattr(self, name) for name in names}

    @property
    def asked(self) -> AskedOfStudent:
        """Return the questions as our own engine asks them."""
        return AskedOfStudent(self.prompts, Continuation(self.answer_tokens, temperature=1.0))

    def drawn(self, start: Path, plan: DrawPlan) -> DrawnQuestions:
        """Draw questions as `rewards.train_on_rewards` does; GaugerError where one fills the context."""
        context, tokenizer = context_of_checkpoint(start), tokenizer_of(start)
        lengths = [len(encode_prompt(tokenizer, prompt)) for prompt in self.prompts]
        if n_long := sum(length + self.answer_tokens > context for length in lengths):
            given = f"{n_long} of {len(lengths)} that leave less, the longest of {max(lengths)} tokens"
            wanted = f"questions that leave room for {self.answer_tokens} tokens in {context} of context"
            raise GaugerError(f"{wanted} were expected, got {given}. Shorten answers (decoding.max_new_tokens).")
        batches = self.asked.order(plan.batch // self.group, plan.seed)
        order = np.concatenate(list(islice(batches, ceil(plan.steps / self.updates))))
        return DrawnQuestions(self.prompts, order, max(lengths) + self.answer_tokens)


def _encoded(rows: tuple[TrainingRow, ...], start: Path, too_long: TooLong) -> TokenRows:
    context = context_of_checkpoint(start)
    tokens = encode(tokenizer_of(start), rows, context)
    # by `cut` every row stays: a trainer cuts its end off by itself
    return held_to_context(tokens, too_long, context) if too_long == "refuse" else tokens


def context_of_checkpoint(start: Path) -> int:
    """Return the longest text of a checkpoint in tokens."""
    return int(text_settings(read_config(start / "config.json")).get("max_position_embeddings", 1 << 20))
