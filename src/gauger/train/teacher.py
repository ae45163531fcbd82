"""Lets a local model be asked as a teacher, as `elicit` wants it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from time import perf_counter

import torch
from torch import Tensor

from gauger.elicit import Reply, ReplyOutcome, Request, Steering, TokenChoices
from gauger.train.engine import Completion, Continuation, Model
from gauger.train.likelihood import hidden_states, token_logs, top_tokens
from gauger.train.rows import Prompt, answered
from gauger.train.steered import ModelSteer, ProxyStudent, steer_by


@dataclass(frozen=True)
class LocalTeacher:
    """A model of any engine as `elicit.teacher.messages.Teacher`."""

    name: str
    model: Model
    terms: str | None = None
    """Terms-of-use tag, such as the licence of its weights."""
    batch: int | None = None
    """Requests answered together; None: as suits the engine."""
    timed: bool = True
    """Whether replies say how long they took; False where what is kept of them must be the same every time."""
    chat: bool = True
    """Whether requests go through the model's chat template; else their messages, joined by blank lines, are continued
    as they stand."""
    proxy: ProxyStudent | None = None
    """What a defence that reads a student of its own has in the student's place."""
    steer: ModelSteer | None = None
    """How its next tokens are chosen otherwise; None: as the model does."""

    def steered(self, steering: Steering) -> LocalTeacher:
        """Return the teacher with its next tokens chosen otherwise."""
        return replace(self, steer=steer_by(steering, self.model, self.proxy))

    def ask(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        """Yield replies batch by batch; requests with the same settings and of similar length go together."""
        by_settings: dict[tuple[int, float, int], list[int]] = {}
        for index, request in enumerate(requests):
            settings = (request.max_tokens, request.temperature, request.top_log_probabilities)
            by_settings.setdefault(settings, []).append(index)
        for indices in by_settings.values():
            ordered = sorted(indices, key=lambda index: sum(len(turn.content) for turn in requests[index].messages))
            for first in range(0, len(ordered), self.batch or max(1, len(ordered))):
                part = ordered[first : first + (self.batch or len(ordered))]
                yield from zip(part, self._answer([requests[index] for index in part]), strict=True)

    def prompt_of(self, request: Request) -> Prompt:
        """Return what the model is given."""
        return request.messages if self.chat else "\n\n".join(message.content for message in request.messages)

    def _answer(self, requests: Sequence[Request]) -> list[Reply]:
        start, settings = perf_counter(), requests[0]
        prompts = [self.prompt_of(request) for request in requests]
        decoding = Continuation(settings.max_tokens, settings.temperature, self.batch, self.steer)
        seeds, stops = [request.seed for request in requests], [request.stop for request in requests]
        answers = self.model.complete(prompts, decoding, seeds, stops)
        choices: Sequence[tuple[TokenChoices, ...]] = [()] * len(answers)
        if settings.top_log_probabilities:
            choices = choices_of(self.model, prompts, answers, settings.top_log_probabilities, self.steer)
        seconds = perf_counter() - start if self.timed else 0.0
        return [_reply(answer, shown, seconds) for answer, shown in zip(answers, choices, strict=True)]


def _reply(answer: Completion, choices: tuple[TokenChoices, ...], seconds: float) -> Reply:
    return Reply(
        ReplyOutcome.ANSWERED if answer.ended else ReplyOutcome.TRUNCATED,
        answer.text,
        tokens_in=answer.tokens_in,
        tokens_out=answer.tokens_out,
        seconds=seconds,
        log_probabilities=choices,
        stop=answer.stop,
    )


@torch.no_grad()
def choices_of(
    model: Model,
    prompts: Sequence[Prompt],
    answers: Sequence[Completion],
    top_k: int,
    steer: ModelSteer | None = None,
) -> list[tuple[TokenChoices, ...]]:
    """Return, per answer, each of its tokens with its `top_k` alternatives and their log-probabilities.

    Parameters
    ----------
    model : Model
        Who answered; reads all texts once more.
    prompts : sequence of Prompt
        What was asked.
    answers : sequence of Completion
        What it answered, one per prompt.
    top_k : int
        Alternatives at each token, at least 1; at most as many as the model's head has rows.
    steer : ModelSteer, optional
        How the tokens were chosen otherwise: the log-probabilities are then of what was drawn from, for the model's own
        would show what the defence changed.

    Returns
    -------
    list of tuple of TokenChoices
        One per token of an answer, its end mark or stop included; log-probabilities in nats at temperature 1, whatever
        the answer was drawn with. Empty for an empty answer.

    Notes
    -----
    Proof: tests/train/test_teacher.py.
    """
    asked = [model.encode_prompt(prompt) for prompt in prompts]
    rows = answered(asked, [answer.ids for answer in answers])
    hidden_PD = hidden_states(model, rows)
    if steer is not None:
        return _steered_choices(model, hidden_PD, asked, answers, min(top_k, len(model.head().weight_VD)), steer)
    token_PK, log_PK = top_tokens(model, hidden_PD, top_k)
    k = token_PK.shape[1]
    own = [token for answer in answers for token in answer.ids]
    texts, others = model.token_texts(own), model.token_texts(token_PK.reshape(-1).tolist())
    chosen = [
        TokenChoices(text, log, tuple(zip(others[place * k : (place + 1) * k], logs, strict=True)))
        for place, (text, log, logs) in enumerate(
            zip(texts, token_logs(model, rows).tolist(), log_PK.tolist(), strict=True)
        )
    ]
    ends = [0, *rows.n_learnt.cumsum().tolist()]
    return [tuple(chosen[a:b]) for a, b in pairwise(ends)]


def _steered_choices(
    model: Model,
    hidden_PD: Tensor,
    asked: Sequence[Sequence[int]],
    answers: Sequence[Completion],
    top_k: int,
    steer: ModelSteer,
) -> list[tuple[TokenChoices, ...]]:
    """Return the same of what was drawn from: the steering is asked again at every token."""
    head, shown, first = model.head(), [], 0
    for prompt, answer in zip(asked, answers, strict=True):
        length = len(answer.ids)
        contexts = [[*prompt, *answer.ids[:place]] for place in range(length)]
        hidden_TD = hidden_PD[first : first + length].to(head.weight_VD.device)
        first += length
        logs_TV = steer(head.logits(hidden_TD), contexts).log_softmax(dim=-1).cpu() if length else torch.empty(0, 1)
        both = zip(answer.ids, logs_TV, strict=True)
        shown.append(tuple(_choice(model, token, logs_V, top_k) for token, logs_V in both))
    return shown


def _choice(model: Model, token: int, logs_V: Tensor, top_k: int) -> TokenChoices:
    best = logs_V.topk(top_k)
    others = zip(model.token_texts(best.indices.tolist()), best.values.tolist(), strict=True)
    return TokenChoices(model.token_texts([token])[0], float(logs_V[token]), tuple(others))
