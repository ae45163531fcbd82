"""Models of language jobs: read from earlier jobs, trained, and asked as teachers of any kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gauger.elicit.api.endpoint import OpenAIEndpoint, parse_teacher
from gauger.elicit.api.pacing import Pace
from gauger.elicit.teacher.budget import Admission, Budget
from gauger.elicit.teacher.journalled import Journalled
from gauger.elicit.teacher.messages import ChatReply, ChatRequest, ChatTeacher, Message, ReplyOutcome
from gauger.elicit.teacher.prices import Prices
from gauger.elicit.teacher.replay import Replay
from gauger.measure.decoder import Said
from gauger.spec import Surface
from gauger.store.atomic import read_json, write_json
from gauger.store.canonical import fingerprint
from gauger.train.hf.decode import Decoding, complete
from gauger.train.hf.loop import Options, Schedule, Trained, train
from gauger.train.hf.lora import Lora, merge
from gauger.train.hf.losses import Loss, NextToken
from gauger.train.hf.models import materialise
from gauger.train.hf.rows import Mixture
from gauger.train.hf.saving import load_model, save

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from gauger.train.hf.decode import Completion

Params = Mapping[str, Any]
Inputs = Mapping[str, Path]
_ELSEWHERE = "checkpoint.json"


def put_model(reference: str, out: Path) -> None:
    """Make a packaged model a checkpoint in `out`; of a checkpoint of the user's only its place is kept."""
    found = materialise(reference, out)
    if found != out:
        write_json(out / _ELSEWHERE, {"path": str(found)})


