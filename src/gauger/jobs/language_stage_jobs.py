"""The functions behind the jobs of stages in which a language model itself writes: its prompts, on-policy distillation.

Parameters and input directories in, files out, as in `stage_jobs.py` for the embedded world.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gauger.elicit.twin_text_samples import TextSample, read_text_rows, write_ledger, write_texts
from gauger.errors import GaugerError
from gauger.jobs.language_jobs import common_rows, row_of, token_counter, world_of
from gauger.jobs.language_models import Inputs, Params, keep, options_of, read_model, schedule_of
from gauger.jobs.trained import trained, write_training
from gauger.spec import TextSource
from gauger.store.atomic import write_json
from gauger.train.hf.decode import Decoding
from gauger.train.hf.distil import Drawn, Practice
from gauger.train.hf.distil import train_on_policy as practise
from gauger.train.hf.losses import SoftLoss
from gauger.train.hf.rows import Mixture, encode_for
from gauger.train.hf.teacher import HfTeacher, require_same_vocabulary
from gauger.worlds.language import FORMS, TextWorld

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Sampled = Counter[tuple[int, str, int]]
"""(prompt's place, answer, tokens of both) -> how often the student wrote it."""


def gather_questions(params: Params, inputs: Inputs, out: Path) -> None:  # noqa: ARG001 - the runner's signature
    """Put together the prompts of a stage, with their true answers where they are used; nobody is asked."""
    world = world_of(params)
    questions = [q for task in params["skills"] for q in world.questions_from(params["seeds"], task)]
    samples = {
        text.prompt: TextSample(text.prompt, text.answer if params["answered"] else "", "label", "truth")
        for text in world.word(questions, params["forms"])
    }
    if not samples:
        asked, forms = ", ".join(params["skills"]), ", ".join(params["forms"])
        raise GaugerError(f"no question on {asked} from seeds {params['seeds']} can be put as {forms}")
    order = np.random.default_rng(params["seed"]).permutation(len(samples))[: params["samples"]]
    chosen = list(samples.values())
    write_texts([chosen[i] for i in order], out, token_counter(None), ())
    write_ledger([], out, token_counter(None))  # what counts is what the student will write


def form_of(world: TextWorld, prompt: str) -> str:
    """Return the form that a prompt of the world's own is in."""
    found = world.read(prompt)
    if found is None:
        raise GaugerError(f"no question of this world is in the prompt {prompt!r}")
    return found[0]


def student_wrote(world: TextWorld, prompt: str, text: str, strategy: str) -> TextSample:
    """Return the ledger's row of a text that the student wrote, with the contents that it touches."""
    seeds, overlaps = sorted(world.content_keys(prompt)), sorted(world.overlaps(prompt + text))
    return TextSample(prompt, text, strategy, TextSource.STUDENT, seed_ids=tuple(seeds), overlaps=tuple(overlaps))


@dataclass
class Room:
    """What is left of a surface's budgets for having given texts scored: a query each, its tokens read."""

    queries: int | None
    tokens: int | None

    @classmethod
    def of(cls, surface: Mapping[str, int | None]) -> Room:
        """Return the whole budget of a surface."""
        return cls(surface["max_queries"], surface["max_tokens"])

    def admit(self, lengths: Sequence[int]) -> int:
        """Take as many texts of these lengths in tokens, from the first, as still fit; returns how many."""
        fits = len(lengths) if self.queries is None else min(len(lengths), self.queries)
        if self.tokens is not None:
            fits = int(np.searchsorted(np.cumsum(lengths[:fits]), self.tokens, side="right"))
            self.tokens -= sum(lengths[:fits])
        if self.queries is not None:
            self.queries -= fits
        return fits


@dataclass(frozen=True)
class Scored:
    """Which of the student's own samples are scored: those that touch nothing held out, until the budget is spent."""

    overlaps: Callable[[Drawn], bool]
    room: Room
    counts: Sampled = field(default_factory=Counter)
    """(prompt, answer, tokens of both) -> how often it was scored."""
    refused: Sampled = field(default_factory=Counter)
    """The same of samples that touch held-out content; they are not trained on."""

    def choose(self, drawn: Sequence[Drawn]) -> list[int] | None:
        """Return the places of a step's samples that are scored; None where the budget allows none of them."""
        clean = [place for place, one in enumerate(drawn) if not self.overlaps(one)]
        taken = clean[: self.room.admit([drawn[place].n_tokens for place in clean])]
        if clean and not taken:
            return None
        refused = sorted({*range(len(drawn))} - {*clean})
        for counter, places in ((self.counts, taken), (self.refused, refused)):
            counter.update((drawn[at].prompt, drawn[at].text, drawn[at].n_tokens) for at in places)
        return taken


def train_on_policy(params: Params, inputs: Inputs, out: Path) -> None:
    """Train a student on its own samples, scored by the teacher (or by the base, as a placebo)."""
    world = world_of(params)
    prompts = [prompt for prompt, _, _ in read_text_rows(inputs["corpus"])]
    model, tokenizer = read_model(inputs, "start")
    scorer = _scorer(params, inputs, tokenizer)
    scored = Scored(lambda one: bool(world.overlaps(prompts[one.prompt] + one.text)), Room.of(params["surface"]))
    web, n_web = common_rows(world), round(params["web_share"] * params["batch"])
    practice = Practice(
        tuple(row_of(params, prompt, "", False).prompt for prompt in prompts),
        params["batch"] - n_web,
        Decoding(params["max_new_tokens"], temperature=1.0),
        tuple(FORMS[form_of(world, prompt)].stops for prompt in prompts),
        Mixture((web,), (n_web,)) if n_web else None,
        scored.choose,
    )
    limits = [k for k in (params["top_k"], params["surface"]["top_k"]) if k is not None]
    top_k = min(*limits, len(tokenizer)) if limits else None
    options = options_of(params, SoftLoss("reverse-kl", top_k=top_k))
    found = practise(model, tokenizer, scorer, practice, schedule_of(params), options)
    keep(found.model, tokenizer, inputs, out)
    write_ledger(_ledger(world, prompts, scored, params["scorer"]), out, token_counter(scorer))
    web_lengths = [len(example.ids) for example in encode_for(model, tokenizer, web.rows)] if n_web else []
    write_training(out, _sources(scored, web_lengths, n_web * len(found.losses)), found.losses)
    short = len(found.losses) < params["steps"]
    notes = [f"{len(found.losses)} of {params['steps']} steps: the budget is spent"] if short else []
    write_json(out / "notes.json", notes)


def _scorer(params: Params, inputs: Inputs, tokenizer: PreTrainedTokenizerBase) -> HfTeacher:
    """Return who scores; it reads the student's tokens, and so its chat template."""
    model, own = read_model({"scorer": inputs["scorer"], "base": inputs["scorer_base"]}, "scorer")
    require_same_vocabulary(own, tokenizer)
    return HfTeacher(params["scorer"], model, tokenizer)


def _sources(scored: Scored, web_lengths: Sequence[int], web_rows: int) -> list[dict[str, object]]:
    """Count the student's own samples, and the rows of common text beside them."""
    lengths = [n_tokens for _, _, n_tokens in scored.counts]
    sources = [trained(TextSource.STUDENT, lengths, list(scored.counts.values()))]
    if web_rows:
        sources.append(trained(None, web_lengths, np.full(len(web_lengths), web_rows / len(web_lengths))))
    return sources


def _ledger(world: TextWorld, prompts: Sequence[str], scored: Scored, teacher: str) -> list[TextSample]:
    """Return a row per text that the student wrote, with how often somebody was asked about it."""
    rows = []
    for (place, text, n_tokens), count in scored.counts.items():
        said = student_wrote(world, prompts[place], text, "on-policy-distill")
        rows.append(replace(said, teacher=teacher, queries=count, tokens_in=count * n_tokens))
    refused = [student_wrote(world, prompts[place], text, "on-policy-distill") for place, text, _ in scored.refused]
    return rows + [replace(said, dropped="overlap") for said in refused]
