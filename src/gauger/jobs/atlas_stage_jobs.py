"""The functions behind the jobs of stages in which the student itself writes (embedded world).

Parameters and input directories in, files out, as in `jobs.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from torch import Tensor

from gauger.elicit.twin_elicitation import answer
from gauger.elicit.twin_samples import Corpus, Sample, ledger_of, read_texts
from gauger.elicit.twin_strategies import prompts_of, seed_questions
from gauger.elicit.twin_surface import Interface
from gauger.elicit.twin_teacher import Words
from gauger.jobs.atlas_jobs import Inputs, Params, asked, world_of
from gauger.jobs.trained import trained, write_training
from gauger.spec import Surface, TextSource
from gauger.store.atomic import write_json, write_parquet
from gauger.train.tiny.checkpoint import load, save
from gauger.train.tiny.corpora import rows_of
from gauger.train.tiny.loop import Schedule, train
from gauger.train.tiny.on_policy import ON_POLICY_LOSS, DecoderScorer, OnPolicy
from gauger.train.tiny.preference import DpoLoss, Pair, PairSource, draw_answers, judge
from gauger.train.tiny.reinforce import Groups, GrpoLoss
from gauger.train.tiny.rollout import Tokens
from gauger.train.tiny.rows import PAD, Mixture
from gauger.worlds.atlas import Atlas
from gauger.worlds.atlas.forms import content_keys
from gauger.worlds.atlas.language import BEGIN, END

Drawn = Counter[tuple[Tokens, Tokens]]
"""(prompt, answer) -> how often it was drawn."""


def gather_questions(params: Params, inputs: Inputs, out: Path) -> None:  # noqa: ARG001 - the runner's signature
    """Put together the prompts of a stage, with their true answers where they are used; nobody is asked."""
    atlas = world_of(params)
    samples = []
    for skill in params["skills"]:
        for question in seed_questions(atlas, skill, params["seeds"]):
            true = question.answer if params["answered"] else ()
            samples += [Sample(prompt, true, "label", "truth") for prompt in prompts_of(question, params["forms"])]
    order = np.random.default_rng(params["seed"]).permutation(len(samples))[: params["samples"]]
    Corpus(tuple(samples[i] for i in order)).write(out)
    write_parquet(out / "ledger.parquet", ledger_of([]))


# --- preference --------------------------------------------------------------------------------------------------


def draw_pairs(params: Params, inputs: Inputs, out: Path) -> None:
    """Draw the student's answers to every prompt, and pair a right one with a wrong one, as the judge has it."""
    atlas = world_of(params)
    language, rng = atlas.language, np.random.default_rng(params["seed"])
    judged = _judged(params, inputs)
    prompts = [(BEGIN, *language.ids(sample.prompt)) for sample in judged]
    drawn = draw_answers(load(inputs["start"]), prompts, params["candidates"], params["seed"])
    pairs, ledger = [], []
    for sample, answers in zip(judged, drawn, strict=True):
        ended = [given for given in answers if given[-1:] == (END,) and min(given[:-1], default=END + 1) > END]
        right = (*language.ids(sample.answer), END)
        pair = None if sample.dropped else judge(ended, right, rng)
        said = [language.words_of(given) for given in pair] if pair else [sample.answer]
        if pair:
            pairs.append((sample.prompt, *said))
        ledger += _ledger_of_pair(atlas, sample, said)
    Corpus(tuple(ledger)).write(out)
    _write_pairs(pairs, out)
    write_json(out / "notes.json", [f"{len(pairs)} of {len(judged)} prompts gave a right and a wrong answer"])


def _judged(params: Params, inputs: Inputs) -> list[Sample]:
    """Return the prompts with what the judge holds to be the answer; `dropped` where it gave none."""
    texts = read_texts(inputs["questions"])
    if "judge" not in inputs:
        return [Sample(prompt, true, "preference", TextSource.STUDENT) for prompt, true, _ in texts]
    prompts = [Sample(prompt, (), "preference", TextSource.STUDENT) for prompt, _, _ in texts]
    interface = Interface(asked(params, inputs["judge"], params["judge"]), Surface.model_validate(params["surface"]))
    return answer(interface, prompts, params["seed"])


def _ledger_of_pair(atlas: Atlas, judged: Sample, said: Sequence[Words]) -> list[Sample]:
    """Write down both answers of a pair, the judge's request with the first; a prompt without a pair is dropped."""
    rows = [_student_wrote(atlas, judged.prompt, words, "preference") for words in said]
    rows[0] = replace(
        rows[0],
        teacher=judged.teacher,
        queries=judged.queries,
        tokens_in=judged.tokens_in,
        tokens_out=judged.tokens_out,
        dropped=None if len(said) == 2 else judged.dropped or "no pair",
    )
    return rows


def _student_wrote(atlas: Atlas, prompt: Words, words: Words, strategy: str) -> Sample:
    """Return the ledger's row of a text that the student wrote, with the contents that it touches."""
    overlaps = content_keys((*prompt, *words)) & atlas.splits.held_out
    seeds = tuple(sorted(content_keys(prompt)))
    return Sample(prompt, words, strategy, TextSource.STUDENT, seed_ids=seeds, overlaps=tuple(sorted(overlaps)))


def _write_pairs(pairs: Sequence[tuple[Words, ...]], out: Path) -> None:
    rows = [[" ".join(words) for words in pair] for pair in pairs]
    table = pl.DataFrame(rows, {"prompt": pl.String, "answer": pl.String, "rejected": pl.String}, orient="row")
    write_parquet(out / "corpus.parquet", table)