def read_model(inputs: Inputs, role: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Read the model that an input holds: full weights, or an adapter of the input `base`."""
    base, model = _checkpoint(inputs["base"]), _checkpoint(inputs[role])
    return load_model(base, None if model == base else model)


def _checkpoint(directory: Path) -> Path:
    elsewhere = directory / _ELSEWHERE
    return Path(read_json(elsewhere)["path"]) if elsewhere.exists() else directory


def train_model(
    params: Params,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    mixture: Mixture,
    loss: Loss | None = None,
) -> Trained:
    """Train as a job's parameters say."""
    return train(model, tokenizer, mixture, schedule_of(params), options_of(params, loss or NextToken()))


def schedule_of(params: Params) -> Schedule:
    """Return the steps and the learning rate of a job."""
    return Schedule(params["steps"], params["learning_rate"])


def options_of(params: Params, loss: Loss) -> Options:
    """Return the other settings of a job's training."""
    lora = params["lora"] and Lora(params["lora"]["rank"], params["lora"]["alpha"], layers=params["lora"]["layers"])
    return Options(params["seed"], loss, lora or None)


def keep(model: PreTrainedModel | PeftModel, tokenizer: PreTrainedTokenizerBase, inputs: Inputs, out: Path) -> None:
    """Write what a training left; an adapter alone only where it belongs to the base itself, else full weights."""
    started_from_base = _checkpoint(inputs["start"]) == _checkpoint(inputs["base"])
    save(model if started_from_base else merge(model), tokenizer, out)


def summary(mixture: Mixture, steps: int, trained: Trained) -> dict[str, Any]:
    """Summarise a training run for the ledger: rows of each source, tokens, losses.

    A source's tokens are its share of all tokens trained on, in proportion to its rows.
    """
    mean = trained.n_tokens / max(1, steps * sum(mixture.rows_per_batch))
    return {
        "sources": [
            {"rows": count * steps, "unique_rows": len(source.rows), "mean_tokens": mean}
            for source, count in zip(mixture.sources, mixture.rows_per_batch, strict=True)
        ],
        "first_loss": float(np.mean(trained.losses[:10])),
        "last_loss": float(np.mean(trained.losses[-10:])),
    }


@dataclass(frozen=True)
class Plain:
    """A model that continues prompts as they stand (`chat`: in its template); a `ChatTeacher` and a `Decoder`."""

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    budget: Budget | None = None
    terms: str | None = None
    chat: bool = False

    def complete(
        self, prompts: Sequence[str], max_new_tokens: int, temperature: float, seed: int, stops: Sequence[str]
    ) -> list[Completion]:
        """Continue each prompt."""
        decoding = Decoding(max_new_tokens, temperature, tuple(stops))
        return complete(self.model, self.tokenizer, [self._shown(prompt) for prompt in prompts], decoding, seed)

    def _shown(self, prompt: str) -> str | tuple[Message, ...]:
        return (Message("user", prompt),) if self.chat else prompt

    def ask(self, requests: Sequence[ChatRequest]) -> Iterator[tuple[int, ChatReply]]:
        """Reply to the last message of each request that the budget allows."""
        groups: dict[Decoding, list[int]] = {}
        for index, request in enumerate(requests):
            if self.budget is not None and self.budget.reserve(request) is not Admission.GRANTED:
                break
            groups.setdefault(Decoding(request.max_tokens, request.temperature, request.stop), []).append(index)
        for decoding, group in groups.items():
            prompts = [self._shown(requests[i].messages[-1].content) for i in group]
            found = complete(self.model, self.tokenizer, prompts, decoding, [requests[i].seed for i in group])
            for index, completion in zip(group, found, strict=True):
                yield index, self._reply(requests[index], completion)

    def _reply(self, request: ChatRequest, completion: Completion) -> ChatReply:
        outcome = ReplyOutcome.ANSWERED if completion.ended else ReplyOutcome.TRUNCATED
        tokens_in, tokens_out = completion.tokens_in, completion.tokens_out
        reply = ChatReply(outcome, completion.text, tokens_in=tokens_in, tokens_out=tokens_out)
        if self.budget is not None:
            self.budget.charge(request, reply)
        return reply


@dataclass(frozen=True)
class Asked:
    """A teacher behind an interface as a `Decoder`: what it does not answer is an answer that did not end."""

    teacher: ChatTeacher

    def complete(
        self, prompts: Sequence[str], max_new_tokens: int, temperature: float, seed: int, stops: Sequence[str]
    ) -> list[Said]:
        """Ask each prompt."""
        requests = [
            ChatRequest((Message("user", prompt),), max_new_tokens, temperature, seed, tuple(stops))
            for prompt in prompts
        ]
        replies, nothing = dict(self.teacher.ask(requests)), ChatReply(ReplyOutcome.FAILED)
        found = [replies.get(index, nothing) for index in range(len(requests))]
        return [Said(r.text, r.outcome is ReplyOutcome.ANSWERED, r.tokens_in, r.tokens_out) for r in found]


def make_teacher(params: Params, inputs: Inputs, out: Path, role: str) -> Plain | ChatTeacher:
    """Make the teacher that a job's parameters describe, behind its surface's budgets."""
    described, surface = params["teacher"], Surface.model_validate(params.get("surface", {}))
    if described["kind"] == "checkpoint":
        budget = Budget(surface.max_queries, surface.max_tokens)
        chat = params["world"]["chat"]
        return Plain("teacher", *read_model(inputs, role), budget, described["terms"] or None, chat)
    if described["kind"] == "replay":
        return Replay(Path(described["directory"]))
    return Journalled(_endpoint(described, surface), _journal(params, out))


def _endpoint(described: Mapping[str, Any], surface: Surface) -> OpenAIEndpoint:
    price_in, price_out = described["usd_per_million_in"], described["usd_per_million_out"]
    prices = None if price_in is None or price_out is None else Prices(price_in, price_out)
    budget = Budget(surface.max_queries, surface.max_tokens, surface.max_usd, prices)
    pace = Pace(described["concurrency"], described["requests_per_minute"], described["tokens_per_minute"])
    address = parse_teacher(f"{described['url']}#{described['model']}")
    return OpenAIEndpoint(address, budget, pace, terms=described["terms"] or None)


def _journal(params: Params, out: Path) -> Path:
    """Place the journal of paid replies outside the job's own directory: a killed job finds it again."""
    journals = out.parent.parent / "journals"
    journals.mkdir(exist_ok=True)
    return journals / f"{fingerprint(dict(params))[:32]}.jsonl"
