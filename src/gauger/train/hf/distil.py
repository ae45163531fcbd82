"""Learning from a teacher that is there while the student trains: its distribution along given texts, or along the
student's own.

Both compute the teacher's last hidden states for the rows of a step and hand them to `losses.SoftLoss`, which makes the
logits of both models for a few positions at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from gauger.errors import GaugerError
from gauger.store.canonical import fingerprint
from gauger.train.hf.decode import Decoding, complete_each
from gauger.train.hf.head import Head
from gauger.train.hf.loop import Group, Options, Schedule, Trained, fit
from gauger.train.hf.lora import merge
from gauger.train.hf.losses import SoftLoss
from gauger.train.hf.rows import Example, Mixture, Prompt, encode_for, encode_prompt, shuffled
from gauger.train.hf.state import weights_digest
from gauger.train.hf.teacher import hidden_states, require_same_vocabulary

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from gauger.train.hf.teacher import HfTeacher


@dataclass(frozen=True)
class Drawn:
    """One of the student's own answers."""

    prompt: int
    """Place among the prompts."""
    text: str
    n_tokens: int
    """Of prompt and answer, end mark included."""


Choose = Callable[[Sequence[Drawn]], Sequence[int] | None]
"""A step's answers -> places of those that the teacher scores; None: no more of any, and training ends."""


@dataclass(frozen=True)
class Practice:
    """What the student writes itself, step by step."""

    prompts: tuple[Prompt, ...]
    per_step: int
    """Prompts answered in every step."""
    decoding: Decoding
    """How it answers; a temperature above 0 gives other answers in every epoch."""
    stops: tuple[tuple[str, ...], ...] = ()
    """Of each prompt, in place of the decoding's; empty: those of the decoding for all."""
    kept_in: Mixture | None = None
    """Rows that are learnt as text in every step."""
    choose: Choose | None = None
    """Which answers are scored; None: all."""


def train_on_logits(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    teacher: HfTeacher,
    mixture: Mixture,
    schedule: Schedule,
    options: Options | None = None,
) -> Trained:
    """Train on a teacher's full distribution (or its top k) along every row of the mixture.

    Parameters
    ----------
    model, tokenizer
        The student and its tokenizer, which must be the teacher's too (`teacher.require_same_vocabulary`).
    teacher : HfTeacher
        Present in memory; asked for each step's rows once.
    mixture, schedule, options
        As for `loop.train`; `options.loss` may be a `SoftLoss` (forward or reverse KL, temperature, top k).
    """
    require_same_vocabulary(teacher.tokenizer, tokenizer)
    options = _with_head(options, teacher, "forward-kl")
    sources = [encode_for(model, tokenizer, source.rows) for source in mixture.sources]

    def steps() -> Iterator[Callable[[], Sequence[Group]]]:
        for drawn in mixture.draws(schedule.steps, options.seed):
            yield partial(with_hidden, teacher, [sources[index][row] for index, row in drawn])

    data = [[(example.ids, example.start) for example in examples] for examples in sources]
    told = {"rows": data, "counts": mixture.rows_per_batch, "teacher": weights_digest(teacher.model)}
    return fit(model, steps(), schedule, options, fingerprint(told))


def train_on_policy(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    teacher: HfTeacher,
    practice: Practice,
    schedule: Schedule,
    options: Options | None = None,
) -> Trained:
    """Let the student answer, and move it towards the teacher's distribution along its own answers.

    The usual loss is the reverse KL (Agarwal et al. 2024, GKD; Gu et al. 2024, MiniLLM), which is what `options.loss`
    None stands for here. The answers are taken as given: no gradient goes through the sampling.

    Raises
    ------
    GaugerError
        Where there are no prompts.
    """
    require_same_vocabulary(teacher.tokenizer, tokenizer)
    options = _with_head(options, teacher, "reverse-kl")
    if not practice.prompts:
        raise GaugerError("there is nothing to train on: no prompts")
    student = merge(model)
    order = shuffled(len(practice.prompts), practice.per_step, np.random.default_rng([options.seed, 0]))
    beside = _kept_in(practice.kept_in, student, tokenizer, schedule.steps, options.seed)

    def steps() -> Iterator[Callable[[], Sequence[Group] | None]]:
        for step in range(schedule.steps):
            prompts = next(order).tolist()
            seeds = np.random.default_rng([options.seed, 1, step]).integers(2**32, size=len(prompts)).tolist()
            yield partial(_practised, student, teacher, practice, list(zip(prompts, seeds, strict=True)), next(beside))

    told = {"practice": asdict(replace(practice, choose=None)), "teacher": weights_digest(teacher.model)}
    return fit(student, steps(), schedule, options, fingerprint(told))


def _with_head(options: Options | None, teacher: HfTeacher, divergence: str) -> Options:
    options = options or Options(loss=SoftLoss(divergence))
    loss = options.loss if isinstance(options.loss, SoftLoss) else SoftLoss(divergence)
    return replace(options, loss=replace(loss, teacher_head=Head.of(teacher.model).detached()))


def with_hidden(teacher: HfTeacher, examples: Sequence[Example]) -> list[Group]:
    """Add the teacher's hidden states to rows."""
    hidden = hidden_states(teacher.model, examples)
    return [(replace(example, hidden_PD=states),) for example, states in zip(examples, hidden, strict=True)]


def _kept_in(
    mixture: Mixture | None, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, steps: int, seed: int
) -> Iterator[list[Group]]:
    """Yield the rows of text that stand beside the answers of every step."""
    if mixture is None:
        yield from ([] for _ in range(steps))
        return
    sources = [encode_for(model, tokenizer, source.rows) for source in mixture.sources]
    for drawn in mixture.draws(steps, seed):
        yield [(sources[index][row],) for index, row in drawn]


def _practised(
    student: PreTrainedModel,
    teacher: HfTeacher,
    practice: Practice,
    drawn: Sequence[tuple[int, int]],
    beside: Sequence[Group],
) -> list[Group] | None:
    """Let the student answer, and add the teacher's hidden states along its answers; None: no more are scored."""
    prompts, seeds = [practice.prompts[place] for place, _ in drawn], [seed for _, seed in drawn]
    stops = [practice.stops[place] if practice.stops else practice.decoding.stops for place, _ in drawn]
    written = complete_each(student, teacher.tokenizer, prompts, stops, practice.decoding, seeds)
    examples, answers = [], []
    for (place, _), answer in zip(drawn, written, strict=True):
        asked = encode_prompt(teacher.tokenizer, practice.prompts[place])
        examples.append(Example((*asked, *answer.ids), len(asked)))
        answers.append(Drawn(place, answer.text, len(asked) + len(answer.ids)))
    chosen = range(len(answers)) if practice.choose is None else practice.choose(answers)
    if chosen is None:
        return None
    return [*with_hidden(teacher, [examples[place] for place in chosen]), *beside]