def train_on_pairs(params: Params, inputs: Inputs, out: Path) -> None:
    """Train a student to prefer (DPO); one that gave no pair of a right and a wrong answer stays as it is."""
    language = world_of(params).language
    table = pl.read_parquet(inputs["corpus"] / "corpus.parquet")
    pairs = [
        Pair((BEGIN, *language.ids(prompt.split())), *((*language.ids(a.split()), END) for a in (chosen, rejected)))
        for prompt, chosen, rejected in table.iter_rows()
    ]
    model, per_batch = load(inputs["start"]), params["batch"] // 2
    if not pairs:  # the stage has nothing to say to this student, and leaves it as it is
        save(model, out)
        write_training(out, [trained(TextSource.STUDENT, [], [])], [])
        return
    source = PairSource(pairs, model, per_batch)
    losses = train(model.train(), source, _schedule(params), params["seed"], DpoLoss(params["beta"]))
    lengths = [len(pair.prompt) + len(given) for pair in pairs for given in (pair.chosen, pair.rejected)]
    save(model, out)
    write_training(out, [trained(TextSource.STUDENT, lengths, np.repeat(source.drawn, 2))], losses)


# --- on-policy distillation and reinforcement --------------------------------------------------------------------


@dataclass(frozen=True)
class BudgetedScorer:
    """A teacher behind its surface, as a scorer: shows what the surface shows, until the budget is spent."""

    shows: DecoderScorer
    interface: Interface

    def admit(self, lengths: Sequence[int]) -> int:
        """Take as many texts as the budget allows."""
        return self.interface.read(lengths)

    def score(self, tokens_BT: Tensor, learnt: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the surface shows."""
        return self.shows.score(tokens_BT, learnt)


def train_on_policy(params: Params, inputs: Inputs, out: Path) -> None:
    """Train a student on its own samples, scored by the teacher (or by the base, as a placebo)."""
    atlas = world_of(params)
    model, scorer = load(inputs["start"]).train(), asked(params, inputs["scorer"], params["scorer"])
    surface = Surface.model_validate(params["surface"])
    interface = Interface(scorer, surface)
    limits = [k for k in (params["top_k"], surface.top_k) if k is not None]
    shows = BudgetedScorer(DecoderScorer(scorer.model, min(limits, default=None)), interface)
    n_web = round(params["web_share"] * params["batch"])
    web = rows_of(atlas.language, [(text.prompt, text.answer, True) for text in atlas.web])
    kept_in = Mixture((web,), (n_web,)) if n_web else None
    source = OnPolicy(model, _prompts(params, inputs), shows, params["batch"] - n_web, kept_in)
    losses = train(model, source, _schedule(params), params["seed"], ON_POLICY_LOSS)
    save(model, out)
    _write_own(atlas, source.drawn, out, strategy="on-policy-distill", teacher=params["scorer"])
    sources = [_own(source.drawn)]
    if n_web:
        lengths = (web.tokens_NT != PAD).sum(axis=1)
        sources.append(trained(None, lengths, np.full(len(web), n_web * len(losses) / len(web))))
    notes = [] if len(losses) == params["steps"] else [f"{len(losses)} of {params['steps']} steps: the budget is spent"]
    write_json(out / "notes.json", notes)
    write_training(out, sources, losses)


def train_on_rewards(params: Params, inputs: Inputs, out: Path) -> None:
    """Train a student on its own samples, rewarded where they are true (GRPO)."""
    atlas = world_of(params)
    language, model = atlas.language, load(inputs["start"]).train()
    questions = [
        ((BEGIN, *language.ids(prompt)), (*language.ids(true), END)) for prompt, true, _ in read_texts(inputs["corpus"])
    ]
    reference = load(inputs["start"])
    source = Groups(model, reference, questions, params["group"], params["batch"], params["updates"])
    loss = GrpoLoss(params["clip"], params["kl_weight"])
    losses = train(model, source, _schedule(params), params["seed"], loss)
    save(model, out)
    _write_own(atlas, source.drawn, out, strategy="rl", teacher=None)
    times = params["steps"] / len(source.rewards)
    write_training(out, [_own(source.drawn, times)], losses, rewards=source.rewards)


def _schedule(params: Params) -> Schedule:
    return Schedule(params["steps"], params["learning_rate"])


def _prompts(params: Params, inputs: Inputs) -> list[Tokens]:
    language = world_of(params).language
    return [(BEGIN, *language.ids(prompt)) for prompt, _, _ in read_texts(inputs["corpus"])]


def _own(drawn: Drawn, times: float = 1.0) -> dict[str, object]:
    """Count the student's own samples, each trained on `times` as often as it was drawn."""
    lengths = [len(prompt) + len(given) for prompt, given in drawn]
    return trained(TextSource.STUDENT, lengths, times * np.array(list(drawn.values())))


def _write_own(atlas: Atlas, drawn: Drawn, out: Path, *, strategy: str, teacher: str | None) -> None:
    """Write the ledger of the student's own samples: a row per text, with how often somebody was asked about it."""
    language, rows = atlas.language, []
    for (prompt, given), count in drawn.items():
        said = _student_wrote(atlas, language.words_of(prompt), language.words_of(given), strategy)
        asked_about = count if teacher else 0
        tokens = asked_about * (len(prompt) + len(given))
        rows.append(replace(said, teacher=teacher, queries=asked_about, tokens_in=tokens))
    write_parquet(out / "ledger.parquet", ledger_of(rows))
